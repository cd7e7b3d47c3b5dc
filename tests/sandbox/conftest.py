"""One sandbox a test module, forgotten between tests; a fresh one where a test stops or kills it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.sandbox.client import ShopClient
from tests.sandbox.process import SHOP, SandboxProcess, start_sandbox
from tests.sandbox.receiver import Receiver


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    options = ["--slow-ms", "300", "--late-ms", "200"]
    with start_sandbox(tmp_path_factory.mktemp("sandbox"), options=options) as running:
        yield running


@pytest_asyncio.fixture
async def shop(sandbox: SandboxProcess) -> AsyncIterator[ShopClient]:
    async with ShopClient(sandbox) as client:
        await client.control("reset")
        yield client


@pytest_asyncio.fixture
async def hook(shop: ShopClient) -> AsyncIterator[Receiver]:
    """The shop's webhook endpoint, known to the sandbox for the time of the test."""
    async with Receiver() as receiver:
        await shop.webhooks_to(receiver.url)
        yield receiver
        await shop.control("reset")
        answer = await shop.http.put(
            f"/control/merchants/{SHOP.name}",
            json={"secret_key": SHOP.secret_key, "webhook_secret": SHOP.webhook_secret},
        )
        assert answer.status_code == 200


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[SandboxProcess]:
    """A sandbox of this test alone, to be stopped and killed."""
    with start_sandbox(tmp_path) as running:
        yield running
