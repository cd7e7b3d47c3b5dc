"""The contract of `kassa.ports.catalog.Products`: the catalogue and its stock."""

import pytest

from kassa.ports.catalog import ImportResult, Product, ProductChange
from kassa.ports.errors import Conflict, OutOfStock, SkuTaken, UnknownProduct
from kassa.ports.values import Page

from .samples import a_product, draft, entry, money
from .stores import Stores
from .witness import all_audit, audit_of, nothing_changes, race


async def skus(stores: Stores, text: str, *, only_active: bool = False, limit: int = 100) -> list[str]:
    """The SKUs a search finds, in its order."""
    return [item.sku for item in (await stores.products.search(text, Page(limit=limit), only_active=only_active)).items]


async def withdraw(stores: Stores, product: Product) -> Product:
    """Take a product out of the shop."""
    change = ProductChange(is_active=False)
    return await stores.products.change(product.id, change, expected_version=None, audit=entry("product.withdrawn"))


class ProductsContract:
    """Every clause of `Products`. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    # --- creating and finding

    async def test_a_product_created_is_found_as_it_was_drafted(self, stores: Stores) -> None:
        made = await stores.products.create(draft("MUG-1", price=255, quantity=10), entry("product.created"))
        assert (made.sku, made.name, made.price, made.quantity) == ("MUG-1", "White mug", money(255), 10)
        assert made.is_active
        assert await stores.products.product(made.id) == made
        assert len(await audit_of(stores, "product.created")) == 1

    async def test_a_sku_is_given_once(self, stores: Stores) -> None:
        await a_product(stores, "MUG-1")
        async with nothing_changes(stores):
            with pytest.raises(SkuTaken):
                await stores.products.create(draft("MUG-1", name="Another"), entry("product.created"))

    async def test_of_two_products_with_one_sku_at_once_one_wins(self, stores: Stores) -> None:
        result = await race(*(stores.products.create(draft(), entry("product.created")) for _ in range(4)))
        assert (len(result.won), result.reasons()) == (1, {"SkuTaken"})
        assert len(await all_audit(stores)) == 1

    async def test_a_withdrawn_product_is_found_by_id(self, stores: Stores) -> None:
        product = await withdraw(stores, await a_product(stores))
        assert not (await stores.products.product(product.id)).is_active

    async def test_an_id_no_product_has_is_unknown(self, stores: Stores) -> None:
        product = await a_product(stores)
        with pytest.raises(UnknownProduct):
            await stores.products.product(product.id + 1)

    # --- searching

    async def test_search_finds_a_part_of_name_or_sku_whatever_the_case(self, stores: Stores) -> None:
        await a_product(stores, "MUG-1", name="White mug")
        await a_product(stores, "CUP-2", name="Red cup")
        await a_product(stores, "POT-3", name="Pot with a MUG")
        assert await skus(stores, "mug") == ["MUG-1", "POT-3"]
        assert await skus(stores, "cUP") == ["CUP-2"]
        assert await skus(stores, "teapot") == []

    async def test_search_for_nothing_finds_all_by_id(self, stores: Stores) -> None:
        for sku in ("C", "A", "B"):
            await a_product(stores, sku)
        assert await skus(stores, "") == ["C", "A", "B"]

    @pytest.mark.parametrize("text", ["%", "_", "\\", "%'", "100%"])
    async def test_search_takes_every_character_as_it_is(self, stores: Stores, text: str) -> None:
        await a_product(stores, "PLAIN", name="Nothing special")
        await a_product(stores, "ODD", name=f"before {text} behind")
        assert await skus(stores, text) == ["ODD"]

    async def test_search_leaves_withdrawn_products_out_if_asked(self, stores: Stores) -> None:
        await a_product(stores, "ON")
        await withdraw(stores, await a_product(stores, "OFF"))
        assert await skus(stores, "", only_active=True) == ["ON"]
        assert await skus(stores, "", only_active=False) == ["ON", "OFF"]

    async def test_pages_follow_one_another_without_gap_or_repetition(self, stores: Stores) -> None:
        wanted = [f"SKU-{number}" for number in range(7)]
        for sku in wanted:
            await a_product(stores, sku)
        found: list[str] = []
        cursor: str | None = None
        sizes = []
        for _ in range(10):
            page = await stores.products.search("sku", Page(limit=3, cursor=cursor), only_active=True)
            found.extend(item.sku for item in page.items)
            sizes.append(len(page.items))
            cursor = page.next
            if cursor is None:
                break
        assert (found, sizes) == (wanted, [3, 3, 1])

    async def test_a_full_last_page_has_no_next(self, stores: Stores) -> None:
        await a_product(stores, "A")
        await a_product(stores, "B")
        assert (await stores.products.search("", Page(limit=2), only_active=True)).next is None

    @pytest.mark.parametrize("cursor", ["nonsense", "", "-1", "9" * 30, "1; DROP TABLE products", "\u2603"])
    async def test_a_bad_cursor_is_the_beginning(self, stores: Stores, cursor: str) -> None:
        await a_product(stores, "A")
        await a_product(stores, "B")
        page = await stores.products.search("", Page(limit=100, cursor=cursor), only_active=True)
        assert [item.sku for item in page.items] == ["A", "B"]

    # --- changing

    async def test_a_change_sets_what_it_names_and_leaves_the_rest(self, stores: Stores) -> None:
        product = await a_product(stores, price=255)
        change = ProductChange(price=money(300))
        changed = await stores.products.change(product.id, change, expected_version=None, audit=entry("price.changed"))
        assert (changed.price, changed.name, changed.is_active, changed.quantity) == (money(300), "White mug", True, 10)
        assert await stores.products.product(product.id) == changed
        renamed = ProductChange(name="Blue mug", is_active=False)
        changed = await stores.products.change(product.id, renamed, expected_version=None, audit=entry("renamed"))
        assert (changed.price, changed.name, changed.is_active) == (money(300), "Blue mug", False)
        assert len(await audit_of(stores, "price.changed")) == 1

    async def test_every_change_raises_the_version(self, stores: Stores) -> None:
        product = await a_product(stores)
        change = ProductChange(name="Blue mug")
        changed = await stores.products.change(
            product.id, change, expected_version=product.version, audit=entry("renamed")
        )
        corrected = await stores.products.correct_stock(product.id, 1, "found one", entry("stock.corrected"))
        assert (changed.version, corrected.version) == (product.version + 1, product.version + 2)

    async def test_a_change_decided_on_another_version_is_refused(self, stores: Stores) -> None:
        product = await a_product(stores)
        change = ProductChange(name="Blue mug")
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.products.change(
                    product.id, change, expected_version=product.version + 1, audit=entry("renamed")
                )

    async def test_of_two_changes_of_one_version_at_once_one_wins(self, stores: Stores) -> None:
        product = await a_product(stores)
        result = await race(
            *(
                stores.products.change(
                    product.id, ProductChange(name=name), expected_version=product.version, audit=entry("renamed")
                )
                for name in ("Blue mug", "Red mug")
            )
        )
        assert (len(result.won), result.reasons()) == (1, {"Conflict"})
        assert await stores.products.product(product.id) == result.won[0]

    async def test_a_product_nobody_made_cannot_be_changed(self, stores: Stores) -> None:
        product = await a_product(stores)
        async with nothing_changes(stores):
            with pytest.raises(UnknownProduct):
                await stores.products.change(
                    product.id + 1, ProductChange(name="x"), expected_version=None, audit=entry("renamed")
                )

    # --- the stock

    async def test_stock_is_corrected_up_and_down(self, stores: Stores) -> None:
        product = await a_product(stores, quantity=10)
        assert (await stores.products.correct_stock(product.id, 5, "delivery", entry("stock"))).quantity == 15
        assert (await stores.products.correct_stock(product.id, -15, "water damage", entry("stock"))).quantity == 0
        assert (await stores.products.product(product.id)).quantity == 0
        assert len(await audit_of(stores, "stock")) == 2

    async def test_stock_never_goes_below_zero(self, stores: Stores) -> None:
        product = await a_product(stores, quantity=3)
        async with nothing_changes(stores):
            with pytest.raises(OutOfStock):
                await stores.products.correct_stock(product.id, -4, "theft", entry("stock"))

    async def test_ten_corrections_at_once_take_no_more_than_there_is(self, stores: Stores) -> None:
        product = await a_product(stores, quantity=5)
        result = await race(
            *(stores.products.correct_stock(product.id, -1, "breakage", entry("stock")) for _ in range(10))
        )
        assert (len(result.won), result.reasons()) == (5, {"OutOfStock"})
        assert (await stores.products.product(product.id)).quantity == 0

    async def test_the_stock_of_a_product_nobody_made_cannot_be_corrected(self, stores: Stores) -> None:
        product = await a_product(stores)
        async with nothing_changes(stores):
            with pytest.raises(UnknownProduct):
                await stores.products.correct_stock(product.id + 1, 1, "found one", entry("stock"))

    async def test_the_stock_equals_the_sum_of_its_moves(self, stores: Stores) -> None:
        product = await a_product(stores, "A", quantity=10)
        await stores.products.correct_stock(product.id, -3, "breakage", entry("stock"))
        await stores.products.import_all((draft("A", quantity=20), draft("B")), dry_run=False, audit=entry("import"))
        assert await stores.audit.violations() == ()

    # --- importing

    async def test_an_import_creates_changes_and_leaves_by_sku(self, stores: Stores) -> None:
        same, other = await a_product(stores, "SAME"), await a_product(stores, "OTHER", quantity=10)
        drafts = (draft("SAME"), draft("OTHER", name="Blue mug", price=9, quantity=4), draft("NEW", quantity=1))
        result = await stores.products.import_all(drafts, dry_run=False, audit=entry("products.imported"))
        assert result == ImportResult(created=1, changed=1, unchanged=1)
        assert await stores.products.product(same.id) == same
        changed = await stores.products.product(other.id)
        assert (changed.name, changed.price, changed.quantity) == ("Blue mug", money(9), 4)
        assert changed.version > other.version
        assert await skus(stores, "NEW") == ["NEW"]
        assert len(await audit_of(stores, "products.imported")) == 1

    async def test_a_dry_run_tells_the_result_and_changes_nothing(self, stores: Stores) -> None:
        await a_product(stores, "SAME")
        await a_product(stores, "OTHER")
        drafts = (draft("SAME"), draft("OTHER", price=9), draft("NEW"))
        async with nothing_changes(stores):
            result = await stores.products.import_all(drafts, dry_run=True, audit=entry("products.imported"))
        assert result == ImportResult(created=1, changed=1, unchanged=1)

    async def test_an_import_numbers_new_products_in_the_order_of_the_file(self, stores: Stores) -> None:
        drafts = (draft("ZEBRA"), draft("APPLE"), draft("MANGO"))
        await stores.products.import_all(drafts, dry_run=False, audit=entry("products.imported"))
        page = await stores.products.search("", Page(limit=10), only_active=True)
        assert [product.sku for product in page.items] == ["ZEBRA", "APPLE", "MANGO"]

    async def test_an_import_is_all_or_nothing(self, stores: Stores) -> None:
        await a_product(stores, "OTHER")
        impossible = draft("BAD", price=-1)
        async with nothing_changes(stores):
            with pytest.raises(Exception):  # noqa: B017 - which one is the adapter's word; that nothing stays is the clause
                await stores.products.import_all(
                    (draft("NEW"), draft("OTHER", price=9), impossible), dry_run=False, audit=entry("products.imported")
                )
