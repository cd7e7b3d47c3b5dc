"""What PayPal writes (Orders v2, Payments v2). Unknown fields are tolerated, unknown types are not."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kassa.ports.payment import Movement, MovementState, Reference
from kassa.ports.provider_json import ProviderUnclear
from kassa.ports.values import Instant

from .amounts import Amount, read

Code = Annotated[str, Meta(max_length=100)]
PaypalId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}\Z")]
"""What may stand in a path: a provider's id never leads to another address."""
Address = Annotated[str, Meta(max_length=2000)]


class Link(Struct, frozen=True):
    """Where something leads, and how it is related."""

    href: Address
    rel: Code


class Authorization(Struct, frozen=True):
    """Money that is reserved."""

    id: PaypalId
    status: Code
    amount: Amount
    custom_id: Reference | None = None
    create_time: Instant | None = None


class Capture(Struct, frozen=True):
    """Money that is taken."""

    id: PaypalId
    status: Code
    amount: Amount
    custom_id: Reference | None = None
    create_time: Instant | None = None


class Refund(Struct, frozen=True):
    """Money that is given back; `custom_id` ends with the key of the command that did it."""

    id: PaypalId
    status: Code
    amount: Amount
    custom_id: str | None = None
    create_time: Instant | None = None
    links: tuple[Link, ...] = ()

    @property
    def capture_id(self) -> str | None:
        """The capture that it gives back from, where PayPal says so."""
        up = next((link.href for link in self.links if link.rel == "up"), "")
        return up.rpartition("/captures/")[2] or None if "/captures/" in up else None


class Payments(Struct, frozen=True):
    """All that moved."""

    authorizations: tuple[Authorization, ...] = ()
    captures: tuple[Capture, ...] = ()
    refunds: tuple[Refund, ...] = ()


class PurchaseUnit(Struct, frozen=True):
    """What is bought; our orders have one."""

    custom_id: Reference | None = None
    payments: Payments = Payments()


class Order(Struct, frozen=True):
    """An order as an answer shows it."""

    id: PaypalId
    status: Code
    purchase_units: Annotated[tuple[PurchaseUnit, ...], Meta(min_length=1, max_length=1)]
    intent: Literal["CAPTURE", "AUTHORIZE"] | None = None
    links: tuple[Link, ...] = ()

    @property
    def merchant_ref(self) -> str:
        """Our reference, on the order or on what it moved. Raises `ProviderUnclear` where it is on neither."""
        [unit] = self.purchase_units
        moved = (
            *(one.custom_id for one in unit.payments.authorizations),
            *(c.custom_id for c in unit.payments.captures),
        )
        told = next((one for one in (unit.custom_id, *moved) if one is not None), None)
        if told is None:
            raise ProviderUnclear("PayPal does not say whose order it is")
        return told

    @property
    def payments(self) -> Payments:
        """All that moved."""
        return self.purchase_units[0].payments

    @property
    def page(self) -> str | None:
        """Where its customer approves it."""
        return next((link.href for link in self.links if link.rel in ("payer-action", "approve")), None)


_AUTHORIZED = {
    "CREATED": MovementState.SUCCEEDED,
    "CAPTURED": MovementState.SUCCEEDED,
    "PARTIALLY_CAPTURED": MovementState.SUCCEEDED,
    "PENDING": MovementState.PENDING,
    "DENIED": MovementState.FAILED,
    "VOIDED": MovementState.REVERSED,
    "EXPIRED": MovementState.REVERSED,
}
_CAPTURED = {
    "COMPLETED": MovementState.SUCCEEDED,
    "PARTIALLY_REFUNDED": MovementState.SUCCEEDED,
    "REFUNDED": MovementState.SUCCEEDED,
    "PENDING": MovementState.PENDING,
    "DECLINED": MovementState.FAILED,
    "FAILED": MovementState.FAILED,
}
_REFUNDED = {
    "COMPLETED": MovementState.SUCCEEDED,
    "PENDING": MovementState.PENDING,
    "FAILED": MovementState.FAILED,
    "CANCELLED": MovementState.FAILED,
}
"""Every status that PayPal documents; one that it adds is pending."""


def reserved(one: Authorization) -> Movement:
    """An authorization as a movement."""
    state = _AUTHORIZED.get(one.status, MovementState.PENDING)
    return Movement(kind="auth", id=one.id, state=state, amount=read(one.amount), at=one.create_time)


def taken(one: Capture) -> Movement:
    """A capture as a movement."""
    state = _CAPTURED.get(one.status, MovementState.PENDING)
    return Movement(kind="capture", id=one.id, state=state, amount=read(one.amount), at=one.create_time)


def given_back(one: Refund) -> Movement:
    """A refund as a movement."""
    state = _REFUNDED.get(one.status, MovementState.PENDING)
    return Movement(kind="refund", id=one.id, state=state, amount=read(one.amount), at=one.create_time)


def movements(order: Order) -> tuple[Movement, ...]:
    """All of an order's. Raises `ProviderUnclear` where an id is told twice."""
    told = (
        *map(reserved, order.payments.authorizations),
        *map(taken, order.payments.captures),
        *map(given_back, order.payments.refunds),
    )
    if len({(one.kind, one.id) for one in told}) != len(told):
        raise ProviderUnclear("PayPal tells a movement twice")
    return told
