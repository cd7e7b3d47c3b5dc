"""What an act costs: statements and round trips, counted on the wire, and indexes where tables grow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from kassa.adapters.postgres import PostgresDatabase, PostgresThrottle, cart, order_statements, payment_reads
from kassa.adapters.postgres import payment_statements as payment_acts
from kassa.ports.catalog import ProductDraft
from kassa.ports.conformance.held import a_file, reserving, wish
from kassa.ports.conformance.sample_orders import a_placed_order, ending, placing
from kassa.ports.conformance.sample_payments import beginning, captured, notice, suspending
from kassa.ports.conformance.samples import (
    NOW,
    a_cart,
    a_product,
    a_session,
    after,
    an_account,
    claim,
    entry,
    log_in,
    money,
    new_session,
    put,
    token_hash,
)
from kassa.ports.conformance.stores import Stores
from kassa.ports.conformance.suspense import splitting
from kassa.ports.payment_records import SuspenseState
from kassa.ports.throttle import Limit
from tests.contracts.opened import postgres_stores
from tests.postgres.wire import Wire, tapped


@dataclass
class Counted:
    """A database behind a counting wire. An act is counted at its second run: the first one prepares the statement."""

    stores: Stores
    database: PostgresDatabase
    wire: Wire

    async def cost(self, act: Callable[[int], Awaitable[object]]) -> tuple[int, int]:
        """Statements and round trips of `act(2)`, after `act(1)`."""
        await act(1)
        self.wire.forget()
        await act(2)
        return self.wire.statements, self.wire.trips


@pytest.fixture
async def counted(shop_url: str) -> AsyncIterator[Counted]:
    async with tapped(shop_url) as (wire, url):
        database = await PostgresDatabase.open(url, allow_unsafe=True, pool_size=1)
        yield Counted(postgres_stores(database), database, wire)
        await database.close()


ONE = (1, 1)


async def test_setting_a_cart_line_is_one_statement(counted: Counted) -> None:
    stores = counted.stores
    products = [await a_product(stores, f"S-{number}") for number in (1, 2)]
    account = await an_account(stores)
    assert await counted.cost(lambda n: stores.carts.put_line(put(account, products[n - 1].id))) == ONE
    assert await counted.cost(lambda n: stores.carts.put_line(put(account, products[0].id, n, expected=n + 1))) == ONE
    assert await counted.cost(lambda _: stores.carts.cart(account)) == ONE
    assert await counted.cost(
        lambda n: stores.carts.remove_line(account, products[n - 1].id, expected_version=None, at=NOW)
    ) == ONE  # fmt: skip


async def test_a_checkout_is_one_read_and_one_statement(counted: Counted) -> None:
    stores = counted.stores
    product = await a_product(stores, quantity=50)
    account = await an_account(stores)
    scope = claim("k").scope
    assert await counted.cost(lambda _: stores.orders.basis(account, scope)) == ONE
    costs = []
    for number in (1, 2, 3):
        act = placing(account, await a_cart(stores, account, {product.id: 2}), number)
        counted.wire.forget()
        await stores.orders.place(act)
        costs.append((counted.wire.statements, counted.wire.trips))
        invoice = act.order.invoice_id
        assert await counted.cost(lambda _, invoice=invoice: stores.orders.order_of(account, invoice)) == ONE
    assert costs[1:] == [ONE, ONE]


async def test_ending_an_order_is_one_statement(counted: Counted) -> None:
    acts = {number: await a_placed_order(counted.stores, number) for number in (1, 2)}
    assert await counted.cost(lambda n: counted.stores.orders.end(ending(acts[n].order.invoice_id))) == ONE


async def test_every_act_on_a_payment_is_one_statement(counted: Counted) -> None:
    stores = counted.stores
    invoices = {n: (await a_placed_order(stores, n)).order.invoice_id for n in (1, 2)}
    scope = claim("k").scope
    assert await counted.cost(lambda n: stores.payments.file_and_prior(invoices[n], scope)) == ONE
    begins = {n: beginning(await stores.payments.file(invoices[n]), claimed=claim(f"pay-{n}")) for n in (1, 2)}
    assert await counted.cost(lambda n: stores.payments.begin(begins[n])) == ONE
    records = {n: captured(await stores.payments.file(invoices[n])) for n in (1, 2)}
    assert await counted.cost(lambda n: stores.payments.record(records[n])) == ONE
    assert await counted.cost(lambda n: stores.payments.suspend(suspending(f"card/{n}"))) == ONE
    assert await counted.cost(lambda n: stores.payments.claim_due(now=after(n), limit=10, lease_s=5)) == ONE
    assert await counted.cost(lambda n: stores.inbox.keep((notice(f"a{n}"), notice(f"b{n}")), lease_s=5)) == ONE
    assert await counted.cost(lambda n: stores.inbox.claim(now=after(60 * n), limit=10, lease_s=5)) == ONE
    assert await counted.cost(lambda n: stores.outbox.claim(now=after(60 * n), limit=10, lease_s=5)) == ONE


async def test_what_a_payment_holds_and_who_has_to_agree_is_one_statement_each(counted: Counted) -> None:
    payments = counted.stores.payments
    begins = {n: reserving(await a_file(counted.stores, n), str(n)) for n in (1, 2)}
    assert await counted.cost(lambda n: payments.begin(begins[n])) == ONE
    assert await counted.cost(lambda n: payments.reserved("card", (str(n),))) == ONE
    assert await counted.cost(lambda n: payments.taken("card", (str(n),), now=NOW)) == ONE
    assert await counted.cost(lambda n: payments.ask_approval(wish(f"confirm/{n}"))) == ONE
    for number in (1, 2):
        await payments.suspend(suspending(f"card/{number}"))
    rows = await payments.suspense(SuspenseState.OPEN, limit=2)
    assert await counted.cost(lambda n: payments.settle_suspense(splitting(rows[n - 1], 400, 300))) == ONE


async def test_a_session_is_resolved_by_one_read_and_opened_by_one_statement(counted: Counted) -> None:
    stores = counted.stores
    account = await an_account(stores)
    await a_session(stores, account, "zero")
    assert await counted.cost(lambda _: stores.accounts.resolve(token_hash("zero"), now=NOW)) == ONE
    assert await counted.cost(lambda n: stores.accounts.log_in(log_in(account, new_session(f"token-{n}")))) == ONE
    throttle = PostgresThrottle(counted.database)
    limit = Limit(attempts=5, window_s=60)
    assert await counted.cost(lambda _: throttle.spend("bucket", limit, now=NOW)) == ONE


async def test_the_counter_sees_begin_and_commit(counted: Counted) -> None:
    """An import is a transaction of two statements: if the wire did not count BEGIN and COMMIT, this would say so."""
    stores = counted.stores

    async def bring(number: int) -> None:
        drafts = (ProductDraft(sku="A", name="A", price=money(100 + number), quantity=1),)
        await stores.products.import_all(drafts, dry_run=False, audit=entry("products.imported"))

    assert await counted.cost(bring) == (4, 4)


GROWN = """
INSERT INTO accounts (email, email_key, address, password, role, sessions_valid_from, created_at)
SELECT n, n, '', '$argon2id$', 'customer', now(), now() FROM generate_series(1, 3000) n;
INSERT INTO products (sku, name, quantity, price, currency) SELECT n, n, 10, 100, 'EUR' FROM generate_series(1, 3000) n;
INSERT INTO carts (account_id, version, is_open, last_updated) SELECT n, 1, n > 2900, now() FROM generate_series(1, 3000) n;
INSERT INTO cart_lines SELECT n, n, 1, 100 FROM generate_series(1, 3000) n;
INSERT INTO orders SELECT 'KS-' || n, n, n, 'awaiting_payment', 100, 'EUR', '', '', nextval('orders_number'), 1, now(),
    now(), now() FROM generate_series(1, 2900) n;
