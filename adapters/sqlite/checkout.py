"""Orders in SQLite."""

from sqlalchemy import bindparam, func, insert, select, update

from kassa.adapters.sql import payment_rows, rows, tables
from kassa.ports.checkout import (
    CheckoutBasis,
    EndOrder,
    LineProblem,
    Order,
    OrderPage,
    OrderStatus,
    PlaceOrder,
)
from kassa.ports.errors import Conflict, LinesRefused, OrderNotCancelable, OutOfStock, PriceChanged, UnknownOrder
from kassa.ports.idempotency import Scope
from kassa.ports.ids import AccountId, InvoiceId
from kassa.ports.money import Money
from kassa.ports.payment_records import Payable, PayableState
from kassa.ports.values import Page

from .cart import open_cart
from .database import Act, SqliteDatabase
from .failures import refusing
from .idempotency import claim_in, find_record
from .order_rows import (
    NEWEST,
    OF_ACCOUNT,
    OF_INVOICE,
    SEARCHED,
    add_event,
    move_stock,
    read_order,
    read_orders,
    read_page,
    step,
)

_C, _O, _P, _Y = tables.carts.c, tables.orders.c, tables.products.c, tables.payables.c

_CLOSE_CART = (
    update(tables.carts)
    .where(
        _C.id == bindparam("cart"),
        _C.account_id == bindparam("account"),
        _C.version == bindparam("seen"),
        _C.is_open,
    )
    .values(is_open=False, last_updated=bindparam("at"))
)
_PRODUCTS = select(_P.id, _P.price, _P.currency, _P.quantity, _P.is_active).where(
    _P.id.in_(bindparam("products", expanding=True))
)
_NUMBER = select(func.coalesce(func.max(_O.number), 0) + 1)
_ADD_ORDER = insert(tables.orders)
_ADD_LINE = insert(tables.order_lines)
_ADD_ADJUSTMENT = insert(tables.order_adjustments)
_ADD_PAYABLE = insert(tables.payables)
_CLOSE_PAYABLE = (
    update(tables.payables)
    .where(_Y.invoice_id == bindparam("invoice"), _Y.version == bindparam("seen"), _Y.state == "open")
    .values(state="closed", version=_Y.version + 1)
)


class SqliteOrders:
    """`Orders` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def basis(self, account_id: AccountId, scope: Scope) -> CheckoutBasis:
        """See the port."""
        async with self._database.reading() as read:
            return CheckoutBasis(cart=open_cart(read, account_id), prior=find_record(read, scope))

    async def place(self, act: PlaceOrder) -> None:
        """See the port. Spans two contexts: the order's payable is written here too."""
        with refusing({"orders.cart_id": _taken, "orders.invoice_id": _taken}):
            async with self._database.act() as write:
                claim_in(write, act.claim, act.answer, act.audit.at)
                _close_cart(write, act)
                _check_lines(write, act.order)
                _write_order(write, act)
                write.note(act.events, act.audit)

    async def order(self, invoice_id: InvoiceId) -> Order:
        """See the port."""
        async with self._database.reading() as read:
            return read_order(read, invoice_id)

    async def order_of(self, account_id: AccountId, invoice_id: InvoiceId) -> Order:
        """See the port."""
        async with self._database.reading() as read:
            found = read.execute(OF_INVOICE, {"invoice": invoice_id}).one_or_none()
            if found is None or found.account_id != account_id:
                raise UnknownOrder("no such order")
            return read_orders(read, [found])[0]

    async def orders_of(self, account_id: AccountId, page: Page) -> OrderPage:
        """See the port."""
        wanted = {"account": account_id, "before": _before(page), "most": page.limit + 1}
        async with self._database.reading() as read:
            return read_page(read, read.execute(OF_ACCOUNT, wanted).all(), page)

    async def search(self, text: str, status: OrderStatus | None, page: Page) -> OrderPage:
        """See the port."""
        wanted = {
            "wanted": status.value if status else None,
            "needle": text.casefold(),
            "before": _before(page),
            "most": page.limit + 1,
        }
        async with self._database.reading() as read:
            return read_page(read, read.execute(SEARCHED, wanted).all(), page)

    async def end(self, act: EndOrder) -> None:
        """See the port. Spans two contexts: the order's payable is closed here too."""
        async with self._database.act() as write:
            order = read_order(write.connection, act.invoice_id)
            if order.status is not OrderStatus.AWAITING_PAYMENT:
                raise OrderNotCancelable(order.status.value)
            if write.changed(_CLOSE_PAYABLE, {"invoice": act.invoice_id, "seen": act.payable_version}) == 0:
                raise Conflict("the payable is at another version")
            step(write, order, act.status, act.at)
            move_stock(write, order, "given_back", act.at)
            write.note(act.events, act.audit)


def _before(page: Page) -> int:
    return rows.cursor_number(page.cursor, beginning=NEWEST)


def _taken() -> Conflict:
    return Conflict("the cart has an order, or the invoice id is taken")


def _close_cart(write: Act, act: PlaceOrder) -> None:
    seen = {"cart": act.cart_id, "account": act.account_id, "seen": act.cart_version, "at": act.order.placed_at}
    if write.changed(_CLOSE_CART, seen) == 0:
        raise Conflict("the cart is at another version or closed")


def _check_lines(write: Act, order: Order) -> None:
    """Raises `OutOfStock` if any line is short, else `PriceChanged` if any price moved; with every line's problem."""
    found = write.run(_PRODUCTS, {"products": [line.product_id for line in order.lines]})
    products = {row.id: row for row in found}
    problems: list[LineProblem] = []
    for line in order.lines:
        row = products.get(line.product_id)
        if row is None or not row.is_active:
            problems.append(LineProblem(product_id=line.product_id, reason="withdrawn"))
            continue
        price = Money(amount=row.price, currency=row.currency)
        if price != line.price:
            problems.append(LineProblem(product_id=line.product_id, reason="price_changed", price=price))
        if row.quantity < line.quantity:
            short = {"requested": line.quantity, "available": row.quantity}
            problems.append(LineProblem(product_id=line.product_id, reason="out_of_stock", **short))
    if problems:
        raise _refusal(tuple(problems))


def _refusal(problems: tuple[LineProblem, ...]) -> LinesRefused:
    short = any(problem.reason == "out_of_stock" for problem in problems)
    return OutOfStock(problems) if short else PriceChanged(problems)


def _write_order(write: Act, act: PlaceOrder) -> None:
    order = act.order
    write.run(_ADD_ORDER, {**rows.order_values(act), "number": write.run(_NUMBER).scalar_one()})
    write.many(_ADD_LINE, rows.order_line_values(order))
    write.many(_ADD_ADJUSTMENT, rows.adjustment_values(order))
    add_event(write, order.invoice_id, 1, None, order.status, order.placed_at)
    move_stock(write, order, "taken", order.placed_at)
    payable = Payable(
        invoice_id=order.invoice_id,
        customer_id=act.account_id,
        amount=order.total,
        state=PayableState.PAID if order.status is OrderStatus.PAID else PayableState.OPEN,
        pay_until=order.pay_until,
        version=1,
    )
    write.run(_ADD_PAYABLE, payment_rows.payable_values(payable))
