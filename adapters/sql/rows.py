"""Rows into values and back, for the identity and shop contexts; the same for both databases.

A function takes a row that has the columns of its table under their own names (more columns do no harm).
"""

from collections.abc import Iterable
from typing import Any, Final

from kassa.ports.audit import AuditEntry, AuditRecord, Origin
from kassa.ports.cart import CartLine
from kassa.ports.catalog import Product
from kassa.ports.checkout import Order, OrderLine, OrderStatus, PlaceOrder
from kassa.ports.events import Event, OutboxItem
from kassa.ports.idempotency import Answer, AnswerKind, Claim, StoredAnswer
from kassa.ports.identity import (
    Account,
    Credentials,
    NewSession,
    Principal,
    ResolvedSession,
    Role,
    Session,
    SessionTimes,
)
from kassa.ports.money import Money
from kassa.ports.pricing import Adjustment
from kassa.ports.values import Instant

Row = Any
"""A SQLAlchemy row; its attributes are only known at run time."""
Values = dict[str, Any]
"""The parameters of one statement, by column."""

_LARGEST_CURSOR: Final = 2**63 - 1


def cursor_number(cursor: str | None, *, beginning: int) -> int:
    """The number inside a cursor; `beginning` for none and for anything that we did not give out."""
    if cursor is None or not (cursor.isascii() and cursor.isdigit()) or len(cursor) > 19:
        return beginning
    return min(int(cursor), _LARGEST_CURSOR)


# --- identity -------------------------------------------------------------------------------------------------


def account_from_row(row: Row) -> Account:
    """An account from its row."""
    return Account(
        id=row.id,
        email=row.email,
        address=row.address,
        is_active=row.is_active,
        role=Role(row.role),
        created_at=row.created_at,
    )


def credentials_from_row(row: Row) -> Credentials:
    """An account and its password hash."""
    return Credentials(account=account_from_row(row), password_hash=row.password)


def session_times_from_row(row: Row) -> SessionTimes:
    """When a session began and ends."""
    return SessionTimes(opened_at=row.opened_at, idle_until=row.idle_until, ends_at=row.ends_at)


def session_from_row(row: Row) -> Session:
    """A session as its owner sees it."""
    return Session(id=row.id, label=row.label, times=session_times_from_row(row), last_seen_at=row.last_seen_at)


def resolved_from_row(row: Row) -> ResolvedSession:
    """Of a session's row with the account's `role` beside it."""
    principal = Principal(account_id=row.account_id, session_id=row.id, role=Role(row.role))
    return ResolvedSession(principal=principal, times=session_times_from_row(row))


def session_values(account_id: int, session: NewSession) -> Values:
    """A new row of `sessions`."""
    return {
        "account_id": account_id,
        "token_hash": session.token_hash,
        "label": session.label,
        "opened_at": session.times.opened_at,
        "last_seen_at": session.times.opened_at,
        "idle_until": session.times.idle_until,
        "ends_at": session.times.ends_at,
    }


# --- shop -------------------------------------------------------------------------------------------------------


def product_from_row(row: Row) -> Product:
    """A product from its row."""
    return Product(
        id=row.id,
        sku=row.sku,
        name=row.name,
        price=Money(amount=row.price, currency=row.currency),
        quantity=row.quantity,
        is_active=row.is_active,
        version=row.version,
    )


def cart_line_from_row(row: Row) -> CartLine:
    """A line of `cart_lines` joined with its product: `quantity` is the line's, `available` the product's."""
    return CartLine(
        product_id=row.product_id,
        sku=row.sku,
        name=row.name,
        quantity=row.quantity,
        price=Money(amount=row.price, currency=row.currency),
        price_when_added=Money(amount=row.price_when_added, currency=row.currency),
        available=row.available,
        is_active=row.is_active,
    )


def order_from_rows(row: Row, lines: Iterable[Row], adjustments: Iterable[Row]) -> Order:
    """An order from its row, its lines by product and its adjustments by position."""
    currency = row.currency
    return Order(
        invoice_id=row.invoice_id,
        status=OrderStatus(row.status),
        lines=tuple(order_line_from_row(line, currency) for line in lines),
        adjustments=tuple(adjustment_from_row(part, currency) for part in adjustments),
        total=Money(amount=row.total, currency=currency),
        email=row.email,
        address=row.address,
        placed_at=row.placed_at,
        pay_until=row.pay_until,
        last_updated=row.last_updated,
    )


