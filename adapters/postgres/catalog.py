"""The catalogue and its stock in PostgreSQL."""

# statements are joined from constants at import; values travel as parameters alone

from typing import Final

import msgspec

from kassa.adapters.sql.rows import cursor_number, product_from_row
from kassa.ports.audit import AuditEntry
from kassa.ports.catalog import ImportResult, Product, ProductChange, ProductDraft, ProductPage
from kassa.ports.checkout import LineProblem
from kassa.ports.errors import Conflict, OutOfStock, SkuTaken, UnknownProduct
from kassa.ports.ids import ProductId
from kassa.ports.values import Page

from .database import PostgresDatabase, Transaction
from .rows import Rows
from .statements import TOLD, act, document, like, statement

_PRODUCT: Final = "SELECT * FROM products WHERE id = $1"
_SEARCH: Final = """
SELECT * FROM products
WHERE id > $1 AND ($2 = '%%' OR name ILIKE $2 OR sku ILIKE $2) AND (is_active OR NOT $3)
ORDER BY id LIMIT $4"""
_CREATE: Final = statement(
    act("sku text, name text, price jsonb, quantity bigint"),
    """
    done AS (
        INSERT INTO products (sku, name, price, currency, quantity, is_active, version)
        SELECT sku, name, (price->>'amount')::bigint, price->>'currency', quantity, true, 1 FROM act
        RETURNING *
    ), moved AS (
        INSERT INTO stock_moves (product_id, delta, reason, at, tx)
        SELECT done.id, done.quantity, 'received', act.moment, act.tx FROM act, done WHERE done.quantity > 0
    )""",
    TOLD,
    answer="SELECT * FROM done",
)
_CHANGE: Final = statement(
    act("id bigint, version int, name text, price jsonb, is_active boolean"),
    """
    done AS (
        UPDATE products p SET name = coalesce(act.name, p.name), is_active = coalesce(act.is_active, p.is_active),
               price = coalesce((act.price->>'amount')::bigint, p.price),
               currency = coalesce(act.price->>'currency', p.currency), version = p.version + 1
        FROM act WHERE p.id = act.id AND p.version = coalesce(act.version, p.version)
        RETURNING p.*
    )""",
    TOLD,
    answer="SELECT * FROM done",
)
_CORRECT_STOCK: Final = statement(
    act("id bigint, delta bigint, reason text"),
    """
    done AS (
        UPDATE products p SET quantity = p.quantity + act.delta, version = p.version + 1 FROM act WHERE p.id = act.id
        RETURNING p.*
    ), moved AS (
        INSERT INTO stock_moves (product_id, delta, reason, note, at, tx)
        SELECT done.id, act.delta, 'correction', act.reason, act.moment, act.tx FROM act, done
    )""",
    TOLD,
    answer="SELECT * FROM done",
)
_LOCK_BY_SKU: Final = "SELECT * FROM products WHERE sku = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE"
_IMPORT_TRIES: Final = 3
_IMPORT: Final = statement(
    act("drafts jsonb"),
    """
    done AS (SELECT 1), drafts AS MATERIALIZED (
        SELECT d.sku, d.name, (d.price->>'amount')::bigint AS price, d.price->>'currency' AS currency, d.quantity,
               d.position, d.id, d.quantity - d.had AS delta
        FROM act, ROWS FROM (
            jsonb_to_recordset(act.drafts) AS (sku text, name text, price jsonb, quantity bigint, id bigint, had bigint)
        ) WITH ORDINALITY AS d(sku, name, price, quantity, id, had, position)
    ), changed AS (
        UPDATE products p SET name = d.name, price = d.price, currency = d.currency, quantity = d.quantity,
               version = p.version + 1
        FROM drafts d WHERE p.id = d.id RETURNING p.id, d.delta
    ), created AS (
        INSERT INTO products (sku, name, price, currency, quantity, is_active, version)
        SELECT sku, name, price, currency, quantity, true, 1 FROM drafts WHERE id IS NULL ORDER BY position
        RETURNING id, quantity
    ), moved AS (
        INSERT INTO stock_moves (product_id, delta, reason, note, at, tx)
        SELECT m.id, m.delta, m.reason, m.note, act.moment, act.tx FROM act, (
            SELECT id, delta, 'correction' AS reason, 'import' AS note FROM changed
            UNION ALL SELECT id, quantity, 'received', 'import' FROM created
        ) m WHERE m.delta <> 0
    )""",
    TOLD,
    answer="SELECT 1",
)


