"""Attempt counters in a dictionary."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from kassa.ports.errors import TooManyAttempts
from kassa.ports.throttle import Allowance, Limit


@dataclass
class _Window:
    until: datetime
    count: int


class MemoryThrottle:
    """Counts in fixed windows that begin with the first attempt. At most `size` buckets; when it is full those whose
    window is over go, else the oldest."""

    def __init__(self, *, size: int = 100_000) -> None:
        self._size = size
        self._windows: dict[str, _Window] = {}

    async def spend(self, bucket: str, limit: Limit, *, now: datetime) -> Allowance:
        """Count one, or raise `TooManyAttempts`."""
        window = self._open(bucket, now)
        if window is None:
            window = self._begin(bucket, now + timedelta(seconds=limit.window_s), now)
        if window.count >= limit.attempts:
            raise TooManyAttempts(_seconds(window.until - now))
        window.count += 1
        return Allowance(remaining=limit.attempts - window.count, reset_s=_seconds(window.until - now))

    async def peek(self, bucket: str, limit: Limit, *, now: datetime) -> Allowance:
        """What is left."""
        window = self._open(bucket, now)
        if window is None:
            return Allowance(remaining=limit.attempts, reset_s=limit.window_s)
        return Allowance(remaining=max(limit.attempts - window.count, 0), reset_s=_seconds(window.until - now))

    async def forgive(self, bucket: str) -> None:
        """Forget the bucket."""
        self._windows.pop(bucket, None)

    def _open(self, bucket: str, now: datetime) -> _Window | None:
        window = self._windows.get(bucket)
        return window if window is not None and now < window.until else None

    def _begin(self, bucket: str, until: datetime, now: datetime) -> _Window:
        self._windows.pop(bucket, None)
        if len(self._windows) >= self._size:
            over = [key for key, window in self._windows.items() if window.until <= now]
            for key in over or [next(iter(self._windows))]:
                del self._windows[key]
        window = self._windows[bucket] = _Window(until, 0)
        return window


def _seconds(left: timedelta) -> int:
    return max(1, math.ceil(left.total_seconds()))
