"""The contract of `kassa.ports.checkout.Orders.end`: canceling and expiring."""

import pytest

from kassa.ports.checkout import OrderStatus
from kassa.ports.errors import Conflict, OrderNotCancelable
from kassa.ports.payment_records import PayableState

from .sample_orders import a_placed_order, ending, invoice
from .samples import after
from .stores import Stores
from .witness import audit_of, nothing_changes, race, waiting


class OrderEndContract:
    """Every clause of `Orders.end`. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def test_an_ended_order_gives_its_stock_back_and_closes_its_payable(self, stores: Stores) -> None:
        line = (await a_placed_order(stores, quantity=2, stock=10)).order.lines[0]
        assert (await stores.products.product(line.product_id)).quantity == 8
        await stores.orders.end(ending(invoice()))
        order = await stores.orders.order(invoice())
        assert (order.status, order.last_updated) == (OrderStatus.CANCELED, after(300))
        assert (await stores.products.product(line.product_id)).quantity == 10
        payable = (await stores.payments.file(invoice())).payable
        assert (payable.state, payable.version) == (PayableState.CLOSED, 2)
        assert await stores.audit.violations() == ()

    async def test_ending_writes_its_events_and_its_audit_entry(self, stores: Stores) -> None:
        await a_placed_order(stores)
        before = await waiting(stores)
        await stores.orders.end(ending(invoice(), status=OrderStatus.EXPIRED))
        assert (await stores.orders.order(invoice())).status is OrderStatus.EXPIRED
        assert await waiting(stores) == before + 1
        assert len(await audit_of(stores, "order.expired")) == 1

    async def test_an_order_that_ended_does_not_end_again(self, stores: Stores) -> None:
        await a_placed_order(stores)
        await stores.orders.end(ending(invoice()))
        for status in (OrderStatus.CANCELED, OrderStatus.EXPIRED):
            async with nothing_changes(stores):
                with pytest.raises(OrderNotCancelable) as refusal:
                    await stores.orders.end(ending(invoice(), status=status, payable_version=2))
            assert refusal.value.status == "canceled"

    async def test_an_order_is_not_ended_on_another_version_of_its_payable(self, stores: Stores) -> None:
        await a_placed_order(stores)
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.orders.end(ending(invoice(), payable_version=2))

    async def test_an_order_canceled_and_expired_at_once_gives_its_stock_back_once(self, stores: Stores) -> None:
        act = await a_placed_order(stores, quantity=2, stock=10)
        result = await race(
            *(
                stores.orders.end(ending(invoice(), status=status))
                for status in (OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.CANCELED)
            )
        )
        assert len(result.won) == 1
        assert result.reasons() <= {"OrderNotCancelable", "Conflict"}
        assert (await stores.products.product(act.order.lines[0].product_id)).quantity == 10
