"""Every act against another transaction that holds its rows, changes them, and then commits or rolls back.

The act has taken its snapshot by then and waits: what it decides afterwards must be decided on what is true now.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

import asyncpg
import pytest

from kassa.adapters.postgres import PostgresAuditTrail, PostgresDatabase
from kassa.ports.cart import Cart
from kassa.ports.catalog import Product
from kassa.ports.errors import AlreadyClaimed, CartChanged, Conflict, OutOfStock, PriceChanged
from tests.postgres.shop import NOW, Shop

CLAIM = (
    "INSERT INTO idempotency (principal, route, key, fingerprint, kind, body, at) VALUES"
    " ('account:1', 'POST /orders', 'the key', decode(repeat('00', 32), 'hex'), 'created', '{}', now())"
)
_WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()"""


class Other:
    """Another transaction, begun and holding its locks until told to end."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def begin(self, change: str) -> None:
        await self._connection.execute("BEGIN")
        await self._connection.execute(change)

    async def meets(self, act: Awaitable[object], end: str) -> object:
        """Start `act`, wait until it waits for us, end; what became of it."""
        task = asyncio.ensure_future(act)
        for _ in range(500):
            if await self._connection.fetchval(_WAITING):
                break
            assert not task.done(), "the act did not wait"
            await asyncio.sleep(0.005)
        await self._connection.execute(end)
        (result,) = await asyncio.gather(task, return_exceptions=True)
        return result


@pytest.fixture
async def other(shop_url: str) -> AsyncIterator[Other]:
    connection = await asyncpg.connect(shop_url)
    yield Other(connection)
    await connection.close()


@pytest.fixture
async def shop(database: PostgresDatabase) -> AsyncIterator[Shop]:
    yield Shop(database)
    assert await Shop(database).stock_is_right()
    broken = await PostgresAuditTrail(database).violations()
    assert [line for line in broken if not line.startswith("U1")] == []  # the other transaction writes no audit entry


async def two_lines(shop: Shop) -> tuple[Product, Product, Cart]:
    """A cart with two units of each of two products of which there are five."""
    first, second = await shop.product(quantity=5), await shop.product(quantity=5)
    await shop.put(1, first.id, 2)
    return first, second, await shop.put(1, second.id, 2)


def selling(product: Product, units: int) -> str:
    """Somebody else takes units, with the move that says so."""
    return (
        f"UPDATE products SET quantity = quantity - {units} WHERE id = {product.id};"
        " INSERT INTO stock_moves (product_id, delta, reason, at, tx)"
        f" VALUES ({product.id}, -{units}, 'correction', now(), pg_current_xact_id()::text::bigint)"
    )


CHANGES = {
    "price": ("UPDATE products SET price = price + 1 WHERE id = {id}", PriceChanged, "price_changed"),
    "activity": ("UPDATE products SET is_active = false WHERE id = {id}", PriceChanged, "withdrawn"),
    "currency": ("UPDATE products SET currency = 'USD' WHERE id = {id}", PriceChanged, "price_changed"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("which", [0, 1])
async def test_a_change_that_commits_while_an_order_waits_stops_it(
    shop: Shop, other: Other, what: str, which: int
) -> None:
    first, second, cart = await two_lines(shop)
    product = (first, second)[which]
    change, error, reason = CHANGES[what]
    await other.begin(change.format(id=product.id))
    refused = await other.meets(shop.place(1, cart), "COMMIT")
    assert isinstance(refused, error)
    assert [(line.product_id, line.reason) for line in refused.lines] == [(product.id, reason)]
    assert await shop.count("orders") == await shop.count("idempotency") == await shop.count("payables") == 0
    assert (await shop.carts.cart(1)).version == cart.version
    assert {(await shop.products.product(each.id)).quantity for each in (first, second)} == {5}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_that_is_rolled_back_does_not(shop: Shop, other: Other, what: str) -> None:
    first, _, cart = await two_lines(shop)
    await other.begin(CHANGES[what][0].format(id=first.id))
    assert not isinstance(await other.meets(shop.place(1, cart), "ROLLBACK"), BaseException)


@pytest.mark.parametrize("units", [1, 3])
async def test_stock_sold_while_an_order_waits_is_counted(shop: Shop, other: Other, units: int) -> None:
    first, second, cart = await two_lines(shop)
    await other.begin(selling(second, units))
    ended = await other.meets(shop.place(1, cart), "COMMIT")
    assert not isinstance(ended, BaseException)
    assert (await shop.products.product(first.id)).quantity == 3
    assert (await shop.products.product(second.id)).quantity == 3 - units


async def test_stock_sold_out_while_an_order_waits_stops_it_whole(shop: Shop, other: Other) -> None:
    first, second, cart = await two_lines(shop)
    await other.begin(selling(second, 4))
    refused = await other.meets(shop.place(1, cart), "COMMIT")
    assert isinstance(refused, OutOfStock)
    assert [(line.product_id, line.requested, line.available) for line in refused.lines] == [(second.id, 2, 1)]
    assert (await shop.products.product(first.id)).quantity == 5
    assert await shop.count("orders") == await shop.count("idempotency") == await shop.count("outbox") == 0


@pytest.mark.parametrize("change", ["version = version + 1", "is_open = false"])
async def test_a_cart_that_moves_on_while_its_order_waits_is_not_sold(shop: Shop, other: Other, change: str) -> None:
    first, _, cart = await two_lines(shop)
    await other.begin(f"UPDATE carts SET {change}")
    assert isinstance(await other.meets(shop.place(1, cart), "COMMIT"), Conflict)
    assert (await shop.products.product(first.id)).quantity == 5
    assert await shop.count("orders") == await shop.count("idempotency") == 0


async def test_a_twin_with_the_same_key_is_waited_for(shop: Shop, other: Other) -> None:
    first, _, cart = await two_lines(shop)
    await other.begin(CLAIM)
    assert isinstance(await other.meets(shop.place(1, cart, key="the key"), "COMMIT"), AlreadyClaimed)
    assert (await shop.products.product(first.id)).quantity == 5
    assert await shop.count("orders") == 0
    assert await shop.carts.cart(1) == cart


async def test_a_twin_that_failed_leaves_the_key_free(shop: Shop, other: Other) -> None:
    _, _, cart = await two_lines(shop)
    await other.begin(CLAIM)
    assert not isinstance(await other.meets(shop.place(1, cart, key="the key"), "ROLLBACK"), BaseException)


async def test_an_order_is_not_ended_on_a_version_that_moves_while_it_waits(shop: Shop, other: Other) -> None:
    _, second, cart = await two_lines(shop)
    order = await shop.place(1, cart)
    await other.begin("UPDATE payables SET version = version + 1")
    assert isinstance(await other.meets(shop.end(order), "COMMIT"), Conflict)
    assert (await shop.products.product(second.id)).quantity == 3
    await shop.end(order, version=2)


async def test_stock_given_back_while_others_sell_is_added_to_what_is_left(shop: Shop, other: Other) -> None:
    _, second, cart = await two_lines(shop)
    order = await shop.place(1, cart)
    await other.begin(selling(second, 3))
    assert not isinstance(await other.meets(shop.end(order), "COMMIT"), BaseException)
    assert (await shop.products.product(second.id)).quantity == 2


@pytest.mark.parametrize("expected", [None, 2])
async def test_a_line_set_while_another_tab_changes_the_cart(shop: Shop, other: Other, expected: int | None) -> None:
    """Without an expected version it is set on top of the other change, and the answer holds both; with one it is refused."""
    first, second, cart = await two_lines(shop)
    third = await shop.product()
    await other.begin(f"UPDATE carts SET version = version + 1; DELETE FROM cart_lines WHERE product_id = {first.id}")
    ended = await other.meets(shop.put(1, third.id, 4, version=expected), "COMMIT")
    now = await shop.carts.cart(1)
    if expected is None:
        assert ended == now
        assert (now.version, [line.product_id for line in now.lines]) == (cart.version + 2, [second.id, third.id])
    else:
        assert isinstance(ended, CartChanged)
        assert ended.cart == now
        assert [line.product_id for line in now.lines] == [second.id]


async def test_a_cart_begun_in_another_tab_is_joined(shop: Shop, other: Other) -> None:
    product = await shop.product()
    await other.begin(f"INSERT INTO carts (account_id, version, last_updated) VALUES (1, 1, '{NOW.isoformat()}')")
    ended = await other.meets(shop.put(1, product.id), "COMMIT")
    assert ended == await shop.carts.cart(1)
    assert (await shop.carts.cart(1)).version == 2


async def test_a_cart_line_does_not_wait_for_somebody_who_buys_the_product(shop: Shop, other: Other) -> None:
    """Setting a line locks the cart alone: a foreign key's check does not wait for a sale."""
    product = await shop.product()
    await other.begin(f"SELECT 1 FROM products WHERE id = {product.id} FOR NO KEY UPDATE")
    await asyncio.wait_for(shop.put(1, product.id), 2)
    await asyncio.wait_for(shop.put(1, product.id, 3), 2)
