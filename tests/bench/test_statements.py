"""How often a request goes to the database: uncontended, session cached, idempotency included."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.bench.shoppers import KINDS, Record, Shopper
from tests.bench.shops import BenchShop, inside
from tests.bench.statements import Sent, Witness
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisAt

AT_MOST = dict(zip(KINDS, (1, 3, 3, 1), strict=True))
"""Statements a request may send, BEGIN and COMMIT counted too."""
TRIES = 3
"""The least of so many counts: a session leaves its cache after two seconds, and a busy machine may take them."""


@contextlib.asynccontextmanager
async def regular(shop: BenchShop, witness: Witness, name: str) -> AsyncIterator[Shopper]:
    """Somebody who has bought before: connections, prepared statements and the session's cache are warm."""
    async with inside(shop) as door:
        shopper = await Shopper.arrive(door, f"{name}@example.com", [1])
        await shopper.buy(Record())
        witness.take()
        yield shopper


async def purchase(shopper: Shopper, witness: Witness, record: Record) -> dict[str, list[Sent]]:
    """What each request of one purchase sends."""
    sent: dict[str, list[Sent]] = {}
    witness.take()
    cart = await shopper.put(1, 2, record)
    sent["put cart line"] = witness.take()
    placed = await shopper.checkout(cart["total"], f"checkout-{len(record.bought)}", record)
    sent["checkout"] = witness.take()
    invoice_id = placed["order"]["invoice_id"]
    payment = await shopper.pay(invoice_id, f"payment-{invoice_id}", record)
    assert payment["status"] == "paid"
    sent["payment"] = witness.take()
    assert (await shopper.order(invoice_id, record))["status"] == "paid"
    sent["order"] = witness.take()
    return sent


async def test_a_purchase_sends_no_statement_too_many(shop: BenchShop, witness: Witness) -> None:
    """Add to cart 1, checkout at most 3, start of a payment at most 3, order 1."""
    async with regular(shop, witness, "counted") as shopper:
        runs = [await purchase(shopper, witness, Record()) for _ in range(TRIES)]
    sent = {kind: min((run[kind] for run in runs), key=len) for kind in AT_MOST}
    told = {kind: [each.text.split(None, 3)[:3] for each in texts] for kind, texts in sent.items()}
    assert all(1 <= len(sent[kind]) <= most for kind, most in AT_MOST.items()), told
    assert (len(sent["put cart line"]), len(sent["order"])) == (1, 1)


async def test_a_session_that_is_not_cached_costs_one_statement_more(
    shop: BenchShop, witness: Witness, redis_server: RedisAt, cache_number: int
) -> None:
    """The counter counts: what a request does besides is seen."""
    async with regular(shop, witness, "uncached") as shopper:
        bought = await shopper.buy(Record())
        witness.take()
        costs = []
        for _ in range(TRIES):
            await shopper.order(bought.invoice_id, Record())
            costs.append(witness.take())
        cached = min(costs, key=len)
        assert redis_server.command("FLUSHDB", database=cache_number) == "+OK"
        await shopper.order(bought.invoice_id, Record())
        uncached = witness.take()
    assert len(uncached) == len(cached) + 1, [each.text[:80] for each in uncached]
    assert any("sessions" in each.text for each in uncached)


async def test_a_replay_costs_one_statement(shop: BenchShop, witness: Witness) -> None:
    """The same key again is answered from its record."""
    record = Record()
    async with regular(shop, witness, "again") as shopper:
        cart = await shopper.put(1, 1, record)
        first = await shopper.checkout(cart["total"], "the-key", record)
        witness.take()
        costs = []
        for _ in range(TRIES):
            assert await shopper.checkout(cart["total"], "the-key", record) == first
            costs.append(len(witness.take()))
        assert min(costs) == 1


async def test_transaction_control_counts_as_statements(witness: Witness, postgres_url: str) -> None:
    """BEGIN and COMMIT are round trips too, and an AUTOCOMMIT connection sends none."""
    from kassa.adapters.postgres.database import PostgresDatabase

    database = await PostgresDatabase.open(postgres_url, allow_unsafe=True, check_schema=False)

    async def work(transaction: Any) -> None:
        await transaction.run("SELECT 1")
        await transaction.run("SELECT 2")

    try:
        await database.transact(work)
        await database.read("SELECT 3")
        witness.take()
        await database.transact(work)
        inside = [each.text.strip(" ;") for each in witness.take()]
        await database.read("SELECT 3")
        alone = [each.text for each in witness.take()]
    finally:
        await database.close()
    assert sorted(inside) == sorted(["BEGIN", "SELECT 1", "SELECT 2", "COMMIT"])
    assert alone == ["SELECT 3"]


@pytest.fixture
def talkative_postgres() -> object:
    """A PostgreSQL that writes down all it is told."""
    settings = {"log_statement": "all", "log_line_prefix": "%a: ", "log_min_messages": "log"}
    with PostgresServer.start(settings=settings) as server:
        yield server


async def test_the_servers_own_log_agrees(witness: Witness, talkative_postgres: PostgresServer) -> None:
    """Nothing reaches the server that the witness did not hear."""
    from kassa.adapters.postgres.database import PostgresDatabase

    log = talkative_postgres.process.home / "log"

    def logged() -> int:
        lines = log.read_text("utf-8").splitlines()
        return sum(line.startswith(("kassa: LOG:  execute ", "kassa: LOG:  statement: ")) for line in lines)

    async def work(transaction: Any) -> None:
        for number in range(3):
            await transaction.run("SELECT $1::int", number)

    database = await PostgresDatabase.open(talkative_postgres.url, allow_unsafe=True, check_schema=False)
    try:
        await database.transact(work)
        await database.read("SELECT 1")
        witness.take()
        before = logged()
        await database.transact(work)
        await database.read("SELECT 1")
        await database.write("CREATE TEMP TABLE t AS SELECT 1")
        assert logged() - before == len(witness.take()) == 7
    finally:
        await database.close()
