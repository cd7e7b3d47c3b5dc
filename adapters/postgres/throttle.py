"""Attempt counters in PostgreSQL, atomic across processes. Every attempt sweeps up to ten old windows away."""

from datetime import timedelta
from math import ceil
from typing import Final

from kassa.ports.errors import TooManyAttempts
from kassa.ports.throttle import Allowance, Limit
from kassa.ports.values import Instant

from .database import PostgresDatabase

_SPEND: Final = """
WITH swept AS (
    DELETE FROM attempts WHERE bucket IN (
        SELECT bucket FROM attempts WHERE window_end <= $2 AND bucket <> $1
        ORDER BY window_end LIMIT 10 FOR UPDATE SKIP LOCKED)
)
INSERT INTO attempts AS a (bucket, window_start, window_end, count) SELECT $1, $2, $3, 1 WHERE $4::int > 0
ON CONFLICT (bucket) DO UPDATE SET
    window_start = CASE WHEN a.window_end <= $2 THEN EXCLUDED.window_start ELSE a.window_start END,
    window_end = CASE WHEN a.window_end <= $2 THEN EXCLUDED.window_end ELSE a.window_end END,
    count = CASE WHEN a.window_end <= $2 THEN 1 ELSE a.count + 1 END
WHERE a.window_end <= $2 OR a.count < $4::int
RETURNING count, window_end"""
_PEEK: Final = "SELECT count, window_end FROM attempts WHERE bucket = $1 AND window_end > $2"
_FORGIVE: Final = "DELETE FROM attempts WHERE bucket = $1"


class PostgresThrottle:
    """Limits that survive every restart. A bucket's window begins with its first attempt."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def spend(self, bucket: str, limit: Limit, *, now: Instant) -> Allowance:
        """Count one attempt, in one statement."""
        end = now + timedelta(seconds=limit.window_s)
        rows = await self._database.write(_SPEND, bucket, now, end, limit.attempts)
        if not rows:
            raise TooManyAttempts((await self.peek(bucket, limit, now=now)).reset_s or 1)
        return Allowance(remaining=max(0, limit.attempts - int(rows[0][0])), reset_s=_seconds(now, rows[0].window_end))

    async def peek(self, bucket: str, limit: Limit, *, now: Instant) -> Allowance:
        """What is left."""
        rows = await self._database.read(_PEEK, bucket, now)
        if not rows:
            return Allowance(remaining=limit.attempts, reset_s=0)
        return Allowance(remaining=max(0, limit.attempts - int(rows[0][0])), reset_s=_seconds(now, rows[0].window_end))

    async def forgive(self, bucket: str) -> None:
        """Forget the bucket."""
        await self._database.write(_FORGIVE, bucket)


def _seconds(now: Instant, end: Instant) -> int:
    return max(1, ceil((end - now).total_seconds()))
