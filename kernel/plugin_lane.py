"""Runs one call of a plugin in its lane: to an end in time, or given up; whatever it raises stays inside."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from kassa.kernel.payment_facts import Unknown
from kassa.kernel.plugin_answers import Malformed
from kassa.kernel.plugin_bulkhead import Overloaded
from kassa.ports.clock import Clock
from kassa.ports.provider import Lane, NotBegun

UNWIND_S = 1.0
"""How long a canceled call may take to clean up after itself before it is left alone."""
HELD_S = 1.0
"""A lane that has not moved for so long takes no further call."""


class SharedLane:
    """`Lane` on the caller's own event loop: for tests and simulations, where one thread decides the order of everything."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def run(self, call: Callable[[], Coroutine[Any, Any, object]]) -> object:
        """At once, as part of the caller."""
        return await call()

    @property
    def held_s(self) -> float:
        """Nobody could ask meanwhile."""
        return 0.0

    def work_s(self) -> float:
        """Time on the clock, waiting included."""
        return self._clock.monotonic()

    async def close(self) -> None:
        """There is nothing to let go of."""


class SharedLanes:
    """`Lanes` of the caller's own event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def lane(self, name: str, *, longest_s: float) -> SharedLane:
        """The same loop for everybody."""
        return SharedLane(self._clock)


async def contained(lane: Lane, call: Callable[[], Coroutine[Any, Any, object]], within_s: float) -> object:
    """What `call` returns, or `Unknown`. In a task of its own, so that no deafness to cancellation can hold the caller.

    Raises `Overloaded` when it was, provably, never begun."""
    if within_s <= 0:
        raise Overloaded("no time left")
    if lane.held_s > HELD_S:
        raise Overloaded("an earlier call holds its thread")
    task = asyncio.create_task(lane.run(lambda: _caught(call)))
    try:
        await asyncio.wait({task}, timeout=within_s)
        if task.done():
            return Unknown(reason="canceled by itself") if task.cancelled() else task.result()
    finally:
        if not task.done():
            await _given_up(task)
    if task.done() and not task.cancelled() and isinstance(task.exception(), NotBegun):
        raise Overloaded("no turn in its thread before the deadline")
    return Unknown(reason="no answer in time")


_LEFT: set[asyncio.Task[object]] = set()
"""Canceled calls that still unwind: kept alive until they end."""


async def _given_up(task: asyncio.Task[object]) -> None:
    task.cancel()
    _LEFT.add(task)
    task.add_done_callback(_forget)
    await asyncio.wait({task}, timeout=UNWIND_S)


def _forget(task: asyncio.Task[object]) -> None:
    _LEFT.discard(task)
    if not task.cancelled():
        task.exception()  # nobody asks any more


async def _caught(call: Callable[[], Coroutine[Any, Any, object]]) -> object:
    try:
        return await call()
    except asyncio.CancelledError:
        raise
    except Malformed as error:
        return Unknown(reason=str(error))
    except BaseException as error:  # SystemExit as well: a plugin does not end the shop
        return Unknown(reason=f"raised {type(error).__name__[:60]}")
