"""A driver of Xendit, configured and open, before the double that the kit uses."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kassa.ports.conformance.payment_method.bench import Bench


@pytest_asyncio.fixture
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Of the subject that the test names by `indirect`."""
    opened = Bench(request.param())
    await opened.open()
    yield opened
    await opened.close()
