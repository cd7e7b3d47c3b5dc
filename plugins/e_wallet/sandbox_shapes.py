"""What the sandbox provider writes, and what it means here. Unknown fields are tolerated, unknown types are not."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from kassa.ports.money import Currency, Money
from kassa.ports.payment import (
    AnyOutcome,
    Declined,
    Movement,
    MovementKind,
    MovementState,
    NotExecuted,
    Pending,
    ProviderStatus,
    Redirect,
    Reference,
    Report,
    Succeeded,
    Wait,
)
from kassa.ports.provider_json import ProviderUnclear
from kassa.ports.values import MAX_INTEGER

Code = Annotated[str, Meta(max_length=100)]
ProviderId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,200}\Z")]
"""What may stand in a path: a provider's id never leads to another address."""
Seconds = Annotated[int, Meta(ge=0, le=2**35)]
Amount = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]


class ProviderMovement(Struct, frozen=True):
    """One fact about money; `merchant_ref` is what we called the command that moved it."""

    id: Reference
    kind: MovementKind
    status: Code
    amount: Amount
    currency: Currency
    created: Seconds
    merchant_ref: str | None = None


class Charge(Struct, frozen=True):
    """A charge as an answer or a notice shows it."""

    id: ProviderId
    merchant_ref: Reference
    kind: Code
    status: Code
    movements: tuple[ProviderMovement, ...]
    decline_code: Code | None = None
    redirect_url: Annotated[str, Meta(max_length=2000)] | None = None


class Charges(Struct, frozen=True):
    """The answer to a search."""

    data: tuple[Charge, ...]


class Reason(Struct, frozen=True):
    """Why nothing was done."""

    code: Code


class ErrorAnswer(Struct, frozen=True):
    """The body of a refusal."""

    error: Reason


_STATES = {
    "pending": MovementState.PENDING,
    "failed": MovementState.FAILED,
    "succeeded": MovementState.SUCCEEDED,
    "reversed": MovementState.REVERSED,
}
_STATUSES: dict[str, ProviderStatus] = {
    "requires_action": "requires_action",
    "pending": "pending",
    "succeeded": "succeeded",
    "authorized": "authorized",
    "declined": "failed",
    "canceled": "canceled",
    "expired": "expired",
}
DeclineCode = Literal[
    "insufficient_funds", "invalid_input", "authentication_failed", "limit_exceeded", "fraud_suspected",
    "canceled_by_customer", "not_allowed", "other",
]  # fmt: skip
_DECLINES: dict[str, DeclineCode] = {
    "do_not_honor": "other",
    "insufficient_funds": "insufficient_funds",
    "authentication_failed": "authentication_failed",
    "limit_exceeded": "limit_exceeded",
    "fraud_suspected": "fraud_suspected",
    "customer_declined": "canceled_by_customer",
}
_REFUSED: dict[int, DeclineCode] = {400: "invalid_input", 422: "invalid_input", 402: "not_allowed"}
_ENDED = ("declined", "canceled", "expired")


def started(charge: Charge) -> AnyOutcome:
    """What a START led to. A status that is not known here may still become anything: pending."""
    if charge.status in ("succeeded", "authorized"):
        return Succeeded(provider_ref=charge.id, movements=_movements(charge))
    if charge.status in _ENDED:
        return Declined(
            provider_ref=charge.id,
            movements=_movements(charge),
            code=_decline_code(charge),
            provider_code=charge.decline_code or charge.status,
        )
    return Pending(provider_ref=charge.id, movements=_movements(charge), next_action=_redirect(charge) or Wait())


def report(charge: Charge) -> Report:
    """The charge as it is, for a query or in a signed notice."""
    return Report(
        found=True,
        status=_STATUSES.get(charge.status, "pending"),
        provider_ref=charge.id,
        merchant_ref=charge.merchant_ref,
        movements=_movements(charge),
        next_action=_redirect(charge),
        decline_code=_decline_code(charge) if charge.status == "declined" else "",
    )


def voided(charge: Charge, refusal: str | None) -> AnyOutcome:
    """What a void led to: done where nothing can be paid any more, whoever ended it."""
    if charge.status in _ENDED:
        return Succeeded(provider_ref=charge.id, movements=_movements(charge))
    if refusal is None and charge.status != "succeeded":
        return Pending(provider_ref=charge.id, movements=_movements(charge), next_action=Wait())
    return Declined(
        provider_ref=charge.id,
        movements=_movements(charge),
        code="not_allowed",
        provider_code=refusal or charge.status,
    )


def mine(charge: Charge, kind: MovementKind, key: str) -> ProviderMovement | None:
    """The movement that our command made: the one of its kind that bears our key. Raises `ProviderUnclear` for two."""
    found = [told for told in charge.movements if told.kind == kind and told.merchant_ref == key]
    if len(found) > 1:
        raise ProviderUnclear("the provider shows two movements of one command")
    return found[0] if found else None


def was_moved(charge: Charge, kind: MovementKind, key: str) -> AnyOutcome:
    """What became of our refund: its movement tells. Raises `ProviderUnclear` where none is shown."""
    movement = mine(charge, kind, key)
    if movement is None:
        raise ProviderUnclear(f"a {kind} is said to be done and is not shown")
    state = _STATES.get(movement.status, MovementState.PENDING)
    if state is MovementState.PENDING:
        return Pending(provider_ref=charge.id, movements=_movements(charge), next_action=Wait())
    if state in (MovementState.SUCCEEDED, MovementState.REVERSED):  # it was done, and came back later
        return Succeeded(provider_ref=charge.id, movements=_movements(charge))
    return Declined(provider_ref=charge.id, movements=_movements(charge), code="other", provider_code=movement.status)


def was_refused(status: int, code: str) -> Declined | NotExecuted:
    """The provider did nothing and said why. That it does not know *us* says nothing of the customer's money."""
    if status in (401, 403):
        return NotExecuted(reason=f"the provider refuses our key: {code}"[:200])
    return Declined(code=_REFUSED.get(status, "not_allowed"), provider_code=code)


def _decline_code(charge: Charge) -> DeclineCode:
    return _DECLINES.get(charge.decline_code or "", "other")


def _redirect(charge: Charge) -> Redirect | None:
    if charge.status != "requires_action" or charge.redirect_url is None:
        return None
    return Redirect(url=charge.redirect_url)


def _movements(charge: Charge) -> tuple[Movement, ...]:
    return tuple(
        Movement(
            kind=told.kind,
            id=told.id,
            state=_STATES.get(told.status, MovementState.PENDING),
            amount=Money(amount=told.amount, currency=told.currency),
            at=datetime.fromtimestamp(told.created, UTC),
        )
        for told in charge.movements
    )
