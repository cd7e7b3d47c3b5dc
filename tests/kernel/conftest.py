"""A world for every test that wants one."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.kernel.world import World, make_world


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    """A shop with nothing in it; at the end all promises still hold."""
    made = make_world()
    yield made
    await made.assert_sound()
    await made.close()
