"""What Stripe's objects mean here: movements, outcomes, reports."""

from datetime import UTC, datetime

from kassa.ports.payment import (
    AnyNextAction,
    AnyOutcome,
    ClientSdk,
    Declined,
    Movement,
    MovementKind,
    MovementState,
    NotExecuted,
    Pending,
    ProviderStatus,
    Redirect,
    Report,
    Succeeded,
    Wait,
)
from kassa.ports.provider_json import ProviderUnclear

from .amounts import read
from .declines import of_card, of_request
from .sdk import Refusal
from .shapes import Charge, Dispute, Failure, Intent, Refund

MERCHANT_REF, OPERATION, CAPTURE = "merchant_ref", "operation_id", "capture_operation"
"""Our names in Stripe's metadata: of a payment, of the command that made an object, of the command that captured it."""
_STATUSES: dict[str, ProviderStatus] = {
    "requires_action": "requires_action",
    "requires_capture": "authorized",
    "succeeded": "succeeded",
    "canceled": "canceled",
}
_REFUNDS = {"succeeded": MovementState.SUCCEEDED, "failed": MovementState.FAILED, "canceled": MovementState.FAILED}
_DISPUTES = {
    **dict.fromkeys(("needs_response", "under_review", "lost"), MovementState.SUCCEEDED),
    **dict.fromkeys(("appeal_needs_response", "appeal_under_review"), MovementState.SUCCEEDED),
    "won": MovementState.REVERSED,
    **dict.fromkeys(("warning_closed", "prevented"), MovementState.FAILED),
}
"""A dispute that is only a warning (an inquiry) has moved nothing yet; any other takes the money at once, until it is won."""


def status_of(intent: Intent) -> ProviderStatus:
    """Where a payment stands. What is not known here may still become anything: pending."""
    if intent.status == "requires_payment_method" and intent.last_payment_error is not None:
        return "failed"
    return _STATUSES.get(intent.status, "pending")


def own_movements(intent: Intent) -> tuple[Movement, ...]:
    """What is reserved and captured. A PaymentIntent is captured once (no multicapture is asked for), so the charge's id is
    the id of its one reservation and of its one capture; a new attempt is a new charge."""
    charge = intent.latest_charge
    if charge is None:
        return ()
    found: list[Movement] = []
    reserved = _reserved(intent, charge)
    if intent.capture_method == "manual" and reserved is not None:
        found.append(_movement("auth", charge, reserved, intent.amount, intent))
    if intent.status == "succeeded" and _is_good(charge):
        found.append(_movement("capture", charge, MovementState.SUCCEEDED, intent.amount_received, intent))
    return tuple(found)


def _reserved(intent: Intent, charge: Charge | str) -> MovementState | None:
    if intent.status in ("requires_capture", "succeeded") and _is_good(charge):
        return MovementState.SUCCEEDED
    if intent.status == "canceled" and isinstance(charge, Charge) and charge.status == "succeeded":
        return MovementState.REVERSED
    return None


def _is_good(charge: Charge | str) -> bool:
    """Of a charge that is not shown, its intent's word is all there is, and enough."""
    return not isinstance(charge, Charge) or charge.status == "succeeded"


def _movement(kind: MovementKind, charge: Charge | str, state: MovementState, units: int, intent: Intent) -> Movement:
    shown = charge if isinstance(charge, Charge) else None
    at = None if shown is None or (kind == "capture" and intent.capture_method == "manual") else _at(shown.created)
    charge_id = shown.id if shown is not None else str(charge)
    return Movement(kind=kind, id=charge_id, state=state, amount=read(units, intent.currency), at=at)


def refund_movement(refund: Refund) -> Movement:
    """A refund that failed after the money had left is one that came back."""
    state = _REFUNDS.get(refund.status or "", MovementState.PENDING)
    if state is MovementState.FAILED and refund.failure_balance_transaction is not None:
        state = MovementState.REVERSED
    amount = read(refund.amount, refund.currency)
    return Movement(kind="refund", id=refund.id, state=state, amount=amount, at=_at(refund.created))


def is_release(refund: Refund, intent: Intent) -> bool:
    """Stripe may list what a partial capture let go of as a refund. It moved no money, and nobody ordered it."""
    ours = OPERATION in (refund.metadata or {})
    return (
        intent.capture_method == "manual"
        and not ours
        and refund.status == "succeeded"
        and refund.balance_transaction is None
    )


