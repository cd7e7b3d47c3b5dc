"""A migrated database of the test's own, opened as the shop opens it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from kassa.adapters.postgres import PostgresDatabase
from tests.servers.postgres import PostgresAt


async def _migrate(url: str) -> None:
    database = await PostgresDatabase.open(url, allow_unsafe=True, check_schema=False)
    try:
        await database.migrate()
    finally:
        await database.close()


@pytest.fixture(scope="session")
def migrated(postgres_server: PostgresAt) -> str:
    """The name of a database with the schema, to copy."""
    return postgres_server.template("postgres_adapter", lambda url: asyncio.run(_migrate(url)))


@pytest.fixture
def shop_url(postgres_server: PostgresAt, migrated: str) -> object:
    """A database with the schema and nothing in it."""
    url = postgres_server.fresh_database(migrated)
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
async def database(shop_url: str) -> AsyncIterator[PostgresDatabase]:
    """The shop's own way in."""
    database = await PostgresDatabase.open(shop_url, allow_unsafe=True, pool_size=16, pool_timeout_s=20)
    yield database
    await database.close()
