"""The schema: made at once for an empty database, or brought to its newest revision by migrations.

All functions are synchronous and take a SQLAlchemy `Connection` whose transaction belongs to the caller
(PostgreSQL: `await connection.run_sync(upgrade)`). Both ways make the identical schema; a test compares them.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from . import invariants, tables
from .revision import HEAD, head

__all__ = ["HEAD", "create_all", "current", "ddl", "head", "upgrade"]

if TYPE_CHECKING:
    from alembic.config import Config

_VERSION_TABLE: Final = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


def current(connection: Connection) -> str | None:
    """The revision of this database; None when it has no schema."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def create_all(connection: Connection) -> None:
    """Make the whole schema of an empty database and stamp it as `head()`. Milliseconds; Alembic is not loaded."""
    for statement in ddl(connection.dialect.name):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(_VERSION_TABLE)
    connection.exec_driver_sql(f"INSERT INTO alembic_version (version_num) VALUES ('{HEAD}')")  # noqa: S608


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations that this database lacks. Of two at once on PostgreSQL, the second waits and finds nothing to do."""
    from alembic import command

    command.upgrade(_configuration(connection), revision)


def _configuration(connection: Connection) -> "Config":
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration


@cache
def ddl(dialect: str) -> tuple[str, ...]:
    """Every statement of the schema for `sqlite` or `postgresql`, in the order to run them."""
    return tuple(_statements(_known(dialect)))


def made(dialect: str, some: Iterable[Table]) -> Iterator[str]:
    """The statements that make some tables and their indexes."""
    known = _known(dialect)
    for table in some:
        yield str(CreateTable(table).compile(dialect=known)).strip()
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=known))


def without_views() -> Iterator[str]:
    """The statements that take the invariant views away: before a migration that changes them, or what they read."""
    yield from (f"DROP VIEW {view.name}" for view in (invariants.violations, invariants.duties))


def with_views(dialect: str) -> Iterator[str]:
    """The statements that make the invariant views as this program knows them."""
    yield from invariants.views(dialect)


def _known(dialect: str) -> Dialect:
    if dialect == "postgresql":
        return postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]
    return sqlite.dialect()


def _statements(dialect: Dialect) -> Iterator[str]:
    all_tables = tables.metadata.sorted_tables
    if dialect.name == "sqlite":
        all_tables = [*all_tables, *tables.sqlite_metadata.sorted_tables]
    else:
        yield "CREATE SEQUENCE orders_number AS BIGINT"
    yield from made(dialect.name, all_tables)
    yield from (_sqlite_guards() if dialect.name == "sqlite" else _postgres_guards())
    if dialect.name == "sqlite":
        yield "INSERT INTO transactions (id, tx) VALUES (1, 0)"
    yield from invariants.views(dialect.name)


def _sqlite_guards() -> Iterator[str]:
    for table in tables.APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER {table.name}_no_{verb.lower()} BEFORE {verb} ON {table.name}"
                f" BEGIN SELECT RAISE(ABORT, '{table.name}_append_only'); END"
            )


def _postgres_guards() -> Iterator[str]:
    yield (
        "CREATE FUNCTION kassa_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',"
        " CONSTRAINT = TG_TABLE_NAME || '_append_only', MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$"
    )
    for table in tables.APPEND_ONLY:
        yield (
            f"CREATE TRIGGER {table.name}_append_only BEFORE UPDATE OR DELETE ON {table.name}"
            " FOR EACH ROW EXECUTE FUNCTION kassa_append_only()"
        )
