"""`kassa plugins`, `kassa operator add`, `kassa audit verify`."""

from pathlib import Path

import msgspec

from kassa.adapters.main import log
from kassa.adapters.main.backroom import open_backroom
from kassa.adapters.main.settings import Settings
from kassa.adapters.main.store import open_store
from kassa.ports.audit import Origin
from kassa.ports.errors import SettingRefused
from kassa.ports.plugins import PluginStatus
from kassa.ports.secret import Secret

_LIVE = "Breakers and times are of this moment: a running shop tells its own at GET /v1/operator/plugins and /metrics."


async def plugin_report(settings: Settings, *, as_json: bool) -> tuple[str, bool]:
    """The state of every plugin and instance, whose health was asked once, and whether all that must be there are."""
    from kassa.adapters.main.methods import open_methods

    log.configure(settings)
    async with open_methods(settings) as methods:
        await methods.check_health()
        statuses = methods.statuses()
    fine = all(status.optional or status.instance is None or status.state == "loaded" for status in statuses)
    if as_json:
        return msgspec.json.format(msgspec.json.encode(statuses)).decode(), fine
    return f"{_table(statuses)}\n\n{_LIVE}", fine


async def checked(settings: Settings) -> str:
    """That these settings can be used, as a sentence. No database and no provider is asked.

    Raises `SettingRefused`: what cannot be, of the payment methods each."""
    from kassa.adapters.main.methods import open_methods

    log.configure(settings)
    wrong = _missing_folder(settings.statements.folder)
    async with open_methods(settings) as methods:
        for status in methods.statuses():
            if status.instance is not None and status.state != "loaded" and not status.optional:
                wrong.append(f"payments.{status.instance}: {status.state}: {status.reason}")
    if wrong:
        raise SettingRefused("; ".join(wrong))
    kind = "embedded" if settings.embedded else "production"
    return f"fine: {kind}, methods: {', '.join(settings.payments) or 'none'}"


def _missing_folder(folder: str) -> list[str]:
    return [f"statements.folder: there is no folder {folder}"] if folder and not Path(folder).is_dir() else []


def _table(statuses: tuple[PluginStatus, ...]) -> str:
    rows: list[tuple[str, ...]] = [
        ("plugin", "instance", "state", "distribution", "breaker", "health", "median/p95", "proved against, reason")
    ]
    rows += [_row(status) for status in statuses]
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[7]]).rstrip()
        for row in rows
    )


def _row(status: PluginStatus) -> tuple[str, ...]:
    activity = status.activity
    times = f"{activity.median_ms}/{activity.p95_ms} ms" if activity is not None and activity.calls else "-"
    return (
        f"{status.plugin} {status.driver}".rstrip(),
        (status.instance or "-") + (" (optional)" if status.optional else ""),
        status.state,
        f"{status.distribution} {status.version}".strip() or "-",
        status.breaker,
        activity.health if activity is not None else "-",
        times,
        "; ".join(
            filter(None, (status.proved, status.reason or (activity.last_failure if activity is not None else "")))
        ),
    )


async def add_operator(settings: Settings, email: str, password: str) -> str:
    """Create or promote; what was done, as a sentence."""
    async with open_backroom(settings) as back:
        origin = Origin(actor="system:command-line", request_id="operator-add")
        account = await back.identity.add_operator(email, Secret(password), origin)
    return f"{account.email} is an operator (account {account.id})"


async def violations(settings: Settings) -> tuple[str, ...]:
    """The rows of the invariant view."""
    async with open_store(settings, read_only=True) as store:
        return await store.audit.violations()
