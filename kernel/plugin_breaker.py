"""When an instance is kept away from new payments, and when it is tried again."""

from datetime import timedelta
from typing import Literal

from kassa.ports.clock import Clock
from kassa.ports.values import Instant


class Breaker:
    """Opens after `FAILURES` failed calls in a row, for `OPEN_S`; then half open: one call is let through as a trial, and
    its end closes it or opens it again. A decline is an answer, not a failure."""

    FAILURES, OPEN_S = 5, 30.0

    def __init__(self, clock: Clock) -> None:
        self._clock, self._failures, self._open_until, self._trials = clock, 0, 0.0, 0

    @property
    def failures(self) -> int:
        """In a row, up to now."""
        return self._failures

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        """How it stands now."""
        if self._failures < self.FAILURES:
            return "closed"
        return "open" if self._clock.monotonic() < self._open_until else "half_open"

    @property
    def is_open(self) -> bool:
        """Whether new payments should not go this way now: it is open, or half open with its trial under way."""
        state = self.state
        return state == "open" or (state == "half_open" and self._trials > 0)

    @property
    def tries_at(self) -> Instant | None:
        """When an open one lets the next trial through."""
        left_s = self._open_until - self._clock.monotonic()
        return self._clock.now() + timedelta(seconds=left_s) if self.state == "open" else None

    def begin(self) -> None:
        """A command goes out. Each `begin` has its `end`."""
        self._trials += 1

    def end(self) -> None:
        """It came back, or was given up."""
        self._trials -= 1

    def note(self, *, usable: bool) -> None:
        """Count an answer."""
        self._failures = 0 if usable else self._failures + 1
        if self._failures >= self.FAILURES:
            self._open_until = self._clock.monotonic() + self.OPEN_S
