"""The sandbox provider's notices: proved and read in one step, from the raw bytes.

    Sandbox-Signature: t=<seconds, UTC>,v1=<hex HMAC-SHA256(webhook_secret, t + "." + raw body)>

The signature covers the whole body, so a notice that passes is as good as an answer to a query.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Raw, Struct

from kassa.ports.payment import Accept, AnyVerdict, Event, Ignore, RawWebhook, Reference, Reject
from kassa.ports.provider_json import ProviderUnclear, decoded
from kassa.ports.secret import Secret
from kassa.ports.webhook_signature import unproved

from .sandbox_shapes import Charge, Code, report

MAX_BODY_BYTES = 256 * 1024
HEADER = "sandbox-signature"


class Notice(Struct, frozen=True):
    """The envelope; `data` is read once its type is known."""

    event_id: Reference
    type: Code
    data: Raw


def judged(raw: RawWebhook, secrets: Sequence[Secret], now: datetime) -> AnyVerdict:
    """The verdict on a notice that may be signed with any of `secrets`."""
    if len(raw.body) > MAX_BODY_BYTES:
        return Reject(reason="too large")
    refusal = unproved(raw, header=HEADER, secrets=secrets, now=now)
    if refusal is not None:
        return refusal
    try:
        notice = decoded(raw.body, Notice)
        if notice.type != "charge.updated":
            return Ignore()
        charge = decoded(notice.data, Charge)
    except ProviderUnclear:
        return Reject(reason="signed, but not a notice")
    if charge.kind != "card":
        return Ignore()
    event = Event(
        event_id=notice.event_id, provider_ref=charge.id, merchant_ref=charge.merchant_ref, report=report(charge)
    )
    return Accept(events=(event,))
