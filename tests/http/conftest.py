"""A shop over HTTP for every test that wants one."""

import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio
import structlog

from tests.http.caller import Caller, arrive, log_in
from tests.http.places import OPERATOR_EMAIL, Here, There, staffed
from tests.http.served import Served
from tests.kernel.world import World
from tests.plugins.bank_statements import OWN_ACCOUNT
from tests.servers.postgres import PostgresAt
from tests.servers.redis import RedisAt
from tests.walks.shop import ServedShop


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedShop]:
    """`sqlite` + `memory`, one process."""
    directory = tmp_path_factory.mktemp("embedded")
    yield from _serving(ServedShop(directory, f"sqlite:///{directory}/shop.db", "memory://", extra=OWN_ACCOUNT))


@pytest.fixture(scope="session")
def production(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresAt, redis_server: RedisAt
) -> Iterator[ServedShop]:
    """`postgres` + `redis`, two workers."""
    database = postgres_server.fresh_database()
    number = 8 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    redis_server.command("FLUSHDB", database=number)
    directory = tmp_path_factory.mktemp("production")
    yield from _serving(ServedShop(directory, database, redis_server.database(number), workers=2, extra=OWN_ACCOUNT))
    postgres_server.drop_database(database)


def _serving(shop: ServedShop) -> Iterator[ServedShop]:
    try:
        yield staffed(shop).start()
        assert shop.violations() == ()
    finally:
        shop.close()


@pytest_asyncio.fixture
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Here | There]:
    """Here, unless the test says `EVERYWHERE`."""
    where = getattr(request, "param", "here")
    if where == "here":
        async with Here.opened() as here:
            yield here
    else:
        yield There(request.getfixturevalue(where))


@pytest.fixture
def here(place: Here | There) -> Here:
    """For tests that look inside."""
    assert isinstance(place, Here)
    return place


@pytest.fixture
def shop(here: Here) -> Served:
    """The application in this process."""
    return here.shop


@pytest.fixture
def world(here: Here) -> World:
    """What is behind it."""
    return here.till.world


@pytest_asyncio.fixture
async def client(place: Here | There) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every answer is compared with the document."""
    async with place.client() as opened:
        yield opened


@pytest_asyncio.fixture
async def ada(client: httpx.AsyncClient) -> Caller:
    """A customer."""
    return await arrive(client)


@pytest_asyncio.fixture
async def operator(client: httpx.AsyncClient, place: Here | There) -> Caller:
    """The operator, in a session of the test's own."""
    await place.hire()
    return await log_in(client, OPERATOR_EMAIL)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Logs are for the tests that look at them."""
    structlog.configure(processors=[_dropped])
    yield
    structlog.reset_defaults()


def _dropped(logger: object, name: str, event: dict[str, object]) -> dict[str, object]:
    raise structlog.DropEvent
