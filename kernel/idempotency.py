"""A request with an idempotency key has its effect once, and its answer as often as it is asked for.

Source: IETF draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import hmac
from datetime import timedelta

import msgspec

from kassa.ports.clock import Clock
from kassa.ports.errors import KeyInUse, KeyReused, SettingRefused
from kassa.ports.idempotency import Answer, Claim, IdempotencyRecords, Scope, StoredAnswer

_LEAST_KEY_BYTES = 32


class KernelClaims:
    """Makes claims whose fingerprint is HMAC-SHA256 under the shop's own key, of at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < _LEAST_KEY_BYTES:
            raise SettingRefused(f"the fingerprint key has {len(key)} bytes; it needs {_LEAST_KEY_BYTES}")
        self._key = key

    def claim(self, scope: Scope, request: bytes) -> Claim:
        """The claim of this canonical request."""
        return Claim(scope=scope, fingerprint=hmac.new(self._key, request, hashlib.sha256).digest())


def replay(prior: StoredAnswer | None, claim: Claim) -> Answer | None:
    """The stored answer to this very request; None: it has not been done yet.

    Raises `KeyReused` when the key was used for another request, `KeyInUse` when the request still runs.
    """
    if prior is None:
        return None
    if not hmac.compare_digest(prior.fingerprint, claim.fingerprint):
        raise KeyReused(claim.scope.route)
    if prior.answer is None:
        raise KeyInUse(claim.scope.route)
    return msgspec.structs.replace(prior.answer, replayed=True)


class IdempotencyPurge:
    """Sweep: drops finished records older than `keep`, at most `limit` a round."""

    def __init__(
        self, *, records: IdempotencyRecords, clock: Clock, keep: timedelta = timedelta(days=2), limit: int = 500
    ) -> None:
        self._records, self._clock, self._keep, self._limit = records, clock, keep, limit

    async def run_once(self) -> int:
        """How many went."""
        return await self._records.purge(before=self._clock.now() - self._keep, limit=self._limit)
