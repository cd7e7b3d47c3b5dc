"""Time, as the kernel sees it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, and how to wait. Nothing in the kernel knows another clock."""

    def now(self) -> datetime:
        """The wall clock: UTC with its time zone, microseconds at most. May step back; never order facts by it alone."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never run backwards: for deadlines."""

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` (0 or less: let other tasks run once)."""
