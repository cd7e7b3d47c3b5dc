"""Limits on attempts."""

from typing import Protocol

from kassa.ports.values import Instant, Value


class Limit(Value, frozen=True, kw_only=True):
    """At most `attempts` in `window_s` seconds."""

    attempts: int
    window_s: int


class Allowance(Value, frozen=True, kw_only=True):
    """What is left of a limit: `remaining` attempts now, all of them again in `reset_s` seconds."""

    remaining: int
    reset_s: int


class Throttle(Protocol):
    """Counts attempts per bucket in fixed windows. Counting is atomic across processes that share the store."""

    async def spend(self, bucket: str, limit: Limit, *, now: Instant) -> Allowance:
        """Count one attempt. Raises `TooManyAttempts` (and still counts nothing more) when the limit is used up."""

    async def peek(self, bucket: str, limit: Limit, *, now: Instant) -> Allowance:
        """What is left, without counting; never raises for a used-up limit (remaining is then 0)."""

    async def forgive(self, bucket: str) -> None:
        """Forget the bucket's attempts."""
