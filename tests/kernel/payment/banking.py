"""The bank desk over a till, and the statements that a bank of the test's own writes: `BankFile`s in JSON."""

from dataclasses import dataclass
from typing import Any

import msgspec

from kassa.adapters.sqlite.bank_files import SqliteBankFiles
from kassa.kernel.payment_lines_sight import Sights
from kassa.kernel.payment_lines_work import LineWork
from kassa.kernel.payment_statements import KernelBankDesk, StatementSweep
from kassa.ports.bank_desk import BankStatement, MatchKind, StatementReport
from kassa.ports.banking import BankFile, BankLine, BankReference
from tests.kernel.machine import SeededIds
from tests.kernel.payment.till import Till
from tests.kernel.world import OPERATOR, pence


@dataclass
class Desk:
    """The desk, its store and its sweep."""

    desk: KernelBankDesk
    files: SqliteBankFiles
    sweep: StatementSweep
    method: str = "bank"

    async def bring(self, *lines: BankLine, dry_run: bool = False, salt: str = "") -> StatementReport:
        """Import a file of these lines; `salt` makes it another file that tells the same."""
        given = BankStatement(method=self.method, name=f"march{salt}.json", data=written(*lines, salt=salt))
        return await self.desk.bring(given, OPERATOR, dry_run=dry_run)


def bank_desk(till: Till, method: str = "bank", confirms: tuple[MatchKind, ...] = ("virtual_account", "rf")) -> Desk:
    """A desk at which these kinds confirm."""
    files, methods, clock = SqliteBankFiles(till.world.database), till.cashier._methods, till.world.clock
    shared: dict[str, Any] = {"files": files, "clock": clock}
    sights = Sights(payments=till.world.payments, methods=methods, confirms={method: confirms}, **shared)
    work = LineWork(
        payments=till.world.payments,
        sights=sights,
        books=till.cashier.books,
        failpoints=till.world.failpoints,
        log=till.log,
        **shared,
    )
    return Desk(
        desk=KernelBankDesk(methods=methods, sights=sights, work=work, failpoints=till.world.failpoints, **shared),
        files=files,
        sweep=StatementSweep(work=work, ids=SeededIds(5), log=till.log, **shared),
        method=method,
    )


def written(*lines: BankLine, salt: str = "") -> bytes:
    """The file as the bank writes it."""
    return msgspec.json.encode(BankFile(account=f"GB00{salt}", lines=lines))


def credit(number: int = 1, amount: int = 1000, **more: Any) -> BankLine:
    """Money that came."""
    given = {"counterparty": "Ada Payer", "account": "GB29NWBK60161331926819", "booked_on": "2026-03-02", **more}
    return BankLine(
        id=f"REF{number}", place=f"line {number}", direction="credit", amount=given.pop("money", pence(amount)), **given
    )


def debit(number: int = 1, amount: int = 1000, **more: Any) -> BankLine:
    """Money that went."""
    return BankLine(id=f"OUT{number}", place=f"line {number}", direction="debit", amount=pence(amount), **more)


def to_account(number: str) -> tuple[BankReference, ...]:
    """Sent to a virtual account."""
    return (BankReference(kind="virtual_account", value=number),)
