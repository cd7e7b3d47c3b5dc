"""Resolved sessions in a dictionary."""

from kassa.ports.clock import Clock
from kassa.ports.identity import ResolvedSession
from kassa.ports.ids import AccountId


class MemorySessionCache:
    """At most `size` sessions for `ttl_s` seconds each; when it is full the oldest goes.

    The default lifetime leaves a fifth of a second of the two that a revocation may take to the request that is
    reading the database just now.
    """

    def __init__(self, clock: Clock, *, ttl_s: float = 1.8, size: int = 10_000) -> None:
        self._clock, self._ttl_s, self._size = clock, ttl_s, size
        self._kept: dict[bytes, tuple[float, ResolvedSession]] = {}

    async def get(self, token_hash: bytes) -> ResolvedSession | None:
        """None when it is not there or too old."""
        kept = self._kept.get(token_hash)
        if kept is None:
            return None
        until, session = kept
        if self._clock.monotonic() >= until:
            del self._kept[token_hash]
            return None
        return session

    async def put(self, token_hash: bytes, session: ResolvedSession) -> None:
        """Keep, as the youngest."""
        self._kept.pop(token_hash, None)
        if len(self._kept) >= self._size:
            del self._kept[next(iter(self._kept))]
        self._kept[token_hash] = (self._clock.monotonic() + self._ttl_s, session)

    async def drop(self, token_hash: bytes) -> None:
        """Forget one."""
        self._kept.pop(token_hash, None)

    async def drop_account(self, account_id: AccountId) -> None:
        """Forget all of an account."""
        of_account = [key for key, (_, kept) in self._kept.items() if kept.principal.account_id == account_id]
        for key in of_account:
            del self._kept[key]
