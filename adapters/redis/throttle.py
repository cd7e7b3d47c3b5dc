"""Attempt counters in Redis, atomic across processes."""

import math
from datetime import UTC, datetime, timedelta

from kassa.ports.errors import TooManyAttempts
from kassa.ports.throttle import Allowance, Limit, Throttle

from .link import Away, RedisLink

_COUNT = """
local attempts, window, now, spend = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local kept = redis.call('HMGET', KEYS[1], 'count', 'ends')
local count, ends = tonumber(kept[1]), tonumber(kept[2])
if not ends or ends <= now then count, ends = 0, now + window end
if not spend then return {count, ends - now, 1} end
if count >= attempts then return {count, ends - now, 0} end
redis.call('HSET', KEYS[1], 'count', count + 1, 'ends', string.format('%.0f', ends))
redis.call('PEXPIRE', KEYS[1], window)
return {count + 1, ends - now, 1}
"""
"""Returns how many are counted, milliseconds until the window ends, and whether this attempt is let through."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RedisThrottle:
    """Counts in fixed windows that begin with the first attempt. While Redis is away `fallback` counts instead, so that
    an attacker wins nothing by it: at worst a limit is granted once more."""

    def __init__(self, link: RedisLink, fallback: Throttle) -> None:
        self._link, self._fallback = link, fallback

    async def spend(self, bucket: str, limit: Limit, *, now: datetime) -> Allowance:
        """Count one, or raise `TooManyAttempts`."""
        try:
            count, left_ms, is_let = await self._count(bucket, limit, now, spend=True)
        except Away:
            return await self._fallback.spend(bucket, limit, now=now)
        if not is_let:
            raise TooManyAttempts(_seconds(left_ms))
        return Allowance(remaining=limit.attempts - count, reset_s=_seconds(left_ms))

    async def peek(self, bucket: str, limit: Limit, *, now: datetime) -> Allowance:
        """What is left."""
        try:
            count, left_ms, _ = await self._count(bucket, limit, now, spend=False)
        except Away:
            return await self._fallback.peek(bucket, limit, now=now)
        return Allowance(remaining=max(limit.attempts - count, 0), reset_s=_seconds(left_ms))

    async def forgive(self, bucket: str) -> None:
        """Forget the bucket where it is counted now."""
        try:
            await self._link.ask("DEL", _key(bucket))
        except Away:
            await self._fallback.forgive(bucket)

    async def _count(self, bucket: str, limit: Limit, now: datetime, *, spend: bool) -> tuple[int, int, int]:
        now_ms = (now - _EPOCH) // timedelta(milliseconds=1)
        reply = await self._link.ask(
            "EVAL", _COUNT, 1, _key(bucket), limit.attempts, limit.window_s * 1000, now_ms, int(spend)
        )
        count, left_ms, is_let = reply
        return int(count), int(left_ms), int(is_let)


def _key(bucket: str) -> str:
    return f"kassa:attempts:{bucket}"


def _seconds(left_ms: int) -> int:
    return max(1, math.ceil(left_ms / 1000))
