"""The provider's post: notices, and what they carry as proof."""

import hashlib
import hmac
from dataclasses import dataclass

import msgspec

from kassa.ports.payment import Event, RawWebhook, Report
from kassa.ports.values import Instant
from tests.kernel.payment.worlds_books import Charge


@dataclass(frozen=True)
class Mail:
    """A notice on its way. `sure`: the provider delivers it in the end, whatever happens."""

    method: str
    raw: RawWebhook
    sure: bool


@dataclass(frozen=True)
class Line:
    """How the provider serves one method: how it recognises a repetition, what its notices prove and name."""

    idempotency: str
    trust: str
    ttl_s: int = 86_400
    names: str = "both"
    takes_too_much: bool = False
    can_be_asked: bool = True
    starts: tuple[str, ...] = ("direct", "direct", "redirect", "redirect", "decline", "wait")
    duplicates: str = "answers"


def mail_of(charge: Charge, line: Line, report: Report, event_id: str, at: Instant, *, sure: bool) -> Mail:
    """A genuine notice."""
    event = Event(
        event_id=event_id,
        provider_ref=charge.id if line.names in ("both", "theirs") else None,
        merchant_ref=charge.merchant_ref if line.names in ("both", "ours") else None,
        report=report,
    )
    return Mail(method=charge.method, raw=signed(charge.method, line, event, at), sure=sure)


def signed(method: str, line: Line, event: Event, at: Instant) -> RawWebhook:
    """A notice with the proof that this method's notices carry."""
    body = msgspec.json.encode(event)
    return notice(body, at, proof(method, line, event, body))


def notice(body: bytes, at: Instant, *proofs: str) -> RawWebhook:
    """A notice with any proofs, none or several."""
    headers = tuple(("x-proof", one) for one in proofs)
    return RawWebhook(slug="notices", headers=headers, body=body, received_at=at)


def proof(method: str, line: Line, event: Event, body: bytes) -> str:
    """What a notice carries as proof: over everything, over its names only, or a token that covers nothing."""
    secret = f"s3cret of {method}"
    if line.trust == "shared_token":
        return secret
    names = f"{event.event_id}/{event.provider_ref}/{event.merchant_ref}".encode()
    return hmac.new(secret.encode(), body if line.trust == "signed_body" else names, hashlib.sha256).hexdigest()
