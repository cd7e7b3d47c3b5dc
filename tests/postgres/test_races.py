"""Races on a real PostgreSQL: stock is never sold twice, a cart becomes one order, and nobody deadlocks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any

import pytest

from kassa.adapters.postgres import PostgresAuditTrail, PostgresDatabase
from kassa.adapters.postgres.database import Transaction
from kassa.ports.catalog import ProductChange, ProductDraft
from kassa.ports.checkout import OrderStatus
from kassa.ports.errors import AlreadyClaimed, Conflict, KassaError, OrderNotCancelable, OutOfStock, PriceChanged
from kassa.ports.values import Page
from tests.postgres.shop import Shop, audit, euro


@pytest.fixture
async def shop(database: PostgresDatabase) -> AsyncIterator[Shop]:
    """A shop of which every promise must still hold when the race is over."""
    yield Shop(database)
    assert await PostgresAuditTrail(database).violations() == ()


async def outcomes(acts: Iterable[Coroutine[Any, Any, object]]) -> Counter[str]:
    """How many ended how, all at once."""
    ends = await asyncio.gather(*acts, return_exceptions=True)
    return Counter(type(end).__name__ if isinstance(end, BaseException) else "done" for end in ends)


async def test_two_hundred_buyers_share_five_lanterns(shop: Shop) -> None:
    product = await shop.product(quantity=5)
    carts = [await shop.put(account, product.id) for account in range(1, 201)]
    ends = await outcomes(shop.place(account, cart) for account, cart in enumerate(carts, 1))
    assert ends == {"done": 5, "OutOfStock": 195}
    assert (await shop.products.product(product.id)).quantity == 0
    assert await shop.stock_is_right()
    assert [await shop.count(table) for table in ("orders", "payables", "idempotency", "order_events")] == [5] * 4


async def test_an_order_of_many_lines_is_placed_whole_or_not_at_all(shop: Shop) -> None:
    """The trap: a statement whose lines were only partly there must not have taken the other part."""
    plenty, scarce = await shop.product(quantity=100), await shop.product(quantity=20)
    for account in range(1, 41):
        await shop.put(account, plenty.id)
        await shop.put(account, scarce.id)
    ends = await outcomes(shop.place(account) for account in range(1, 41))
    assert ends == {"done": 20, "OutOfStock": 20}
    assert (await shop.products.product(plenty.id)).quantity == 80
    assert await shop.stock_is_right()


async def test_carts_with_the_same_goods_in_opposite_order_do_not_deadlock(shop: Shop) -> None:
    products = [await shop.product(quantity=1000) for _ in range(6)]
    for account in range(1, 41):
        for product in products if account % 2 else reversed(products):
            await shop.put(account, product.id)
    ends = await outcomes(shop.place(account) for account in range(1, 41))
    assert ends == {"done": 40}
    assert await shop.stock_is_right()


async def test_selling_and_giving_back_at_once_do_not_deadlock(shop: Shop) -> None:
    products = [await shop.product(quantity=500) for _ in range(4)]
    orders = []
    for account in range(1, 41):
        for product in products if account % 3 else reversed(products):
            await shop.put(account, product.id, 2)
        if account <= 20:
            orders.append(await shop.place(account))
    ends = await outcomes(
        [
            *(shop.end(order) for order in orders),
            *(shop.place(account) for account in range(21, 41)),
            *(shop.products.correct_stock(product.id, 1, "found", audit("product")) for product in products),
        ]
    )
    assert ends == {"done": 44}
    assert await shop.stock_is_right()


async def test_eight_tabs_place_one_order(shop: Shop) -> None:
    product = await shop.product()
    cart = await shop.put(1, product.id)
    ends = await outcomes(shop.place(1, cart) for _ in range(8))
    assert ends == {"done": 1, "Conflict": 7}
    assert await shop.count("orders") == 1
    assert await shop.stock_is_right()


async def test_one_key_eight_times_at_once_places_one_order(shop: Shop) -> None:
    product = await shop.product()
    cart = await shop.put(1, product.id)
    ends = await outcomes(shop.place(1, cart, key="the key") for _ in range(8))
    assert ends == {"done": 1, "AlreadyClaimed": 7}
    with pytest.raises(AlreadyClaimed):
        await shop.place(1, cart, key="the key")
    again = await shop.put(1, product.id)
    with pytest.raises(AlreadyClaimed):
        await shop.place(1, again, key="the key")
    assert await shop.carts.cart(1) == again
    assert await shop.count("orders") == await shop.count("idempotency") == await shop.count("payables") == 1


async def test_a_cart_that_changes_while_it_is_bought_is_bought_as_it_was_or_not_at_all(shop: Shop) -> None:
    first, second = await shop.product(quantity=100), await shop.product(quantity=100)
    for account in range(1, 21):
        cart = await shop.put(account, first.id)
        ends = await asyncio.gather(shop.place(account, cart), shop.put(account, second.id), return_exceptions=True)
        assert isinstance(ends[0], Conflict) or not isinstance(ends[0], BaseException), ends
        assert not isinstance(ends[1], BaseException), ends
        left = await shop.carts.cart(account)
        placed = not isinstance(ends[0], BaseException)
        assert {line.product_id for line in left.lines} == ({second.id} if placed else {first.id, second.id})
    assert await shop.stock_is_right()


@pytest.mark.parametrize("what", ["price", "activity"])
async def test_a_price_or_product_that_changes_before_the_act_stops_it(shop: Shop, what: str) -> None:
    product, other = await shop.product(), await shop.product()
    await shop.put(1, other.id)
    cart = await shop.put(1, product.id)
    change = ProductChange(price=euro(999)) if what == "price" else ProductChange(is_active=False)
    await shop.products.change(product.id, change, expected_version=None, audit=audit("product"))
    with pytest.raises(PriceChanged) as refused:
        await shop.place(1, cart)
    (problem,) = refused.value.lines
    assert problem.product_id == product.id
    assert (problem.reason, problem.price) == (("price_changed", euro(999)) if what == "price" else ("withdrawn", None))
    now = await shop.carts.cart(1)
    assert (now.id, now.version) == (cart.id, cart.version)
    assert await shop.count("orders") == await shop.count("idempotency") == 0
    assert await shop.stock_is_right()


async def test_a_price_that_moves_all_the_time_is_never_sold_at_another_one(shop: Shop) -> None:
    """Orders and price changes race; every order that was placed has a price that was true when it was locked."""
    product = await shop.product(quantity=1000, price=100)
    carts = {account: await shop.put(account, product.id) for account in range(1, 61)}

    async def reprice(price: int) -> None:
        change = ProductChange(price=euro(price))
        await shop.products.change(product.id, change, expected_version=None, audit=audit("product"))

    ends = await outcomes(
        reprice(101) if account == 30 else shop.place(account, cart) for account, cart in carts.items()
    )
    assert set(ends) <= {"done", "PriceChanged"}
    prices = await shop.database.read("SELECT DISTINCT price FROM order_lines")
    assert [row.price for row in prices] in ([], [100])
    with pytest.raises((PriceChanged, Conflict)):
        await shop.place(30, carts[30])
    assert await shop.stock_is_right()


async def test_an_order_is_ended_once_and_its_stock_given_back_once(shop: Shop) -> None:
    product = await shop.product(quantity=3)
    await shop.put(1, product.id, 3)
    order = await shop.place(1)
    ends = await outcomes(shop.end(order, status) for status in (OrderStatus.EXPIRED, OrderStatus.CANCELED) * 4)
    assert ends["done"] == 1
    assert set(ends) <= {"done", "OrderNotCancelable", "Conflict"}
    with pytest.raises(OrderNotCancelable):
        await shop.end(order)
    assert (await shop.products.product(product.id)).quantity == 3
    assert await shop.stock_is_right()


async def test_what_is_short_is_told_for_every_line_and_nothing_is_changed(shop: Shop) -> None:
    first, second, third = [await shop.product(quantity=4) for _ in range(3)]
    for product in (first, second, third):
        await shop.put(1, product.id, 3)
    cart = await shop.carts.cart(1)
    for product in (first, third):
        await shop.products.correct_stock(product.id, -2, "broken", audit("product"))
    with pytest.raises(OutOfStock) as refused:
        await shop.place(1, cart)
    assert [(line.product_id, line.requested, line.available) for line in refused.value.lines] == [
        (first.id, 3, 2),
        (third.id, 3, 2),
    ]
    assert await shop.carts.cart(1) != cart  # what is available is told anew
    assert (await shop.carts.cart(1)).version == cart.version
    assert await shop.stock_is_right()


async def test_ten_tabs_that_begin_a_cart_begin_one(shop: Shop) -> None:
    products = [await shop.product() for _ in range(10)]
    carts = await asyncio.gather(*(shop.put(1, product.id) for product in products))
    assert sorted(cart.version for cart in carts) == list(range(1, 11))
    assert max(carts, key=lambda cart: cart.version) == await shop.carts.cart(1)
    assert await shop.count("carts") == 1


async def test_of_tabs_that_saw_one_version_one_changes_the_cart(shop: Shop) -> None:
    products = [await shop.product() for _ in range(8)]
    seen = await shop.put(1, products[0].id, 2)
    ends = await outcomes(shop.put(1, product.id, version=seen.version) for product in products)
    assert ends == {"done": 1, "CartChanged": 7}


async def test_errors_of_races_are_all_named(shop: Shop) -> None:
    """Whatever a storm of different acts ends with, it is an error of the ports."""
    products = [await shop.product(quantity=5) for _ in range(3)]

    async def customer(account: int) -> None:
        for product in products:
            await shop.put(account, product.id, 1)
        order = await shop.place(account)
        if account % 2:
            await shop.end(order)

    ends = await asyncio.gather(*(customer(account) for account in range(1, 60)), return_exceptions=True)
    assert all(end is None or isinstance(end, KassaError) for end in ends), ends
    assert await shop.stock_is_right()


async def test_two_imports_of_the_same_new_goods_make_them_once(shop: Shop) -> None:
    drafts = [ProductDraft(sku=f"NEW-{number}", name="New", price=euro(100), quantity=5) for number in range(20)]
    ends = await asyncio.gather(
        *(
            shop.products.import_all(tuple(order), dry_run=False, audit=audit("import"))
            for order in (drafts, drafts[::-1], drafts, drafts[::-1])
        )
    )
    assert sorted((end.created, end.unchanged) for end in ends) == [(0, 20), (0, 20), (0, 20), (20, 0)]
    assert await shop.count("products") == 20
    assert await shop.stock_is_right()


async def test_goods_made_between_the_look_and_the_import_are_not_counted_as_made_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trap: the second statement of an import sees what was committed after the first, and no lock holds it."""
    drafts = tuple(ProductDraft(sku=f"GAP-{number}", name="New", price=euro(100), quantity=5) for number in range(3))
    run, rival = Transaction.run, Shop(shop.database)
    waiting = True

    async def slowly(self: Transaction, statement: str, *values: Any) -> Any:
        nonlocal waiting
        rows = await run(self, statement, *values)
        if waiting and not rows and "FOR NO KEY UPDATE" in statement:
            waiting = False
            await rival.products.import_all(drafts, dry_run=False, audit=audit("import"))
        return rows

    monkeypatch.setattr(Transaction, "run", slowly)
    end = await shop.products.import_all(drafts, dry_run=False, audit=audit("import"))
    assert (end.created, end.changed, end.unchanged) == (0, 0, 3)
    made = await shop.products.search("GAP", Page(limit=5), only_active=True)
    assert [product.version for product in made.items] == [1, 1, 1]
    assert await shop.stock_is_right()
