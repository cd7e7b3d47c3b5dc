"""Plugin code runs apart from the shop's loop: it may hold its own thread, and nobody else."""

import asyncio
import contextvars
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator

import pytest

from kassa.adapters.system import SystemClock, ThreadLanes, Watchdog, watchdog
from kassa.kernel.payment_facts import Unknown
from kassa.kernel.plugin_guard import GuardedMethod
from kassa.ports.payment import NotExecuted, Succeeded
from kassa.ports.provider import NotBegun
from tests.plugin_host.plugs import QUERY, Quiet, factory, installed, instance, loaded, method_class, start_request


@pytest.fixture
def log() -> Quiet:
    """What was told."""
    return Quiet()


@pytest.fixture
async def lanes(log: Quiet, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ThreadLanes]:
    """Under a watchdog that looks often."""
    monkeypatch.setattr(watchdog, "LOOK_S", 0.02)
    monkeypatch.setattr(watchdog, "HELD_S", 0.2)
    monkeypatch.setattr("kassa.kernel.plugin_lane.HELD_S", 0.2)
    with Watchdog(log) as watching:
        yield ThreadLanes(watching, log)


async def method_in(lanes: ThreadLanes, act, *, deadline_s: float = 0.5) -> GuardedMethod:
    methods = await loaded(
        installed(factory(method_class(act))),
        instances=(instance(deadline_s=deadline_s),),
        clock=SystemClock(),
        lanes=lanes,
    )
    method = methods.get("main")
    assert method is not None, methods.statuses()
    return method


async def longest_pause_s(until: "asyncio.Future[object]") -> float:
    """How late the shop's own loop was at most, while something ran."""
    worst = 0.0
    while not until.done():
        began = time.monotonic()
        await asyncio.sleep(0.005)
        worst = max(worst, time.monotonic() - began - 0.005)
    return worst


