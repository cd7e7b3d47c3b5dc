"""How the shop is connected: a pool for its daily work, and patient connections for migrations and audits.

Autocommit is PostgreSQL's own way, so a statement alone is one round trip: no BEGIN, no COMMIT, no ping before and no
reset after. The pool replaces connections that are known to be closed, without asking the server.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from .rows import Row, Rows

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_SESSION: Final = {"application_name": "kassa", "timezone": "UTC", "jit": "off"}
_BY_KEY: Final = {"enable_hashjoin": "off", "enable_mergejoin": "off"}
"""Daily statements all find rows by key: PostgreSQL takes a JSON list for 100 rows, and would rather read a table of
thousands than look up the one or two that are meant."""


async def daily_pool(url: str, *, size: int, connect_timeout_s: float, command_timeout_s: float) -> Any:
    """At most `size` connections, made when needed. The server's limits end a little before the client's, so that its
    reason is heard."""
    milliseconds = int(command_timeout_s * 1000)
    limits = {
        "statement_timeout": str(max(1, milliseconds * 9 // 10)),
        "lock_timeout": str(max(1, milliseconds * 8 // 10)),
        "idle_in_transaction_session_timeout": str(milliseconds),
    }
    return await asyncpg.create_pool(
        _plain(url),
        min_size=0,
        max_size=size,
        max_inactive_connection_lifetime=0,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=0,
        timeout=connect_timeout_s,
        command_timeout=command_timeout_s,
        reset=_leave_as_it_is,
        record_class=Row,
        server_settings={**_SESSION, **_BY_KEY, **limits},
    )


@asynccontextmanager
async def patient_connection(url: str, connect_timeout_s: float) -> AsyncIterator[Any]:
    """A connection without time limits, closed afterwards."""
    connection = await asyncpg.connect(
        _plain(url), timeout=connect_timeout_s, record_class=Row, server_settings=dict(_SESSION)
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=connect_timeout_s)


def patient_engine(url: str, connect_timeout_s: float) -> "AsyncEngine":
    """SQLAlchemy's way in, for the migrations; it keeps no connection. Loaded here: it is a third of a server's start."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    parsed = make_url(url).set(drivername="postgresql+asyncpg")
    arguments: dict[str, Any] = {"timeout": connect_timeout_s, "server_settings": dict(_SESSION)}
    if "sslmode" in parsed.query:
        arguments["ssl"] = parsed.query["sslmode"]
    return create_async_engine(
        parsed.difference_update_query(["sslmode"]), connect_args=arguments, hide_parameters=True, poolclass=NullPool
    )


async def fetch(connection: Any, statement: str, values: tuple[object, ...]) -> Rows:
    """Send one statement. A connection on which time ran out is broken off: its answer may still be on the way."""
    try:
        rows: Rows = await connection.fetch(statement, *values)
    except TimeoutError:
        connection.terminate()
        raise
    return rows


async def close(pool: Any, patience_s: float) -> None:
    """Say goodbye to the server; break off where it does not answer."""
    try:
        await asyncio.wait_for(pool.close(), patience_s)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        pool.terminate()


async def _leave_as_it_is(_connection: object) -> None:
    """Statements leave nothing behind in a session, so nothing needs to be reset."""


def _plain(url: str) -> str:
    """Without the driver's name that SQLAlchemy wants."""
    return url.replace("postgresql+asyncpg:", "postgresql:", 1)
