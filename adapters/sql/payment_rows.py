"""Rows into values and back, for the payment context; the same for both databases."""

from typing import Any

import msgspec

from kassa.ports.approvals import Approval
from kassa.ports.idempotency import Claim
from kassa.ports.money import Money
from kassa.ports.payment import Movement, MovementState
from kassa.ports.payment_records import (
    InboxItem,
    InboxState,
    KeptNotice,
    KnownMovement,
    NewNotice,
    Operation,
    OperationState,
    Payable,
    PayableState,
    Payment,
    PaymentStatus,
    Posting,
    Suspense,
    SuspenseState,
)
from kassa.ports.payouts import PendingRefund
from kassa.ports.values import Instant

from .rows import Row, Values


def payable_from_row(row: Row) -> Payable:
    """A payable from its row."""
    return Payable(
        invoice_id=row.invoice_id,
        customer_id=row.customer_id,
        amount=Money(amount=row.amount, currency=row.currency),
        state=PayableState(row.state),
        pay_until=row.pay_until,
        version=row.version,
        forgiven=row.forgiven,
    )


def payable_values(payable: Payable) -> Values:
    """The whole row of `payables`."""
    return {
        "invoice_id": payable.invoice_id,
        "customer_id": payable.customer_id,
        "amount": payable.amount.amount,
        "currency": payable.amount.currency,
        "state": payable.state.value,
        "pay_until": payable.pay_until,
        "version": payable.version,
        "forgiven": payable.forgiven,
    }


def payment_from_row(row: Row) -> Payment:
    """A payment from its row."""
    return Payment(
        id=row.id,
        invoice_id=row.invoice_id,
        method=row.method,
        merchant_ref=row.merchant_ref,
        nominal=Money(amount=row.nominal, currency=row.currency),
        status=PaymentStatus(row.status),
        is_live=row.is_live,
        in_doubt=row.in_doubt,
        late=row.late,
        conflict=row.conflict,
        needs_review=row.needs_review,
        authorized=row.authorized,
        captured=row.captured,
        refunded=row.refunded,
        expires_at=row.expires_at,
        provider_ref=row.provider_ref,
        plugin_state=row.plugin_state,
        next_action=row.next_action,
        return_token_hash=row.return_token_hash,
        return_url=row.return_url,
        created_date=row.created_date,
        last_updated=row.last_updated,
        reserved=row.reserved,
        forgives=row.forgives,
    )


def payment_values(payment: Payment) -> Values:
    """The whole row of `payments` but its `id`."""
    return {
        "invoice_id": payment.invoice_id,
        "method": payment.method,
        "merchant_ref": payment.merchant_ref,
        "nominal": payment.nominal.amount,
        "currency": payment.nominal.currency,
        "status": payment.status.value,
        "is_live": payment.is_live,
        "in_doubt": payment.in_doubt,
        "late": payment.late,
        "conflict": payment.conflict,
        "needs_review": payment.needs_review,
        "authorized": payment.authorized,
        "captured": payment.captured,
        "refunded": payment.refunded,
        "expires_at": payment.expires_at,
        "provider_ref": payment.provider_ref,
        "plugin_state": payment.plugin_state,
        "next_action": payment.next_action,
        "return_token_hash": payment.return_token_hash,
        "return_url": payment.return_url,
        "created_date": payment.created_date,
        "last_updated": payment.last_updated,
        "reserved": payment.reserved,
        "forgives": payment.forgives,
    }


def operation_from_row(row: Row, currency: str) -> Operation:
    """An operation; the currency of its amount is its payment's."""
    return Operation(
        id=row.id,
        payment_id=row.payment_id,
        kind=row.kind,
        state=OperationState(row.state),
        amount=None if row.amount is None else Money(amount=row.amount, currency=currency),
        attempt=row.attempt,
        sent_at=row.sent_at,
        next_check_at=row.next_check_at,
        checks=row.checks,
        not_found=row.not_found,
        executed=row.executed,
        code=row.code,
        last_updated=row.last_updated,
        claim=None if row.claim is None else msgspec.json.decode(row.claim, type=Claim),
    )


