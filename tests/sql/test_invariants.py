"""The invariant views find each broken promise, and nothing else. On both databases."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from kassa.adapters.sql import invariants, tables
from kassa.adapters.sqlite import SqliteDatabase
from tests.servers.postgres import PostgresAt
from tests.sql.poisons import POISONS, Poison
from tests.sql.shop import everything_happens, stores_of

Rows = dict[str, list[dict[str, object]]]


@pytest.fixture(scope="module")
def good_rows() -> Rows:
    """Every row of the shop in which everything happened."""

    async def happen() -> Rows:
        database = SqliteDatabase.open("sqlite://")
        await everything_happens(stores_of(database))
        assert await stores_of(database).audit.violations() == ()
        rows = {
            table.name: [dict(row) for row in database.connection.execute(select(table)).mappings()]
            for table in tables.metadata.sorted_tables
        }
        await database.close()
        return rows

    return asyncio.run(happen())


def test_the_good_shop_has_rows_in_every_table(good_rows: Rows) -> None:
    assert [name for name, rows in good_rows.items() if not rows] == ["attempts"]


def unguarded(connection: Connection, rows: Rows) -> None:
    """The tables without a constraint, index or trigger, the views over them, and the rows of the good shop."""
    bare = MetaData()
    for table in tables.metadata.sorted_tables:
        Table(
            table.name, bare, *(Column(column.name, column.type, quote=column.name == "conflict") for column in table.c)
        )
    bare.create_all(connection)
    for statement in invariants.views(connection.dialect.name):
        connection.exec_driver_sql(statement)
    for table in tables.metadata.sorted_tables:
        if rows[table.name]:
            connection.execute(bare.tables[table.name].insert(), rows[table.name])


def found_by(connection: Connection, poison: Poison) -> tuple[set[str], set[int]]:
    """The names in the view once `poison` is in, and the places of the queries that see it. Then the poison is out again."""
    with connection.begin_nested() as savepoint:
        for statement in poison:
            changed = connection.execute(statement).rowcount
            assert changed, f"nothing was poisoned by {statement}"
        names = set(connection.execute(select(invariants.violations.c.check_name)).scalars())
        queries = {
            place
            for place, check in enumerate(invariants.checks(connection.dialect.name))
            if check.name in names and connection.execute(text(check.query.replace(":", r"\:"))).first() is not None
        }
        savepoint.rollback()
    return names, queries


def all_found(connection: Connection) -> dict[str, tuple[set[str], set[int]]]:
    """What the view says of every poison, one after the other."""
    assert connection.execute(select(invariants.violations)).all() == []
    return {name: found_by(connection, poison) for name, (_, poison) in POISONS.items()}


@pytest.fixture(scope="module")
def seen_by_sqlite(good_rows: Rows) -> Iterator[dict[str, tuple[set[str], set[int]]]]:
    """On SQLite."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        unguarded(connection, good_rows)
        yield all_found(connection)
    engine.dispose()


@pytest.fixture(scope="module")
def seen_by_postgres(postgres_server: PostgresAt, good_rows: Rows) -> Iterator[dict[str, tuple[set[str], set[int]]]]:
    """On PostgreSQL."""
    url = postgres_server.fresh_database()

    async def look() -> dict[str, tuple[set[str], set[int]]]:
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
        async with engine.begin() as connection:
            await connection.run_sync(unguarded, good_rows)
            seen = await connection.run_sync(all_found)
        await engine.dispose()
        return seen

    yield asyncio.run(look())
    postgres_server.drop_database(url)


@pytest.mark.parametrize("name", POISONS)
def test_a_broken_promise_is_found_by_its_name_alone_on_sqlite(
    name: str, seen_by_sqlite: dict[str, tuple[set[str], set[int]]]
) -> None:
    assert seen_by_sqlite[name][0] == {POISONS[name][0]}


@pytest.mark.parametrize("name", POISONS)
def test_a_broken_promise_is_found_by_its_name_alone_on_postgres(
    name: str, seen_by_postgres: dict[str, tuple[set[str], set[int]]]
) -> None:
    assert seen_by_postgres[name][0] == {POISONS[name][0]}


@pytest.mark.parametrize("seen", ["seen_by_sqlite", "seen_by_postgres"])
def test_every_query_of_the_view_is_seen_to_bite(seen: str, request: pytest.FixtureRequest) -> None:
    bitten = set().union(*(queries for _, queries in request.getfixturevalue(seen).values()))
    silent = [check for place, check in enumerate(invariants.checks("sqlite")) if place not in bitten]
    assert silent == []
