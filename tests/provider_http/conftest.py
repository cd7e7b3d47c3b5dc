"""A provider, and the tools of an instance that may call it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog

from kassa.adapters.provider_http import HttpxProviders
from kassa.adapters.provider_http.tools import HttpxTools
from kassa.ports.secret import Secret
from tests.provider_http.wire import Provider


@pytest.fixture(autouse=True)
def _to_standard_output() -> None:
    """Where the log goes by itself, whatever a command that ran in this process before said."""
    structlog.reset_defaults()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """One on loopback."""
    there = Provider()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    there.port = server.sockets[0].getsockname()[1]
    yield there
    server.close()


@pytest.fixture
async def tools(provider: Provider) -> AsyncIterator[HttpxTools]:
    """The tools of an instance that may call the provider."""
    opened = HttpxProviders().tools(
        "card", allow_hosts=(f"127.0.0.1:{provider.port}",), secrets=(Secret("sk_test_canary"),)
    )
    yield opened
    await opened.close()
