"""Orders in SQLite: reading them, and the steps that two contexts take in one act (placing, paying, ending)."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from kassa.adapters.sql import rows, tables
from kassa.ports.checkout import LEGAL_STEPS, LineProblem, Order, OrderPage, OrderStatus
from kassa.ports.errors import Conflict, OutOfStock, UnknownOrder
from kassa.ports.ids import InvoiceId
from kassa.ports.payment_records import MarkPaid
from kassa.ports.values import Instant, Page

from .database import Act

_O, _L, _J, _P = tables.orders.c, tables.order_lines.c, tables.order_adjustments.c, tables.products.c
NEWEST: Final = 2**63 - 1
"""A cursor before every order."""

OF_INVOICE = select(tables.orders).where(_O.invoice_id == bindparam("invoice"))
OF_ACCOUNT = (
    select(tables.orders)
    .where(_O.account_id == bindparam("account"), _O.number < bindparam("before"))
    .order_by(_O.number.desc())
    .limit(bindparam("most"))
)
SEARCHED = (
    select(tables.orders)
    .where(
        _O.number < bindparam("before"),
        or_(bindparam("wanted").is_(None), _O.status == bindparam("wanted")),
        or_(
            bindparam("needle") == "",
            func.instr(func.kassa_fold(_O.invoice_id), bindparam("needle")) > 0,
            func.instr(func.kassa_fold(_O.email), bindparam("needle")) > 0,
        ),
    )
    .order_by(_O.number.desc())
    .limit(bindparam("most"))
)
_LINES = (
    select(tables.order_lines)
    .where(_L.invoice_id.in_(bindparam("invoices", expanding=True)))
    .order_by(_L.invoice_id, _L.product_id)
)
_ADJUSTMENTS = (
    select(tables.order_adjustments)
    .where(_J.invoice_id.in_(bindparam("invoices", expanding=True)))
    .order_by(_J.invoice_id, _J.position)
)
_STEP = (
    update(tables.orders)
    .where(_O.invoice_id == bindparam("invoice"), _O.status == bindparam("was"))
    .values(status=bindparam("becomes"), events=_O.events + 1, last_updated=bindparam("at"))
    .returning(_O.events)
)
_ADD_EVENT = insert(tables.order_events)
_ADD_MOVE = insert(tables.stock_moves)
_STOCK = select(_P.quantity).where(_P.id == bindparam("product"))
_MOVE_STOCK = (
    update(tables.products)
    .where(_P.id == bindparam("product"), _P.quantity + bindparam("delta") >= 0)
    .values(quantity=_P.quantity + bindparam("delta"))
)


def read_orders(read: Connection, found: Sequence[rows.Row]) -> tuple[Order, ...]:
    """Orders with their lines and adjustments, in the order of `found`."""
    if not found:
        return ()
    invoices = {"invoices": [row.invoice_id for row in found]}
    lines: dict[InvoiceId, list[rows.Row]] = {row.invoice_id: [] for row in found}
    adjustments: dict[InvoiceId, list[rows.Row]] = {row.invoice_id: [] for row in found}
    for line in read.execute(_LINES, invoices):
        lines[line.invoice_id].append(line)
    for part in read.execute(_ADJUSTMENTS, invoices):
        adjustments[part.invoice_id].append(part)
    return tuple(rows.order_from_rows(row, lines[row.invoice_id], adjustments[row.invoice_id]) for row in found)


def read_page(read: Connection, found: Sequence[rows.Row], page: Page) -> OrderPage:
    """The first `page.limit` of `found`, which holds one more when there is a next page."""
    shown = found[: page.limit]
    return OrderPage(
        items=read_orders(read, shown), next=str(shown[-1].number) if len(found) > page.limit else None
    )  # fmt: skip


def read_order(read: Connection, invoice_id: InvoiceId) -> Order:
    """One order. Raises `UnknownOrder`."""
    found = read.execute(OF_INVOICE, {"invoice": invoice_id}).one_or_none()
    if found is None:
        raise UnknownOrder("no such order")
    return read_orders(read, [found])[0]


def step(write: Act, order: Order, status: OrderStatus, at: Instant) -> None:
    """Move an order on by one legal step and write its event. Raises `Conflict` for a step that is not legal."""
    if status not in LEGAL_STEPS[order.status]:
        raise Conflict(f"the order is {order.status.value}")
    change = {"invoice": order.invoice_id, "was": order.status.value, "becomes": status.value, "at": at}
    seq = write.run(_STEP, change).scalar_one()
    add_event(write, order.invoice_id, seq, order.status, status, at)


def add_event(  # noqa: PLR0917 - the columns of the row
    write: Act, invoice_id: InvoiceId, seq: int, was: OrderStatus | None, status: OrderStatus, at: Instant
) -> None:
    """Write an order event."""
    event = {"invoice_id": invoice_id, "seq": seq, "to_status": status.value, "at": at, "tx": write.tx}
    write.run(_ADD_EVENT, {**event, "from_status": was.value if was else None})


def move_stock(write: Act, order: Order, reason: str, at: Instant) -> None:
    """Take all lines of an order from stock, or give them back (`given_back`), one move a line.

    Raises `OutOfStock` for every line that is short; the act must then be rolled back.
    """
    sign = 1 if reason == "given_back" else -1
    short: list[LineProblem] = []
    moves: list[rows.Values] = []
    for line in order.lines:
        delta = sign * line.quantity
        if write.changed(_MOVE_STOCK, {"product": line.product_id, "delta": delta}) == 0:
            available = write.run(_STOCK, {"product": line.product_id}).scalar_one_or_none()
            short.append(
                LineProblem(
                    product_id=line.product_id, reason="out_of_stock", requested=line.quantity, available=available or 0
                )
            )
        move = {"product_id": line.product_id, "delta": delta, "reason": reason, "invoice_id": order.invoice_id}
        moves.append({**move, "at": at, "tx": write.tx})
    if short:
        raise OutOfStock(tuple(short))
    write.many(_ADD_MOVE, moves)


def mark_paid(write: Act, invoice_id: InvoiceId, mark: MarkPaid) -> None:
    """Money completed the payable: its order is paid. A late one takes its stock again.

    Raises `Conflict` (it is not as `mark` says), `OutOfStock`.
    """
    order = read_order(write.connection, invoice_id)
    ended = order.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)
    if mark.late != ended:
        raise Conflict(f"the order is {order.status.value}")
    step(write, order, OrderStatus.PAID, mark.at)
    if mark.late:
        move_stock(write, order, "taken_late", mark.at)
