"""A shop in this process on real PostgreSQL and Redis, and a witness of what it says to the database."""

import os
from collections.abc import Iterator

import pytest

from tests.bench.shops import BenchShop
from tests.bench.statements import Witness
from tests.servers.postgres import PostgresAt
from tests.servers.redis import RedisAt


@pytest.fixture(scope="module")
def cache_number() -> int:
    """The numbered Redis database of this pytest worker."""
    return 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresAt, redis_server: RedisAt, cache_number: int
) -> Iterator[BenchShop]:
    """Migrated and filled, not served; its provider runs."""
    url = postgres_server.fresh_database()
    folder = tmp_path_factory.mktemp("shop")
    shop = BenchShop(folder, url, redis_server.database(cache_number), notices=False, products=3)
    shop.log_as = "quiet"
    yield shop
    shop.close()
    postgres_server.drop_database(url)


@pytest.fixture
def witness() -> Iterator[Witness]:
    """Hears all that this test says to PostgreSQL."""
    with Witness().listening() as witness:
        yield witness
