"""Links to a real Redis."""

from collections.abc import AsyncIterator

import pytest_asyncio

from kassa.adapters.redis import RedisLink
from kassa.adapters.system import SystemClock


@pytest_asyncio.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    """A link to an empty database."""
    made = RedisLink(redis_url, SystemClock())
    yield made
    await made.close()
