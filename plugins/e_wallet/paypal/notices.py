"""PayPal's notices: proved by its certificate, and believed as hints only.

    PAYPAL-TRANSMISSION-SIG: base64 of RSA-SHA256 over "<transmission id>|<time>|<webhook id>|<CRC-32 of the body, decimal>"

A CRC is no digest: whoever has seen one genuine notice can write another body with the same CRC-32 in a second. So the signature
proves that PayPal sent *something* to this webhook at that time, and nothing of the body: the capability is `signed_fields`, no
event carries a report, and the kernel asks.
"""

import re
import zlib
from base64 import b64decode, b64encode
from binascii import Error
from datetime import datetime

from msgspec import Struct

from kassa.ports.payment import Accept, AnyVerdict, Context, Event, Ignore, RawWebhook, Reference, Reject
from kassa.ports.provider_json import ProviderUnclear, decoded
from kassa.ports.webhook_signature import is_fresh

from .certificates import Certificates
from .config import PaypalConfig
from .shapes import Code

MAX_BODY_BYTES = 256 * 1024
TOLERANCE_S = 1800
"""PayPal repeats for three days; what is older than this is not believed, and found by asking."""
ALGORITHM = "SHA256withRSA"
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_PATH = re.compile(r"/v1/notifications/certs/(CERT-[0-9A-Za-z-]{1,100})")
_OURS = (
    "CHECKOUT.ORDER.",
    "CHECKOUT.PAYMENT-APPROVAL.",
    "PAYMENT.CAPTURE.",
    "PAYMENT.AUTHORIZATION.",
    "PAYMENT.REFUND.",
)


class RelatedIds(Struct, frozen=True):
    """What a capture or an authorization belongs to."""

    order_id: Reference | None = None


class Supplement(Struct, frozen=True):
    """More about a resource."""

    related_ids: RelatedIds = RelatedIds()


class Unit(Struct, frozen=True):
    """A part of an order."""

    custom_id: Reference | None = None


class Resource(Struct, frozen=True):
    """What a notice is about: an order, a capture, an authorization, a refund."""

    id: Reference
    custom_id: Reference | None = None
    supplementary_data: Supplement = Supplement()
    purchase_units: tuple[Unit, ...] = ()


class Envelope(Struct, frozen=True):
    """Every notice."""

    id: Reference
    event_type: Code


class Notice(Envelope, frozen=True):
    """A notice of a kind that is ours."""

    resource: Resource


def judged(ctx: Context, raw: RawWebhook, config: PaypalConfig, certificates: Certificates) -> AnyVerdict:
    """The verdict on a notice."""
    if len(raw.body) > MAX_BODY_BYTES:
        return Reject(reason="too large")
    refusal = _unproved(raw, ctx.clock.now(), config, certificates)
    if refusal:
        return Reject(reason=refusal)
    try:
        raw.body.decode()
        envelope = decoded(raw.body, Envelope)
        if not envelope.event_type.startswith(_OURS):
            return Ignore()
        return _hint(decoded(raw.body, Notice))
    except (ProviderUnclear, UnicodeDecodeError):
        return Reject(reason="signed, but not a notice")


def _hint(notice: Notice) -> Accept | Ignore:
    resource = notice.resource
    is_order = notice.event_type.startswith("CHECKOUT.ORDER.")
    order_id = resource.id if is_order else resource.supplementary_data.related_ids.order_id
    told = resource.custom_id or next((unit.custom_id for unit in resource.purchase_units if unit.custom_id), None)
    merchant_ref = told.partition(" ")[0] or None if told else None  # a refund's is the reference and its own key
    if order_id is None and merchant_ref is None:
        return Ignore()
    return Accept(events=(Event(event_id=notice.id, provider_ref=order_id, merchant_ref=merchant_ref),))


def _unproved(raw: RawWebhook, now: datetime, config: PaypalConfig, certificates: Certificates) -> str:
    """Why PayPal is not proved to have sent it; empty if it is."""
    sent_id, sent_at = raw.header("paypal-transmission-id") or "", raw.header("paypal-transmission-time") or ""
    name = _certificate_name(raw.header("paypal-cert-url") or "", config.certificate_host)
    if raw.header("paypal-auth-algo") != ALGORITHM or not _ID.fullmatch(sent_id) or name is None:
        return "no signature, or not as PayPal signs"
    if not _is_near(sent_at, now):
        return "signed too long ago, or in the future"
    signature = _signature(raw.header("paypal-transmission-sig") or "")
    if signature is None:
        return "not a signature"
    certificate = certificates.named(name)
    if certificate is None:
        return "signed with a certificate that is not here yet"
    head, tail = f"{sent_id}|{sent_at}|", f"|{zlib.crc32(raw.body)}"
    messages = [f"{head}{webhook_id.reveal()}{tail}".encode() for webhook_id in config.webhook_ids]
    fits = [certificate.verifies(message, signature, now) for message in messages]
    return "" if any(fits) else "not signed by PayPal for a webhook of ours"


def _certificate_name(url: str, host: str) -> str | None:
    """The name in an address of PayPal's own for this mode; None for any other address."""
    found = _PATH.fullmatch(url.removeprefix(host)) if url.startswith(f"{host}/") else None
    return None if found is None else found[1]


def _is_near(sent_at: str, now: datetime) -> bool:
    if not _TIME.fullmatch(sent_at):
        return False
    try:
        seconds = int(datetime.fromisoformat(sent_at).timestamp())
    except (ValueError, OverflowError):
        return False
    return seconds >= 0 and is_fresh(str(seconds), now, TOLERANCE_S)


def _signature(text: str) -> bytes | None:
    """The bytes, where the text is the one way to write them."""
    try:
        signature = b64decode(text, validate=True)
    except (Error, ValueError):
        return None
    return signature if signature and b64encode(signature).decode() == text else None
