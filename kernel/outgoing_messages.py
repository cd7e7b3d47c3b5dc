"""What integrators are told: which events of the outbox leave the shop, and how they look when they do.

What is not named here stays inside: mail with its addresses and one-time links first of all. A message holds ids, statuses and
amounts, never a name, an address, a token or a provider's own text.
"""

from typing import Any, Final

import msgspec

from kassa.ports.deliveries import Message
from kassa.ports.events import Event, OutboxItem
from kassa.ports.ids import Ids
from kassa.ports.payment_records import PaymentStatus
from kassa.ports.values import Instant, Value

VERSION: Final = 1
"""Of the payload. It goes up when a field changes its meaning or goes away; new fields and types do not raise it."""
TEST: Final = "webhook.test"
DISABLED: Final = "endpoint.disabled"
_FIELDS: Final = {
    "order": ("invoice_id", "status", "total", "forgiven"),
    "payment": (
        "invoice_id", "payment_id", "merchant_ref", "method", "status", "nominal", "authorized", "captured", "refunded",
    ),
    "suspense": ("key", "payment_id", "invoice_id", "method", "amount", "reason", "state"),
    "endpoint": ("endpoint_id", "reason"),
}  # fmt: skip
"""By family, the fields that may leave. A field of an event that is not here does not."""
_MONEY: Final = ("nominal", "authorized", "captured", "refunded", "amount")
"""Minor units inside the shop, with one currency beside them; an amount and its currency outside."""
_ORDER_STATUS: Final = {
    "order.placed": "awaiting_payment",
    "order.paid": "paid",
    "order.canceled": "canceled",
    "order.expired": "expired",
}
"""What an order is after its event; who caused the event may have told of something else."""
TYPES: Final = (
    *_ORDER_STATUS,
    "payment.started",
    "payment.succeeded",
    *(
        f"payment.{status.value}"
        for status in PaymentStatus
        if status not in (PaymentStatus.PAID, PaymentStatus.OVERPAID)
    ),
    "payment.needs_review",
    "suspense.arrived",
    DISABLED,
)
"""What an endpoint may ask for by name."""


class Body(Value, frozen=True, kw_only=True):
    """The JSON object that is sent. `timestamp` is when it happened; `sequence` numbers all events of the shop: of two about
    one order the larger is the later one (None for a test)."""

    type: str
    timestamp: Instant
    version: int = VERSION
    sequence: int | None
    data: dict[str, Any]


def filters_of(type_: str) -> tuple[str, ...]:
    """What an endpoint may have among its filters to be told of this type."""
    return "*", f"{type_.partition('.')[0]}.*", type_


def is_known(wanted: str) -> bool:
    """Whether a filter can ever match."""
    return wanted == "*" or wanted in TYPES or (wanted.endswith(".*") and wanted[:-2] in _FIELDS)


def message_of(item: OutboxItem, ids: Ids) -> Message | None:
    """The message that tells an event, under a new random id; None for what stays inside.

    Raises `ValueError` for a payload that is no JSON object: a defect, which ends as a dead letter of the outbox.
    """
    event = item.event
    family, dot, _ = event.kind.partition(".")
    if not dot or family not in _FIELDS:
        return None
    body = Body(type=event.kind, timestamp=item.at, sequence=item.id, data=_data(family, event))
    return _message(body, ids)


def test_message(endpoint_id: str, at: Instant, ids: Ids) -> Message:
    """A message that only says that messages arrive."""
    return _message(Body(type=TEST, timestamp=at, sequence=None, data={"endpoint_id": endpoint_id}), ids)


def disabled_event(endpoint_id: str, reason: str) -> Event:
    """The fact that an endpoint is not told any more."""
    payload = msgspec.json.encode({"endpoint_id": endpoint_id, "reason": reason})
    return Event(kind=DISABLED, subject=f"endpoint:{endpoint_id}", payload=payload)


def _message(body: Body, ids: Ids) -> Message:
    return Message(id=f"msg_{ids.short_token()}", type=body.type, body=msgspec.json.encode(body))


def _data(family: str, event: Event) -> dict[str, Any]:
    told = msgspec.json.decode(event.payload, type=dict[str, Any])
    data = {name: told[name] for name in _FIELDS[family] if name in told}
    for name in _MONEY:
        if isinstance(data.get(name), int):
            data[name] = {"amount": data[name], "currency": told.get("currency")}
    status = _ORDER_STATUS.get(event.kind)
    if status is not None:
        data["status"] = status
    return data
