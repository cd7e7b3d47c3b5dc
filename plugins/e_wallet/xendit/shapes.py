"""What Xendit writes, and what it means here. Unknown fields are tolerated; amounts are numbers of rupiah."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from kassa.ports.errors import InvalidMoney
from kassa.ports.money import Money, parse_decimal
from kassa.ports.payment import Movement, MovementState, ProviderStatus, Reference
from kassa.ports.provider_json import ProviderUnclear

Word = Annotated[str, Meta(max_length=100)]
XenditId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}\Z")]
"""What may stand in a path: a provider's id never leads to another address."""


class Action(Struct, frozen=True):
    """What is to be done: `AUTH` is the customer's, at `url`, in a browser (`WEB`), on a phone (`MOBILE`) or in the app."""

    action: Word
    url: Annotated[str, Meta(max_length=2000)] | None = None
    url_type: Word = ""


class Properties(Struct, frozen=True):
    """What a channel was told, and made of it."""

    qr_string: Annotated[str, Meta(max_length=1000)] | None = None
    virtual_account_number: Annotated[str, Meta(pattern=r"^[0-9]{4,40}\Z")] | None = None
    expires_at: Word | None = None


class Channel(Struct, frozen=True):
    """A payment method's own part."""

    channel_code: Word | None = None
    channel_properties: Properties | None = None


class Method(Struct, frozen=True):
    """The payment method that was made for one payment: expiring it ends the payment."""

    id: XenditId
    status: Word
    qr_code: Channel | None = None
    virtual_account: Channel | None = None


class PaymentRequest(Struct, frozen=True):
    """A payment, as an answer shows it."""

    id: XenditId
    reference_id: Reference
    currency: Word
    status: Word
    payment_method: Method
    amount: Decimal | None = None
    failure_code: Word | None = None
    actions: tuple[Action, ...] | None = None


class PaymentRequests(Struct, frozen=True):
    """The answer to a search."""

    data: tuple[PaymentRequest, ...]


class Refund(Struct, frozen=True):
    """A refund. `reference_id` is what we called it."""

    id: Reference
    amount: Decimal
    currency: Word
    status: Word
    payment_request_id: XenditId | None = None
    reference_id: Word | None = None
    failure_code: Word | None = None
    created: Word | None = None


class Refunds(Struct, frozen=True):
    """The refunds of a payment."""

    data: tuple[Refund, ...]
    has_more: bool = False


class Problem(Struct, frozen=True):
    """Why nothing was done."""

    error_code: Word


DeclineCode = Literal[
    "insufficient_funds", "invalid_input", "authentication_failed", "limit_exceeded", "fraud_suspected",
    "canceled_by_customer", "not_allowed", "other",
]  # fmt: skip
STATUSES: Final[dict[str, ProviderStatus]] = {
    "PENDING": "pending",
    "UNKNOWN": "pending",
    "REQUIRES_ACTION": "requires_action",
    "AWAITING_CAPTURE": "authorized",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "CANCELED": "canceled",
    "VOIDED": "canceled",
    "EXPIRED": "expired",
}
"""Every status of a payment request; what is not here was added since, and is pending."""
ENDED: Final = ("failed", "canceled", "expired")
WAITING: Final = ("pending", "requires_action")
OPEN: Final = ("PENDING", "REQUIRES_ACTION")
"""What Xendit says while the customer has something to do."""
_REFUNDS: Final = {
    "PENDING": MovementState.PENDING,
    "SUCCEEDED": MovementState.SUCCEEDED,
    "FAILED": MovementState.FAILED,
    "CANCELLED": MovementState.FAILED,
    "CANCELED": MovementState.FAILED,
}
DECLINES: Final[dict[str, DeclineCode]] = {
    "INSUFFICIENT_BALANCE": "insufficient_funds",
    "USER_DECLINED_PAYMENT": "canceled_by_customer",
    "USER_DECLINED_THE_TRANSACTION": "canceled_by_customer",
    "USER_DID_NOT_AUTHORIZE_THE_PAYMENT": "canceled_by_customer",
    "AUTHENTICATION_FAILED": "authentication_failed",
    "INVALID_OTP": "authentication_failed",
    "INVALID_ACCOUNT_DETAILS": "invalid_input",
    "API_VALIDATION_ERROR": "invalid_input",
    "INVALID_VALUE_ERROR": "invalid_input",
    "MAX_AMOUNT_LIMIT_ERROR": "limit_exceeded",
    "PAYMENT_ATTEMPT_COUNTS_EXCEEDED": "limit_exceeded",
    "SUSPECTED_FRAUDULENT": "fraud_suspected",
    "ACCOUNT_ACCESS_BLOCKED": "not_allowed",
    "ACCOUNT_NOT_ACTIVATED": "not_allowed",
}
"""What the customer is told, by `failure_code` or `error_code`; others are `other`."""


def status_of(made: PaymentRequest) -> ProviderStatus:
    """A payment that waits on a payment method that has ended will never be paid, whatever its own status says yet."""
    status = STATUSES.get(made.status, "pending")
    is_waiting = made.status in STATUSES and status in WAITING
    return "expired" if is_waiting and made.payment_method.status == "EXPIRED" else status


def capture_of(made: PaymentRequest) -> tuple[Movement, ...]:
    """The money of a payment, which is taken whole and once, so that its id is the payment's; a void gives it back."""
    states = {"SUCCEEDED": MovementState.SUCCEEDED, "VOIDED": MovementState.REVERSED}
    if made.status not in states:
        return ()
    return (Movement(kind="capture", id=made.id, state=states[made.status], amount=amount_of(made)),)


def refund_of(told: Refund) -> Movement:
    """A refund as a movement; a status that is not known is pending."""
    return Movement(
        kind="refund",
        id=told.id,
        state=_REFUNDS.get(told.status, MovementState.PENDING),
        amount=_rupiah(told.amount, told.currency),
        at=instant(told.created),
    )


def amount_of(made: PaymentRequest) -> Money:
    """What is to be paid. Raises `ProviderUnclear`."""
    if made.amount is None:
        raise ProviderUnclear("a payment without an amount")
    return _rupiah(made.amount, made.currency)


def properties_of(made: PaymentRequest) -> Properties:
    """Of its channel, whichever it is."""
    channel = made.payment_method.qr_code or made.payment_method.virtual_account
    return (channel and channel.channel_properties) or Properties()


def instant(text: str | None) -> datetime | None:
    """A time as UTC; None where there is none to be read, or none with a zone."""
    try:
        told = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    return told.astimezone(UTC) if told is not None and told.tzinfo is not None else None


def _rupiah(number: Decimal, currency: str) -> Money:
    if not number.is_finite() or not -20 < number.adjusted() < 20:  # written out it could fill the memory
        raise ProviderUnclear("an amount that cannot be")
    try:
        amount = parse_decimal(f"{number:f}", "IDR")
    except (InvalidMoney, ValueError):
        raise ProviderUnclear("an amount that cannot be read") from None
    if currency != "IDR" or amount.amount <= 0:
        raise ProviderUnclear("an amount that is not of rupiah")
    return amount
