"""Numbers under concurrency on a real PostgreSQL: 64 orders are paid at once by a method that has ten numbers."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from kassa.adapters.postgres import PostgresDatabase
from kassa.ports.conformance.held import a_file, reserving
from kassa.ports.conformance.sample_orders import invoice
from kassa.ports.conformance.samples import NOW
from kassa.ports.conformance.stores import Stores
from kassa.ports.errors import ReferenceTaken
from tests.contracts.opened import postgres_stores

STARTS, NUMBERS = 64, 10


@pytest.fixture
def stores(database: PostgresDatabase) -> Stores:
    return postgres_stores(database)


async def test_of_64_starts_at_once_ten_have_a_number_and_the_others_nothing(stores: Stores) -> None:
    files = [await a_file(stores, number) for number in range(1, STARTS + 1)]
    values = tuple(str(number) for number in range(NUMBERS))
    ended: Counter[str] = Counter()

    async def draw(place: int) -> None:
        for turn in range(2 * NUMBERS):
            taken = await stores.payments.taken("card", values, now=NOW) if turn else frozenset()
            free = [value for value in values if value not in taken]
            if not free:
                ended["none left"] += 1
                return
            try:
                await stores.payments.begin(reserving(files[place], free[(place * 7 + turn) % len(free)]))
            except ReferenceTaken:
                continue
            ended["begun"] += 1
            return
        ended["gave up"] += 1

    await asyncio.gather(*(draw(place) for place in range(STARTS)))
    assert ended == {"begun": NUMBERS, "none left": STARTS - NUMBERS}
    found = await stores.payments.reserved("card", values)
    assert set(found) == set(values)
    assert len(set(found.values())) == NUMBERS
    begun = [await stores.payments.file(invoice(number)) for number in range(1, STARTS + 1)]
    assert sum(len(file.payments) for file in begun) == NUMBERS
    assert {file.payable.version for file in begun if not file.payments} == {1}
