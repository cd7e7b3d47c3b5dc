"""The database: statements and short transactions, deadlines everywhere, healing without a restart."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self, TypeVar

import asyncpg

from kassa.ports.errors import SettingRefused

from . import connections
from .failures import is_lost, may_repeat, meaning
from .rows import Rows
from .settings import refuse_other_schema, refuse_unsafe_server, upgrade

T = TypeVar("T")
_TRIES = 4
"""How often a statement is sent that the server asks to have again (deadlock), the first time included."""


class Transaction:
    """One short transaction: statements on one connection, each with a snapshot of its own (READ COMMITTED)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def run(self, statement: str, *values: object) -> Rows:
        """Send one statement with `$1`, `$2` ... as `values`; its rows."""
        return await connections.fetch(self._connection, statement, values)


class PostgresDatabase:
    """A PostgreSQL database with the shop's tables. Errors leave it as `ports.errors`.

    Work goes on in a task of its own: a caller that is canceled leaves at once and tears nothing, and its connection
    returns to the pool when the statement has ended, at the latest after `command_timeout_s`.
    """

    def __init__(self, pool: Any, url: str, *, pool_s: float, connect_s: float, command_s: float) -> None:
        self._pool, self._url = pool, url
        self._pool_s, self._connect_s, self._command_s = pool_s, connect_s, command_s
        self._work: set[asyncio.Task[Any]] = set()

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        pool_size: int = 8,
        command_timeout_s: float = 5.0,
        connect_timeout_s: float = 3.0,
        pool_timeout_s: float = 3.0,
        allow_unsafe: bool = False,
        check_schema: bool = True,
    ) -> Self:
        """Connect once and look at the server.

        `pool_timeout_s` is how long a statement waits for a connection. `allow_unsafe` accepts a cluster that may lose
        data when the machine does (`fsync=off`): for tests. `check_schema=False` opens a database that `migrate` is
        about to bring up to date.
        Raises `Unavailable`, `SettingRefused` (the URL, below PostgreSQL 15, `synchronous_commit=off`), `SchemaBehind`.
        """
        try:
            pool = await connections.daily_pool(
                url, size=pool_size, connect_timeout_s=connect_timeout_s, command_timeout_s=command_timeout_s
            )
        except ValueError as error:
            raise SettingRefused(f"the database's URL cannot be used ({type(error).__name__})") from None
        database = cls(pool, url, pool_s=pool_timeout_s, connect_s=connect_timeout_s, command_s=command_timeout_s)
        try:
            await refuse_unsafe_server(database.read, allow_unsafe=allow_unsafe)
            if check_schema:
                await database.check_schema()
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Let running statements end, then close every connection."""
        if self._work:
            await asyncio.wait(self._work, timeout=self._command_s)
        await connections.close(self._pool, self._command_s)

    async def migrate(self) -> None:
        """Bring the schema to what this program was written for. Safe beside other instances that do the same."""
        await self._apart(self._guarded(self._migrate()))

    async def check_schema(self) -> None:
        """Whether the server answers and the schema fits. Raises `Unavailable`, `SchemaBehind` (saying what to run)."""
        await refuse_other_schema(self.read)

    async def read(self, statement: str, *values: object) -> Rows:
        """One statement without effect. Sent once more if the connection was lost."""
        return await self._apart(self._guarded(self._read(statement, values)))

    async def write(self, statement: str, *values: object) -> Rows:
        """One statement with effect, which is a transaction by itself. After `Unavailable` it may have happened."""
        return await self._apart(self._guarded(self._repeated(lambda: self._once(statement, values))))

    async def survey(self, statement: str) -> Rows:
        """One statement without effect that may take its time: an audit over everything."""
        return await self._apart(self._guarded(self._survey(statement)))

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Several statements, all or nothing. `work` awaits nothing but the transaction, and may be called again."""
        return await self._apart(self._guarded(self._repeated(lambda: self._transacted(work))))

    async def _read(self, statement: str, values: tuple[object, ...]) -> Rows:
        try:
            return await self._repeated(lambda: self._once(statement, values))
        except Exception as error:
            if not is_lost(error):
                raise
        return await self._once(statement, values)

    async def _once(self, statement: str, values: tuple[object, ...]) -> Rows:
        async with self._pool.acquire(timeout=self._pool_s) as connection:
            return await connections.fetch(connection, statement, values)

    async def _transacted(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self._pool.acquire(timeout=self._pool_s) as connection, connection.transaction():
            return await work(Transaction(connection))

    async def _survey(self, statement: str) -> Rows:
        async with connections.patient_connection(self._url, self._connect_s) as connection:
            return await connections.fetch(connection, statement, ())

    async def _migrate(self) -> None:
        engine = connections.patient_engine(self._url, self._connect_s)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(upgrade)
        finally:
            await engine.dispose()

    async def _repeated(self, attempt: Callable[[], Awaitable[T]]) -> T:
        for _ in range(_TRIES - 1):
            try:
                return await attempt()
            except asyncpg.PostgresError as error:
                if not may_repeat(error):
                    raise
        return await attempt()

    async def _guarded(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except Exception as error:
            translated = meaning(error)
            if translated is error:
                raise
            raise translated from None

    async def _apart(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return await asyncio.shield(task)
