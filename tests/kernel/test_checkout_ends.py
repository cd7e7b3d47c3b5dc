"""How unpaid orders end."""

import asyncio

import pytest

from kassa.ports.audit import Origin
from kassa.ports.checkout import Order, OrderStatus
from kassa.ports.errors import OrderNotCancelable, PaymentInDoubt, PaymentLive, UnknownOrder
from kassa.ports.ids import AccountId
from kassa.ports.payment_records import PayableState
from tests.kernel.world import World, buyer, make_world

SWEEP = Origin(actor="system:sweep", request_id="r-9")


async def _ordered(world: World, *, price: int = 255) -> tuple[AccountId, int, Order]:
    alice, tea = await world.newcomer(), await world.product("TEA", price=price, quantity=5)
    await world.shopping.put_line(alice, tea.id, 2, expected_version=None)
    return alice, tea.id, (await world.check_out(alice, total=price * 2)).order


async def test_a_canceled_order_gives_its_stock_back_once_however_often_it_is_canceled(world: World) -> None:
    alice, tea, order = await _ordered(world)
    canceled = [await world.checkout.cancel(alice, order.invoice_id, buyer(alice)) for _ in range(2)]
    assert canceled[0] == canceled[1] == await world.checkout.order(alice, order.invoice_id)
    assert canceled[0].status is OrderStatus.CANCELED
    assert (await world.catalog.product(tea)).quantity == 5
    assert (await world.payments.file(order.invoice_id)).payable.state is PayableState.CLOSED
    trail = await world.audit.entries(subject=f"order:{order.invoice_id}", actor=None, after=0, limit=10)
    assert [record.entry.action for record in trail] == ["order.placed", "order.canceled"]


async def test_two_tabs_that_cancel_at_once_are_answered_alike(world: World) -> None:
    alice, tea, order = await _ordered(world)
    results = await asyncio.gather(*(world.checkout.cancel(alice, order.invoice_id, buyer(alice)) for _ in range(4)))
    assert {result.status for result in results} == {OrderStatus.CANCELED}
    assert (await world.catalog.product(tea)).quantity == 5


async def test_an_order_of_somebody_else_cannot_be_canceled(world: World) -> None:
    _, tea, order = await _ordered(world)
    bob = await world.newcomer("bob@example.com")
    with pytest.raises(UnknownOrder):
        await world.checkout.cancel(bob, order.invoice_id, buyer(bob))
    assert (await world.catalog.product(tea)).quantity == 3


async def test_a_paid_order_cannot_be_canceled(world: World) -> None:
    alice, _, order = await _ordered(world, price=0)
    with pytest.raises(OrderNotCancelable) as refused:
        await world.checkout.cancel(alice, order.invoice_id, buyer(alice))
    assert refused.value.status == "paid"


async def test_an_order_that_is_not_over_does_not_expire(world: World) -> None:
    alice, tea, order = await _ordered(world)
    world.clock.advance(hours=23)
    await world.checkout.expire(order.invoice_id, SWEEP)
    assert await world.unpaid_orders.run_once() == 0
    assert (await world.checkout.order(alice, order.invoice_id)).status is OrderStatus.AWAITING_PAYMENT
    assert (await world.catalog.product(tea)).quantity == 3


async def test_an_unpaid_order_expires_and_gives_its_stock_back_once(world: World) -> None:
    alice, tea, order = await _ordered(world)
    world.clock.advance(hours=24)
    await asyncio.gather(*(world.unpaid_orders.run_once() for _ in range(3)))
    assert await world.unpaid_orders.run_once() == 0
    assert (await world.checkout.order(alice, order.invoice_id)).status is OrderStatus.EXPIRED
    assert (await world.catalog.product(tea)).quantity == 5
    with pytest.raises(OrderNotCancelable):
        await world.checkout.cancel(alice, order.invoice_id, buyer(alice))


async def test_a_canceled_order_does_not_expire_too(world: World) -> None:
    alice, _, order = await _ordered(world)
    await world.checkout.cancel(alice, order.invoice_id, buyer(alice))
    world.clock.advance(hours=25)
    await world.checkout.expire(order.invoice_id, SWEEP)
    assert (await world.checkout.order(alice, order.invoice_id)).status is OrderStatus.CANCELED


class Holding:
    """A cashier that does not let go."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def release(self, invoice_id: str, *, cancel_live: bool, origin: Origin) -> int:
        raise self.error


@pytest.mark.parametrize("error", [PaymentInDoubt("?"), PaymentLive("?")])
async def test_an_order_whose_money_may_still_come_neither_expires_nor_can_be_canceled(error: Exception) -> None:
    world = make_world(release=Holding(error))
    alice, tea, order = await _ordered(world)
    world.clock.advance(hours=25)
    await world.checkout.expire(order.invoice_id, SWEEP)
    with pytest.raises(type(error)):
        await world.checkout.cancel(alice, order.invoice_id, buyer(alice))
    assert (await world.checkout.order(alice, order.invoice_id)).status is OrderStatus.AWAITING_PAYMENT
    assert (await world.catalog.product(tea)).quantity == 3
    await world.assert_sound()
    await world.close()
