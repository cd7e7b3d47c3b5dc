"""Times every step of a plugin's coroutine, so that one that works without awaiting is named."""

from collections.abc import Awaitable, Callable, Generator
from types import coroutine
from typing import Any

from kassa.ports.clock import Clock

BLOCKED_S = 0.05
"""A step that takes longer has kept waiting whoever shares its loop."""
WORKED_S, STUCK_S = 0.2, 1.0
"""A step that worked for longer than the first, or lasted longer than the second, counts as a failure of its call: it takes
the processor from everybody, or its own loop from every other call."""


class Steps:
    """What the steps of one call took."""

    def __init__(self, clock: Clock, work_s: Callable[[], float], blocked: Callable[[float], None]) -> None:
        self._clock, self._work_s, self._blocked = clock, work_s, blocked
        self.is_too_much = False

    def began(self) -> tuple[float, float]:
        """Where the clocks stand."""
        return self._clock.monotonic(), self._work_s()

    def ended(self, began: tuple[float, float]) -> None:
        """Judge a step."""
        took_s = self._clock.monotonic() - began[0]
        if took_s > BLOCKED_S:
            self.is_too_much |= took_s > STUCK_S or self._work_s() - began[1] > WORKED_S
            self._blocked(took_s)


@coroutine
def watched(awaited: Awaitable[object], seen: Steps) -> Generator[Any, Any, object]:
    """Await, and tell `seen` every step."""
    steps = awaited.__await__()
    value: Any = None
    error: BaseException | None = None
    while True:
        began = seen.began()
        try:
            waits_for = steps.send(value) if error is None else steps.throw(error)
        except StopIteration as end:
            return end.value
        finally:
            seen.ended(began)
        value, error = None, None
        try:
            value = yield waits_for
        except BaseException as thrown:  # handed on to the plugin, whatever it is
            error = thrown
