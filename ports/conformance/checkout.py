"""The contract of `kassa.ports.checkout.Orders`: placing. Finding: `orders`. Ending: `ending`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import pytest_asyncio

from kassa.ports.cart import Cart
from kassa.ports.catalog import Product, ProductChange
from kassa.ports.checkout import CheckoutBasis, OrderStatus, PlaceOrder
from kassa.ports.errors import AlreadyClaimed, Conflict, KassaError, OutOfStock, PriceChanged
from kassa.ports.ids import AccountId
from kassa.ports.payment_records import Payable, PayableState, PaymentFile

from .sample_orders import order_from, placing
from .samples import a_cart, a_product, an_account, claim, entry, money, put
from .stores import Stores
from .witness import audit_of, nothing_changes, race, waiting


@asynccontextmanager
async def refused(stores: Stores, act: PlaceOrder, why: type[KassaError]) -> AsyncIterator[list[KassaError]]:
    """Placing `act` is refused with `why` and leaves nothing: no row, no taken stock, and its key is not burnt.

    The body runs afterwards and may look at the error.
    """
    seen: list[KassaError] = []
    async with nothing_changes(stores, act.account_id):
        with pytest.raises(why) as refusal:
            await stores.orders.place(act)
    seen.append(refusal.value)
    yield seen


class OrdersContract:
    """Every clause of `Orders` about placing. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    @pytest_asyncio.fixture
    async def ann(self, stores: Stores) -> AccountId:
        """A registered customer."""
        return await an_account(stores, "Ann@Example.org")

    @pytest_asyncio.fixture
    async def mug(self, stores: Stores) -> Product:
        """A product of which there are 10."""
        return await a_product(stores, "MUG-1", quantity=10, price=255)

    @pytest_asyncio.fixture
    async def cup(self, stores: Stores) -> Product:
        """A product of which there are 5."""
        return await a_product(stores, "CUP-1", name="Red cup", quantity=5, price=100)

    @pytest_asyncio.fixture
    async def cart(self, stores: Stores, ann: AccountId, mug: Product, cup: Product) -> Cart:
        """Ann's cart: 2 mugs and 3 cups."""
        return await a_cart(stores, ann, {mug.id: 2, cup.id: 3})

    async def quantity(self, stores: Stores, product: Product) -> int:
        """What the stock says now."""
        return (await stores.products.product(product.id)).quantity

    # --- the basis

    async def test_the_basis_is_the_open_cart_and_no_answer_yet(
        self, stores: Stores, ann: AccountId, cart: Cart
    ) -> None:
        assert await stores.orders.basis(ann, claim().scope) == CheckoutBasis(cart=cart, prior=None)

    async def test_the_basis_tells_the_answer_of_a_request_done_before(
        self, stores: Stores, ann: AccountId, cart: Cart
    ) -> None:
        act = placing(ann, cart)
        await stores.orders.place(act)
        basis = await stores.orders.basis(ann, act.claim.scope)
        assert basis.cart == Cart(id=0, version=0, lines=())
        assert basis.prior is not None
        assert (basis.prior.answer, basis.prior.fingerprint) == (act.answer, act.claim.fingerprint)

    # --- placing

    async def test_an_order_is_kept_as_it_was_placed(self, stores: Stores, ann: AccountId, cart: Cart) -> None:
        act = placing(ann, cart)
        await stores.orders.place(act)
        assert await stores.orders.order(act.order.invoice_id) == act.order

    async def test_placing_takes_the_stock_of_every_line(
        self, stores: Stores, ann: AccountId, cart: Cart, mug: Product, cup: Product
    ) -> None:
        await stores.orders.place(placing(ann, cart))
        assert [await self.quantity(stores, product) for product in (mug, cup)] == [8, 2]

    async def test_a_sale_does_not_raise_the_version_of_a_product(
        self, stores: Stores, ann: AccountId, cart: Cart, mug: Product
    ) -> None:
        await stores.orders.place(placing(ann, cart))
        assert (await stores.products.product(mug.id)).version == mug.version

    async def test_placing_writes_what_is_to_be_paid(self, stores: Stores, ann: AccountId, cart: Cart) -> None:
        act = placing(ann, cart)
        await stores.orders.place(act)
        assert await stores.payments.file(act.order.invoice_id) == PaymentFile(
            payable=Payable(
                invoice_id=act.order.invoice_id,
                customer_id=ann,
                amount=act.order.total,
                state=PayableState.OPEN,
                pay_until=act.order.pay_until,
                version=1,
            ),
            payments=(),
            operations=(),
            movements=(),
        )

    async def test_placing_keeps_the_answer_for_a_repetition(self, stores: Stores, ann: AccountId, cart: Cart) -> None:
        act = placing(ann, cart)
        await stores.orders.place(act)
        kept = await stores.idempotency.find(act.claim.scope)
        assert kept is not None
        assert (kept.answer, kept.fingerprint) == (act.answer, act.claim.fingerprint)

    async def test_placing_writes_its_events_and_its_audit_entry(
        self, stores: Stores, ann: AccountId, cart: Cart
    ) -> None:
        before, act = await waiting(stores), placing(ann, cart)
        await stores.orders.place(act)
        assert await waiting(stores) == before + 1
        assert [record.entry for record in await audit_of(stores, "order.placed")] == [act.audit]

    async def test_an_order_of_nothing_is_paid_from_the_start(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        cart = await a_cart(stores, ann, {mug.id: 1})
        free = msgspec.structs.replace(order_from(cart).adjustments[0], kind="discount", amount=money(-255))
        order = msgspec.structs.replace(order_from(cart), adjustments=(free,), total=money(0), status=OrderStatus.PAID)
        await stores.orders.place(placing(ann, cart, order=order))
        assert (await stores.orders.order(order.invoice_id)).status is OrderStatus.PAID
        assert (await stores.payments.file(order.invoice_id)).payable.state is PayableState.PAID

    async def test_a_placed_order_leaves_all_invariants_whole(self, stores: Stores, ann: AccountId, cart: Cart) -> None:
        await stores.orders.place(placing(ann, cart))
        assert await stores.audit.violations() == ()

    # --- refusing

    async def test_a_claim_that_was_used_places_nothing(
        self, stores: Stores, ann: AccountId, cart: Cart, mug: Product
    ) -> None:
        first = placing(ann, cart)
        await stores.orders.place(first)
        again = await a_cart(stores, ann, {mug.id: 1})
        async with refused(stores, placing(ann, again, 2, claimed=first.claim), AlreadyClaimed):
            kept = await stores.idempotency.find(first.claim.scope)
            assert kept is not None
            assert kept.answer == first.answer

    async def test_a_cart_at_another_version_places_nothing(
        self, stores: Stores, ann: AccountId, cart: Cart, mug: Product
    ) -> None:
        act = placing(ann, cart)
        await stores.carts.put_line(put(ann, mug.id, 3))
        async with refused(stores, act, Conflict):
            assert await stores.idempotency.find(act.claim.scope) is None

    async def test_a_closed_cart_places_nothing(self, stores: Stores, ann: AccountId, cart: Cart) -> None:
        await stores.orders.place(placing(ann, cart))
        act = placing(ann, cart, 2)
        async with refused(stores, act, Conflict):
            assert await stores.idempotency.find(act.claim.scope) is None

    async def test_a_line_that_sold_out_places_nothing_and_tells_what_is_there(
        self, stores: Stores, ann: AccountId, cart: Cart, cup: Product
    ) -> None:
        await stores.products.correct_stock(cup.id, -3, "breakage", entry("stock"))
        act = placing(ann, cart)
        async with refused(stores, act, OutOfStock) as errors:
            (error,) = errors
            assert isinstance(error, OutOfStock)
            (problem,) = error.lines
            assert (problem.product_id, problem.reason) == (cup.id, "out_of_stock")
            assert (problem.requested, problem.available) == (3, 2)
            assert await stores.idempotency.find(act.claim.scope) is None

    async def test_a_price_that_moved_places_nothing_and_tells_the_price(
        self, stores: Stores, ann: AccountId, cart: Cart, mug: Product
    ) -> None:
        act, change = placing(ann, cart), ProductChange(price=money(300))
        await stores.products.change(mug.id, change, expected_version=None, audit=entry("price.changed"))
        async with refused(stores, act, PriceChanged) as errors:
            (error,) = errors
            assert isinstance(error, PriceChanged)
            (problem,) = error.lines
            assert (problem.product_id, problem.reason, problem.price) == (mug.id, "price_changed", money(300))
            assert await stores.idempotency.find(act.claim.scope) is None

    async def test_a_withdrawn_product_places_nothing_and_is_told(
        self, stores: Stores, ann: AccountId, cart: Cart, cup: Product
    ) -> None:
        act, change = placing(ann, cart), ProductChange(is_active=False)
        await stores.products.change(cup.id, change, expected_version=None, audit=entry("product.withdrawn"))
        async with refused(stores, act, PriceChanged) as errors:
            (error,) = errors
            assert isinstance(error, PriceChanged)
            assert [(problem.product_id, problem.reason) for problem in error.lines] == [(cup.id, "withdrawn")]

    async def test_a_refused_order_can_be_placed_with_the_same_key_once_it_fits(
        self, stores: Stores, ann: AccountId, cart: Cart, cup: Product
    ) -> None:
        await stores.products.correct_stock(cup.id, -3, "breakage", entry("stock"))
        act = placing(ann, cart)
        with pytest.raises(OutOfStock):
            await stores.orders.place(act)
        await stores.products.correct_stock(cup.id, 3, "found", entry("stock"))
        await stores.orders.place(act)
        assert (await stores.orders.order(act.order.invoice_id)).status is OrderStatus.AWAITING_PAYMENT

    # --- racing

    async def test_eight_twins_of_one_claim_place_one_order(
        self, stores: Stores, ann: AccountId, cart: Cart, mug: Product
    ) -> None:
        act = placing(ann, cart)

        async def place_and_find() -> bytes:
            try:
                await stores.orders.place(act)
            except AlreadyClaimed:
                kept = await stores.idempotency.find(act.claim.scope)
                assert kept is not None, "the twin had not ended"
                assert kept.answer is not None, "the twin had not ended"
                return kept.answer.body
            return b"placed"

        result = await race(*(place_and_find() for _ in range(8)))
        assert result.lost == []
        assert sorted(result.won) == sorted([b"placed", *[act.answer.body] * 7])
        assert await self.quantity(stores, mug) == 8

    async def test_eight_tabs_on_one_cart_place_one_order(
        self, stores: Stores, ann: AccountId, cart: Cart, mug: Product
    ) -> None:
        result = await race(*(stores.orders.place(placing(ann, cart, number)) for number in range(1, 9)))
        assert (len(result.won), result.reasons()) == (1, {"Conflict"})
        assert await self.quantity(stores, mug) == 8
        assert len(await audit_of(stores, "order.placed")) == 1

    async def test_twenty_buyers_of_five_get_five(self, stores: Stores, cup: Product) -> None:
        acts = []
        for number in range(1, 21):
            account_id = await an_account(stores, f"buyer{number}@example.org")
            acts.append(placing(account_id, await a_cart(stores, account_id, {cup.id: 1}), number))
        result = await race(*(stores.orders.place(act) for act in acts))
        assert (len(result.won), result.reasons()) == (5, {"OutOfStock"})
        assert {error.lines[0].available for error in result.lost if isinstance(error, OutOfStock)} == {0}
        assert await self.quantity(stores, cup) == 0
        assert await stores.audit.violations() == ()

    async def test_carts_with_the_same_goods_in_any_order_do_not_block_one_another(self, stores: Stores) -> None:
        goods = [await a_product(stores, f"SKU-{number}", quantity=100) for number in range(4)]
        acts = []
        for number in range(1, 9):
            account_id = await an_account(stores, f"buyer{number}@example.org")
            turned = goods if number % 2 else goods[::-1]
            cart = await a_cart(stores, account_id, {product.id: 1 for product in turned})
            order = order_from(cart, number)
            order = msgspec.structs.replace(order, lines=order.lines if number % 2 else order.lines[::-1])
            acts.append(placing(account_id, cart, number, order=order))
        result = await race(*(stores.orders.place(act) for act in acts))
        assert result.lost == []
        assert [await self.quantity(stores, product) for product in goods] == [92] * 4
