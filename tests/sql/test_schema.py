"""Both ways to the schema end at the same one, and its guards hold. On both databases."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, create_engine, delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from kassa.adapters.sql import schema, tables
from kassa.adapters.sqlite import SqliteDatabase
from kassa.ports.conformance.samples import NOW
from tests.servers.postgres import PostgresAt
from tests.sql.shop import everything_happens, stores_of

T = TypeVar("T")
Run = Callable[[Callable[[Connection], T]], T]

_OF_POSTGRES = """
SELECT 'column', table_name || '.' || column_name, concat_ws(' ', data_type, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'
UNION ALL SELECT 'sequence', sequencename, data_type::text FROM pg_sequences WHERE schemaname = 'public'
UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


def described(connection: Connection) -> set[tuple[str, str, str]]:
    """Everything that the database says of its own schema."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("SELECT type, name, coalesce(sql, '') FROM sqlite_master")
        return {(kind, name, " ".join(sql.split()).replace("( ", "(").replace(" )", ")")) for kind, name, sql in found}
    return {(str(kind), str(name), str(text)) for kind, name, text in connection.exec_driver_sql(_OF_POSTGRES)}


def on_sqlite(work: Callable[[Connection], T]) -> T:
    """Run `work` in an empty SQLite database."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        result = work(connection)
    engine.dispose()
    return result


@pytest.fixture
def on_postgres(postgres_server: PostgresAt) -> Iterator[Callable[[Callable[[Connection], T]], T]]:
    """Runs work in an empty PostgreSQL database."""
    used: list[str] = []

    def run(work: Callable[[Connection], T]) -> T:
        url = postgres_server.fresh_database()
        used.append(url)

        async def inside() -> T:
            engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
            async with engine.begin() as connection:
                result = await connection.run_sync(work)
            await engine.dispose()
            return result

        return asyncio.run(inside())

    yield run
    for url in used:
        postgres_server.drop_database(url)


def created(connection: Connection) -> set[tuple[str, str, str]]:
    """The schema as it is made for an empty database."""
    schema.create_all(connection)
    assert schema.current(connection) == schema.head()
    return described(connection)


def migrated(connection: Connection) -> set[tuple[str, str, str]]:
    """The schema as all migrations make it; running them again changes nothing."""
    assert schema.current(connection) is None
    schema.upgrade(connection)
    assert schema.current(connection) == schema.head()
    done = described(connection)
    schema.upgrade(connection)
    assert described(connection) == done
    return done


def test_both_ways_make_one_schema_on_sqlite() -> None:
    assert on_sqlite(created) == on_sqlite(migrated)


def test_both_ways_make_one_schema_on_postgres(on_postgres: Run[set[tuple[str, str, str]]]) -> None:
    made = on_postgres(created)
    assert made == on_postgres(migrated)
    assert {("sequence", "orders_number", "bigint")} <= made
    assert len([name for kind, name, _ in made if kind == "trigger"]) == len(tables.APPEND_ONLY)


def test_the_newest_revision_is_the_one_written_in_the_program() -> None:
    def heads(connection: Connection) -> list[str]:
        return list(ScriptDirectory.from_config(schema._configuration(connection)).get_heads())

    assert on_sqlite(heads) == [schema.head()]


def test_an_ordinary_start_loads_no_migration_machinery() -> None:
    start = (
        "import sys; from kassa.adapters.sqlite import SqliteDatabase;"
        " SqliteDatabase.open('sqlite://'); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", start], check=False).returncode == 0


@pytest.mark.parametrize("table", tables.APPEND_ONLY, ids=lambda table: table.name)
async def test_what_is_append_only_is_neither_changed_nor_deleted(table: Table) -> None:
    database = SqliteDatabase.open("sqlite://")
    await everything_happens(stores_of(database))
    column = next(iter(table.c))
    for statement in (update(table).values({column: column}), delete(table)):
        with pytest.raises(DBAPIError, match=f"{table.name}_append_only"):
            database.connection.execute(statement)
    await database.close()


def test_what_is_append_only_is_guarded_by_name_on_postgres(on_postgres: Run[list[str]]) -> None:
    def refusals(connection: Connection) -> list[str]:
        schema.create_all(connection)
        names = []
        entry = {"action": "a", "subject": "s", "actor": "x", "request_id": "r", "at": NOW, "details": b"{}", "tx": 1}
        connection.execute(tables.audit.insert(), entry)
        for statement in (update(tables.audit).values(actor="y"), delete(tables.audit)):
            savepoint = connection.begin_nested()
            with pytest.raises(DBAPIError) as refusal:
                connection.execute(statement)
            savepoint.rollback()
            names.append(refusal.value.orig.__cause__.constraint_name)  # type: ignore[union-attr]
        assert connection.execute(select(tables.audit.c.actor)).scalars().all() == ["x"]
        return names

    assert on_postgres(refusals) == ["audit_append_only"] * 2


def test_every_table_belongs_to_a_context() -> None:
    owned = [table.name for group in tables.CONTEXTS.values() for table in group]
    assert sorted(owned) == sorted(tables.metadata.tables)


def brought_up(connection: Connection) -> set[tuple[str, str, str]]:
    """A database that the first program made and used, after the migrations of this one; what was in it is still there."""
    schema.upgrade(connection, "0001")
    fact = {"kind": "order.paid", "subject": "order:KS-1", "payload": b"{}", "at": NOW, "next_try_at": NOW, "tx": 1}
    connection.execute(tables.outbox.insert(), fact)
    waits = {"key": "k", "method": "bank", "amount": 5, "currency": "EUR", "reason": "unmatched", "state": "open"}
    connection.execute(tables.suspense.insert(), {**waits, "note": "", "at": NOW})
    schema.upgrade(connection)
    assert connection.execute(select(tables.outbox.c.kind)).scalars().all() == ["order.paid"]
    kept = connection.execute(select(tables.suspense)).mappings().one()
    assert {name: kept[name] for name in waits} == waits
    return described(connection)


def test_a_database_of_the_first_revision_becomes_todays_on_sqlite() -> None:
    assert on_sqlite(brought_up) == on_sqlite(created)


def test_a_database_of_the_first_revision_becomes_todays_on_postgres(
    on_postgres: Run[set[tuple[str, str, str]]],
) -> None:
    assert on_postgres(brought_up) == on_postgres(created)
