"""A clock that stands until it is told, and randomness that repeats itself."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

from kassa.adapters.system.ids import invoice_id

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class SetClock:
    """Stands still; `advance` moves it, and so does sleeping."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now, self._monotonic = now, 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        self.advance(max(seconds, 0))
        await asyncio.sleep(0)

    def advance(self, seconds: float = 0, **more: float) -> None:
        """By seconds, or by `minutes=`, `hours=`, `days=`."""
        step = timedelta(seconds=seconds, **more)
        self._now += step
        self._monotonic += step.total_seconds()


class SeededIds:
    """The same values for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def token(self) -> str:
        return self._text(43)

    def short_token(self) -> str:
        return self._text(22)

    def operation_id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def invoice_id(self) -> str:
        return invoice_id(self._random.randrange(2**40 // 37) * 37 + self._random.randrange(32))

    def jitter(self) -> float:
        return self._random.random()

    def _text(self, length: int) -> str:
        return "".join(
            self._random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k=length)
        )
