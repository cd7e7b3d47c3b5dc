"""Xendit's notices carry a fixed token in `x-callback-token`. It says who sends, and nothing of the body: whoever has seen one
notice can write any other, so that all of them only make Kassa ask."""

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec import Raw, Struct

from kassa.ports.payment import Accept, AnyVerdict, Event, Ignore, RawWebhook, Reference, Reject
from kassa.ports.provider_json import ProviderUnclear, decoded
from kassa.ports.secret import Secret
from kassa.ports.webhook_signature import is_same

from .shapes import Word, XenditId

MAX_BODY_BYTES: Final = 256 * 1024
HEADER: Final = "x-callback-token"
PAYMENTS: Final = (
    "payment.succeeded", "payment.failed", "payment.pending", "payment.awaiting_capture",
    "payment.capture", "payment.authorization", "payment.expiry", "payment.failure", "payment_request.expiry",
)  # fmt: skip
"""What is told of a payment; from the second line on by the newer version of the API."""
REFUNDS: Final = ("refund.succeeded", "refund.failed")


class Notice(Struct, frozen=True):
    """The envelope; `data` is read once its event is known."""

    event: Word
    data: Raw


class Payment(Struct, frozen=True):
    """Whose payment it is: Xendit's name for it, and ours."""

    payment_request_id: XenditId | None = None
    reference_id: Reference | None = None


def judged(raw: RawWebhook, tokens: Sequence[Secret]) -> AnyVerdict:
    """The verdict on a notice that may carry any of these tokens. Two deliveries of it have the same bytes."""
    if len(raw.body) > MAX_BODY_BYTES:
        return Reject(reason="too large")
    token = raw.header(HEADER)
    fits = [is_same(token or "", one.reveal()) for one in tokens]
    if not any(fits):
        return Reject(reason="no token of ours, or more than one")
    try:
        notice = decoded(raw.body, Notice)
        if notice.event not in (*PAYMENTS, *REFUNDS):
            return Ignore()
        told = decoded(notice.data, Payment)
    except ProviderUnclear:
        return Reject(reason="with our token, but not a notice")
    ours = told.reference_id if notice.event in PAYMENTS else None  # of a refund it is the refund's
    if told.payment_request_id is None and ours is None:
        return Ignore()
    event_id = hashlib.sha256(raw.body).hexdigest()
    return Accept(events=(Event(event_id=event_id, provider_ref=told.payment_request_id, merchant_ref=ours),))
