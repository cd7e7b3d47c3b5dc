"""Time: a call ends when it is told to, leaves nothing behind, and never stops the shop."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from .bench import Bench, query_of
from .check import Check, check, has_provider
from .faults import HANGING, Fault
from .outcome import Failed, Skipped, expect

DEADLINE_S = 0.5
SLACK_S = 0.02
CANCELED_WITHIN_S = 0.5
MOST_BLOCKED_S = 0.05
BEAT_S = 0.002
TRIES = 3
"""A busy machine is late now and then; a plugin is late every time."""


class Beat(NamedTuple):
    """A sign of life of an event loop: when, and how much its thread had computed."""

    at: float
    cpu_s: float


@check(
    "command.cancellation",
    "A call that is canceled ends at once and leaves no task behind",
    "what goes on after its deadline answers nobody, holds connections, and may act a second time",
    has_provider,
)
async def cancellation(bench: Bench) -> None:
    before = asyncio.all_tasks()
    call = asyncio.ensure_future(_as_coroutine(bench.begin(bench.request())))
    bench.proxy.arm(HANGING)
    await _until(lambda: bench.proxy.met > 0 or call.done())
    if not bench.proxy.met:
        raise Skipped("its START sends nothing")
    call.cancel()
    await asyncio.wait({call}, timeout=CANCELED_WITHIN_S)
    expect(call.done(), f"an end within {CANCELED_WITHIN_S} s", "it goes on")
    expect(call.cancelled(), "CancelledError goes through", _end_of(call))
    await _until(lambda: asyncio.all_tasks() <= before, CANCELED_WITHIN_S)
    left = [repr(task.get_coro()) for task in asyncio.all_tasks() - before]
    expect(not left, "no task", left)


@check(
    "command.deadline",
    "A provider that does not answer does not keep a call past its deadline by more than a tenth",
    "sixteen calls at a time are all that a method gets: those that stay on are its whole capacity",
    has_provider,
)
async def deadline(bench: Bench) -> None:
    payment = await bench.started(bench.request())
    if not bench.proxy.sent:
        raise Skipped("its START sends nothing")
    bench.proxy.arm(HANGING)
    await asyncio.gather(
        _expect_in_time("start", lambda: bench.begin(bench.request(), DEADLINE_S)),
        _expect_in_time("query", lambda: bench.ask(query_of(payment), DEADLINE_S)),
    )


async def _expect_in_time(name: str, call: Callable[[], Awaitable[Any]]) -> None:
    limit_s = DEADLINE_S * 1.1 + SLACK_S
    took_s = await _took(call)
    for _ in range(TRIES - 1):
        took_s = took_s if took_s <= limit_s else await _took(call)
    expect(took_s <= limit_s, f"{name} ends within {limit_s:.2f} s of a deadline of {DEADLINE_S} s", f"{took_s:.2f} s")


@check(
    "command.event-loop",
    "It never blocks the event loop for 50 ms",
    "while one payment waits for its provider, every other customer of the shop waits with it",
)
async def event_loop(bench: Bench) -> None:
    bench.proxy.arm(Fault("the provider takes its time", delay_s=2 * MOST_BLOCKED_S))
    worst_s = 0.0
    for _ in range(TRIES):
        worst_s = await _blocked(bench, _story(bench))
        if worst_s < MOST_BLOCKED_S:
            return
    raise Failed(expected=f"less than {MOST_BLOCKED_S * 1000:.0f} ms", seen=f"{worst_s * 1000:.0f} ms")


async def _story(bench: Bench) -> None:
    payment = await bench.started(bench.request())
    await bench.attempt(bench.ask(query_of(payment)))


async def _as_coroutine(call: Awaitable[Any]) -> Any:
    return await call


def _end_of(call: "asyncio.Future[Any]") -> str:
    if call.cancelled():
        return "canceled"
    error = call.exception()
    return repr(call.result()) if error is None else repr(error)


async def _took(call: Callable[[], Awaitable[Any]]) -> float:
    """Seconds until a call ends, canceled at its deadline as the kernel does."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    task = asyncio.ensure_future(_as_coroutine(call()))
    await asyncio.wait({task}, timeout=DEADLINE_S)
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=DEADLINE_S)
    took_s = loop.time() - began
    if not task.done():
        raise Failed(expected="an end after cancellation", seen=f"it goes on after {took_s:.1f} s")
    _end_of(task)
    return took_s


async def _blocked(bench: Bench, story: Awaitable[None]) -> float:
    """The longest time during a story in which the loop stood still by the story's own doing: it computed, or it waited while
    the provider's loop, on the same machine, went on."""
    ours: list[Beat] = []
    theirs: list[Beat] = []
    witness = bench.provider.alongside(_beat(theirs))
    heart = asyncio.ensure_future(_beat(ours))
    try:
        await _until(lambda: bool(ours and theirs))
        await story
        count, other = len(ours), len(theirs)
        await _until(lambda: len(ours) > count and len(theirs) > other)
    finally:
        witness.cancel()
        heart.cancel()
        await asyncio.wait({heart})
    return max(_own_doing(earlier, later, theirs) for earlier, later in pairwise(ours))


def _own_doing(earlier: Beat, later: Beat, witness: Sequence[Beat]) -> float:
    """Seconds of a gap that the machine does not explain."""
    late = [b.at - a.at for a, b in pairwise(witness) if b.at > earlier.at and a.at < later.at]
    return max(later.cpu_s - earlier.cpu_s, later.at - earlier.at - max(late, default=0.0))


async def _beat(beats: list[Beat]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        beats.append(Beat(loop.time(), _cpu_s()))
        await asyncio.wait({loop.create_future()}, timeout=BEAT_S)


def _cpu_s() -> float:
    """Processor time of this thread; 0 where the system does not tell it of threads."""
    if sys.platform != "linux":
        return 0.0
    import resource

    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_utime + used.ru_stime


async def _until(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Look every 2 ms until it holds or time is over."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + within_s
    while not holds() and loop.time() < ends_at:
        await asyncio.wait({loop.create_future()}, timeout=BEAT_S)


CHECKS: tuple[Check, ...] = (cancellation, deadline, event_loop)
