"""Signs outgoing messages: Standard Webhooks 1.0.0, symmetric signatures (`v1`).

A signing secret is never stored, not even encrypted: it is HMAC-SHA256 of a random salt under a key that is derived from
the shop's own secret key. A copy of the database alone signs nothing; `proof` (SHA-256 of the secret) tells a shop whose key
was changed that it must rotate.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable

from kassa.ports.deliveries import Message, Signing
from kassa.ports.endpoints import SecretSeed
from kassa.ports.errors import SettingRefused
from kassa.ports.ids import Ids
from kassa.ports.secret import Secret
from kassa.ports.values import Instant

PREFIX = "whsec_"
_LEAST_KEY_BYTES = 32
_PURPOSE = b"kassa outgoing webhooks 1"


class Signer:
    """Makes secrets and signatures under the shop's key, of at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < _LEAST_KEY_BYTES:
            raise SettingRefused(f"the key that signing secrets are made from has {len(key)} bytes, fewer than 32")
        self._key = hmac.digest(key, _PURPOSE, "sha256")

    def new(self, ids: Ids) -> tuple[SecretSeed, Secret]:
        """A seed to keep, and the secret to show once: `whsec_` and 32 bytes in base64."""
        salt = ids.token()
        secret = self._secret(salt)
        text = PREFIX + b64encode(secret).decode()
        return SecretSeed(salt=salt, proof=hashlib.sha256(secret).digest()), Secret(text)

    def headers(self, message: Message, signing: Iterable[Signing], at: Instant) -> tuple[tuple[str, str], ...] | None:
        """The three headers of a message sent at `at`, with one signature for each seed that still signs; None if none can
        be made, because the shop's key is not the one that the secrets were made with."""
        seconds = str(int(at.timestamp()))
        content = b"%s.%s.%s" % (message.id.encode(), seconds.encode(), message.body)
        secrets = [self._proved(seed) for seed in signing if seed.until is None or at < seed.until]
        signatures = [signature(secret, content) for secret in secrets if secret is not None]
        if not signatures:
            return None
        return (
            ("webhook-id", message.id),
            ("webhook-timestamp", seconds),
            ("webhook-signature", " ".join(signatures)),
        )

    def _secret(self, salt: str) -> bytes:
        return hmac.digest(self._key, salt.encode(), "sha256")

    def _proved(self, seed: Signing) -> bytes | None:
        secret = self._secret(seed.salt)
        return secret if hmac.compare_digest(hashlib.sha256(secret).digest(), seed.proof) else None


def signature(secret: bytes, content: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256."""
    return "v1," + b64encode(hmac.digest(secret, content, "sha256")).decode()
