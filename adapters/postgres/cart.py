"""Carts in PostgreSQL: a change is one statement that answers with the whole cart.

The statement compares the cart's version with the one in its own snapshot, so that what it answers is what it left:
another change that commits in between makes it do nothing. Then it runs once more with the cart's row locked first.
"""

# ruff: noqa: S608  # statements are joined from constants at import; values travel as parameters alone

from typing import Final

import msgspec

from kassa.ports.cart import MAX_LINES, Cart, PutLine
from kassa.ports.checkout import LineProblem
from kassa.ports.errors import CartChanged, CartFull, OutOfStock, Unavailable, UnknownProduct
from kassa.ports.ids import AccountId, ProductId
from kassa.ports.values import Instant

from .database import PostgresDatabase, Transaction
from .rows import Rows
from .statements import statement


def cart_document(cart: str, lines: str) -> str:
    """The expression for a `Cart` as JSON, from a relation `cart(id, version)` and one of lines."""
    return f"""
    json_build_object(
        'id', coalesce((SELECT id FROM {cart}), 0), 'version', coalesce((SELECT version FROM {cart}), 0),
        'lines', coalesce((
            SELECT json_agg(json_build_object(
                'product_id', p.id, 'sku', p.sku, 'name', p.name, 'quantity', l.quantity,
                'price', json_build_object('amount', p.price, 'currency', p.currency),
                'price_when_added', json_build_object('amount', l.price_when_added, 'currency', p.currency),
                'available', p.quantity, 'is_active', p.is_active) ORDER BY p.id)
            FROM {lines} l JOIN products p ON p.id = l.product_id), '[]'))"""


OPEN_CART: Final = """
seen AS MATERIALIZED (
    SELECT id, version FROM carts WHERE account_id = $1 AND is_open
), seen_lines AS MATERIALIZED (
    SELECT l.product_id, l.quantity, l.price_when_added FROM cart_lines l JOIN seen ON seen.id = l.cart_id
)"""
"""The open cart of account `$1` and its lines, as the snapshot has them."""

_CART: Final = statement(OPEN_CART, answer=f"SELECT {cart_document('seen', 'seen_lines')}")
_LOCK: Final = "SELECT id FROM carts WHERE account_id = $1 AND is_open FOR NO KEY UPDATE"
_RAISED: Final = """
    UPDATE carts c SET version = c.version + 1, last_updated = $3 FROM seen
    WHERE c.id = seen.id AND c.is_open AND c.version = seen.version AND seen.version = coalesce($2::int, seen.version)"""
_AS_LEFT: Final = f"""
SELECT (SELECT version FROM done) IS NOT NULL AS is_done, coalesce((SELECT version FROM seen), 0) AS version,
       {cart_document("cart_left", "lines_left")} AS cart"""
_CART_LEFT: Final = """
cart_left AS (
    SELECT id, version FROM done UNION ALL SELECT id, version FROM seen WHERE NOT EXISTS (SELECT FROM done)
)"""

