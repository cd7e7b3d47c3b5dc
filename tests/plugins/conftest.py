"""One sandbox a test module with an account for each method, forgotten between tests; a till for each method."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from tests.plugins.till import PACKAGES, Till, merchant_of, open_till
from tests.sandbox.process import SandboxProcess, start_sandbox
from tests.sandbox.receiver import Receiver


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    options = ["--slow-ms", "100", "--late-ms", "100", "--hang-ms", "3000", "--amount-faults"]
    merchants = [merchant_of(name) for name in PACKAGES]
    with start_sandbox(tmp_path_factory.mktemp("sandbox"), merchants, options) as running:
        yield running


@pytest_asyncio.fixture
async def browser(sandbox: SandboxProcess) -> AsyncIterator[httpx.AsyncClient]:
    """The customer's, the bank's and the test's own hand at the sandbox."""
    async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False, verify=False) as client:
        assert (await client.post("/control/reset", json={})).status_code == 200
        yield client


@pytest_asyncio.fixture(params=list(PACKAGES))
async def till(
    request: pytest.FixtureRequest, sandbox: SandboxProcess, browser: httpx.AsyncClient
) -> AsyncIterator[Till]:
    """Each method in turn."""
    opened = open_till(request.param, sandbox, browser)
    yield opened
    await opened.tools.close()


@pytest_asyncio.fixture
async def card(sandbox: SandboxProcess, browser: httpx.AsyncClient) -> AsyncIterator[Till]:
    opened = open_till("card", sandbox, browser)
    yield opened
    await opened.tools.close()


@pytest_asyncio.fixture
async def wallet(sandbox: SandboxProcess, browser: httpx.AsyncClient) -> AsyncIterator[Till]:
    opened = open_till("e_wallet", sandbox, browser)
    yield opened
    await opened.tools.close()


@pytest_asyncio.fixture
async def bank(sandbox: SandboxProcess, browser: httpx.AsyncClient) -> AsyncIterator[Till]:
    opened = open_till("bank_transfer", sandbox, browser)
    yield opened
    await opened.tools.close()


@pytest_asyncio.fixture
async def hook(till: Till) -> AsyncIterator[Receiver]:
    """Where the sandbox sends this method's notices during the test."""
    merchant = merchant_of(till.name)
    keys = {"secret_key": merchant.secret_key, "webhook_secret": merchant.webhook_secret}
    async with Receiver() as receiver:
        path = f"/control/merchants/{till.name}"
        answer = await till.browser.put(path, json=keys | {"webhook_url": receiver.url})
        assert answer.status_code == 200, answer.text
        yield receiver
        await till.browser.post("/control/reset", json={})
        assert (await till.browser.put(path, json=keys)).status_code == 200