def dispute_movement(dispute: Dispute) -> Movement:
    """What the customer's bank took back."""
    state = _DISPUTES.get(dispute.status, MovementState.PENDING)
    amount = read(dispute.amount, dispute.currency)
    return Movement(kind="chargeback", id=dispute.id, state=state, amount=amount, at=_at(dispute.created))


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def report(intent: Intent, further: tuple[Movement, ...] = ()) -> Report:
    """All that an intent says of itself, and `further` movements that were looked up."""
    status = status_of(intent)
    return Report(
        found=True,
        status=status,
        provider_ref=intent.id,
        merchant_ref=intent.metadata.get(MERCHANT_REF),
        movements=own_movements(intent) + further,
        next_action=next_action(intent) if status == "requires_action" else None,
        decline_code=_reason(intent.last_payment_error) if status == "failed" else "",
    )


def _reason(failure: Failure | None) -> str:
    return (failure.decline_code or failure.code or "") if failure is not None else ""


def next_action(intent: Intent) -> AnyNextAction:
    """The issuer's page; for everything else Stripe.js, which knows what to do with the secret (`handleNextAction`)."""
    step = intent.next_action
    if step is not None and step.type == "redirect_to_url" and step.redirect_to_url is not None:
        return Redirect(url=step.redirect_to_url.url)
    if intent.client_secret is None:
        raise ProviderUnclear("the customer has to act, and Stripe does not say how")
    return ClientSdk(sdk="stripe.js", client_secret=intent.client_secret)


def started(intent: Intent) -> AnyOutcome:
    """What a START led to."""
    status, movements = status_of(intent), own_movements(intent)
    if status in ("succeeded", "authorized"):
        return Succeeded(provider_ref=intent.id, movements=movements)
    if status == "failed":
        failure = intent.last_payment_error or Failure()
        code = of_card(failure.decline_code, failure.code)
        return Declined(provider_ref=intent.id, code=code, provider_code=_reason(failure))
    if status == "canceled":
        return Declined(provider_ref=intent.id, code="other", provider_code="canceled")
    action = next_action(intent) if status == "requires_action" else Wait()
    return Pending(provider_ref=intent.id, movements=movements, next_action=action)


def refused(refusal: Refusal, provider_ref: str | None = None) -> Declined | NotExecuted:
    """Stripe did nothing and said why. That it does not know *us* says nothing of the customer's money."""
    error = refusal.error
    word = error.decline_code or error.code or error.type
    if refusal.status in (401, 403):
        return NotExecuted(reason=f"Stripe refuses our key: {word}")
    if refusal.status == 404 and error.code != "resource_missing":
        raise ProviderUnclear("Stripe does not know the address")
    is_bank = refusal.status == 402
    code = of_card(error.decline_code, error.code) if is_bank else of_request(error.code)
    return Declined(provider_ref=provider_ref, code=code, provider_code=word)


def captured(intent: Intent) -> AnyOutcome:
    """What became of our capture."""
    if intent.status == "succeeded":
        return Succeeded(provider_ref=intent.id, movements=own_movements(intent))
    if intent.status == "processing":
        return Pending(provider_ref=intent.id, movements=own_movements(intent), next_action=Wait())
    raise ProviderUnclear("a capture is said to be done and is not shown")


def voided(intent: Intent, refusal: Refusal | None) -> AnyOutcome:
    """What a void led to: done where nothing can be paid any more, whoever ended it."""
    if intent.status == "canceled":
        return Succeeded(provider_ref=intent.id, movements=own_movements(intent))
    if refusal is None:
        raise ProviderUnclear("a payment is said to be canceled and is not")
    word = refusal.error.code or intent.status
    return Declined(provider_ref=intent.id, movements=own_movements(intent), code="not_allowed", provider_code=word)


def refunded(refund: Refund, intent_id: str, key: str) -> AnyOutcome:
    """What became of our refund, which bears our key. Raises `ProviderUnclear` for another one."""
    if refund.payment_intent != intent_id or (refund.metadata or {}).get(OPERATION) != key:
        raise ProviderUnclear("Stripe answered about another refund")
    movement = refund_movement(refund)
    if movement.state is MovementState.PENDING:
        return Pending(provider_ref=intent_id, movements=(movement,), next_action=Wait())
    if movement.state is MovementState.FAILED:
        code = refund.status or "failed"
        return Declined(provider_ref=intent_id, movements=(movement,), code="other", provider_code=code)
    return Succeeded(provider_ref=intent_id, movements=(movement,))  # it was done, and perhaps came back later