_PUT_LINE: Final = statement(
    OPEN_CART,
    f"""
    wanted AS MATERIALIZED (
        SELECT id, price, quantity FROM products WHERE id = $4 AND is_active
    ), fits AS MATERIALIZED (
        SELECT 1 FROM wanted
        WHERE quantity >= $5::bigint AND (SELECT count(*) FROM seen_lines WHERE product_id <> $4) < {MAX_LINES}
    ), begun AS (
        INSERT INTO carts (account_id, version, is_open, last_updated)
        SELECT $1, 1, true, $3 FROM fits WHERE NOT EXISTS (SELECT FROM seen) AND coalesce($2::int, 0) = 0
        ON CONFLICT (account_id) WHERE is_open DO NOTHING
        RETURNING id, version
    ), raised AS ({_RAISED} AND EXISTS (SELECT FROM fits) RETURNING c.id, c.version),
    done AS (SELECT * FROM begun UNION ALL SELECT * FROM raised),
    put AS (
        INSERT INTO cart_lines (cart_id, product_id, quantity, price_when_added)
        SELECT done.id, wanted.id, $5, wanted.price FROM done, wanted
        ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = EXCLUDED.quantity
        RETURNING product_id, quantity, price_when_added
    ), lines_left AS (
        SELECT * FROM put UNION ALL
        SELECT * FROM seen_lines s WHERE NOT EXISTS (SELECT FROM put WHERE put.product_id = s.product_id)
    )""",
    _CART_LEFT,
    answer=_AS_LEFT + ", (SELECT quantity FROM wanted) AS available, EXISTS (SELECT FROM fits) AS fits",
)
_REMOVE_LINE: Final = statement(
    OPEN_CART,
    f"""
    done AS ({_RAISED} AND EXISTS (SELECT FROM seen_lines WHERE product_id = $4) RETURNING c.id, c.version),
    removed AS (
        DELETE FROM cart_lines l USING done WHERE l.cart_id = done.id AND l.product_id = $4
    ), lines_left AS (
        SELECT * FROM seen_lines s WHERE s.product_id <> $4 OR NOT EXISTS (SELECT FROM done)
    )""",
    _CART_LEFT,
    answer=_AS_LEFT + ", NOT EXISTS (SELECT FROM seen_lines WHERE product_id = $4) AS is_idle",
)
_CLEAR: Final = statement(
    OPEN_CART,
    f"""
    done AS ({_RAISED} AND EXISTS (SELECT FROM seen_lines) RETURNING c.id, c.version),
    removed AS (
        DELETE FROM cart_lines l USING done WHERE l.cart_id = done.id
    ), lines_left AS (
        SELECT * FROM seen_lines s WHERE NOT EXISTS (SELECT FROM done)
    )""",
    _CART_LEFT,
    answer=_AS_LEFT + ", NOT EXISTS (SELECT FROM seen_lines) AS is_idle",
)


class PostgresCarts:
    """The durable carts."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def cart(self, account_id: AccountId) -> Cart:
        """The open cart."""
        return _cart((await self._database.read(_CART, account_id))[0][0])

    async def put_line(self, act: PutLine) -> Cart:
        """Set a line in one statement; a second one only if another change of the cart came first."""
        values = (act.account_id, act.expected_version, act.at, act.product_id, act.quantity)
        cart = _put(await self._database.write(_PUT_LINE, *values), act)
        return cart or self._settled(_put(await self._locked(_PUT_LINE, *values), act))

    async def remove_line(
        self, account_id: AccountId, product_id: ProductId, *, expected_version: int | None, at: Instant
    ) -> Cart:
        """Remove a line that is there."""
        values = (account_id, expected_version, at, product_id)
        cart = _removed(await self._database.write(_REMOVE_LINE, *values), expected_version)
        return cart or self._settled(_removed(await self._locked(_REMOVE_LINE, *values), expected_version))

    async def clear(self, account_id: AccountId, *, expected_version: int | None, at: Instant) -> Cart:
        """Remove the lines that are there."""
        values = (account_id, expected_version, at)
        cart = _removed(await self._database.write(_CLEAR, *values), expected_version)
        return cart or self._settled(_removed(await self._locked(_CLEAR, *values), expected_version))

    async def _locked(self, change: str, account_id: int, *values: object) -> Rows:
        async def work(transaction: Transaction) -> Rows:
            await transaction.run(_LOCK, account_id)
            return await transaction.run(change, account_id, *values)

        return await self._database.transact(work)

    @staticmethod
    def _settled(cart: Cart | None) -> Cart:
        if cart is None:
            raise Unavailable("postgres: the cart is changed without pause")
        return cart


def _put(rows: Rows, act: PutLine) -> Cart | None:
    """The cart as the statement left it; None when another change came between its snapshot and its lock."""
    row = rows[0]
    cart = _cart(row.cart)
    if row.is_done:
        return cart
    if act.expected_version not in (None, row.version):
        raise CartChanged(cart)
    if row.available is None:
        raise UnknownProduct(f"product {act.product_id}")
    if row.available < act.quantity:
        problem = LineProblem(
            product_id=act.product_id, reason="out_of_stock", requested=act.quantity, available=row.available
        )
        raise OutOfStock((problem,))
    if not row.fits:
        raise CartFull(f"a cart holds at most {MAX_LINES} lines")
    return None


def _removed(rows: Rows, expected_version: int | None) -> Cart | None:
    row = rows[0]
    cart = _cart(row.cart)
    if not row.is_done and expected_version not in (None, row.version):
        raise CartChanged(cart)
    return cart if row.is_done or row.is_idle else None


def _cart(text: str) -> Cart:
    return msgspec.json.decode(text, type=Cart)
