"""Introduces the bank desk: statements in, by HTTP, by command or from a folder, and the sweep for what a crash left."""

from dataclasses import dataclass
from pathlib import Path

from kassa.adapters.main.backroom import Backroom
from kassa.adapters.main.settings import Settings
from kassa.adapters.main.statement_folder import StatementFolder
from kassa.kernel.payment_books import Books
from kassa.kernel.payment_lines_sight import Sights
from kassa.kernel.payment_lines_work import LineWork
from kassa.kernel.payment_statements import KernelBankDesk, StatementSweep
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.cashier import Sweep


@dataclass(frozen=True, kw_only=True)
class Banking:
    """What HTTP speaks to, and what the worker runs."""

    desk: KernelBankDesk
    sweeps: tuple[Sweep, ...]


def open_banking(settings: Settings, back: Backroom, methods: LoadedMethods, books: Books) -> Banking:
    """Nothing is opened: files are read by the methods, kept in the store, entered by the books. Raises `SettingRefused`."""
    store, outside = back.store, back.world
    sights = Sights(
        files=store.bank_files,
        payments=store.payments,
        methods=methods,
        clock=outside.clock,
        confirms={name: given.confirms for name, given in settings.payments.items()},
    )
    work = LineWork(
        files=store.bank_files,
        payments=store.payments,
        sights=sights,
        books=books,
        clock=outside.clock,
        failpoints=outside.failpoints,
        log=outside.log,
    )
    desk = KernelBankDesk(
        files=store.bank_files,
        methods=methods,
        sights=sights,
        work=work,
        clock=outside.clock,
        failpoints=outside.failpoints,
    )
    sweep = StatementSweep(files=store.bank_files, work=work, clock=outside.clock, ids=outside.ids, log=outside.log)
    return Banking(desk=desk, sweeps=(sweep, *_folders(settings, back, methods, desk)))


def _folders(
    settings: Settings, back: Backroom, methods: LoadedMethods, desk: KernelBankDesk
) -> tuple[StatementFolder, ...]:
    """The watched folder, if one is told. Raises `SettingRefused` when it is not there."""
    if not settings.statements.folder:
        return ()
    outside = back.world
    folder = StatementFolder(
        Path(settings.statements.folder),
        desk=desk,
        methods=tuple(method.name for method in methods.all() if method.capabilities.statements),
        settle_s=settings.statements.settle_s,
        clock=outside.clock,
        ids=outside.ids,
        failpoints=outside.failpoints,
        log=outside.log,
    )
    return (folder,)
