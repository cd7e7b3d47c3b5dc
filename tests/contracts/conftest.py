"""`stores` on every database that the shop runs on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from kassa.ports.conformance.stores import Stores
from tests.contracts.opened import migrate, opened_postgres, opened_sqlite, postgres_stores
from tests.servers.postgres import PostgresAt


@pytest.fixture(scope="session")
def migrated(postgres_server: PostgresAt) -> str:
    """The name of a PostgreSQL database with the schema, to copy."""
    return postgres_server.template("contracts", lambda url: asyncio.run(migrate(url)))


@pytest.fixture
def migrated_url(postgres_server: PostgresAt, migrated: str) -> Iterator[str]:
    """A PostgreSQL database with the schema and nothing in it."""
    url = postgres_server.fresh_database(migrated)
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["memory", "file", "postgres"])
def shop_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database of each kind."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("migrated_url")
        return url
    return "sqlite://" if request.param == "memory" else f"sqlite:///{request.getfixturevalue('tmp_path')}/shop.db"


@pytest.fixture
async def stores(shop_url: str) -> AsyncIterator[Stores]:
    """The repositories of that database."""
    if shop_url.startswith("sqlite"):
        async with opened_sqlite(shop_url) as opened:
            yield opened
    else:
        async with opened_postgres(shop_url) as database:
            yield postgres_stores(database)