class PostgresProducts:
    """The durable catalogue."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def product(self, product_id: ProductId) -> Product:
        """By id, active or not."""
        return _product(await self._database.read(_PRODUCT, product_id))

    async def search(self, text: str, page: Page, *, only_active: bool) -> ProductPage:
        """By id; one more than asked for is read, to know whether there is a next page."""
        after = cursor_number(page.cursor, beginning=0)
        rows = await self._database.read(_SEARCH, after, like(text), only_active, page.limit + 1)
        items = tuple(product_from_row(row) for row in rows[: page.limit])
        return ProductPage(items=items, next=str(items[-1].id) if len(rows) > page.limit else None)

    async def create(self, draft: ProductDraft, audit: AuditEntry) -> Product:
        """A new product, its stock received."""
        fields = document(**msgspec.structs.asdict(draft), events=(), audit=audit)
        return _product(await self._database.write(_CREATE, fields))

    async def change(
        self, product_id: ProductId, change: ProductChange, *, expected_version: int | None, audit: AuditEntry
    ) -> Product:
        """Change what is set, where the version is the expected one."""
        told = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        fields = document(id=product_id, version=expected_version, **told, events=(), audit=audit)
        rows = await self._database.write(_CHANGE, fields)
        if not rows:
            found = await self.product(product_id)
            raise Conflict(f"product {product_id} is at version {found.version}")
        return _product(rows)

    async def correct_stock(self, product_id: ProductId, delta: int, reason: str, audit: AuditEntry) -> Product:
        """Add to the stock, as one move."""
        fields = document(id=product_id, delta=delta, reason=reason, events=(), audit=audit)
        try:
            return _product(await self._database.write(_CORRECT_STOCK, fields))
        except OutOfStock:
            found = await self.product(product_id)
            problem = LineProblem(
                product_id=product_id, reason="out_of_stock", requested=-delta, available=found.quantity
            )
            raise OutOfStock((problem,)) from None

    async def import_all(self, drafts: tuple[ProductDraft, ...], *, dry_run: bool, audit: AuditEntry) -> ImportResult:
        """Two statements in one transaction: lock what is there, write what differs.

        What is new and what is changed is decided by the locked rows alone. The second statement sees more than the
        first did: goods that somebody else made between the two are a `SkuTaken`, never a change of an unlocked row.
        """

        async def work(transaction: Transaction) -> ImportResult:
            rows = await transaction.run(_LOCK_BY_SKU, [draft.sku for draft in drafts])
            known = {row.sku: product_from_row(row) for row in rows}
            differing = [draft for draft in drafts if not _is_as_drafted(known.get(draft.sku), draft)]
            if not dry_run:
                fields = [_import_fields(known.get(draft.sku), draft) for draft in differing]
                await transaction.run(_IMPORT, document(drafts=fields, events=(), audit=audit))
            created = len(drafts) - len(known)
            return ImportResult(
                created=created, changed=len(differing) - created, unchanged=len(drafts) - len(differing)
            )

        for _ in range(_IMPORT_TRIES):
            try:
                return await self._database.transact(work)
            except SkuTaken:  # created by somebody else since we looked: now it is there to be changed
                continue
        raise Conflict("the same products are created at the same time")


def _is_as_drafted(product: Product | None, draft: ProductDraft) -> bool:
    return product is not None and (product.name, product.price, product.quantity) == (
        draft.name,
        draft.price,
        draft.quantity,
    )


def _import_fields(product: Product | None, draft: ProductDraft) -> dict[str, object]:
    """What the statement is told: the draft, and the row it changes with the stock that row had under our lock."""
    found = {} if product is None else {"id": product.id, "had": product.quantity}
    return msgspec.structs.asdict(draft) | found


def _product(rows: Rows) -> Product:
    if not rows:
        raise UnknownProduct("no such product")
    return product_from_row(rows[0])
