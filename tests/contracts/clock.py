"""A clock that a test moves by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

from kassa.ports.conformance.samples import NOW


class HandClock:
    """Stands still until it is moved; sleeping moves it."""

    def __init__(self) -> None:
        self._passed_s = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        return 1000.0 + self._passed_s

    async def sleep(self, seconds: float) -> None:
        self._passed_s += max(seconds, 0.0)
