"""Saboteurs of the catalogue and its stock."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from kassa.adapters.sqlite.catalog import SqliteProducts
from kassa.ports.catalog import ImportResult, Product, ProductChange, ProductDraft, ProductPage
from kassa.ports.conformance.catalog import ProductsContract
from kassa.ports.conformance.samples import draft
from kassa.ports.errors import Conflict, OutOfStock, SkuTaken, UnknownProduct
from kassa.ports.values import Page
from tests.contracts.saboteurs.kit import Crowded, breaks, leaving, litter, mislabelled, sql

# --- creating and finding


@breaks(ProductsContract, "test_a_product_created_is_found_as_it_was_drafted")
class ForgetsTheAuditEntryOfAProduct(SqliteProducts):
    async def create(self, draft: ProductDraft, audit: Any) -> Product:
        return await super().create(draft, mislabelled(audit))


@breaks(ProductsContract, "test_a_sku_is_given_once")
class OverwritesTheProductOfASku(SqliteProducts):
    async def create(self, draft: ProductDraft, audit: Any) -> Product:
        try:
            return await super().create(draft, audit)
        except SkuTaken:
            await sql(self, "UPDATE products SET name = :name WHERE sku = :sku", name=draft.name, sku=draft.sku)
            raise


@breaks(ProductsContract, "test_of_two_products_with_one_sku_at_once_one_wins")
class CreatesTwiceInACrowd(SqliteProducts):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded, self.number = Crowded(), 0

    async def create(self, draft: ProductDraft, audit: Any) -> Product:
        async with self.crowded.entered() as crowd:
            self.number += 1
            return await super().create(replace(draft, sku=f"{draft.sku}{self.number}") if crowd else draft, audit)


@breaks(ProductsContract, "test_a_withdrawn_product_is_found_by_id")
class HidesTheWithdrawn(SqliteProducts):
    async def product(self, product_id: int) -> Product:
        found = await super().product(product_id)
        if not found.is_active:
            raise UnknownProduct
        return found


@breaks(ProductsContract, "test_an_id_no_product_has_is_unknown")
class FindsAProductForAnyId(SqliteProducts):
    async def product(self, product_id: int) -> Product:
        try:
            return await super().product(product_id)
        except UnknownProduct:
            return await super().product(1)


# --- searching


@breaks(ProductsContract, "test_search_finds_a_part_of_name_or_sku_whatever_the_case")
class SearchesTheNameOnly(SqliteProducts):
    async def search(self, text: str, page: Page, *, only_active: bool) -> ProductPage:
        found = await super().search(text, page, only_active=only_active)
        kept = tuple(item for item in found.items if item.sku != "CUP-2" or text != "cUP")
        return replace(found, items=kept)


@breaks(ProductsContract, "test_search_for_nothing_finds_all_by_id")
class SortsBySku(SqliteProducts):
    async def search(self, text: str, page: Page, *, only_active: bool) -> ProductPage:
        found = await super().search(text, page, only_active=only_active)
        if {item.sku for item in found.items} != {"A", "B", "C"}:
            return found
        return replace(found, items=tuple(sorted(found.items, key=lambda item: item.sku)))


@breaks(ProductsContract, "test_search_takes_every_character_as_it_is")
class SearchesByPattern(SqliteProducts):
    async def search(self, text: str, page: Page, *, only_active: bool) -> ProductPage:
        return await super().search(text.strip("%_"), page, only_active=only_active)


@breaks(ProductsContract, "test_search_leaves_withdrawn_products_out_if_asked")
class ShowsTheWithdrawnToEverybody(SqliteProducts):
    async def search(self, text: str, page: Page, *, only_active: bool) -> ProductPage:
        return await super().search(text, page, only_active=False)


@breaks(ProductsContract, "test_pages_follow_one_another_without_gap_or_repetition")
class SkipsOneBetweenPages(SqliteProducts):
    async def search(self, text: str, page: Page, *, only_active: bool) -> ProductPage:
        found = await super().search(text, page, only_active=only_active)
        return replace(found, next=str(int(found.next) + 1)) if found.next else found


@breaks(ProductsContract, "test_a_full_last_page_has_no_next")
class PromisesAnEmptyPage(SqliteProducts):
    async def search(self, text: str, page: Page, *, only_active: bool) -> ProductPage:
        found = await super().search(text, page, only_active=only_active)
        full = len(found.items) == page.limit
        return replace(found, next=str(found.items[-1].id)) if full else found


@breaks(ProductsContract, "test_a_bad_cursor_is_the_beginning")
class ChokesOnABadCursor(SqliteProducts):
    async def search(self, text: str, page: Page, *, only_active: bool) -> ProductPage:
        if page.cursor is not None:
            int(page.cursor)
        return await super().search(text, page, only_active=only_active)


# --- changing


@breaks(ProductsContract, "test_a_change_sets_what_it_names_and_leaves_the_rest")
class ActivatesByTheWay(SqliteProducts):
    async def change(self, product_id: int, change: ProductChange, **how: Any) -> Product:
        found = await super().change(product_id, change, **how)
        if change.name is UNSET and change.is_active is UNSET:
            await sql(self, "UPDATE products SET name = 'x' WHERE id = :id", id=product_id)
        return found


@breaks(ProductsContract, "test_a_change_sets_what_it_names_and_leaves_the_rest")
class ForgetsTheAuditEntryOfAChange(SqliteProducts):
    async def change(self, product_id: int, change: ProductChange, *, expected_version: Any, audit: Any) -> Product:
        return await super().change(product_id, change, expected_version=expected_version, audit=mislabelled(audit))


@breaks(ProductsContract, "test_every_change_raises_the_version")
class CorrectsTheStockInSilence(SqliteProducts):
    async def correct_stock(self, product_id: int, delta: int, reason: str, audit: Any) -> Product:
        found = await super().correct_stock(product_id, delta, reason, audit)
        return replace(found, version=found.version - 1)


@breaks(
    ProductsContract,
    "test_a_change_decided_on_another_version_is_refused",
    "test_of_two_changes_of_one_version_at_once_one_wins",
)
class ChangesAnyVersion(SqliteProducts):
    async def change(self, product_id: int, change: ProductChange, *, expected_version: Any, audit: Any) -> Product:
        return await super().change(product_id, change, expected_version=None, audit=audit)


@breaks(ProductsContract, "test_a_change_decided_on_another_version_is_refused")
class AuditsARefusedChange(SqliteProducts):
    async def change(self, product_id: int, change: ProductChange, **how: Any) -> Any:
        return await leaving(self, super().change(product_id, change, **how), Conflict)


@breaks(ProductsContract, "test_of_two_changes_of_one_version_at_once_one_wins")
class ChangesAnyVersionInACrowd(SqliteProducts):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def change(self, product_id: int, change: ProductChange, *, expected_version: Any, audit: Any) -> Product:
        async with self.crowded.entered() as crowd:
            version = None if crowd else expected_version
            return await super().change(product_id, change, expected_version=version, audit=audit)


@breaks(ProductsContract, "test_a_product_nobody_made_cannot_be_changed")
class AuditsTheChangeOfNothing(SqliteProducts):
    async def change(self, product_id: int, change: ProductChange, **how: Any) -> Any:
        return await leaving(self, super().change(product_id, change, **how), UnknownProduct)


# --- the stock


@breaks(ProductsContract, "test_stock_is_corrected_up_and_down")
class ForgetsTheAuditEntryOfACorrection(SqliteProducts):
    async def correct_stock(self, product_id: int, delta: int, reason: str, audit: Any) -> Product:
        return await super().correct_stock(product_id, delta, reason, mislabelled(audit))


@breaks(ProductsContract, "test_stock_never_goes_below_zero")
class TakesWhatThereIs(SqliteProducts):
    async def correct_stock(self, product_id: int, delta: int, reason: str, audit: Any) -> Product:
        left = (await super().product(product_id)).quantity
        return await super().correct_stock(product_id, max(delta, -left) if delta < -1 else delta, reason, audit)


@breaks(ProductsContract, "test_stock_never_goes_below_zero")
class AuditsARefusedCorrection(SqliteProducts):
    async def correct_stock(self, product_id: int, delta: int, reason: str, audit: Any) -> Any:
        return await leaving(self, super().correct_stock(product_id, delta, reason, audit), OutOfStock)


@breaks(ProductsContract, "test_ten_corrections_at_once_take_no_more_than_there_is")
class ReadsThenWritesTheStock(SqliteProducts):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def correct_stock(self, product_id: int, delta: int, reason: str, audit: Any) -> Product:
        async with self.crowded.entered() as crowd:
            found = await super().correct_stock(product_id, delta, reason, audit)
            if crowd:
                await sql(self, "UPDATE products SET quantity = 5")
            return found


@breaks(ProductsContract, "test_the_stock_of_a_product_nobody_made_cannot_be_corrected")
class AuditsTheStockOfNothing(SqliteProducts):
    async def correct_stock(self, product_id: int, delta: int, reason: str, audit: Any) -> Any:
        return await leaving(self, super().correct_stock(product_id, delta, reason, audit), UnknownProduct)


@breaks(ProductsContract, "test_the_stock_equals_the_sum_of_its_moves")
class ForgetsTheMove(SqliteProducts):
    async def correct_stock(self, product_id: int, delta: int, reason: str, audit: Any) -> Product:
        found = await super().correct_stock(product_id, delta, reason, audit)
        if delta != -3:
            return found
        await sql(self, "UPDATE products SET quantity = quantity - 1 WHERE id = :id", id=product_id)
        return found


# --- importing


@breaks(ProductsContract, "test_an_import_creates_changes_and_leaves_by_sku")
class RaisesTheVersionOfTheUnchanged(SqliteProducts):
    async def import_all(self, drafts: Any, *, dry_run: bool, audit: Any) -> ImportResult:
        result = await super().import_all(drafts, dry_run=dry_run, audit=audit)
        if not dry_run:
            await sql(self, "UPDATE products SET version = version + 1")
        return result


@breaks(
    ProductsContract,
    "test_an_import_creates_changes_and_leaves_by_sku",
    "test_a_dry_run_tells_the_result_and_changes_nothing",
)
class CountsTheUnchangedAsChanged(SqliteProducts):
    async def import_all(self, drafts: Any, *, dry_run: bool, audit: Any) -> ImportResult:
        found = await super().import_all(drafts, dry_run=dry_run, audit=audit)
        return replace(found, changed=found.changed + found.unchanged, unchanged=0)


@breaks(ProductsContract, "test_a_dry_run_tells_the_result_and_changes_nothing")
class MeansIt(SqliteProducts):
    async def import_all(self, drafts: Any, *, dry_run: bool, audit: Any) -> ImportResult:
        return await super().import_all(drafts, dry_run=False, audit=audit)


@breaks(ProductsContract, "test_a_dry_run_tells_the_result_and_changes_nothing")
class AuditsADryRun(SqliteProducts):
    async def import_all(self, drafts: Any, *, dry_run: bool, audit: Any) -> ImportResult:
        if dry_run:
            await litter(self)
        return await super().import_all(drafts, dry_run=dry_run, audit=audit)


@breaks(ProductsContract, "test_an_import_is_all_or_nothing")
class ImportsOneByOne(SqliteProducts):
    async def import_all(self, drafts: Any, *, dry_run: bool, audit: Any) -> ImportResult:
        if draft("BAD", price=-1) in drafts:
            await super().import_all(drafts[:1], dry_run=dry_run, audit=audit)
        return await super().import_all(drafts, dry_run=dry_run, audit=audit)


@breaks(ProductsContract, "test_an_import_numbers_new_products_in_the_order_of_the_file")
class ImportsBackwards(SqliteProducts):
    async def import_all(self, drafts: Any, *, dry_run: bool, audit: Any) -> ImportResult:
        return await super().import_all(drafts[::-1], dry_run=dry_run, audit=audit)
