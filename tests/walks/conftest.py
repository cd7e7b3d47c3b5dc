"""Shops on both pairs of adapters."""

import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.servers.postgres import PostgresAt
from tests.servers.redis import RedisAt
from tests.walks.shop import ServedShop

PAIRS = ("embedded", "production")


@pytest.fixture(params=PAIRS, scope="module")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedShop]:
    """A running shop for the tests of a file: `sqlite` + `memory` in one process, then `postgres` + `redis` with two
    workers. Every test brings customers of its own."""
    folder = tmp_path_factory.mktemp("shop")
    if request.param == "embedded":
        served = ServedShop(folder, f"sqlite:///{folder}/shop.db", "memory://")
    else:
        database: PostgresAt = request.getfixturevalue("postgres_server")
        redis: RedisAt = request.getfixturevalue("redis_server")
        served = ServedShop(folder, database.fresh_database(), redis.database(worker_number()), workers=2)
    try:
        yield served.start()
    finally:
        served.close()


def worker_number() -> int:
    """A Redis database of this test process's own, apart from those that are flushed between tests."""
    return 9 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 6


@pytest.fixture
async def client(shop: ServedShop) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the shop."""
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(base_url=shop.url, timeout=60, limits=limits, trust_env=False) as opened:
        yield opened
