"""The rules of the catalogue: one currency, sane values, every change in the audit trail."""

import unicodedata

import msgspec

from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.catalog import ImportResult, Product, ProductChange, ProductDraft, ProductPage, Products
from kassa.ports.clock import Clock
from kassa.ports.errors import CurrencyMismatch, InvalidValue, UnknownProduct
from kassa.ports.ids import ProductId
from kassa.ports.money import Money, exponent
from kassa.ports.values import Page, Value

_MAX_PRICE = 10**12
_MAX_QUANTITY = 10**9
_MAX_SKU, _MAX_NAME, _MAX_REASON = 64, 200, 200


class _StockCorrection(Value, frozen=True, kw_only=True):
    """What the audit trail keeps of a correction."""

    delta: int
    reason: str


class _Import(Value, frozen=True, kw_only=True):
    """What the audit trail keeps of an import."""

    products: int


class KernelCatalog:
    """`kassa.ports.catalog.Catalog` for a shop with one `currency`."""

    def __init__(self, *, products: Products, clock: Clock, currency: str) -> None:
        exponent(currency)
        self._products, self._clock, self._currency = products, clock, currency

    async def product(self, product_id: ProductId) -> Product:
        """One that is for sale."""
        product = await self._products.product(product_id)
        if not product.is_active:
            raise UnknownProduct(str(product_id))
        return product

    async def search(self, text: str, page: Page) -> ProductPage:
        """Those for sale."""
        return await self._products.search(text, page, only_active=True)

    async def search_all(self, text: str, page: Page) -> ProductPage:
        """Those withdrawn, too."""
        return await self._products.search(text, page, only_active=False)

    async def create(self, draft: ProductDraft, origin: Origin) -> Product:
        """Also raises `InvalidValue`."""
        self._check(draft)
        audit = self._entry("product.created", f"sku:{draft.sku}", origin, draft)
        return await self._products.create(draft, audit)

    async def change(
        self, product_id: ProductId, change: ProductChange, *, expected_version: int | None, origin: Origin
    ) -> Product:
        """Also raises `InvalidValue`."""
        if isinstance(change.name, str):
            _check_text("name", change.name, _MAX_NAME)
        if isinstance(change.price, Money):
            self._check_price(change.price)
        audit = self._entry("product.changed", f"product:{product_id}", origin, change)
        return await self._products.change(product_id, change, expected_version=expected_version, audit=audit)

    async def correct_stock(self, product_id: ProductId, delta: int, reason: str, origin: Origin) -> Product:
        """Also raises `InvalidValue`."""
        if delta == 0 or abs(delta) > _MAX_QUANTITY:
            raise InvalidValue("delta", f"not between -{_MAX_QUANTITY} and {_MAX_QUANTITY}, or nothing")
        _check_text("reason", reason, _MAX_REASON)
        correction = _StockCorrection(delta=delta, reason=reason)
        audit = self._entry("stock.corrected", f"product:{product_id}", origin, correction)
        return await self._products.correct_stock(product_id, delta, reason, audit)

    async def import_all(self, drafts: tuple[ProductDraft, ...], *, dry_run: bool, origin: Origin) -> ImportResult:
        """The message of `InvalidValue` and `CurrencyMismatch` is about the first draft that cannot be."""
        seen: set[str] = set()
        for draft in drafts:
            self._check(draft)
            if draft.sku in seen:
                raise InvalidValue("sku", f"{draft.sku} is there twice")
            seen.add(draft.sku)
        audit = self._entry("catalog.imported", "catalog", origin, _Import(products=len(drafts)))
        return await self._products.import_all(drafts, dry_run=dry_run, audit=audit)

    def _check(self, draft: ProductDraft) -> None:
        _check_text("sku", draft.sku, _MAX_SKU)
        _check_text("name", draft.name, _MAX_NAME)
        self._check_price(draft.price)
        if not 0 <= draft.quantity <= _MAX_QUANTITY:
            raise InvalidValue("quantity", f"not between 0 and {_MAX_QUANTITY}")

    def _check_price(self, price: Money) -> None:
        if price.currency != self._currency:
            raise CurrencyMismatch(self._currency, price.currency)
        if not 0 <= price.amount <= _MAX_PRICE:
            raise InvalidValue("price", f"not between 0 and {_MAX_PRICE} minor units")

    def _entry(self, action: str, subject: str, origin: Origin, details: Value) -> AuditEntry:
        return AuditEntry(
            action=action,
            subject=subject,
            origin=origin,
            at=self._clock.now(),
            details=msgspec.json.encode(details),
        )


def _check_text(field: str, text: str, longest: int) -> None:
    if not text.strip() or len(text) > longest:
        raise InvalidValue(field, f"not between 1 and {longest} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise InvalidValue(field, "holds a control character")
