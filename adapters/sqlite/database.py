"""The embedded database: opening it alone and durably, and acts on it.

Everything runs on the event loop's own thread and never awaits inside an act, so an act is atomic for its
process by construction and for the file by its transaction. Before each act and each read the loop gets one
turn, so that concurrent requests interleave between acts here just as they do on a database server.
"""

import sqlite3
from collections.abc import AsyncIterator, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, event, insert, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from kassa.adapters.sql import rows, schema, tables
from kassa.ports.audit import AuditEntry
from kassa.ports.errors import SchemaBehind, SettingRefused, Unavailable
from kassa.ports.events import Event

from .failures import code_of, unavailable
from .lock import ADVISORY, FileLock

Parameters = Mapping[str, Any]

_OLDEST: Final = (3, 35)
"""RETURNING came with 3.35 (2021)."""

_NEXT_TX = update(tables.transactions).values(tx=tables.transactions.c.tx + 1).returning(tables.transactions.c.tx)
_ADD_AUDIT = insert(tables.audit)
_ADD_EVENT = insert(tables.outbox)


class Act:
    """One writing transaction. It ends with the `async with` that began it; nothing may be awaited inside."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached_property
    def tx(self) -> int:
        """The transaction's number: raised when first asked for, given back with a rollback."""
        number: int = self.connection.execute(_NEXT_TX).scalar_one()
        return number

    def run(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """Execute one statement."""
        return self.connection.execute(statement, parameters or {})

    def changed(self, statement: Executable, parameters: Parameters | None = None) -> int:
        """How many rows a write changed."""
        return self.run(statement, parameters).rowcount

    def many(self, statement: Executable, parameters: Sequence[Parameters]) -> None:
        """Execute one statement for each of `parameters`; for none, nothing."""
        if parameters:
            self.connection.execute(statement, parameters)

    def note(self, events: Iterable[Event], audit: AuditEntry) -> None:
        """Write the act's events and its audit entry, at the audit entry's moment."""
        self.many(_ADD_EVENT, [rows.event_values(event, audit.at, self.tx) for event in events])
        self.run(_ADD_AUDIT, rows.audit_values(audit, self.tx))


class SqliteDatabase:
    """One SQLite database, held by this process alone.

    `sqlite://` lives in memory. `sqlite:///shop.db` is a file (relative), `sqlite:////var/shop.db` (absolute): kept in
    WAL mode with `synchronous=FULL`, so that what was committed survives `kill -9` and a power cut.
    """

    def __init__(self, engine: Engine, connection: Connection, path: str, lock: FileLock | None) -> None:
        self.engine, self.connection, self._path, self._lock = engine, connection, path, lock

    @classmethod
    def open(cls, url: str, *, read_only: bool = False) -> "SqliteDatabase":
        """Open, lock and migrate; `read_only` looks into a database that another process may hold, and changes nothing.

        Raises `SettingRefused` (not an address, not a database, no such folder), `Unavailable` (another process has it),
        `SchemaBehind` (made by a newer program, or `read_only` and not migrated yet).
        """
        address = _address(url)
        engine = create_engine(
            address, poolclass=StaticPool, isolation_level="AUTOCOMMIT", connect_args={"timeout": 1.0}
        )
        event.listen(engine, "connect", _prepare_to_look if read_only else _prepare)
        path = address.database or "in memory"
        if read_only and not Path(path).is_file():
            raise SettingRefused(f"the database {path} is not there")
        lock = None if read_only else FileLock(address.database or "")
        try:
            connection = engine.connect()
            database = cls(engine, connection, path, lock)
            if read_only:
                database._check_revision(schema.current(connection))
            else:
                database._migrate()
        except BaseException as error:
            engine.dispose()
            if lock is not None:
                lock.release()
            if isinstance(error, DBAPIError):
                raise _refusal(error, path) from error
            raise
        return database

    async def check(self) -> None:
        """Raises `Unavailable` when the database cannot be read."""
        async with self.reading() as connection:
            connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Let go of the file. Closing twice does no harm."""
        self.connection.close()
        self.engine.dispose()
        if self._lock is not None:
            self._lock.release()

    @asynccontextmanager
    async def act(self) -> AsyncIterator[Act]:
        """A writing transaction: committed at the end of the block, rolled back when it raises."""
        await _Turn()
        with unavailable(self._path):
            self.connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield Act(self.connection)
                self.connection.exec_driver_sql("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """One or more reads of one state of the database."""
        await _Turn()
        with unavailable(self._path):
            yield self.connection

    def _roll_back(self) -> None:
        # A full disk or a failed write may have ended the transaction already.
        driver = self.connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection) and driver.in_transaction:
            self.connection.exec_driver_sql("ROLLBACK")

    def _migrate(self) -> None:
        self.connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            found = schema.current(self.connection)
            if found is None:
                schema.create_all(self.connection)
            elif found < schema.head():
                schema.upgrade(self.connection)
            else:
                self._check_revision(found)
            self.connection.exec_driver_sql("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _check_revision(self, found: str | None) -> None:
        if found != schema.head():
            raise SchemaBehind(
                f"{self._path} is at revision {found or 'none'}; this program knows {schema.head()}: "
                "start the newer of the two programs"
            )


class _Turn:
    """Lets every other ready task run once."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def _address(url: str) -> URL:
    if sqlite3.sqlite_version_info < _OLDEST:
        raise SettingRefused(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed")
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise SettingRefused(f"the database address cannot be read: {error}") from error
    if address.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise SettingRefused(f"not a SQLite address: {address.drivername}")
    if address.database not in (None, "", ":memory:"):
        folder = Path(str(address.database)).resolve().parent
        if not folder.is_dir():
            raise SettingRefused(f"the database address names a folder that is not there: {folder}")
    return address


def _prepare(driver: sqlite3.Connection, _record: object) -> None:
    """Settings of the one connection. Where no lock beside the file keeps others out, SQLite's own does, readers too."""
    if not ADVISORY:
        driver.execute("PRAGMA locking_mode = EXCLUSIVE")
    driver.execute("PRAGMA journal_mode = WAL")
    driver.execute("PRAGMA synchronous = FULL")
    driver.execute("PRAGMA foreign_keys = ON")
    driver.create_function("kassa_fold", 1, _fold, deterministic=True)


def _prepare_to_look(driver: sqlite3.Connection, _record: object) -> None:
    """Settings of a connection beside the one that writes."""
    driver.execute("PRAGMA query_only = ON")
    driver.create_function("kassa_fold", 1, _fold, deterministic=True)


def _fold(text: str) -> str:
    return text.casefold()


def _refusal(error: DBAPIError, path: str) -> SettingRefused | Unavailable:
    code = code_of(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable(f"the database {path} is in use by another process: stop that one first")
    return SettingRefused(f"the database {path} cannot be used: {error.orig}")
