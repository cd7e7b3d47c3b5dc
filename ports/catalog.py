"""What the shop sells."""

from typing import Annotated, Protocol

from msgspec import UNSET, Meta, UnsetType

from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.ids import ProductId
from kassa.ports.money import Money
from kassa.ports.values import Count, Page, Value

Sku = Annotated[str, Meta(min_length=1, max_length=64)]
ProductName = Annotated[str, Meta(min_length=1, max_length=200)]


class Product(Value, frozen=True, kw_only=True):
    """Something for sale. `quantity` is what can still be sold; `version` goes up with every change but sales."""

    id: ProductId
    sku: Sku
    name: ProductName
    price: Money
    quantity: Count
    is_active: bool
    version: int


class ProductDraft(Value, frozen=True, kw_only=True):
    """A product to create or to import by SKU; `quantity` is the stock to begin with."""

    sku: Sku
    name: ProductName
    price: Money
    quantity: Count


class ProductChange(Value, frozen=True, kw_only=True):
    """What to change of a product; what is unset stays."""

    name: ProductName | UnsetType = UNSET
    price: Money | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class ProductPage(Value, frozen=True, kw_only=True):
    """A part of the catalogue and the cursor of the next."""

    items: tuple[Product, ...]
    next: str | None


class ImportResult(Value, frozen=True, kw_only=True):
    """How many products an import created, changed and left as they were."""

    created: int
    changed: int
    unchanged: int


class Products(Protocol):
    """The durable catalogue and its stock. Stock never goes below zero, and equals the sum of its append-only moves."""

    async def product(self, product_id: ProductId) -> Product:
        """By id, active or not. Raises `UnknownProduct`."""

    async def search(self, text: str, page: Page, *, only_active: bool) -> ProductPage:
        """Products whose name or SKU contains `text` (case-insensitive; empty: all), by id. A bad cursor is the beginning."""

    async def create(self, draft: ProductDraft, audit: AuditEntry) -> Product:
        """Raises `SkuTaken`."""

    async def change(
        self, product_id: ProductId, change: ProductChange, *, expected_version: int | None, audit: AuditEntry
    ) -> Product:
        """Raises `UnknownProduct`, `Conflict` (another version)."""

    async def correct_stock(self, product_id: ProductId, delta: int, reason: str, audit: AuditEntry) -> Product:
        """Add `delta` (may be negative) to the stock as one move. Raises `UnknownProduct`, `OutOfStock` (below zero)."""

    async def import_all(self, drafts: tuple[ProductDraft, ...], *, dry_run: bool, audit: AuditEntry) -> ImportResult:
        """Create or update by SKU, all or nothing, in one transaction. Sets name, price and stock (as a correcting move).
        New products are numbered in the order of `drafts`. `dry_run` tells the result and changes nothing. SKUs in `drafts`
        are unique."""


class Catalog(Protocol):
    """The catalogue as customers and operators use it."""

    async def product(self, product_id: ProductId) -> Product:
        """Active products only. Raises `UnknownProduct`."""

    async def search(self, text: str, page: Page) -> ProductPage:
        """Active products only, by id."""

    async def search_all(self, text: str, page: Page) -> ProductPage:
        """Operator: active or not."""

    async def create(self, draft: ProductDraft, origin: Origin) -> Product:
        """Operator. Raises `SkuTaken`, `InvalidMoney`, `CurrencyMismatch` (the shop has one currency)."""

    async def change(
        self, product_id: ProductId, change: ProductChange, *, expected_version: int | None, origin: Origin
    ) -> Product:
        """Operator. Raises `UnknownProduct`, `Conflict`, `CurrencyMismatch`."""

    async def correct_stock(self, product_id: ProductId, delta: int, reason: str, origin: Origin) -> Product:
        """Operator. Raises `UnknownProduct`, `OutOfStock`."""

    async def import_all(self, drafts: tuple[ProductDraft, ...], *, dry_run: bool, origin: Origin) -> ImportResult:
        """Operator: all or nothing. Raises `InvalidValue` (a SKU twice), `CurrencyMismatch`."""
