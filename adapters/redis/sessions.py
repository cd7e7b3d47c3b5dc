"""Resolved sessions in Redis, for all processes."""

import msgspec

from kassa.ports.identity import ResolvedSession
from kassa.ports.ids import AccountId

from .link import Away, RedisLink

_PUT = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SADD', KEYS[2], KEYS[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
"""
_DROP_ACCOUNT = """
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do redis.call('DEL', key) end
return redis.call('DEL', KEYS[1])
"""


class RedisSessionCache:
    """Keeps each session for `ttl_ms` milliseconds: a fifth of a second less than a revocation may take, which belongs to
    the request that is reading the database just now. Keys hold the token's hash, never the token."""

    def __init__(self, link: RedisLink, *, ttl_ms: int = 1_800) -> None:
        self._link, self._ttl_ms = link, ttl_ms
        self._decoder = msgspec.json.Decoder(ResolvedSession)

    async def get(self, token_hash: bytes) -> ResolvedSession | None:
        """None when it is not there, not readable, or Redis is away."""
        try:
            found = await self._link.ask("GET", _key(token_hash))
            return None if found is None else self._decoder.decode(found)
        except (Away, msgspec.DecodeError):
            return None

    async def put(self, token_hash: bytes, session: ResolvedSession) -> None:
        """Keep it, and note it under its account."""
        body, account = msgspec.json.encode(session), _account_key(session.principal.account_id)
        await self._try("EVAL", _PUT, 2, _key(token_hash), account, body, self._ttl_ms)

    async def drop(self, token_hash: bytes) -> None:
        """Forget one."""
        await self._try("DEL", _key(token_hash))

    async def drop_account(self, account_id: AccountId) -> None:
        """Forget all of an account, in one step."""
        await self._try("EVAL", _DROP_ACCOUNT, 1, _account_key(account_id))

    async def _try(self, *command: str | bytes | int) -> None:
        try:
            await self._link.ask(*command)
        except Away:
            return  # a cache may refuse anything: two seconds at the latest do the rest


def _key(token_hash: bytes) -> str:
    return f"kassa:session:{token_hash.hex()}"


def _account_key(account_id: AccountId) -> str:
    return f"kassa:sessions-of:{account_id}"
