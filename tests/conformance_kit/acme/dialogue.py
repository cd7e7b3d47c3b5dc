"""What Acme says, and what it means here."""

from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from kassa.ports.errors import KassaError
from kassa.ports.money import Money
from kassa.ports.payment import (
    AnyNextAction,
    AnyOutcome,
    Collect,
    Declined,
    HttpReply,
    Movement,
    MovementKind,
    MovementState,
    Pending,
    ProviderStatus,
    Redirect,
    Report,
    Succeeded,
    Wait,
)

T = TypeVar("T")
DeclineCode = Literal["insufficient_funds", "card_declined", "canceled_by_customer", "other"]


class Unclear(KassaError):
    """Acme answered, and nothing follows from it. The message holds nothing of the answer."""

    code = "provider_unclear"


class Moved(Struct, frozen=True):
    """A movement, as Acme writes it."""

    id: str
    kind: MovementKind
    status: str
    amount: int
    currency: str
    key: str = ""


class Paid(Struct, frozen=True):
    """A payment, as Acme writes it."""

    id: str
    ref: str
    status: str
    movements: tuple[Moved, ...]
    reason: str = ""
    url: str = ""


class Refusal(Struct, frozen=True):
    """Why Acme did nothing."""

    error: str


_STATUSES: dict[str, ProviderStatus] = {
    "waiting": "requires_action",
    "needs_code": "requires_action",
    "reserved": "authorized",
    "paid": "succeeded",
    "refused": "failed",
    "voided": "canceled",
    "expired": "expired",
}
_STATES = {
    "open": MovementState.PENDING,
    "failed": MovementState.FAILED,
    "done": MovementState.SUCCEEDED,
    "back": MovementState.REVERSED,
}
_REASONS: dict[str, DeclineCode] = {"no_money": "insufficient_funds", "customer_said_no": "canceled_by_customer"}


def decoded(reply: HttpReply, shape: type[T]) -> T:
    """A good answer. Raises `Unclear` for all else."""
    if reply.status not in (200, 201):
        raise Unclear(f"status {reply.status}")
    try:
        return msgspec.json.decode(reply.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unclear("not readable") from None


def refusal(reply: HttpReply) -> str:
    """Why Acme did nothing; empty if it did something. Raises `Unclear` for what is neither."""
    if reply.status in (200, 201):
        return ""
    if reply.status not in (400, 404, 409):
        raise Unclear(f"status {reply.status}")
    try:
        return msgspec.json.decode(reply.body, type=Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unclear(f"status {reply.status} without a reason") from None


def movements(paid: Paid) -> tuple[Movement, ...]:
    """All of them."""
    return tuple(
        Movement(
            kind=one.kind,
            id=one.id,
            state=_STATES.get(one.status, MovementState.PENDING),
            amount=Money(amount=one.amount, currency=one.currency),
        )
        for one in paid.movements
    )


def next_action(paid: Paid) -> AnyNextAction | None:
    """What the customer has to do."""
    if paid.status == "needs_code":
        return Collect(field="code", label="The code that you were sent")
    return Redirect(url=paid.url) if paid.status == "waiting" else None


def report(paid: Paid) -> Report:
    """The payment as it is."""
    return Report(
        found=True,
        status=_STATUSES.get(paid.status, "pending"),
        provider_ref=paid.id,
        merchant_ref=paid.ref,
        movements=movements(paid),
        next_action=next_action(paid),
        decline_code=_REASONS.get(paid.reason, "other") if paid.status == "refused" else "",
    )


def started(paid: Paid) -> AnyOutcome:
    """What a START or a resume led to."""
    if paid.status in ("paid", "reserved"):
        return Succeeded(provider_ref=paid.id, movements=movements(paid), state=b"acme/1")
    if paid.status in ("refused", "voided", "expired"):
        code = _REASONS.get(paid.reason, "other")
        return Declined(provider_ref=paid.id, code=code, provider_code=paid.reason or paid.status)
    return Pending(provider_ref=paid.id, movements=movements(paid), next_action=next_action(paid) or Wait())


def done(paid: Paid, key: str) -> AnyOutcome:
    """What a capture or refund led to: its movement tells."""
    mine = next((one for one in paid.movements if one.key == key), None)
    if mine is None:
        raise Unclear("a movement is not shown")
    if mine.status == "done":
        return Succeeded(provider_ref=paid.id, movements=movements(paid))
    if mine.status == "failed":
        return Declined(provider_ref=paid.id, movements=movements(paid), code="other", provider_code="failed")
    return Pending(provider_ref=paid.id, movements=movements(paid), next_action=Wait())
