"""Carts in SQLite."""

from collections.abc import Callable

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from kassa.adapters.sql import rows, tables
from kassa.ports.cart import MAX_LINES, Cart, PutLine
from kassa.ports.checkout import LineProblem
from kassa.ports.errors import CartChanged, CartFull, OutOfStock, UnknownProduct
from kassa.ports.ids import AccountId, CartId, ProductId
from kassa.ports.values import Instant

from .database import Act, SqliteDatabase

_C, _L, _P = tables.carts.c, tables.cart_lines.c, tables.products.c

_OPEN = select(_C.id, _C.version).where(_C.account_id == bindparam("account"), _C.is_open)
_LINES = (
    select(
        _L.product_id,
        _L.quantity,
        _L.price_when_added,
        _P.sku,
        _P.name,
        _P.price,
        _P.currency,
        _P.is_active,
        _P.quantity.label("available"),
    )
    .select_from(tables.cart_lines.join(tables.products))
    .where(_L.cart_id == bindparam("cart"))
    .order_by(_L.product_id)
)
_COUNT = select(func.count()).select_from(tables.cart_lines).where(_L.cart_id == bindparam("cart"))
_PRODUCT = select(_P.id, _P.price, _P.quantity, _P.is_active).where(_P.id == bindparam("product"))
_BEGIN = insert(tables.carts).returning(_C.id)
_RAISE = (
    update(tables.carts)
    .where(_C.id == bindparam("cart"))
    .values(version=_C.version + 1, last_updated=bindparam("at"))
    .returning(_C.version)
)
_SET_LINE = (
    update(tables.cart_lines)
    .where(_L.cart_id == bindparam("cart"), _L.product_id == bindparam("product"))
    .values(quantity=bindparam("wanted"))
)
_ADD_LINE = insert(tables.cart_lines)
_DROP_LINE = delete(tables.cart_lines).where(_L.cart_id == bindparam("cart"), _L.product_id == bindparam("product"))
_DROP_LINES = delete(tables.cart_lines).where(_L.cart_id == bindparam("cart"))


class SqliteCarts:
    """`Carts` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def cart(self, account_id: AccountId) -> Cart:
        """See the port."""
        async with self._database.reading() as read:
            return open_cart(read, account_id)

    async def put_line(self, act: PutLine) -> Cart:
        """See the port. A line that is set again keeps the price it was added at."""
        async with self._database.act() as write:
            cart_id = _begin(write, act.account_id, act.expected_version, act.at)
            product = write.run(_PRODUCT, {"product": act.product_id}).one_or_none()
            if product is None or not product.is_active:
                raise UnknownProduct("no such product for sale")
            if act.quantity > product.quantity:
                raise OutOfStock((_short(act, product.quantity),))
            line = {"cart": cart_id, "product": act.product_id}
            if write.changed(_SET_LINE, {**line, "wanted": act.quantity}) == 0:
                if write.run(_COUNT, {"cart": cart_id}).scalar_one() >= MAX_LINES:
                    raise CartFull(f"a cart holds at most {MAX_LINES} lines")
                write.run(_ADD_LINE, _line(cart_id, act, product.price))
            write.run(_RAISE, {"cart": cart_id, "at": act.at})
            return open_cart(write.connection, act.account_id)

    async def remove_line(
        self, account_id: AccountId, product_id: ProductId, *, expected_version: int | None, at: Instant
    ) -> Cart:
        """See the port."""

        def remove(write: Act, cart_id: CartId) -> int:
            return write.changed(_DROP_LINE, {"cart": cart_id, "product": product_id})

        return await self._drop(account_id, expected_version, at, remove)

    async def clear(self, account_id: AccountId, *, expected_version: int | None, at: Instant) -> Cart:
        """See the port."""

        def remove(write: Act, cart_id: CartId) -> int:
            return write.changed(_DROP_LINES, {"cart": cart_id})

        return await self._drop(account_id, expected_version, at, remove)

    async def _drop(
        self, account_id: AccountId, expected_version: int | None, at: Instant, remove: Callable[[Act, CartId], int]
    ) -> Cart:
        async with self._database.act() as write:
            found = _expect(write, account_id, expected_version)
            if found is not None and remove(write, found.id):
                write.run(_RAISE, {"cart": found.id, "at": at})
            return open_cart(write.connection, account_id)


def open_cart(read: Connection, account_id: AccountId) -> Cart:
    """The open cart with its lines; an empty one (id 0, version 0) when there is none."""
    found = read.execute(_OPEN, {"account": account_id}).one_or_none()
    if found is None:
        return Cart(id=0, version=0, lines=())
    lines = read.execute(_LINES, {"cart": found.id}).all()
    return Cart(id=found.id, version=found.version, lines=tuple(rows.cart_line_from_row(line) for line in lines))


def _expect(write: Act, account_id: AccountId, expected_version: int | None) -> rows.Row | None:
    """The open cart's row, which must be at `expected_version` if that is given (0: there is none)."""
    found = write.run(_OPEN, {"account": account_id}).one_or_none()
    version = 0 if found is None else found.version
    if expected_version not in (None, version):
        raise CartChanged(open_cart(write.connection, account_id))
    return found


def _begin(write: Act, account_id: AccountId, expected_version: int | None, at: Instant) -> CartId:
    found = _expect(write, account_id, expected_version)
    if found is not None:
        cart_id: CartId = found.id
        return cart_id
    begun: CartId = write.run(_BEGIN, {"account_id": account_id, "version": 0, "last_updated": at}).scalar_one()
    return begun


def _short(act: PutLine, available: int) -> LineProblem:
    return LineProblem(
        product_id=act.product_id, reason="out_of_stock", requested=act.quantity, available=available
    )  # fmt: skip


def _line(cart_id: CartId, act: PutLine, price: int) -> rows.Values:
    return {
        "cart_id": cart_id,
        "product_id": act.product_id,
        "quantity": act.quantity,
        "price_when_added": price,
    }
