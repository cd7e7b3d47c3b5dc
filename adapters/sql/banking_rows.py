"""Rows of imported bank files into values and back; the same for both databases."""

from collections.abc import Sequence
from typing import Final

import msgspec

from kassa.ports.bank_files import (
    HeldLine,
    Holder,
    KeepStatement,
    KeptLine,
    LinePage,
    LineState,
    NewLine,
    OpenBill,
    Statement,
    StatementPage,
)
from kassa.ports.banking import BankLine
from kassa.ports.ids import PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, ShowAccount
from kassa.ports.values import Instant

from .rows import Row, Values

MOST_BILLS: Final = 1000
MOST_ASKED: Final = 1000


def file_values(act: KeepStatement, added: int) -> Values:
    """A new row of `bank_files`."""
    return {
        "method": act.method,
        "sha256": act.sha256,
        "name": act.name,
        "form": act.form,
        "account": act.account,
        "actor": act.audit.origin.actor,
        "at": act.audit.at,
        "lines": len(act.lines),
        "added": added,
        "left_out": act.left_out,
    }


def line_values(act: KeepStatement, new: NewLine, *, leased_until: Instant) -> Values:
    """A new row of `bank_lines`, leased to its keeper, but for its file."""
    return {
        "method": act.method,
        "line_id": new.line.id,
        "movement_id": new.movement_id,
        "account": new.line.account,
        "told": msgspec.json.encode(new.line),
        "attempts": 1,
        "fence": 1,
        "next_try_at": leased_until,
    }


def statement_from_row(row: Row) -> Statement:
    """Of a row of `bank_files` that has `waiting` and `review` beside it."""
    return Statement(
        id=row.id,
        method=row.method,
        sha256=row.sha256,
        name=row.name,
        form=row.form,
        account=row.account,
        actor=row.actor,
        at=row.at,
        lines=row.lines,
        new=row.added,
        left_out=row.left_out,
        waiting=row.waiting,
        review=row.review,
    )


def held_from_row(row: Row) -> HeldLine:
    """A leased line."""
    return HeldLine(
        id=row.id,
        method=row.method,
        line=msgspec.json.decode(row.told, type=BankLine),
        movement_id=row.movement_id,
        attempts=row.attempts,
        fence=row.fence,
    )


def line_from_row(row: Row) -> KeptLine:
    """A line as operators see it."""
    return KeptLine(
        id=row.id,
        statement_id=row.file_id,
        method=row.method,
        line=msgspec.json.decode(row.told, type=BankLine),
        movement_id=row.movement_id,
        state=LineState(row.state),
        verdict=row.verdict,
        reason=row.reason,
        payments=msgspec.json.decode(row.payments, type=tuple[PaymentId, ...]),
        reviewed=row.reviewed,
    )


def holder_from_row(row: Row) -> Holder:
    """Of a row of `movements` that has its payment's `method` beside it."""
    amount = Money(amount=row.amount, currency=row.currency)
    return Holder(movement_id=row.id, method=row.method, payment_id=row.payment_id, amount=amount)


def payments_text(payments: tuple[PaymentId, ...]) -> str:
    """As `bank_lines.payments` keeps them."""
    return msgspec.json.encode(payments).decode()


def bill_from_row(row: Row) -> OpenBill:
    """Of a row of `payments` that has its payable's `customer_id` beside it."""
    return OpenBill(
        payment_id=row.id,
        invoice_id=row.invoice_id,
        customer_id=row.customer_id,
        provider_ref=row.provider_ref,
        due=Money(amount=max(0, row.nominal - row.captured + row.refunded), currency=row.currency),
        shown=_shown(row.next_action),
        is_live=row.is_live,
        has_money=row.captured > 0,
    )


def _shown(next_action: bytes) -> Money | None:
    if not next_action:
        return None
    action = msgspec.json.decode(next_action, type=AnyNextAction)
    return action.amount if isinstance(action, ShowAccount) else None


def statements_from_rows(rows: Sequence[Row], limit: int) -> StatementPage:
    """A page of statements; one row more than `limit` says that there is another."""
    more = len(rows) > limit
    return StatementPage(
        items=tuple(statement_from_row(row) for row in rows[:limit]), next=str(rows[limit - 1].id) if more else None
    )


def lines_from_rows(rows: Sequence[Row], limit: int) -> LinePage:
    """A page of lines; one row more than `limit` says that there is another."""
    more = len(rows) > limit
    return LinePage(
        items=tuple(line_from_row(row) for row in rows[:limit]), next=str(rows[limit - 1].id) if more else None
    )
