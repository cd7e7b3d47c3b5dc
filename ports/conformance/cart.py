"""The contract of `kassa.ports.cart.Carts`."""

import pytest
import pytest_asyncio

from kassa.ports.cart import MAX_LINES, Cart
from kassa.ports.catalog import Product, ProductChange
from kassa.ports.errors import CartChanged, CartFull, OutOfStock, UnknownProduct
from kassa.ports.ids import AccountId
from kassa.ports.values import Page

from .sample_orders import placing
from .samples import NOW, a_cart, a_product, after, an_account, draft, entry, money, put
from .stores import Stores
from .witness import nothing_changes, race


class CartsContract:
    """Every clause of `Carts`. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    @pytest_asyncio.fixture
    async def ann(self, stores: Stores) -> AccountId:
        """A registered customer."""
        return await an_account(stores, "Ann@Example.org")

    @pytest_asyncio.fixture
    async def mug(self, stores: Stores) -> Product:
        """A product of which there are 10."""
        return await a_product(stores, "MUG-1", quantity=10, price=255)

    async def change(self, stores: Stores, product: Product, change: ProductChange) -> None:
        """Change a product beside the cart."""
        await stores.products.change(product.id, change, expected_version=None, audit=entry("product.changed"))

    # --- reading

    async def test_who_never_put_anything_has_an_empty_cart(self, stores: Stores, ann: AccountId) -> None:
        assert await stores.carts.cart(ann) == Cart(id=0, version=0, lines=())

    async def test_lines_are_told_by_product_id(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        second, third = await a_product(stores, "B"), await a_product(stores, "C")
        cart = await a_cart(stores, ann, {third.id: 1, mug.id: 2, second.id: 3})
        assert [(line.product_id, line.quantity) for line in cart.lines] == [(mug.id, 2), (second.id, 3), (third.id, 1)]

    async def test_a_line_tells_product_price_and_what_is_available(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        (line,) = (await a_cart(stores, ann, {mug.id: 4})).lines
        assert (line.sku, line.name, line.available, line.is_active) == ("MUG-1", "White mug", 10, True)
        assert (line.price, line.price_when_added) == (money(255), money(255))

    async def test_a_line_tells_that_its_price_moved(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        await a_cart(stores, ann, {mug.id: 1})
        await self.change(stores, mug, ProductChange(price=money(300)))
        (line,) = (await stores.carts.cart(ann)).lines
        assert (line.price, line.price_when_added) == (money(300), money(255))

    async def test_a_line_tells_that_its_product_was_withdrawn(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        await a_cart(stores, ann, {mug.id: 1})
        await self.change(stores, mug, ProductChange(is_active=False))
        (line,) = (await stores.carts.cart(ann)).lines
        assert not line.is_active

    async def test_everybody_has_a_cart_of_their_own(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        eve = await an_account(stores, "Eve@Example.org")
        hers = await a_cart(stores, eve, {mug.id: 1})
        mine = await a_cart(stores, ann, {mug.id: 2})
        assert mine.id != hers.id
        assert await stores.carts.cart(eve) == hers

    # --- putting

    async def test_putting_answers_the_cart_as_stored(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        assert await stores.carts.put_line(put(ann, mug.id, 2)) == await stores.carts.cart(ann)

    async def test_the_first_line_begins_a_cart_at_version_one(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        cart = await stores.carts.put_line(put(ann, mug.id, 2, expected=0))
        assert cart.id > 0
        assert cart.version == 1

    async def test_putting_sets_the_quantity_and_does_not_add(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        await stores.carts.put_line(put(ann, mug.id, 4))
        cart = await stores.carts.put_line(put(ann, mug.id, 3))
        assert [line.quantity for line in cart.lines] == [3]

    async def test_every_change_raises_the_version_by_one(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        first = await stores.carts.put_line(put(ann, mug.id, 1))
        second = await stores.carts.put_line(put(ann, mug.id, 2, expected=1))
        third = await stores.carts.remove_line(ann, mug.id, expected_version=2, at=NOW)
        await stores.carts.put_line(put(ann, mug.id, 2, expected=3))
        last = await stores.carts.clear(ann, expected_version=4, at=NOW)
        assert [cart.version for cart in (first, second, third, last)] == [1, 2, 3, 5]
        assert {cart.id for cart in (first, second, third, last)} == {first.id}

    async def test_more_than_there_is_cannot_be_put_and_what_there_is_is_told(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        await stores.carts.put_line(put(ann, mug.id, 10))
        async with nothing_changes(stores, ann):
            with pytest.raises(OutOfStock) as refusal:
                await stores.carts.put_line(put(ann, mug.id, 11))
        (problem,) = refusal.value.lines
        assert (problem.product_id, problem.reason) == (mug.id, "out_of_stock")
        assert (problem.requested, problem.available) == (11, 10)

    async def test_a_refused_first_line_begins_no_cart(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        with pytest.raises(OutOfStock):
            await stores.carts.put_line(put(ann, mug.id, 11))
        assert await stores.carts.cart(ann) == Cart(id=0, version=0, lines=())

    async def test_an_unknown_product_cannot_be_put(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        async with nothing_changes(stores, ann):
            with pytest.raises(UnknownProduct):
                await stores.carts.put_line(put(ann, mug.id + 1))

    async def test_a_withdrawn_product_cannot_be_put(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        await self.change(stores, mug, ProductChange(is_active=False))
        async with nothing_changes(stores, ann):
            with pytest.raises(UnknownProduct):
                await stores.carts.put_line(put(ann, mug.id))

    async def test_a_cart_holds_a_bounded_number_of_lines(self, stores: Stores, ann: AccountId) -> None:
        drafts = tuple(draft(f"SKU-{number:03d}") for number in range(MAX_LINES))
        await stores.products.import_all(drafts, dry_run=False, audit=entry("import"))
        ids = [item.id for item in (await stores.products.search("", Page(limit=100), only_active=True)).items]
        one_more = await a_product(stores, "ONE-MORE")
        await a_cart(stores, ann, dict.fromkeys(ids, 1))
        async with nothing_changes(stores, ann):
            with pytest.raises(CartFull):
                await stores.carts.put_line(put(ann, one_more.id))
        changed = await stores.carts.put_line(put(ann, ids[-1], 2))
        assert (len(changed.lines), changed.lines[-1].quantity) == (MAX_LINES, 2)

    # --- versions

    @pytest.mark.parametrize("expected", [0, 2])
    async def test_putting_on_another_version_is_refused_with_the_current_cart(
        self, stores: Stores, ann: AccountId, mug: Product, expected: int
    ) -> None:
        current = await stores.carts.put_line(put(ann, mug.id, 1))
        async with nothing_changes(stores, ann):
            with pytest.raises(CartChanged) as refusal:
                await stores.carts.put_line(put(ann, mug.id, 2, expected=expected))
        assert refusal.value.cart == current

    async def test_a_cart_that_was_never_begun_has_no_other_version(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        with pytest.raises(CartChanged) as refusal:
            await stores.carts.put_line(put(ann, mug.id, 2, expected=1))
        assert refusal.value.cart == Cart(id=0, version=0, lines=())
        assert await stores.carts.cart(ann) == Cart(id=0, version=0, lines=())

    async def test_of_two_tabs_that_saw_one_version_one_wins(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        await stores.carts.put_line(put(ann, mug.id, 1))
        result = await race(*(stores.carts.put_line(put(ann, mug.id, n, expected=1)) for n in (2, 3)))
        assert (len(result.won), result.reasons()) == (1, {"CartChanged"})
        assert await stores.carts.cart(ann) == result.won[0]
        assert result.won[0].version == 2

    async def test_eight_tabs_at_once_share_one_cart_and_lose_no_line(self, stores: Stores, ann: AccountId) -> None:
        products = [await a_product(stores, f"SKU-{number}") for number in range(8)]
        result = await race(*(stores.carts.put_line(put(ann, product.id)) for product in products))
        assert result.lost == []
        cart = await stores.carts.cart(ann)
        assert [line.product_id for line in cart.lines] == [product.id for product in products]
        assert cart.version == 8

    # --- removing

    async def test_a_removed_line_is_gone_and_the_others_stay(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        cup = await a_product(stores, "CUP")
        await a_cart(stores, ann, {mug.id: 1, cup.id: 2})
        cart = await stores.carts.remove_line(ann, mug.id, expected_version=None, at=after(1))
        assert [line.product_id for line in cart.lines] == [cup.id]
        assert await stores.carts.cart(ann) == cart

    async def test_removing_what_is_not_there_changes_nothing(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        cart = await a_cart(stores, ann, {mug.id: 1})
        assert await stores.carts.remove_line(ann, mug.id + 1, expected_version=1, at=after(1)) == cart

    async def test_removing_from_a_cart_never_begun_begins_none(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        cart = await stores.carts.remove_line(ann, mug.id, expected_version=None, at=after(1))
        assert cart == Cart(id=0, version=0, lines=())

    async def test_removing_on_another_version_is_refused(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        current = await a_cart(stores, ann, {mug.id: 1})
        async with nothing_changes(stores, ann):
            with pytest.raises(CartChanged) as refusal:
                await stores.carts.remove_line(ann, mug.id, expected_version=9, at=after(1))
        assert refusal.value.cart == current

    async def test_a_cleared_cart_has_no_lines(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        cup = await a_product(stores, "CUP")
        await a_cart(stores, ann, {mug.id: 1, cup.id: 2})
        cart = await stores.carts.clear(ann, expected_version=None, at=after(1))
        assert cart.lines == ()
        assert await stores.carts.cart(ann) == cart

    async def test_clearing_on_another_version_is_refused(self, stores: Stores, ann: AccountId, mug: Product) -> None:
        current = await a_cart(stores, ann, {mug.id: 1})
        async with nothing_changes(stores, ann):
            with pytest.raises(CartChanged) as refusal:
                await stores.carts.clear(ann, expected_version=9, at=after(1))
        assert refusal.value.cart == current

    # --- after an order

    async def test_an_account_has_at_most_one_open_cart_and_a_new_one_after_an_order(
        self, stores: Stores, ann: AccountId, mug: Product
    ) -> None:
        ordered = await a_cart(stores, ann, {mug.id: 1})
        await stores.orders.place(placing(ann, ordered))
        assert await stores.carts.cart(ann) == Cart(id=0, version=0, lines=())
        fresh = await stores.carts.put_line(put(ann, mug.id, 2, expected=0))
        assert fresh.id != ordered.id
        assert [line.quantity for line in fresh.lines] == [2]
