"""Shops to be hurt."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.walks.shop import ServedShop


@pytest.fixture
def card_settings() -> str:
    """Lines for the card's settings; a test overrides it."""
    return ""


@pytest.fixture(params=("embedded", "production"))
def sleeping_shop(request: pytest.FixtureRequest, tmp_path: Path, card_settings: str) -> Iterator[ServedShop]:
    """A shop on either pair, not started yet, so that a test chooses its failpoints. One worker: the one to be killed."""
    if request.param == "embedded":
        served = ServedShop(tmp_path, f"sqlite:///{tmp_path}/shop.db", "memory://", card=card_settings)
    else:
        database, cache = request.getfixturevalue("postgres_url"), request.getfixturevalue("redis_url")
        served = ServedShop(tmp_path, database, cache, card=card_settings)
    try:
        yield served
    finally:
        print([(one.args[3], one.poll()) for one in served.processes], served.log())  # shown beside a failure
        served.close()


IN_EVERY_RUN = ("checkout.after_commit", "payment.after_call", "webhook.after_inbox", "notices_came_while_dead")
"""On PostgreSQL the ordinary run kills at one point of each kind, because the rules under test are the same kernel's; all
points on both pairs: `pytest -m "soak or not soak" tests/faults`."""
LEFT_OUT = ("operation.after_begin",)
"""Before the provider was called nothing can have moved: the ordinary run kills after the call."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the points that are left out as `soak`."""
    for item in items:
        params = callspec.params if (callspec := getattr(item, "callspec", None)) else {}
        point = params.get("point") or params.get("notices") or IN_EVERY_RUN[0]
        elsewhere = params.get("sleeping_shop") == "production" and point not in IN_EVERY_RUN
        if elsewhere or point in LEFT_OUT:
            item.add_marker(pytest.mark.soak)
