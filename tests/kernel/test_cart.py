"""The cart as its owner sees it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kassa.ports.catalog import ProductChange
from kassa.ports.errors import CartChanged, InvalidValue, OutOfStock, UnknownProduct
from tests.kernel.world import OPERATOR, World, make_world, pence


async def test_a_cart_that_was_never_begun_is_empty_and_costs_nothing() -> None:
    world = make_world(shipping=490)
    cart = await world.shopping.cart(await world.newcomer())
    assert (cart.version, cart.lines, cart.adjustments, cart.total) == (0, (), (), pence(0))
    await world.close()


@pytest_asyncio.fixture
async def taxed() -> AsyncIterator[World]:
    """A shop with shipping of 4.90 and 20 % tax in its prices."""
    made = make_world(shipping=490, tax_rate_bp=2000)
    yield made
    await made.close()


async def test_the_total_is_lines_and_shipping_and_tells_the_tax_within(taxed: World) -> None:
    alice = await taxed.newcomer()
    tea, pot = await taxed.product("TEA", price=255), await taxed.product("POT", price=1999)
    await taxed.shopping.put_line(alice, tea.id, 3, expected_version=None)
    cart = await taxed.shopping.put_line(alice, pot.id, 1, expected_version=1)
    assert [line.total for line in cart.lines] == [pence(765), pence(1999)]
    assert cart.total == pence(765 + 1999 + 490)
    shipping, tax = cart.adjustments
    assert (shipping.amount, tax.amount, tax.included) == (pence(490), pence(542), True)
    assert (await taxed.shopping.clear(alice, expected_version=cart.version)).total == pence(0)


async def test_more_than_is_there_is_rejected_with_what_is_there(world: World) -> None:
    alice, tea = await world.newcomer(), await world.product(quantity=5)
    with pytest.raises(OutOfStock) as refused:
        await world.shopping.put_line(alice, tea.id, 6, expected_version=None)
    assert [(line.requested, line.available) for line in refused.value.lines] == [(6, 5)]
    assert (await world.shopping.cart(alice)).lines == ()


async def test_what_is_not_sold_cannot_be_put_in(world: World) -> None:
    alice, tea = await world.newcomer(), await world.product()
    await world.catalog.change(tea.id, ProductChange(is_active=False), expected_version=None, origin=OPERATOR)
    for product_id in (tea.id, 999):
        with pytest.raises(UnknownProduct):
            await world.shopping.put_line(alice, product_id, 1, expected_version=None)


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
async def test_a_quantity_that_cannot_be_is_refused(world: World, quantity: int) -> None:
    alice, tea = await world.newcomer(), await world.product()
    with pytest.raises(InvalidValue):
        await world.shopping.put_line(alice, tea.id, quantity, expected_version=None)


async def test_two_tabs_do_not_overwrite_each_other(world: World) -> None:
    alice, tea = await world.newcomer(), await world.product()
    seen = await world.shopping.put_line(alice, tea.id, 1, expected_version=None)
    await world.shopping.put_line(alice, tea.id, 2, expected_version=seen.version)
    with pytest.raises(CartChanged) as refused:
        await world.shopping.put_line(alice, tea.id, 3, expected_version=seen.version)
    current = await world.shopping.price(refused.value.cart)
    assert (current.version, current.lines[0].quantity, current.total) == (2, 2, pence(510))


async def test_a_price_that_moved_is_announced_until_it_moves_back(world: World) -> None:
    alice, tea = await world.newcomer(), await world.product(price=255)
    assert (await world.shopping.put_line(alice, tea.id, 1, expected_version=None)).lines[0].price_was is None
    await world.catalog.change(tea.id, ProductChange(price=pence(300)), expected_version=None, origin=OPERATOR)
    cart = await world.shopping.cart(alice)
    assert (cart.lines[0].price, cart.lines[0].price_was, cart.total) == (pence(300), pence(255), pence(300))
    await world.catalog.change(tea.id, ProductChange(price=pence(255)), expected_version=None, origin=OPERATOR)
    assert (await world.shopping.cart(alice)).lines[0].price_was is None


async def test_removing_a_line_twice_changes_nothing_the_second_time(world: World) -> None:
    alice, tea = await world.newcomer(), await world.product()
    await world.shopping.put_line(alice, tea.id, 1, expected_version=None)
    once = await world.shopping.remove_line(alice, tea.id, expected_version=1)
    assert await world.shopping.remove_line(alice, tea.id, expected_version=None) == once
