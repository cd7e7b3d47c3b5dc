"""Money under concurrency on a real PostgreSQL: one version, one winner, and everybody else changes nothing."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from kassa.adapters.postgres import PostgresDatabase
from kassa.ports.checkout import OrderStatus
from kassa.ports.conformance.sample_orders import a_placed_order, ending, placing
from kassa.ports.conformance.sample_payments import (
    a_payment,
    beginning,
    captured,
    notice,
    raised,
    recording,
    suspending,
)
from kassa.ports.conformance.samples import NOW, a_cart, a_product, after, an_account, claim, put
from kassa.ports.conformance.stores import Stores
from kassa.ports.conformance.witness import race
from kassa.ports.errors import Conflict, OutOfStock
from kassa.ports.payment_records import MarkPaid, PayableState
from tests.contracts.opened import postgres_stores


@pytest.fixture
def stores(database: PostgresDatabase) -> Stores:
    return postgres_stores(database)


async def test_eight_starts_of_one_invoice_begin_one_payment(stores: Stores) -> None:
    order = (await a_placed_order(stores)).order
    file = await stores.payments.file(order.invoice_id)
    ended = await race(*(stores.payments.begin(beginning(file, number)) for number in range(1, 9)))
    assert len(ended.won) == 1
    assert ended.reasons() == {"Conflict"}
    now = await stores.payments.file(order.invoice_id)
    assert [payment.id for payment in now.payments] == ended.won
    assert len(now.operations) == 1
    assert now.payable.version == file.payable.version + 1


async def test_eight_starts_with_one_key_begin_one_payment(stores: Stores) -> None:
    order = (await a_placed_order(stores)).order
    file = await stores.payments.file(order.invoice_id)
    acts = [beginning(file, number, claimed=claim("the key")) for number in range(1, 9)]
    ended = await race(*(stores.payments.begin(act) for act in acts))
    assert len(ended.won) == 1
    assert ended.reasons() == {"AlreadyClaimed"}


async def test_reply_webhook_sweep_and_statement_at_once_post_once(stores: Stores, database: PostgresDatabase) -> None:
    """Eight tellers of the same capture, all decided on one version: one is recorded, the others must read again."""
    file = await a_payment(stores)
    act = replace(
        captured(file),
        payable=replace(raised(file.payable), state=PayableState.PAID),
        order=MarkPaid(late=False, at=after(60)),
    )
    ended = await race(*(stores.payments.record(act) for _ in range(8)))
    assert len(ended.won) == 1
    assert ended.reasons() == {"Conflict"}
    assert [row.n for row in await database.read("SELECT count(*) AS n FROM postings")] == [1]
    order = await stores.orders.order(file.payable.invoice_id)
    assert order.status is OrderStatus.PAID
    assert [line for line in await stores.audit.violations() if line[0] in "MSO"] == []


async def test_an_order_that_expires_while_it_is_paid_does_one_of_the_two(stores: Stores) -> None:
    for number in range(1, 16):
        file = await a_payment(stores, number)
        invoice = file.payable.invoice_id
        paid = replace(
            captured(file),
            payable=replace(raised(file.payable), state=PayableState.PAID),
            order=MarkPaid(late=False, at=after(60)),
        )
        expired = ending(invoice, payable_version=file.payable.version)
        ended = await race(stores.payments.record(paid), stores.orders.end(expired))
        assert len(ended.won) == 1
        assert ended.reasons() <= {"Conflict", "OrderNotCancelable"}
        status = (await stores.orders.order(invoice)).status
        state = (await stores.payments.file(invoice)).payable.state
        assert (status, state) in (
            (OrderStatus.PAID, PayableState.PAID),
            (OrderStatus.EXPIRED, PayableState.CLOSED),
            (OrderStatus.CANCELED, PayableState.CLOSED),
        )


async def test_late_money_and_new_buyers_share_what_is_left(stores: Stores, database: PostgresDatabase) -> None:
    """Ten expired orders are paid late while ten customers buy the same: stock is enough for twelve of the twenty."""
    product = await a_product(stores, quantity=12)
    files = []
    for number in range(1, 11):
        account = await an_account(stores, f"late{number}@example.org")
        act = placing(account, await a_cart(stores, account, {product.id: 1}), number)
        await stores.orders.place(act)
        invoice = act.order.invoice_id
        await stores.payments.begin(beginning(await stores.payments.file(invoice)))
        version = (await stores.payments.file(invoice)).payable.version
        await stores.orders.end(ending(invoice, payable_version=version))
        files.append(await stores.payments.file(invoice))
    late = [
        replace(
            captured(file, number),
            payable=replace(raised(file.payable), state=PayableState.PAID),
            order=MarkPaid(late=True, at=after(60)),
        )
        for number, file in enumerate(files, 1)
    ]
    fresh = []
    for number in range(11, 21):
        account = await an_account(stores, f"fresh{number}@example.org")
        fresh.append(placing(account, await a_cart(stores, account, {product.id: 1}), number))
    ended = await race(*(stores.payments.record(act) for act in late), *(stores.orders.place(act) for act in fresh))
    assert len(ended.won) == 12
    assert ended.reasons() == {"OutOfStock"}
    assert all(isinstance(lost, OutOfStock) and lost.lines for lost in ended.lost)
    assert (await stores.products.product(product.id)).quantity == 0
    moves = await database.read("SELECT sum(delta)::int AS n FROM stock_moves")
    assert moves[0].n == 0
    assert len(await database.read("SELECT 1 FROM postings")) == len(
        await database.read("SELECT 1 FROM orders WHERE status = 'paid'")
    )


async def test_sweeps_of_eight_instances_never_share_an_item(stores: Stores) -> None:
    for number in range(1, 25):
        await a_payment(stores, number, due=after(10))
    await stores.inbox.keep(tuple(notice(f"ev_{number}") for number in range(40)), lease_s=1)
    now = after(60)
    due = await asyncio.gather(*(stores.payments.claim_due(now=now, limit=5, lease_s=30) for _ in range(8)))
    notices = await asyncio.gather(*(stores.inbox.claim(now=now, limit=7, lease_s=30) for _ in range(8)))
    events = await asyncio.gather(*(stores.outbox.claim(now=now, limit=9, lease_s=30) for _ in range(8)))
    for leased in (
        [item.operation_id for batch in due for item in batch],
        [item.id for batch in notices for item in batch],
        [item.id for batch in events for item in batch],
    ):
        assert len(leased) == len(set(leased)) > 0
    left = await stores.payments.claim_due(now=now, limit=100, lease_s=30)
    assert len(left) + sum(len(batch) for batch in due) == 24


async def test_one_notice_delivered_a_hundred_times_is_kept_once(stores: Stores) -> None:
    kept = await asyncio.gather(*(stores.inbox.keep((notice("a"), notice("b")), lease_s=5) for _ in range(50)))
    pairs = ((notice("c"), notice("d")), (notice("d"), notice("c")))
    swapped = await asyncio.gather(*(stores.inbox.keep(pairs[number % 2], lease_s=5) for number in range(50)))
    assert sorted(item.event_id for items in (*kept, *swapped) for item in items) == ["a", "b", "c", "d"]


async def test_unmatched_money_that_is_told_twice_at_once_is_kept_once(
    stores: Stores, database: PostgresDatabase
) -> None:
    ended = await race(*(stores.payments.suspend(suspending()) for _ in range(8)))
    assert ended.lost == []
    assert [row.n for row in await database.read("SELECT count(*) AS n FROM postings")] == [1]
    assert [row.n for row in await database.read("SELECT sum(amount)::int AS n FROM ledger")] == [0]


async def test_the_trail_is_sealed_by_many_while_it_is_written(stores: Stores, database: PostgresDatabase) -> None:
    """Every record ends up in exactly one block, and every block still has the records it was sealed over."""
    account = await an_account(stores)
    product = await a_product(stores, quantity=1000)

    async def write(number: int) -> None:
        for _ in range(10):
            await stores.carts.put_line(put(account + number, product.id))
            await stores.products.correct_stock(product.id, 1, "found", suspending().audit)

    async def seal() -> None:
        while not finished.is_set():
            await stores.audit.seal(now=NOW, limit=7)
            await asyncio.sleep(0.001)

    finished = asyncio.Event()
    sealers = [asyncio.create_task(seal()) for _ in range(3)]
    await asyncio.gather(*(write(number) for number in range(8)))
    finished.set()
    await asyncio.gather(*sealers)
    while await stores.audit.seal(now=NOW, limit=100):
        pass
    outside = await database.read(
        """SELECT a.id FROM audit a WHERE 1 <> (
           SELECT count(*) FROM audit_blocks b WHERE a.id BETWEEN b.first_id AND b.last_id)"""
    )
    assert not outside
    assert await database.read("SELECT 1 FROM audit_blocks")
    assert not [line for line in await stores.audit.violations() if line.startswith("U2")]


async def test_an_act_that_names_a_payment_nobody_knows_changes_nothing(stores: Stores) -> None:
    file = await a_payment(stores)
    stranger = replace(file.payments[0], id=file.payments[0].id + 999)
    with pytest.raises(Conflict):
        await stores.payments.record(recording(file, payments=(stranger,)))
    assert await stores.payments.file(file.payable.invoice_id) == file
