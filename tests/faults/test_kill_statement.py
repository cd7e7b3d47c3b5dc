"""kill -9 while a bank statement is imported: nothing is lost, nothing counts twice, on both pairs of adapters.

pytest -m soak tests/faults/test_kill_statement.py
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.http.places import staffed
from tests.plugins.bank_files.written import camt
from tests.walks.conftest import PAIRS
from tests.walks.shop import ServedShop, Shopper
from tests.walks.test_outgoing import Operator
from tests.walks.test_statements import EXTRA, Bill, bring, suspense

pytestmark = pytest.mark.soak
POINTS = ("statement.before_keep", "statement.after_keep", "statement.after_record", "statement.before_settle")
WITHIN_S = 120


@pytest.fixture(params=PAIRS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServedShop]:
    """A shop that can be paid on an account of its own, not started yet."""
    if request.param == "embedded":
        made = ServedShop(tmp_path, f"sqlite:///{tmp_path}/shop.db", "memory://", extra=EXTRA)
    else:
        database, cache = request.getfixturevalue("postgres_url"), request.getfixturevalue("redis_url")
        made = ServedShop(tmp_path, database, cache, extra=EXTRA)
    try:
        yield staffed(made)
    finally:
        made.close()


@pytest.mark.parametrize("point", POINTS)
async def test_who_is_killed_in_an_import_loses_nothing_and_counts_nothing_twice(shop: ServedShop, point: str) -> None:
    await asyncio.to_thread(shop.start, failpoints=f"{point}=kill")
    async with httpx.AsyncClient(base_url=shop.url, timeout=60, trust_env=False) as client:
        bill, operator = await Bill.of(await Shopper.arrive(client)), await Operator.enter(client)
        stray = bill.transfer(777, text="hello")
        data = camt([bill.transfer(), stray])
        with pytest.raises(httpx.TransportError):
            await bring(operator, data)
        shop.kill()
        await asyncio.to_thread(shop.start)
        if point == "statement.before_keep":
            assert (await bring(operator, data)).status_code == 201
        for _ in range(WITHIN_S):
            if await bill.status() == "paid" and await suspense(operator, stray):
                break
            await asyncio.sleep(1)
        assert (await bring(operator, data)).json()["verdicts"] == {"known": 2}
        assert (await bill.status(), await bill.seen()) == ("paid", "paid")
        assert await suspense(operator, stray) == [("unmatched", 777)]
    assert shop.violations() == ()
