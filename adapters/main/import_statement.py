"""`kassa import-statement`: a bank's file into the shop, the whole file or nothing, with a report of every line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from kassa.adapters.main.backroom import open_backroom
from kassa.adapters.main.banking import open_banking
from kassa.adapters.main.methods import open_methods
from kassa.adapters.main.settings import Settings
from kassa.adapters.main.statement_folder import contents
from kassa.kernel.payment_books import Books
from kassa.kernel.payment_desk import ProviderDesk
from kassa.kernel.payment_statements import KernelBankDesk
from kassa.ports.audit import Origin
from kassa.ports.bank_desk import BankStatement, LineReport, StatementReport
from kassa.ports.errors import SettingRefused, UnknownMethod

ORIGIN = Origin(actor="system:import-statement", request_id="import-statement")


async def import_statement(
    settings: Settings, file: Path, *, method: str, form: str, dry_run: bool, as_json: bool
) -> str:
    """Import `file`; the report, for people or as JSON. Raises `StatementRefused` with the place, `NotCapable`,
    `SettingRefused`."""
    given = BankStatement(method=method, form=form, name=file.name[:200], data=_contents(file))
    async with _desk(settings) as desk:
        try:
            report = await desk.bring(given, ORIGIN, dry_run=dry_run)
        except UnknownMethod as error:
            named = f"no payment method is called {method!r}, or it did not load" if method else str(error)
            raise SettingRefused(f"--method: {named}; `kassa plugins` lists them") from None
    if as_json:
        return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
    return "\n".join(_told(report))


def _contents(file: Path) -> bytes:
    """Raises `SettingRefused`."""
    try:
        return contents(file)
    except OSError as error:
        raise SettingRefused(f"{file}: {error.strerror}") from None


@asynccontextmanager
async def _desk(settings: Settings) -> AsyncIterator[KernelBankDesk]:
    """The bank desk alone: what it needs of the shop, without HTTP and sweeps."""
    async with open_backroom(settings) as back, open_methods(settings) as methods:
        outside = back.world
        provider = ProviderDesk(
            methods=methods, clock=outside.clock, ids=outside.ids, public_url=settings.http.public_url
        )
        books = Books(
            payments=back.store.payments,
            desk=provider,
            methods=methods,
            clock=outside.clock,
            failpoints=outside.failpoints,
        )
        yield open_banking(settings, back, methods, books).desk


def _told(report: StatementReport) -> list[str]:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.verdicts.items()) or "no lines"
    head = f"would be: {counts}; nothing was written" if report.dry_run else counts
    lines = [_line(line) for line in report.lines]
    left = [f"{one.place}: left out: {one.reason}" for one in report.left_out]
    return [*lines, *left, f"{report.method} {report.account}".strip() + f": {head}"]


def _line(line: LineReport) -> str:
    sign = "+" if line.direction == "credit" else "-"
    waits = " (waits to be processed)" if line.state.value == "waiting" else ""
    payments = f" [payment {', '.join(map(str, line.payments))}]" if line.payments else ""
    payer = f" {line.payer!r}" if line.payer else ""
    return f"{line.place}: {sign}{line.amount}{payer}: {line.verdict}{payments}: {line.reason}{waits}"