def operation_values(operation: Operation, *, payment_id: int | None = None) -> Values:
    """The whole row of `operations` but its lease; `payment_id` for a payment that was numbered just now."""
    return {
        "id": operation.id,
        "payment_id": operation.payment_id or payment_id,
        "kind": operation.kind,
        "state": int(operation.state),
        "amount": None if operation.amount is None else operation.amount.amount,
        "attempt": operation.attempt,
        "sent_at": operation.sent_at,
        "next_check_at": operation.next_check_at,
        "checks": operation.checks,
        "not_found": operation.not_found,
        "executed": operation.executed,
        "code": operation.code,
        "last_updated": operation.last_updated,
        "claim": None if operation.claim is None else msgspec.json.encode(operation.claim),
    }


def movement_from_row(row: Row) -> KnownMovement:
    """A movement as kept."""
    movement = Movement(
        kind=row.kind,
        id=row.id,
        state=MovementState(row.state),
        amount=Money(amount=row.amount, currency=row.currency),
        at=row.at,
    )
    return KnownMovement(payment_id=row.payment_id, movement=movement, first_seen_at=row.first_seen_at)


def movement_values(known: KnownMovement, tx: Any) -> Values:
    """The whole row of `movements`; `tx` counts only where the state is raised."""
    return {
        "payment_id": known.payment_id,
        "kind": known.movement.kind,
        "id": known.movement.id,
        "state": int(known.movement.state),
        "amount": known.movement.amount.amount,
        "currency": known.movement.amount.currency,
        "at": known.movement.at,
        "first_seen_at": known.first_seen_at,
        "tx": tx,
    }


def posting_values(posting: Posting, tx: Any) -> Values:
    """The row of `postings`."""
    return {"key": posting.key, "payment_id": posting.payment_id, "at": posting.at, "tx": tx}


def ledger_values(posting: Posting) -> list[Values]:
    """The rows of `ledger`."""
    return [
        {
            "posting_key": posting.key,
            "account": entry.account,
            "amount": entry.amount.amount,
            "currency": entry.amount.currency,
        }
        for entry in posting.entries
    ]


def suspense_from_row(row: Row) -> Suspense:
    """Money that waits for a name."""
    return Suspense(
        key=row.key,
        method=row.method,
        amount=Money(amount=row.amount, currency=row.currency),
        reason=row.reason,
        state=SuspenseState(row.state),
        payment_id=row.payment_id,
        note=row.note,
        at=row.at,
    )


def suspense_values(suspense: Suspense) -> Values:
    """The whole row of `suspense`."""
    return {
        "key": suspense.key,
        "method": suspense.method,
        "amount": suspense.amount.amount,
        "currency": suspense.amount.currency,
        "reason": suspense.reason,
        "state": suspense.state.value,
        "payment_id": suspense.payment_id,
        "note": suspense.note,
        "at": suspense.at,
    }


def approval_from_row(row: Row) -> Approval:
    """A wish that waits for a second person."""
    return Approval(
        key=row.key, deed=row.deed, word=msgspec.Raw(row.word), actor=row.actor, at=row.at, until=row.until
    )  # fmt: skip


def approval_values(approval: Approval) -> Values:
    """The whole row of `approvals`."""
    return {
        "key": approval.key,
        "deed": approval.deed,
        "word": bytes(approval.word),
        "actor": approval.actor,
        "at": approval.at,
        "until": approval.until,
    }


PENDING = OperationState.PENDING.value


def pending_refund_from_row(row: Row) -> PendingRefund:
    """A refund that waits for a bank."""
    return PendingRefund(
        operation_id=row.id,
        payment_id=row.payment_id,
        invoice_id=row.invoice_id,
        amount=Money(amount=row.amount, currency=row.currency),
        since=row.sent_at,
    )


def inbox_item_from_row(row: Row) -> InboxItem:
    """A leased notice. `attempts` is 1 at its first lease, which is the keeper's."""
    return InboxItem(
        id=row.id,
        method=row.method,
        event_id=row.event_id,
        event=row.event,
        attempts=row.attempts,
        fence=row.fence,
        received_at=row.received_at,
    )


def kept_notice_from_row(row: Row) -> KeptNotice:
    """A notice as an operator sees it."""
    return KeptNotice(
        id=row.id,
        method=row.method,
        event_id=row.event_id,
        state=InboxState(row.state),
        attempts=row.attempts,
        received_at=row.received_at,
    )


def notice_values(notice: NewNotice, *, leased_until: Instant) -> Values:
    """A new row of `inbox`, leased to its keeper."""
    return {
        "method": notice.method,
        "event_id": notice.event_id,
        "event": notice.event,
        "body": notice.body,
        "state": "waiting",
        "attempts": 1,
        "fence": 1,
        "next_try_at": leased_until,
        "received_at": notice.received_at,
    }
