"""The catalogue's rules."""

import pytest

from kassa.kernel.catalog import KernelCatalog
from kassa.ports.catalog import ProductChange, ProductDraft
from kassa.ports.errors import (
    Conflict,
    CurrencyMismatch,
    InvalidMoney,
    InvalidValue,
    OutOfStock,
    SkuTaken,
    UnknownProduct,
)
from kassa.ports.money import Money
from kassa.ports.values import Page
from tests.kernel.world import OPERATOR, World, pence


def _draft(sku: str = "TEA", name: str = "Tea", price: Money | None = None, quantity: int = 5) -> ProductDraft:
    return ProductDraft(sku=sku, name=name, price=price or pence(255), quantity=quantity)


async def test_a_created_product_can_be_found_and_is_in_the_audit_trail(world: World) -> None:
    tea = await world.catalog.create(_draft(), OPERATOR)
    assert await world.catalog.product(tea.id) == tea
    assert (await world.catalog.search("te", Page())).items == (tea,)
    (record,) = await world.audit.entries(subject="sku:TEA", actor=None, after=0, limit=10)
    assert (record.entry.action, record.entry.origin) == ("product.created", OPERATOR)


async def test_a_withdrawn_product_is_there_for_operators_alone(world: World) -> None:
    tea = await world.product()
    await world.catalog.change(tea.id, ProductChange(is_active=False), expected_version=None, origin=OPERATOR)
    with pytest.raises(UnknownProduct):
        await world.catalog.product(tea.id)
    assert (await world.catalog.search("", Page())).items == ()
    assert [product.id for product in (await world.catalog.search_all("", Page())).items] == [tea.id]


async def test_a_sku_is_one_product(world: World) -> None:
    await world.product("TEA")
    with pytest.raises(SkuTaken):
        await world.product("TEA")


async def test_two_operators_do_not_overwrite_each_other(world: World) -> None:
    tea = await world.product()
    dearer = ProductChange(price=pence(300))
    await world.catalog.change(tea.id, dearer, expected_version=tea.version, origin=OPERATOR)
    with pytest.raises(Conflict):
        await world.catalog.change(tea.id, dearer, expected_version=tea.version, origin=OPERATOR)


async def test_stock_is_corrected_with_a_reason_and_never_below_zero(world: World) -> None:
    tea = await world.product(quantity=5)
    assert (await world.catalog.correct_stock(tea.id, -2, "broken", OPERATOR)).quantity == 3
    with pytest.raises(OutOfStock):
        await world.catalog.correct_stock(tea.id, -4, "broken", OPERATOR)
    for delta, reason in ((0, "nothing"), (1, " "), (10**10, "too many")):
        with pytest.raises(InvalidValue):
            await world.catalog.correct_stock(tea.id, delta, reason, OPERATOR)


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (_draft(sku=" "), "sku"),
        (_draft(sku="x" * 65), "sku"),
        (_draft(name=""), "name"),
        (_draft(name="Tea\x00"), "name"),
        (_draft(name="Tea\nfor two"), "name"),
        (_draft(price=pence(-1)), "price"),
        (_draft(price=pence(10**12 + 1)), "price"),
        (_draft(quantity=-1), "quantity"),
        (_draft(quantity=10**9 + 1), "quantity"),
    ],
)
async def test_a_product_that_cannot_be_is_refused_by_field(world: World, draft: ProductDraft, field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        await world.catalog.create(draft, OPERATOR)
    assert refused.value.field == field


async def test_a_shop_has_one_currency(world: World) -> None:
    euro = Money(amount=100, currency="EUR")
    tea = await world.product()
    with pytest.raises(CurrencyMismatch):
        await world.catalog.create(_draft(price=euro), OPERATOR)
    with pytest.raises(CurrencyMismatch):
        await world.catalog.change(tea.id, ProductChange(price=euro), expected_version=None, origin=OPERATOR)
    with pytest.raises(InvalidMoney):
        KernelCatalog(products=world.products, clock=world.clock, currency="XYZ")


async def test_an_import_is_all_or_nothing(world: World) -> None:
    await world.catalog.import_all((_draft("A"), _draft("B")), dry_run=False, origin=OPERATOR)
    with pytest.raises(InvalidValue):
        await world.catalog.import_all((_draft("C"), _draft("C")), dry_run=False, origin=OPERATOR)
    dry = await world.catalog.import_all((_draft("A"), _draft("C")), dry_run=True, origin=OPERATOR)
    assert (dry.created, dry.changed, dry.unchanged) == (1, 0, 1)
    assert [product.sku for product in (await world.catalog.search("", Page())).items] == ["A", "B"]
