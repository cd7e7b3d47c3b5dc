"""What PayU writes (REST API 2.1), and what it means here. Unknown fields are tolerated, unknown types are not."""

from typing import Annotated

from msgspec import Meta, Struct

from kassa.ports.money import Currency, Money
from kassa.ports.payment import (
    AnyOutcome,
    Declined,
    Movement,
    MovementState,
    Pending,
    ProviderStatus,
    Redirect,
    Reference,
    Report,
    Succeeded,
    Wait,
)
from kassa.ports.provider_json import ProviderUnclear

Code = Annotated[str, Meta(max_length=100)]
OrderId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,200}\Z")]
"""What may stand in a path: a provider's id never leads to another address."""
Minor = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,15}\Z")]
"""An amount in the lowest unit of its currency, in digits. (HUF, too, is told in hundredths.)"""


class Status(Struct, frozen=True, rename="camel"):
    """How PayU begins every answer; `code_literal` says more of some errors."""

    status_code: Code
    code_literal: Code = ""


class Order(Struct, frozen=True, rename="camel"):
    """An order as a query or a notice shows it."""

    order_id: OrderId
    ext_order_id: Reference
    currency_code: Currency
    total_amount: Minor
    status: Code


class Refund(Struct, frozen=True, rename="camel"):
    """A refund in an answer or a list; `ext_refund_id` is what we called the command that made it."""

    refund_id: Reference
    amount: Minor
    status: Code
    currency_code: Currency | None = None
    ext_refund_id: str | None = None


class Created(Struct, frozen=True, rename="camel"):
    """The answer to a new order, which comes with status 302 and must not be followed."""

    status: Status
    order_id: OrderId
    redirect_uri: Annotated[str, Meta(max_length=2000)] | None = None
    ext_order_id: str | None = None


class Orders(Struct, frozen=True):
    """The answer to a query."""

    orders: tuple[Order, ...]


class Refunded(Struct, frozen=True):
    """The answer to a refund."""

    status: Status
    refund: Refund | None = None


_STATUSES: dict[str, ProviderStatus] = {
    "NEW": "requires_action",
    "PENDING": "requires_action",
    "WAITING_FOR_CONFIRMATION": "pending",
    "COMPLETED": "succeeded",
    "CANCELED": "canceled",
    "REJECTED": "failed",
}
_REFUND_STATES = {
    "PENDING": MovementState.PENDING,
    "FINALIZED": MovementState.SUCCEEDED,
    "CANCELED": MovementState.FAILED,
}
_ENDED = ("CANCELED", "REJECTED")
SUCCESS = "SUCCESS"
_GOING_ON = (SUCCESS, "WARNING_CONTINUE_REDIRECT", "WARNING_CONTINUE_3DS", "WARNING_CONTINUE_CVV")


def started(created: Created, merchant_ref: str) -> AnyOutcome:
    """What a new order leads to: the page where the customer pays. Raises `ProviderUnclear` for a status that is not known."""
    if created.status.status_code not in _GOING_ON:
        raise ProviderUnclear("PayU made an order and says something else")
    if created.ext_order_id not in (None, merchant_ref):
        raise ProviderUnclear("PayU answered about another order")
    action = Wait() if created.redirect_uri is None else Redirect(url=created.redirect_uri)
    return Pending(provider_ref=created.order_id, next_action=action)


def stands(order: Order) -> AnyOutcome:
    """How an order that was made before stands. Its page is told once only; one that waits can be paid there, or canceled."""
    if order.status == "COMPLETED":
        return Succeeded(provider_ref=order.order_id, movements=_capture(order))
    if order.status in _ENDED:
        return Declined(provider_ref=order.order_id, code="other", provider_code=order.status)
    return Pending(provider_ref=order.order_id, next_action=Wait())


def report(order: Order, refunds: tuple[Refund, ...]) -> Report:
    """The order as it is."""
    return Report(
        found=True,
        status=_STATUSES.get(order.status, "pending"),
        provider_ref=order.order_id,
        merchant_ref=order.ext_order_id,
        movements=(*_capture(order), *(refund_movement(one, order.currency_code) for one in refunds)),
        decline_code=order.status if order.status == "REJECTED" else "",
    )


def _capture(order: Order) -> tuple[Movement, ...]:
    """PayU takes an order's money once and whole: the order's id is the capture's."""
    if order.status != "COMPLETED":
        return ()
    amount = Money(amount=int(order.total_amount), currency=order.currency_code)
    return (Movement(kind="capture", id=order.order_id, state=MovementState.SUCCEEDED, amount=amount),)


def refund_movement(refund: Refund, currency: str) -> Movement:
    """A refund; a state that is not known is pending. Its currency is its order's."""
    if refund.currency_code not in (None, currency):
        raise ProviderUnclear("a refund in another currency than its order")
    return Movement(
        kind="refund",
        id=refund.refund_id,
        state=_REFUND_STATES.get(refund.status, MovementState.PENDING),
        amount=Money(amount=int(refund.amount), currency=currency),
    )


def was_refunded(order_id: str, refund: Refund, amount: Money) -> AnyOutcome:
    """What became of our refund. Raises `ProviderUnclear` where it is of another amount."""
    movement = refund_movement(refund, amount.currency)
    if movement.amount != amount:
        raise ProviderUnclear("a refund of another amount than ordered")
    if movement.state is MovementState.PENDING:
        return Pending(provider_ref=order_id, movements=(movement,), next_action=Wait())
    if movement.state is MovementState.FAILED:
        return Declined(provider_ref=order_id, movements=(movement,), code="other", provider_code=refund.status)
    return Succeeded(provider_ref=order_id, movements=(movement,))


def voided(order: Order, refusal: str) -> AnyOutcome:
    """What a cancel led to: done where nothing can be paid any more; `refusal` is PayU's word, empty if it took the cancel."""
    shown = report(order, ())
    if order.status in _ENDED:
        return Succeeded(provider_ref=order.order_id)
    if order.status == "COMPLETED":
        code = refusal or order.status
        return Declined(provider_ref=order.order_id, movements=shown.movements, code="not_allowed", provider_code=code)
    if refusal:
        raise ProviderUnclear("PayU refuses to cancel an order that is not paid")
    return Pending(provider_ref=order.order_id, next_action=Wait())
