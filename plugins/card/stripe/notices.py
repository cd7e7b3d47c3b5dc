"""Stripe's events: proved and read in one step, from the raw bytes. Source: docs.stripe.com/webhooks.

    Stripe-Signature: t=<seconds, UTC>,v1=<hex HMAC-SHA256(secret, t + "." + raw body)>[,v1=…][,v0=…]

The signature covers the whole body. A PaymentIntent in an event is everything there was to say of the payment at that moment, and
becomes a report. Refunds, charges and disputes are a part of it, and so is an intent as older versions of the API write it: then
the event is a hint, and Kassa asks.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from msgspec import Raw, Struct

from kassa.ports.payment import Accept, AnyVerdict, Event, Ignore, RawWebhook, Reference, Reject, Report
from kassa.ports.provider_json import ProviderUnclear, decoded
from kassa.ports.secret import Secret
from kassa.ports.webhook_signature import is_fresh, is_signed

from .answers import MERCHANT_REF, report
from .shapes import Code, Intent, Named, Part

MAX_BODY_BYTES = 256 * 1024
HEADER = "stripe-signature"
_SIGNED = re.compile(r"t=([0-9]{1,12})((?:,v[0-9]=[0-9a-f]{64}){1,10})")
_INTENTS = frozenset(
    f"payment_intent.{what}"
    for what in (
        "amount_capturable_updated", "canceled", "partially_funded", "payment_failed", "processing", "requires_action",
        "succeeded",
    )
)  # fmt: skip
_PARTS = frozenset(
    {
        *(
            f"charge.{what}"
            for what in ("captured", "expired", "failed", "pending", "refunded", "succeeded", "updated")
        ),
        *(f"charge.dispute.{what}" for what in ("closed", "created", "funds_reinstated", "funds_withdrawn", "updated")),
        *("charge.refund.updated", "refund.created", "refund.failed", "refund.updated"),
    }
)


class Data(Struct, frozen=True):
    """What the event is about, read once its type is known."""

    object: Raw


class Notice(Struct, frozen=True):
    """The envelope."""

    id: Reference
    type: Code
    livemode: bool
    data: Data


def judged(raw: RawWebhook, secrets: Sequence[Secret], now: datetime, *, is_live: bool) -> AnyVerdict:
    """The verdict on an event that may be signed with any of `secrets`."""
    if len(raw.body) > MAX_BODY_BYTES:
        return Reject(reason="too large")
    refusal = _unproved(raw, secrets, now)
    if refusal is not None:
        return refusal
    try:
        notice = decoded(raw.body, Notice)
        if notice.livemode is not is_live:
            return Ignore()
        event = _event(notice)
    except ProviderUnclear:
        return Reject(reason="signed, but not an event")
    return Ignore() if event is None else Accept(events=(event,))


def _unproved(raw: RawWebhook, secrets: Sequence[Secret], now: datetime) -> Reject | None:
    """While Stripe rolls a secret it signs with both, each a `v1`; `v0` proves nothing."""
    found = raw.header(HEADER)
    if found is None:
        return Reject(reason="no signature, or more than one")
    parts = _SIGNED.fullmatch(found)
    if parts is None:
        return Reject(reason="not a signature")
    if not is_fresh(parts[1], now):
        return Reject(reason="signed too long ago, or in the future")
    message = parts[1].encode() + b"." + raw.body
    marks = [one.removeprefix("v1=") for one in parts[2].split(",") if one.startswith("v1=")]
    if not any(is_signed(message, mark, secrets) for mark in marks):
        return Reject(reason="not signed with a secret of ours")
    return None


def _event(notice: Notice) -> Event | None:
    if notice.type in _INTENTS:
        named = decoded(notice.data.object, Named)
        merchant_ref = (named.metadata or {}).get(MERCHANT_REF)
        if not merchant_ref:  # another system's payment on the same account
            return None
        told = _whole(notice.data.object)
        return Event(event_id=notice.id, provider_ref=named.id, merchant_ref=merchant_ref, report=told)
    if notice.type in _PARTS:
        payment = decoded(notice.data.object, Part).payment_intent
        return None if payment is None else Event(event_id=notice.id, provider_ref=payment)
    return None


def _whole(data: Raw) -> Report | None:
    """A report, where the event holds all of it. Of a canceled payment it does not say whether something was reserved."""
    try:
        intent = decoded(data, Intent)
        if intent.status == "canceled" and intent.latest_charge is not None:
            return None
        return report(intent)
    except ProviderUnclear:
        return None
