"""Midtrans' notices. The signature is a field of the body:

    signature_key = hex SHA-512(order_id + status_code + gross_amount + server key)

It covers three values, as they are written, and not `transaction_status`: what a notice says became of a payment is not proved,
so it only makes Kassa ask. Nothing separates the three: their forms are checked, so that few shifts between them are possible,
and those that are name an order that nobody has.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from kassa.ports.payment import Accept, AnyVerdict, Event, Ignore, RawWebhook, Reference, Reject
from kassa.ports.provider_json import ProviderUnclear, decoded
from kassa.ports.secret import Secret
from kassa.ports.webhook_signature import is_same

from .shapes import Code, TransactionId, Word

MAX_BODY_BYTES = 256 * 1024


class Signed(Struct, frozen=True):
    """What the signature covers, as it was sent, and the signature."""

    order_id: Reference
    status_code: Code
    gross_amount: Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{2})?\Z")]
    signature_key: Annotated[str, Meta(max_length=128)]


class Notice(Struct, frozen=True):
    """What it does not cover: whose payment it is about, by Midtrans' own id."""

    transaction_id: TransactionId
    transaction_status: Word


def judged(raw: RawWebhook, server_keys: Sequence[Secret]) -> AnyVerdict:
    """The verdict on a notice that may be signed with any of these keys. Two deliveries of it have the same bytes."""
    if len(raw.body) > MAX_BODY_BYTES:
        return Reject(reason="too large")
    try:
        signed = decoded(raw.body, Signed)
    except ProviderUnclear:
        return Reject(reason="not a signed notice")
    if not is_genuine(signed, server_keys):
        return Reject(reason="not signed with a server key of ours")
    try:
        notice = decoded(raw.body, Notice)
    except ProviderUnclear:  # signed, and about something else than a transaction
        return Ignore()
    event_id = hashlib.sha256(raw.body).hexdigest()
    event = Event(event_id=event_id, provider_ref=notice.transaction_id, merchant_ref=signed.order_id)
    return Accept(events=(event,))


def is_genuine(signed: Signed, server_keys: Sequence[Secret]) -> bool:
    """Whether one of the keys made this signature. Every key is tried; a blank one fits nothing."""
    covered = signed.order_id + signed.status_code + signed.gross_amount
    fits = [is_same(signed.signature_key, _digest(covered, key)) for key in server_keys if key.reveal().strip()]
    return any(fits)


def _digest(covered: str, key: Secret) -> str:
    return hashlib.sha512((covered + key.reveal()).encode("utf-8", "backslashreplace")).hexdigest()
