"""Proving that a webhook comes from its provider: for plugins whose provider signs with an HMAC. Use it or write your own.

The common scheme, `<header>: t=<seconds, UTC>,v1=<hex HMAC-SHA256(secret, t + "." + raw body)>`, is one call:

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        refusal = unproved(raw, header="acme-signature", secrets=self.config.webhook_secrets, now=ctx.clock.now())
        if refusal is not None:
            return refusal
        ...

Other schemes are put together from `is_signed` and `is_fresh`: the message is what the provider says it signs, byte for byte.
While a secret is rotated both are given; give none that is not the provider's. A provider that sends a fixed token instead of a
signature proves nothing about the body: declare `shared_token`, compare with `is_same`, and hand over no report.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Literal, TypeAlias

from kassa.ports.payment import RawWebhook, Reject
from kassa.ports.secret import Secret
from kassa.ports.values import Instant

TOLERANCE_S = 300
"""How old a signature may be, and how far ahead of our clock: a notice that was overheard cannot be sent again later."""
Algorithm: TypeAlias = Literal["sha256", "sha384", "sha512"]
_STAMP = re.compile(r"[0-9]{1,12}")
_HEADER = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def unproved(
    raw: RawWebhook, *, header: str, secrets: Iterable[Secret], now: Instant, tolerance_s: int = TOLERANCE_S
) -> Reject | None:
    """Why a notice is not proved to be the provider's, as the verdict to return; None if it is.

    `header` has to be there once and to hold exactly `t=…,v1=…`; the signature covers time and body, so that neither can be
    changed. The reason tells neither the sender's text nor a secret. Raises nothing.
    """
    found = raw.header(header)
    if found is None:
        return Reject(reason="no signature, or more than one")
    parts = _HEADER.fullmatch(found)
    if parts is None:
        return Reject(reason="not a signature")
    if not is_fresh(parts[1], now, tolerance_s):
        return Reject(reason="signed too long ago, or in the future")
    if not is_signed(parts[1].encode() + b"." + raw.body, parts[2], secrets):
        return Reject(reason="not signed with a secret of ours")
    return None


def is_signed(
    message: bytes,
    signature: str,
    secrets: Iterable[Secret],
    *,
    algorithm: Algorithm = "sha256",
    encoding: Literal["hex", "base64"] = "hex",
) -> bool:
    """Whether `signature` is the HMAC of `message` under one of `secrets`.

    `signature` is compared as text, `hex` in lower case and `base64` with its padding: what only decodes to the same is another
    signature. Every secret is tried, in a time that does not tell how much was right; a blank one fits nothing, because
    anybody can sign with it.
    """
    fits = [
        is_same(signature, _written(message, secret, algorithm, encoding)) for secret in secrets if _is_text(secret)
    ]
    return any(fits)


def _written(message: bytes, secret: Secret, algorithm: Algorithm, encoding: str) -> str:
    mac = hmac.new(secret.reveal().encode(), message, getattr(hashlib, algorithm))
    return mac.hexdigest() if encoding == "hex" else b64encode(mac.digest()).decode()


def _is_text(secret: Secret) -> bool:
    return bool(secret.reveal().strip())


def is_same(given: str, wanted: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ; nothing is equal to a blank one."""
    equal = hmac.compare_digest(given.encode("utf-8", "backslashreplace"), wanted.encode("utf-8", "backslashreplace"))
    return equal and bool(wanted.strip())


def is_fresh(signed_at: str, now: Instant, tolerance_s: int = TOLERANCE_S) -> bool:
    """Whether `signed_at` (seconds since 1970, UTC, in digits, as the header holds it) is near `now`. Only a time that the
    signature covers says anything."""
    return _STAMP.fullmatch(signed_at) is not None and abs(now.timestamp() - int(signed_at)) <= tolerance_s
