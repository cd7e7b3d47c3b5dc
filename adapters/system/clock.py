"""Time, from the operating system."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clocks, and the event loop's timer."""

    def now(self) -> datetime:
        """The wall clock, UTC, microseconds."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(max(seconds, 0))
