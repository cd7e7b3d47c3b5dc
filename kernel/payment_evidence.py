"""What an operator may claim: evidence is checked against what is known before it counts. Pure."""

from kassa.kernel.payment_draft import allocated
from kassa.kernel.payment_facts import Facts
from kassa.kernel.payment_lenience import lenience
from kassa.kernel.payment_states import refundable
from kassa.kernel.payment_suspense import unmatched_key
from kassa.ports.errors import EvidenceRefused
from kassa.ports.ids import PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import Capabilities, Movement, MovementKind, MovementState
from kassa.ports.payment_records import (
    Operation,
    OperationState,
    PayableState,
    Payment,
    PaymentFile,
    Suspense,
)
from kassa.ports.treasury import Confirmation, Resolution
from kassa.ports.values import Instant

MOST_REFERENCE = 190
MOST_TIMES_ASKED = 10
"""More evidence than so many times what was asked for is a slip of the pen."""


def bank_reference(given: str, reason: str) -> str:
    """A reference in one spelling. Raises `EvidenceRefused` for one, or a reason, that says nothing."""
    reference = " ".join(given.split())
    if not reference or not reason.strip():
        raise EvidenceRefused("a reason and the bank's reference are needed")
    if len(reference.upper()) > MOST_REFERENCE:
        raise EvidenceRefused("the bank's reference is too long")
    return reference


def confirming(payment: Payment, evidence: Confirmation, declared: Capabilities | None) -> None:
    """Raises `EvidenceRefused` for an amount that cannot be, for a payment in doubt, and for a method whose money does not come
    by the bank account: what its provider tells of the same money later would count twice. `declared` is None for a method that
    is not loaded."""
    if payment.in_doubt:
        raise EvidenceRefused("the payment is in doubt: resolve that first")
    if declared is not None and not declared.open_amount and "show_account" not in declared.next_actions:
        raise EvidenceRefused(f"the money of {payment.method} does not come by the bank account")
    if evidence.amount.currency != payment.nominal.currency or evidence.amount.amount <= 0:
        raise EvidenceRefused(f"the payment is in {payment.nominal.currency}, the amount above zero")
    if evidence.amount.amount > MOST_TIMES_ASKED * payment.nominal.amount:
        raise EvidenceRefused(f"more than {MOST_TIMES_ASKED} times what was asked for")


def is_known(file: PaymentFile, payment_id: PaymentId, reference: str, amount: Money) -> bool:
    """Whether this very capture is known of this payment."""
    mine = [k.movement for k in file.movements if k.payment_id == payment_id and k.movement.kind == "capture"]
    return any(movement.id == reference and movement.amount == amount for movement in mine)


def resolving(file: PaymentFile, operation: Operation, word: Resolution, reserves: bool, now: Instant) -> Facts:
    """The facts of an operator's word on a command in doubt. Raises `EvidenceRefused`."""
    if not word.reason.strip():
        raise EvidenceRefused("a reason is needed")
    if word.provider_ref is not None and not word.provider_ref.strip():
        raise EvidenceRefused("the provider's id of the payment is blank")
    if not word.executed:
        said = OperationState.FAILED
        return Facts(
            word="operator", operation_id=operation.id, said=said, executed=False, code="not_executed",
            provider_ref=word.provider_ref,
        )  # fmt: skip
    moves = operation.kind in ("start", "capture", "refund")
    if not moves or (operation.kind == "start" and word.movement_id is None and word.provider_ref is not None):
        said = OperationState.SUCCEEDED if operation.kind == "void" else OperationState.PENDING
        return Facts(
            word="operator", operation_id=operation.id, said=said, executed=True, provider_ref=word.provider_ref
        )
    if word.movement_id is None:
        raise EvidenceRefused("the provider's id of the money that moved is needed")
    return Facts(
        word="operator",
        operation_id=operation.id,
        said=OperationState.SUCCEEDED,
        executed=True,
        provider_ref=word.provider_ref,
        movements=(_moved(file, operation, word.movement_id.strip(), reserves, now),),
    )


def _moved(file: PaymentFile, operation: Operation, movement_id: str, reserves: bool, now: Instant) -> Movement:
    assert operation.amount is not None
    kind: MovementKind = "refund" if operation.kind == "refund" else "capture"
    if operation.kind == "start" and reserves:
        kind = "auth"
    known = [k.movement for k in file.movements if k.payment_id == operation.payment_id]
    if not movement_id or any(m.kind == kind and m.id == movement_id for m in known):
        raise EvidenceRefused("this movement is known already: it is another command's")
    return Movement(kind=kind, id=movement_id, state=MovementState.SUCCEEDED, amount=operation.amount, at=now)


def unmatched_capture(row: Suspense, payment: Payment) -> Movement:
    """Unmatched money as the capture that it is of a payment. Raises `EvidenceRefused`."""
    if row.method != payment.method:
        raise EvidenceRefused(f"the money came by {row.method}, the payment is by {payment.method}")
    if row.amount.currency != payment.nominal.currency:
        raise EvidenceRefused(f"the money is {row.amount.currency}, the payment in {payment.nominal.currency}")
    movement_id = row.key.removeprefix(unmatched_key(row.method, ""))
    return Movement(kind="capture", id=movement_id, state=MovementState.SUCCEEDED, amount=row.amount, at=row.at)


def put_aside_for(file: PaymentFile, row: Suspense, payment: Payment, tolerance: int) -> None:
    """Raises `EvidenceRefused` where money put aside cannot be counted for its payable after all."""
    payment_id = payment.id
    if row.payment_id != payment_id:
        raise EvidenceRefused(f"this money belongs to payment {row.payment_id}")
    if row.reason == "conflict":
        raise EvidenceRefused("it is in another currency than its payment: send it back")
    movements = [k.movement for k in file.movements if k.payment_id == payment_id]
    commands = [o for o in file.operations if o.payment_id == payment_id]
    if refundable(movements, commands) < row.amount.amount:
        raise EvidenceRefused("a refund of this money is under way")
    missing = file.payable.amount.amount - allocated(file)
    if file.payable.state is PayableState.PAID or missing <= 0:
        raise EvidenceRefused("the order is paid: refund what is too much")
    short = missing - row.amount.amount
    if file.payable.state is PayableState.CLOSED and short > lenience(payment, tolerance):
        raise EvidenceRefused(f"the order has ended, and {missing} would be needed for it")
