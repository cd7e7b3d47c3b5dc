"""One localstripe a test module, forgotten between tests; before it the gateway, and a proxy that keeps the bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from kassa.ports.conformance.payment_method.proxy import FaultProxy
from tests.plugins.hostile import HostileProvider
from tests.plugins.stripe.gateway import Gateway
from tests.plugins.stripe.simulator import Simulator
from tests.plugins.stripe.till import KEY, StripeTill


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    running = Simulator()
    yield running
    running.stop()


@pytest_asyncio.fixture
async def gateway(simulator: Simulator) -> AsyncIterator[Gateway]:
    opened = Gateway(simulator.url, KEY)
    await opened.open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def wire(gateway: Gateway) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy()
    await proxy.open(gateway, "")
    yield proxy
    await proxy.close()


@pytest_asyncio.fixture
async def till(wire: FaultProxy) -> AsyncIterator[StripeTill]:
    opened = StripeTill.at(wire.url)
    yield opened
    await opened.tools.close()


@pytest_asyncio.fixture
async def liar() -> AsyncIterator[HostileProvider]:
    async with HostileProvider() as running:
        yield running


@pytest_asyncio.fixture
async def deceived(liar: HostileProvider) -> AsyncIterator[StripeTill]:
    """The driver, with its account at the liar."""
    opened = StripeTill.at(f"http://{liar.host}")
    yield opened
    await opened.tools.close()
