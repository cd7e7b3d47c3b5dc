"""Products and their stock in SQLite."""

from typing import Any

from msgspec import UNSET
from sqlalchemy import bindparam, func, insert, or_, select, update

from kassa.adapters.sql import rows, tables
from kassa.ports.audit import AuditEntry
from kassa.ports.catalog import ImportResult, Product, ProductChange, ProductDraft, ProductPage
from kassa.ports.checkout import LineProblem
from kassa.ports.errors import Conflict, OutOfStock, SkuTaken, UnknownProduct
from kassa.ports.ids import ProductId
from kassa.ports.values import Instant, Page

from .database import Act, SqliteDatabase
from .failures import refusing

_P = tables.products.c

_BY_ID = select(tables.products).where(_P.id == bindparam("product_id"))
_BY_SKU = select(tables.products).where(_P.sku == bindparam("the_sku"))
_PAGE = (
    select(tables.products)
    .where(
        _P.id > bindparam("after"),
        or_(
            bindparam("needle") == "",
            func.instr(func.kassa_fold(_P.name), bindparam("needle")) > 0,
            func.instr(func.kassa_fold(_P.sku), bindparam("needle")) > 0,
        ),
    )
    .order_by(_P.id)
    .limit(bindparam("most"))
)
_PAGE_ACTIVE = _PAGE.where(_P.is_active)
_ADD = insert(tables.products).returning(*tables.products.c)
_CHANGE = (
    update(tables.products)
    .where(_P.id == bindparam("product_id"))
    .values(
        name=bindparam("new_name"),
        price=bindparam("new_price"),
        currency=bindparam("new_currency"),
        is_active=bindparam("new_is_active"),
        quantity=_P.quantity + bindparam("delta"),
        version=_P.version + 1,
    )
    .returning(*tables.products.c)
)
_ADD_MOVE = insert(tables.stock_moves)


class SqliteProducts:
    """`Products` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def product(self, product_id: ProductId) -> Product:
        """See the port."""
        async with self._database.reading() as read:
            return _known(read.execute(_BY_ID, {"product_id": product_id}).one_or_none())

    async def search(self, text: str, page: Page, *, only_active: bool) -> ProductPage:
        """See the port."""
        wanted = {
            "after": rows.cursor_number(page.cursor, beginning=0),
            "needle": text.casefold(),
            "most": page.limit + 1,
        }
        async with self._database.reading() as read:
            found = read.execute(_PAGE_ACTIVE if only_active else _PAGE, wanted).all()
        items = tuple(rows.product_from_row(row) for row in found[: page.limit])
        return ProductPage(items=items, next=str(items[-1].id) if len(found) > page.limit else None)

    async def create(self, draft: ProductDraft, audit: AuditEntry) -> Product:
        """See the port."""
        with refusing({"products.sku": SkuTaken}):
            async with self._database.act() as write:
                product = _create(write, draft, audit.at)
                write.note((), audit)
        return product

    async def change(
        self, product_id: ProductId, change: ProductChange, *, expected_version: int | None, audit: AuditEntry
    ) -> Product:
        """See the port."""
        async with self._database.act() as write:
            product = _known(write.run(_BY_ID, {"product_id": product_id}).one_or_none())
            if expected_version not in (None, product.version):
                raise Conflict(f"the product is at version {product.version}")
            values = _values(product)
            if change.name is not UNSET:
                values["new_name"] = change.name
            if change.price is not UNSET:
                values |= {"new_price": change.price.amount, "new_currency": change.price.currency}
            if change.is_active is not UNSET:
                values["new_is_active"] = change.is_active
            changed = rows.product_from_row(write.run(_CHANGE, values).one())
            write.note((), audit)
        return changed

    async def correct_stock(self, product_id: ProductId, delta: int, reason: str, audit: AuditEntry) -> Product:
        """See the port."""
        async with self._database.act() as write:
            product = _known(write.run(_BY_ID, {"product_id": product_id}).one_or_none())
            if product.quantity + delta < 0:
                raise OutOfStock((_short(product, -delta),))
            changed = rows.product_from_row(write.run(_CHANGE, _values(product, delta)).one())
            _add_move(write, product_id, delta, reason="correction", note=reason, at=audit.at)
            write.note((), audit)
        return changed

    async def import_all(self, drafts: tuple[ProductDraft, ...], *, dry_run: bool, audit: AuditEntry) -> ImportResult:
        """See the port."""
        if dry_run:
            async with self._database.reading() as read:
                found = [read.execute(_BY_SKU, {"the_sku": draft.sku}).one_or_none() for draft in drafts]
            return _result([_kind(row, draft) for row, draft in zip(found, drafts, strict=True)])
        async with self._database.act() as write:
            kinds = [_import(write, draft, audit.at) for draft in drafts]
            write.note((), audit)
        return _result(kinds)


def _known(row: rows.Row | None) -> Product:
    if row is None:
        raise UnknownProduct("no such product")
    return rows.product_from_row(row)


def _short(product: Product, requested: int) -> LineProblem:
    return LineProblem(
        product_id=product.id, reason="out_of_stock", requested=requested, available=product.quantity
    )  # fmt: skip


def _values(product: Product, delta: int = 0) -> rows.Values:
    """The parameters of `_CHANGE` that leave all as it is but `delta`."""
    return {
        "product_id": product.id,
        "new_name": product.name,
        "new_price": product.price.amount,
        "new_currency": product.price.currency,
        "new_is_active": product.is_active,
        "delta": delta,
    }


def _add_move(write: Act, product_id: ProductId, delta: int, *, reason: str, note: str, at: Instant) -> None:
    move = {"product_id": product_id, "delta": delta, "reason": reason, "note": note, "at": at, "tx": write.tx}
    write.run(_ADD_MOVE, move)


def _create(write: Act, draft: ProductDraft, at: Instant) -> Product:
    values: dict[str, Any] = {
        "sku": draft.sku,
        "name": draft.name,
        "quantity": draft.quantity,
        "price": draft.price.amount,
        "currency": draft.price.currency,
    }
    product = rows.product_from_row(write.run(_ADD, values).one())
    if draft.quantity:
        _add_move(write, product.id, draft.quantity, reason="received", note="", at=at)
    return product


def _kind(row: rows.Row | None, draft: ProductDraft) -> str:
    if row is None:
        return "created"
    product = rows.product_from_row(row)
    same = (product.name, product.price, product.quantity) == (draft.name, draft.price, draft.quantity)
    return "unchanged" if same else "changed"


def _import(write: Act, draft: ProductDraft, at: Instant) -> str:
    row = write.run(_BY_SKU, {"the_sku": draft.sku}).one_or_none()
    kind = _kind(row, draft)
    if kind == "created":
        _create(write, draft, at)
    elif kind == "changed":
        product = rows.product_from_row(row)
        delta = draft.quantity - product.quantity
        values = _values(product, delta)
        values |= {"new_name": draft.name, "new_price": draft.price.amount, "new_currency": draft.price.currency}
        write.run(_CHANGE, values)
        if delta:
            _add_move(write, product.id, delta, reason="correction", note="import", at=at)
    return kind


def _result(kinds: list[str]) -> ImportResult:
    return ImportResult(
        created=kinds.count("created"), changed=kinds.count("changed"), unchanged=kinds.count("unchanged")
    )