def order_line_from_row(row: Row, currency: str) -> OrderLine:
    """A frozen line; its currency is the order's."""
    return OrderLine(
        product_id=row.product_id,
        sku=row.sku,
        name=row.name,
        quantity=row.quantity,
        price=Money(amount=row.price, currency=currency),
        total=Money(amount=row.total, currency=currency),
    )


def adjustment_from_row(row: Row, currency: str) -> Adjustment:
    """An adjustment; its currency is the order's."""
    amount = Money(amount=row.amount, currency=currency)
    return Adjustment(kind=row.kind, label=row.label, amount=amount, included=row.included)


def order_values(act: PlaceOrder) -> Values:
    """The new row of `orders`, without its `number`."""
    order = act.order
    return {
        "invoice_id": order.invoice_id,
        "account_id": act.account_id,
        "cart_id": act.cart_id,
        "status": order.status.value,
        "total": order.total.amount,
        "currency": order.total.currency,
        "email": order.email,
        "address": order.address,
        "events": 1,
        "placed_at": order.placed_at,
        "pay_until": order.pay_until,
        "last_updated": order.last_updated,
    }


def order_line_values(order: Order) -> list[Values]:
    """The rows of `order_lines`."""
    return [
        {
            "invoice_id": order.invoice_id,
            "product_id": line.product_id,
            "sku": line.sku,
            "name": line.name,
            "quantity": line.quantity,
            "price": line.price.amount,
            "total": line.total.amount,
        }
        for line in order.lines
    ]


def adjustment_values(order: Order) -> list[Values]:
    """The rows of `order_adjustments`, numbered from 1."""
    return [
        {
            "invoice_id": order.invoice_id,
            "position": position,
            "kind": part.kind,
            "label": part.label,
            "amount": part.amount.amount,
            "included": part.included,
        }
        for position, part in enumerate(order.adjustments, 1)
    ]


# --- written by every context -------------------------------------------------------------------------------------


def event_values(event: Event, at: Instant, tx: Any) -> Values:
    """A new row of `outbox`: waiting, due at once."""
    return {
        "kind": event.kind,
        "subject": event.subject,
        "payload": event.payload,
        "at": at,
        "next_try_at": at,
        "tx": tx,
    }


def outbox_item_from_row(row: Row) -> OutboxItem:
    """A claimed item. `attempt` is 1 at its first lease."""
    event = Event(kind=row.kind, subject=row.subject, payload=row.payload)
    return OutboxItem(id=row.id, event=event, at=row.at, attempt=row.attempt, fence=row.fence)


def audit_values(entry: AuditEntry, tx: Any) -> Values:
    """A new row of `audit`."""
    return {
        "action": entry.action,
        "subject": entry.subject,
        "actor": entry.origin.actor,
        "request_id": entry.origin.request_id,
        "address": entry.origin.address,
        "at": entry.at,
        "details": entry.details,
        "tx": tx,
    }


def audit_record_from_row(row: Row) -> AuditRecord:
    """An audit entry as stored."""
    origin = Origin(actor=row.actor, request_id=row.request_id, address=row.address)
    entry = AuditEntry(action=row.action, subject=row.subject, origin=origin, at=row.at, details=row.details)
    return AuditRecord(id=row.id, tx=row.tx, entry=entry)


def claim_values(claim: Claim, answer: Answer | None, at: Instant) -> Values:
    """A new row of `idempotency`: running without `answer`, else finished."""
    return {
        "principal": claim.scope.principal,
        "route": claim.scope.route,
        "key": claim.scope.key,
        "fingerprint": claim.fingerprint,
        "kind": answer.kind.value if answer else None,
        "body": answer.body if answer else None,
        "at": at,
    }


def stored_answer_from_row(row: Row) -> StoredAnswer:
    """A record as found. Its answer is equal to the one that was stored; who gives it again marks it as a replay."""
    answer = None if row.kind is None else Answer(kind=AnswerKind(row.kind), body=row.body)
    return StoredAnswer(fingerprint=row.fingerprint, answer=answer, at=row.at)