def spin(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass


@pytest.mark.parametrize("hold", [spin, time.sleep])
async def test_a_plugin_that_never_awaits_holds_up_its_own_lane_alone(lanes: ThreadLanes, hold):
    async def act(ctx):
        hold(1.5)
        return Succeeded()

    method = await method_in(lanes, act, deadline_s=5)
    call = asyncio.ensure_future(method.start(start_request(), 5))
    assert await longest_pause_s(call) < 0.8
    assert call.result() == Succeeded()
    activity = method.activity()
    assert (activity.blocked, activity.blocked_ms >= 1500) == (1, True)
    await method.close()


async def test_what_waited_behind_a_held_lane_was_provably_not_begun(lanes: ThreadLanes):
    calls = []

    async def act(ctx):
        calls.append(1)
        spin(2.0)
        return Succeeded()

    method = await method_in(lanes, act, deadline_s=1.0)
    first, second = await asyncio.gather(
        method.start(start_request("a" * 32), 1.0), method.start(start_request("b" * 32), 1.0)
    )
    assert first == Unknown(reason="no answer in time")
    assert second == NotExecuted(reason="busy: no turn in its thread before the deadline")
    assert len(calls) == 1
    await method.close()


async def test_a_held_lane_hides_the_method_and_refuses_at_once(lanes: ThreadLanes):
    release = threading.Event()

    async def act(ctx):
        release.wait(5)
        return Succeeded()

    method = await method_in(lanes, act, deadline_s=0.3)
    await method.start(start_request(), 0.3)
    assert not method.is_healthy
    assert method.activity().held_s > 0.2
    began = time.monotonic()
    assert await method.start(start_request(), 0.3) == NotExecuted(reason="busy: an earlier call holds its thread")
    assert await method.query(QUERY) == Unknown(reason="busy: an earlier call holds its thread")
    assert time.monotonic() - began < 0.2
    release.set()
    await asyncio.sleep(0.2)
    assert method.is_healthy
    await method.close()


async def test_a_plugin_that_spins_for_ever_is_named_and_broken_off(lanes: ThreadLanes, log: Quiet):
    async def act(ctx):
        while True:
            pass

    method = await method_in(lanes, act, deadline_s=0.3)
    call = asyncio.ensure_future(method.start(start_request(), 0.3))
    assert await longest_pause_s(call) < 0.3
    assert isinstance(call.result(), Unknown)
    for _ in range(200):
        if "watchdog.loop_moves_again" in [event for event, _ in log.lines]:
            break
        await asyncio.sleep(0.02)
    held = dict(log.lines)["watchdog.loop_held"]
    assert held["loop"] == "main"
    assert "test_lanes.py" in held["at"]
    assert "watchdog.breaks_in" in dict(log.lines)
    assert method.is_healthy
    await method.close()


async def test_a_call_that_works_too_long_counts_as_failed_though_its_answer_is_believed(lanes: ThreadLanes):
    async def act(ctx):
        ends = time.thread_time() + 0.25
        while time.thread_time() < ends:
            pass
        return Succeeded()

    method = await method_in(lanes, act, deadline_s=5)
    for n in range(5):
        assert method.breaker == "closed"
        assert await method.start(start_request(f"{n:032x}"), 5) == Succeeded()
    assert (method.breaker, method.is_healthy) == ("open", False)
    assert method.activity().last_failure == "start: worked too long without awaiting"
    await method.close()


async def test_a_lane_brings_context_and_canceling_along(lanes: ThreadLanes):
    word = contextvars.ContextVar("word", default="none")
    word.set("said")
    lane = lanes.lane("x", longest_s=5)
    ended = threading.Event()

    async def hang() -> object:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()
        return None

    async def say() -> object:
        return word.get(), threading.current_thread() is threading.main_thread()

    assert await lane.run(say) == ("said", False)
    call = asyncio.create_task(lane.run(hang))
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert ended.is_set()
    await lane.close()


async def test_a_call_taken_back_before_its_turn_says_so(lanes: ThreadLanes):
    lane = lanes.lane("x", longest_s=5)
    ran = []

    async def hold() -> object:
        time.sleep(0.3)
        return None

    async def late() -> object:
        ran.append(1)
        return None

    holding = asyncio.create_task(lane.run(hold))
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(lane.run(late))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(NotBegun):
        await waiting
    await holding
    await asyncio.sleep(0.05)
    assert ran == []
    await lane.close()


async def test_a_task_that_a_plugin_left_behind_ends_neither_lane_nor_shop(lanes: ThreadLanes, log: Quiet):
    lane = lanes.lane("x", longest_s=5)

    async def leave() -> object:
        async def out() -> None:
            raise SystemExit(3)

        lane.left = asyncio.create_task(out())  # type: ignore[attr-defined]
        return None

    async def fine() -> object:
        return "fine"

    await lane.run(leave)
    assert await lane.run(fine) == "fine"
    assert [event for event, _ in log.lines] == ["plugin.broke_its_loop"]
    with pytest.raises(SystemExit):
        lane.left.result()  # type: ignore[attr-defined]
    await lane.close()


async def test_closing_a_held_lane_lets_its_callers_go(lanes: ThreadLanes):
    lane, release = lanes.lane("x", longest_s=60), threading.Event()

    async def hold() -> object:
        return release.wait(10)

    call = asyncio.create_task(lane.run(hold))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    await lane.close()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert time.monotonic() - began < 2
    with pytest.raises(NotBegun):
        await lane.run(hold)
    release.set()


@pytest.mark.parametrize("hold", ["while True: pass", "time.sleep(60)"])
def test_a_process_ends_although_a_plugin_holds_its_thread(hold: str):
    script = f"""
        import asyncio, time, structlog
        from kassa.adapters.system import ThreadLanes, Watchdog
        async def main():
            with Watchdog(structlog.get_logger()) as watchdog:
                lane = ThreadLanes(watchdog, structlog.get_logger()).lane("x", longest_s=60)
                async def hold():
                    {hold}
                call = asyncio.create_task(lane.run(hold))
                await asyncio.sleep(0.5)
                await lane.close()
                call.cancel()
        asyncio.run(main())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], timeout=20, check=False)
    assert done.returncode == 0


async def test_the_shops_own_loop_is_watched_too(lanes: ThreadLanes, log: Quiet):
    await asyncio.sleep(0.1)
    time.sleep(0.5)
    await asyncio.sleep(0.1)
    told = dict(log.lines)["watchdog.loop_held"]
    assert told["loop"] == "shop"
    assert "test_lanes.py" in told["at"]


def test_a_process_whose_loop_stalls_in_c_ends_and_says_where():
    """A regular expression that runs away holds the interpreter: only the fault handler still runs."""
    script = """
        import asyncio, re, structlog
        from kassa.adapters.system import Watchdog, watchdog
        watchdog.REARM_S = 0.2
        async def main():
            with Watchdog(structlog.get_logger(), stall_limit_s=0.8):
                await asyncio.sleep(0.5)
                print("ticks", flush=True)
                re.match(r"(a+)+$", "a" * 40 + "b")
        asyncio.run(main())
    """
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (1, "ticks\n"), done.stderr
    assert "re/__init__.py" in done.stderr or "re.py" in done.stderr
    assert time.monotonic() - began < 15