INSERT INTO order_lines SELECT 'KS-' || n, n, '', '', 1, 100, 100 FROM generate_series(1, 2900) n;
INSERT INTO order_adjustments SELECT 'KS-' || n, 1, 'tax', '', 7, true FROM generate_series(1, 2900) n;
INSERT INTO payables SELECT 'KS-' || n, n, 100, 'EUR', 'open', now(), 1 FROM generate_series(1, 2900) n;
INSERT INTO payments (invoice_id, status, method, nominal, created_date, last_updated, currency, merchant_ref, is_live,
    authorized, captured, refunded, expires_at, plugin_state, next_action, return_token_hash)
SELECT 'KS-' || n, 'new', 'card', 100, now(), now(), 'EUR', n, true, 0, 0, 0, now(), '', '', sha256(n::text::bytea)
FROM generate_series(1, 2900) n;
INSERT INTO operations (id, payment_id, kind, state, attempt, sent_at, last_updated)
SELECT n, n, 'start', 1, 1, now(), now() FROM generate_series(1, 2900) n;
INSERT INTO movements SELECT n, 'auth', n, 1, 100, 'EUR', now(), now(), 1 FROM generate_series(1, 2900) n;
INSERT INTO suspense SELECT n, 'card', 100, 'EUR', 'late', 'open', n, '', now() FROM generate_series(1, 2900) n;
INSERT INTO payment_reservations SELECT 'card', n, n, now() FROM generate_series(1, 2900) n;
INSERT INTO idempotency SELECT 'p', 'r', n, '', NULL, NULL, now() FROM generate_series(1, 3000) n;
INSERT INTO inbox (method, event_id, event, body, state, attempts, fence, next_try_at, received_at)
SELECT 'card', n, '', '', 'done', 1, 1, now(), now() FROM generate_series(1, 3000) n;
ANALYZE"""
HOT = {
    "put_line": (cart._PUT_LINE, "int, int, timestamptz, int, bigint", "2950, NULL, now(), 7, 1"),
    "basis": (order_statements.BASIS, "int, text, text, text", "2950, 'p', 'r', '7'"),
    "place": (order_statements.PLACE, "jsonb", "'{}'"),
    "end": (order_statements.END, "jsonb", "'{}'"),
    "order_of": (order_statements.ORDER_OF, "text, int", "'KS-7', 7"),
    "file_and_prior": (payment_reads.FILE_AND_PRIOR, "text, text, text, text", "'KS-7', 'p', 'r', '7'"),
    "payments_with": (payment_reads.WITH_CAPTURE, "text, text", "'card', 'cap_1'"),
    "reserved": (payment_reads.RESERVED, "text, text[]", "'card', '{7}'"),
    "taken": (payment_reads.TAKEN, "text, text[], timestamptz", "'card', '{7}', now()"),
    "begin": (payment_acts.BEGIN, "jsonb", "'{}'"),
    "record": (payment_acts.RECORD, "jsonb", "'{}'"),
}


async def test_no_hot_statement_reads_a_whole_table(shop_url: str) -> None:
    """Planned once for all values, as a long-lived connection does, on tables of some size; one connection for all."""
    database = await PostgresDatabase.open(shop_url, allow_unsafe=True, pool_size=1, command_timeout_s=60)
    try:
        for part in GROWN.split(";"):
            await database.write(part)
        await database.write("SET plan_cache_mode = force_generic_plan")
        for name, (statement, types, values) in HOT.items():
            await database.write(f"PREPARE hot_{name} ({types}) AS {statement}")
            plan = [row[0] for row in await database.write(f"EXPLAIN EXECUTE hot_{name}({values})")]
            assert not [line for line in plan if "Seq Scan on" in line], "\n".join([name, *plan])
    finally:
        await database.close()
