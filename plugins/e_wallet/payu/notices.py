"""PayU's notices: proved and read in one step, from the raw bytes.

    OpenPayu-Signature: sender=checkout;signature=<hex>;algorithm=MD5;content=DOCUMENT

The signature is the digest (MD5, or SHA-256 where the POS asks for it) of the raw body followed by the second key: it covers the
whole body, so a notice that passes is as good as an answer to a query. It holds no time: an old notice may come again, and
merges to nothing. The fields of the header come in any order.
"""

import hashlib
from collections.abc import Sequence

from msgspec import Struct

from kassa.ports.payment import Accept, AnyVerdict, Event, Ignore, MovementState, RawWebhook, Reference, Reject, Report
from kassa.ports.provider_json import ProviderUnclear, decoded
from kassa.ports.secret import Secret
from kassa.ports.webhook_signature import is_same

from .shapes import Order, OrderId, Refund, refund_movement, report

MAX_BODY_BYTES = 256 * 1024
HEADER = "openpayu-signature"
_DIGESTS = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
"""What PayU documents; which of them is used is set for the POS, and neither is forged without the key."""
_FIXED = {"sender": "checkout", "content": "DOCUMENT"}


class Notice(Struct, frozen=True, rename="camel"):
    """Of an order, or of a refund of one; anything else is nothing to us."""

    order: Order | None = None
    refund: Refund | None = None
    order_id: OrderId | None = None
    ext_order_id: Reference | None = None


def judged(raw: RawWebhook, keys: Sequence[Secret]) -> AnyVerdict:
    """The verdict on a notice that may be signed with any of `keys`."""
    if len(raw.body) > MAX_BODY_BYTES:
        return Reject(reason="too large")
    if not _is_signed(raw, keys):
        return Reject(reason="not signed with a second key of ours")
    try:
        raw.body.decode()  # what no field of ours holds has to be text, too
        shown = _shown(decoded(raw.body, Notice))
    except (ProviderUnclear, UnicodeDecodeError):
        return Reject(reason="signed, but not a notice")
    if shown is None:
        return Ignore()
    event = Event(
        event_id=f"payu-{hashlib.sha256(raw.body).hexdigest()}",
        provider_ref=shown.provider_ref,
        merchant_ref=shown.merchant_ref,
        report=shown,
    )
    return Accept(events=(event,))


def _shown(notice: Notice) -> Report | None:
    """What a notice says of its payment; None where it is of another kind."""
    if notice.order is not None:
        return report(notice.order, ())
    if notice.refund is None or notice.order_id is None:
        return None
    if notice.refund.currency_code is None:
        raise ProviderUnclear("a refund without a currency")
    movement = refund_movement(notice.refund, notice.refund.currency_code)
    return Report(
        found=True,
        status="pending" if movement.state is MovementState.PENDING else "succeeded",
        provider_ref=notice.order_id,
        merchant_ref=notice.ext_order_id,
        movements=(movement,),
    )


def _is_signed(raw: RawWebhook, keys: Sequence[Secret]) -> bool:
    fields = _fields(raw.header(HEADER) or "")
    digest = _DIGESTS.get(fields.get("algorithm", ""))
    if digest is None or any(fields.get(name, wanted) != wanted for name, wanted in _FIXED.items()):
        return False
    given = fields.get("signature", "")
    fits = [
        is_same(given, digest(raw.body + key.reveal().encode()).hexdigest()) for key in keys if key.reveal().strip()
    ]
    return any(fits)


def _fields(header: str) -> dict[str, str]:
    """`name=value` pairs; nothing for a header with a pair that is unknown, doubled or no pair."""
    pairs = [pair.partition("=") for pair in header.split(";")]
    names = [name for name, _, _ in pairs]
    if not {*names} <= {"signature", "algorithm", *_FIXED} or len({*names}) != len(names):
        return {}
    return {name: value for name, _, value in pairs}
