"""What the server must be before the shop trusts it: new enough, durable, and at the right schema."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from kassa.adapters.sql import revision
from kassa.ports.errors import SchemaBehind, SettingRefused

from .rows import Rows, first

if TYPE_CHECKING:
    from sqlalchemy import Connection

_OLDEST: Final = 150000
_SETTINGS: Final = """
SELECT current_setting('server_version_num')::int AS version, current_setting('synchronous_commit') AS commits,
       current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_pages"""
_HAS_REVISION: Final = "SELECT to_regclass('alembic_version') IS NOT NULL"
_REVISION: Final = "SELECT version_num FROM alembic_version"
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('kassa schema'))"


async def refuse_unsafe_server(read: Callable[[str], Awaitable[Rows]], *, allow_unsafe: bool) -> None:
    """Raises `SettingRefused` on a server that is too old or may lose what it acknowledged."""
    server = (await read(_SETTINGS))[0]
    if server.version < _OLDEST:
        raise SettingRefused(f"PostgreSQL {server.version // 10000} is too old: 15 or later is needed")
    if server.commits == "off":
        raise SettingRefused("synchronous_commit is off, so that acknowledged orders can vanish: set it to on")
    if not allow_unsafe and "off" in (server.fsync, server.full_pages):
        raise SettingRefused(f"fsync is {server.fsync} and full_page_writes is {server.full_pages}: set both to on")


async def refuse_other_schema(read: Callable[[str], Awaitable[Rows]]) -> None:
    """Raises `SchemaBehind` when the database is not at the revision of this program."""
    found = first(await read(_REVISION)) if first(await read(_HAS_REVISION)) else None
    wanted = revision.head()
    if found != wanted:
        raise SchemaBehind(
            f"the database is at {found or 'no schema'}, this program needs {wanted}: run `kassa migrate`"
        )


def upgrade(connection: "Connection") -> None:
    """Make the schema in an empty database, or run the migrations it lacks; whoever comes second waits."""
    from sqlalchemy import inspect

    from kassa.adapters.sql import schema

    connection.exec_driver_sql(_ONE_AT_A_TIME)
    if schema.current(connection) is None and not inspect(connection).get_table_names():
        schema.create_all(connection)
    else:
        schema.upgrade(connection)
