"""Sessions: opened with a token that is never stored, recognised by its hash, ended everywhere within two seconds."""

import hashlib
from datetime import datetime, timedelta

from kassa.ports.clock import Clock
from kassa.ports.errors import SettingRefused
from kassa.ports.identity import Accounts, NewSession, Principal, ResolvedSession, SessionCache, SessionTimes
from kassa.ports.ids import AccountId, Ids
from kassa.ports.secret import Secret

_TOUCH_EVERY = timedelta(minutes=1)
_LONGEST_LABEL = 200
_FRESH_S = 0.2
"""A read that took longer is not cached: the caches keep 1.8 s, and a revocation must hold everywhere within two."""


def token_hash(token: Secret) -> bytes:
    """SHA-256 of a token. A slow hash is for what can be guessed; 256 random bits cannot."""
    return hashlib.sha256(token.reveal().encode("utf-8", "surrogatepass")).digest()


class SessionDesk:
    """Makes and recognises sessions that end `idle` after their last use and `absolute` after they were opened."""

    def __init__(
        self, *, accounts: Accounts, cache: SessionCache, clock: Clock, ids: Ids, idle: timedelta, absolute: timedelta
    ) -> None:
        if not timedelta(0) < idle <= absolute:
            raise SettingRefused("a session's idle time must be above zero and not above its whole time")
        self._accounts, self._cache, self._clock, self._ids = accounts, cache, clock, ids
        self._idle, self._absolute = idle, absolute
        self._touch_every = min(_TOUCH_EVERY, idle / 4)

    def new(self, label: str) -> tuple[Secret, NewSession]:
        """A token, and the session to be stored for it."""
        token = Secret(self._ids.token())
        now = self._clock.now()
        ends_at = now + self._absolute
        times = SessionTimes(opened_at=now, idle_until=self._idle_until(now, ends_at), ends_at=ends_at)
        return token, NewSession(token_hash=token_hash(token), label=_shortened(label), times=times)

    async def authenticate(self, token: Secret) -> Principal:
        """Raises `NotAuthenticated`."""
        key = token_hash(token)
        resolved = await self._cache.get(key)
        if resolved is None or not _is_live(resolved, self._clock.now()):
            resolved = await self._read(key)
        return resolved.principal

    async def forget(self, token: Secret) -> None:
        """The caches no longer know this session."""
        await self._cache.drop(token_hash(token))

    async def forget_account(self, account_id: AccountId) -> None:
        """The caches no longer know any session of this account."""
        await self._cache.drop_account(account_id)

    async def _read(self, key: bytes) -> ResolvedSession:
        asked = self._clock.monotonic()
        now = self._clock.now()
        resolved = await self._accounts.resolve(key, now=now)
        if self._clock.monotonic() - asked < _FRESH_S:
            await self._cache.put(key, resolved)
        idle_until = self._idle_until(now, resolved.times.ends_at)
        if idle_until - resolved.times.idle_until >= self._touch_every:
            await self._accounts.touch(resolved.principal.session_id, now=now, idle_until=idle_until)
        return resolved

    def _idle_until(self, now: datetime, ends_at: datetime) -> datetime:
        return min(now + self._idle, ends_at)


def _is_live(session: ResolvedSession, now: datetime) -> bool:
    return now < session.times.idle_until and now < session.times.ends_at


def _shortened(label: str) -> str:
    return "".join(character for character in label if character.isprintable())[:_LONGEST_LABEL]


class SessionPurge:
    """Sweep: drops sessions that ended longer than `keep` ago, at most `limit` a round."""

    def __init__(
        self, *, accounts: Accounts, clock: Clock, keep: timedelta = timedelta(days=30), limit: int = 500
    ) -> None:
        self._accounts, self._clock, self._keep, self._limit = accounts, clock, keep, limit

    async def run_once(self) -> int:
        """How many went."""
        return await self._accounts.purge_sessions(before=self._clock.now() - self._keep, limit=self._limit)
