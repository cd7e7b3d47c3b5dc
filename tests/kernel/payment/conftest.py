"""A till for every test that wants one."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.kernel.payment.till import Till, open_till


@pytest_asyncio.fixture
async def till() -> AsyncIterator[Till]:
    """A cashier over an empty shop; at the end all promises still hold."""
    made = await open_till()
    yield made
    await made.assert_sound()
    await made.close()
