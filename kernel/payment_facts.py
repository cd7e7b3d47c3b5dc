"""What one source tells of one payment, in one shape: a reply, a query, a notice, a bank line, an operator's evidence."""

from typing import Literal

from kassa.kernel.payment_states import Word
from kassa.ports.ids import OperationId
from kassa.ports.money import Money
from kassa.ports.payment import (
    AnyNextAction,
    AnyOutcome,
    Declined,
    Movement,
    MovementState,
    NotExecuted,
    Pending,
    ProviderStatus,
    Report,
    Succeeded,
)
from kassa.ports.payment_records import OperationState
from kassa.ports.values import Instant, Value


class Unknown(Value, frozen=True, kw_only=True):
    """No usable answer: a time-out, an exception, a cancellation, a wrong type. Never a decline. `reason` is for operators."""

    reason: str


class Facts(Value, frozen=True, kw_only=True):
    """What is told. `operation_id` names the command that was answered; without one the payment as a whole is told of.

    `said` is the told state of that command (else of the START); None: nothing is said of it. `listed`: `movements` are all
    movements the provider has, so that what is missing counts as missing. `found=False`: the provider has no such payment.
    """

    word: Word
    operation_id: OperationId | None = None
    said: OperationState | None = None
    status: ProviderStatus | None = None
    found: bool = True
    listed: bool = False
    provider_ref: str | None = None
    merchant_ref: str | None = None
    movements: tuple[Movement, ...] = ()
    plugin_state: bytes | None = None
    next_action: AnyNextAction | None = None
    expires_at: Instant | None = None
    code: str = ""
    executed: bool | None = None
    retry: bool = False


def from_outcome(operation_id: OperationId, outcome: AnyOutcome | Unknown) -> Facts:
    """The facts in a command's result."""
    if isinstance(outcome, Unknown):
        return Facts(word="silence", operation_id=operation_id, said=OperationState.UNKNOWN, code=outcome.reason[:100])
    return Facts(
        word="reply",
        operation_id=operation_id,
        provider_ref=outcome.provider_ref,
        movements=outcome.movements,
        plugin_state=outcome.state,
        said=_SAID[type(outcome)],
        next_action=outcome.next_action if isinstance(outcome, Pending) else None,
        expires_at=outcome.expires_at if isinstance(outcome, Pending) else None,
        code=_code(outcome),
        executed=_EXECUTED[type(outcome)],
        retry=isinstance(outcome, Declined) and outcome.retry,
    )


_SAID: dict[type[AnyOutcome], OperationState] = {
    Succeeded: OperationState.SUCCEEDED,
    Pending: OperationState.PENDING,
    Declined: OperationState.FAILED,
    NotExecuted: OperationState.FAILED,
}
_EXECUTED: dict[type[AnyOutcome], bool | None] = {Succeeded: True, Pending: None, Declined: True, NotExecuted: False}


def _code(outcome: AnyOutcome) -> str:
    if isinstance(outcome, Declined):
        return outcome.code
    return "not_executed" if isinstance(outcome, NotExecuted) else ""


_STATUS: dict[ProviderStatus, OperationState] = {
    "pending": OperationState.PENDING,
    "requires_action": OperationState.PENDING,
    "authorized": OperationState.SUCCEEDED,
    "succeeded": OperationState.SUCCEEDED,
    "failed": OperationState.FAILED,
    "canceled": OperationState.CANCELED,
    "expired": OperationState.EXPIRED,
}


def from_report(report: Report | Unknown, word: Literal["query", "webhook", "statement"]) -> Facts:
    """The facts in a provider's authoritative word on a payment."""
    if isinstance(report, Unknown):
        return Facts(word="silence", code=report.reason[:100])
    if not report.found:
        return Facts(word=word, found=False)
    return Facts(
        word=word,
        said=_STATUS[report.status],
        status=report.status,
        listed=True,
        provider_ref=report.provider_ref,
        merchant_ref=report.merchant_ref,
        movements=report.movements,
        next_action=report.next_action,
        code=report.decline_code,
        executed=True if report.status in ("failed", "succeeded", "authorized") else None,
    )


def bank_movement(reference: str) -> str:
    """The id of a movement that an operator saw on the bank account: two spellings of a reference are one. The store takes such
    an id once in the whole shop."""
    return f"bank:{reference.upper()}"


def from_evidence(
    amount: Money, movement_id: str, at: Instant, *, kind: Literal["capture", "refund"] = "capture"
) -> Facts:
    """An operator saw this money on the bank account, coming or going."""
    movement = Movement(kind=kind, id=movement_id, state=MovementState.SUCCEEDED, amount=amount, at=at)
    return Facts(word="operator", movements=(movement,), executed=True)
