"""pytest plugin of this repository: real servers as fixtures, and their names and versions in the header.

Nothing starts until a test asks. A test that asks on a machine where no server can be had fails; it is never skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from tests.servers.binaries import NoServer, postgres_programs, redis_programs
from tests.servers.postgres import PostgresAt, PostgresServer, postgres_at
from tests.servers.redis import RedisAt, RedisServer, redis_at
from tests.servers.shared import Run

_RUN = pytest.StashKey[Run]()


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", {}).get("kassa_run")
    config.stash[_RUN] = Run(**given) if given else Run.begin()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell an xdist worker which run it belongs to."""
    node.workerinput["kassa_run"] = asdict(node.config.stash[_RUN])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_RUN].finish()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a served shop go to one worker, which starts it once; the long ones go first."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        place = callspec.params.get("shop", callspec.params.get("place")) if callspec else None
        if place in ("embedded", "production"):
            shared = item.path.stem if item.path.parent.name == "walks" else item.path.parent.name
            item.add_marker(pytest.mark.xdist_group(f"{shared}-{place}"))
    items.sort(key=lambda item: item.path.parent.name not in ("walks", "faults", "bench"))


def pytest_report_header() -> str:
    """The servers that tests would meet; asking starts none."""
    return f"servers: {_database()}, {_cache()}"


def _database() -> str:
    url = os.environ.get("KASSA_TEST_DATABASE_URL")
    try:
        return postgres_at(url).product if url else str(postgres_programs()[0])
    except NoServer as error:
        return f"no PostgreSQL ({error})"


def _cache() -> str:
    url = os.environ.get("KASSA_TEST_CACHE_URL")
    try:
        return redis_at(url).product if url else str(redis_programs()[0])
    except NoServer as error:
        return f"no Redis ({error})"


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> PostgresAt:
    """The run's PostgreSQL, shared by all workers: ask it for databases, never hurt it (`own_postgres` is for that)."""
    return pytestconfig.stash[_RUN].postgres()


@pytest.fixture(scope="session")
def redis_server(pytestconfig: pytest.Config) -> RedisAt:
    """The run's Redis, shared by all workers: never hurt or flush it whole (`own_redis` is for that)."""
    return pytestconfig.stash[_RUN].redis()


@pytest.fixture
def postgres_url(postgres_server: PostgresAt) -> Iterator[str]:
    """An empty database of the test's own."""
    url = postgres_server.fresh_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def redis_url(redis_server: RedisAt) -> str:
    """An empty numbered database of the worker's own. Publications cross numbers: `own_redis` is for those."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    number = 1 + int(worker.removeprefix("gw"))
    answer = redis_server.command("FLUSHDB", database=number)
    assert answer == "+OK", f"database {number} of the test Redis: {answer}"
    return redis_server.database(number)


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A cluster for one test, to be killed, frozen and restarted. Needs a program, whatever is running already."""
    with PostgresServer.start() as server:
        yield server


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis for one test, to be killed, frozen, flushed and listened to."""
    with RedisServer.start() as server:
        yield server
