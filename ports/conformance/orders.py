"""The contract of `kassa.ports.checkout.Orders`: finding. Placing and ending: `checkout`."""

import pytest
import pytest_asyncio

from kassa.ports.checkout import OrderPage, OrderStatus
from kassa.ports.errors import UnknownOrder
from kassa.ports.ids import AccountId
from kassa.ports.values import Page

from .sample_orders import a_placed_order, ending, invoice, placing
from .samples import a_cart, a_product, an_account
from .stores import Stores


def ids(page: OrderPage) -> list[str]:
    """The invoice ids of a page, in its order."""
    return [order.invoice_id for order in page.items]


class OrderSearchContract:
    """Every clause of `Orders` that reads. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    @pytest_asyncio.fixture
    async def ann(self, stores: Stores) -> AccountId:
        """A customer with five orders, between which somebody else ordered."""
        account_id = await an_account(stores, "Ann@Example.org")
        product = await a_product(stores, "MUG-1", quantity=100)
        for number in range(1, 6):
            cart = await a_cart(stores, account_id, {product.id: number})
            await stores.orders.place(placing(account_id, cart, number))
        return account_id

    async def test_an_order_nobody_placed_is_unknown(self, stores: Stores, ann: AccountId) -> None:
        with pytest.raises(UnknownOrder):
            await stores.orders.order(invoice(6))
        with pytest.raises(UnknownOrder):
            await stores.orders.order_of(ann, invoice(6))

    async def test_an_order_is_found_by_its_owner(self, stores: Stores, ann: AccountId) -> None:
        assert await stores.orders.order_of(ann, invoice(3)) == await stores.orders.order(invoice(3))

    async def test_the_order_of_somebody_else_is_unknown(self, stores: Stores, ann: AccountId) -> None:
        other = await a_placed_order(stores, 6)
        with pytest.raises(UnknownOrder):
            await stores.orders.order_of(ann, invoice(6))
        with pytest.raises(UnknownOrder):
            await stores.orders.order_of(other.account_id, invoice(3))

    async def test_orders_of_a_customer_are_their_own_newest_first(self, stores: Stores, ann: AccountId) -> None:
        other = await a_placed_order(stores, 6)
        assert ids(await stores.orders.orders_of(ann, Page())) == [invoice(number) for number in (5, 4, 3, 2, 1)]
        assert ids(await stores.orders.orders_of(other.account_id, Page())) == [invoice(6)]

    async def test_orders_of_a_customer_are_whole(self, stores: Stores, ann: AccountId) -> None:
        for order in (await stores.orders.orders_of(ann, Page())).items:
            assert order == await stores.orders.order(order.invoice_id)

    async def test_pages_of_orders_follow_one_another_without_gap_or_repetition(
        self, stores: Stores, ann: AccountId
    ) -> None:
        first = await stores.orders.orders_of(ann, Page(limit=2))
        await a_placed_order(stores, 6)
        second = await stores.orders.orders_of(ann, Page(limit=2, cursor=first.next))
        third = await stores.orders.orders_of(ann, Page(limit=2, cursor=second.next))
        assert [ids(page) for page in (first, second, third)] == [
            [invoice(5), invoice(4)],
            [invoice(3), invoice(2)],
            [invoice(1)],
        ]
        assert third.next is None

    async def test_search_for_nothing_finds_all_newest_first(self, stores: Stores, ann: AccountId) -> None:
        await a_placed_order(stores, 6)
        found = await stores.orders.search("", None, Page(limit=4))
        assert ids(found) == [invoice(number) for number in (6, 5, 4, 3)]
        rest = await stores.orders.search("", None, Page(limit=4, cursor=found.next))
        assert (ids(rest), rest.next) == ([invoice(2), invoice(1)], None)

    async def test_search_finds_a_part_of_invoice_or_address(self, stores: Stores, ann: AccountId) -> None:
        await a_placed_order(stores, 6)
        assert ids(await stores.orders.search("0004", None, Page())) == [invoice(4)]
        assert ids(await stores.orders.search("buyer6@", None, Page())) == [invoice(6)]
        assert ids(await stores.orders.search("%", None, Page())) == []

    async def test_search_finds_those_of_a_status(self, stores: Stores, ann: AccountId) -> None:
        await stores.orders.end(ending(invoice(2)))
        assert ids(await stores.orders.search("", OrderStatus.CANCELED, Page())) == [invoice(2)]
        open_ones = await stores.orders.search("", OrderStatus.AWAITING_PAYMENT, Page())
        assert ids(open_ones) == [invoice(number) for number in (5, 4, 3, 1)]
