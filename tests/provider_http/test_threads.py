"""Synchronous SDKs get threads of their own: bounded, and none that hangs keeps anybody."""

import asyncio
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from kassa.adapters.provider_http import HttpxProviders
from kassa.adapters.provider_http.threads import MOST, THREADS, Threads
from kassa.ports.payment import NotSent


async def test_threads_are_bounded(tools):
    """The thirty-third call is provably not made, and said so in the contract's own word."""
    release, running = threading.Event(), []

    def hold() -> bool:
        running.append(threading.get_ident())
        return release.wait(10)

    waiting = [asyncio.create_task(tools.blocking(hold)) for _ in range(MOST)]
    await asyncio.sleep(0.1)
    assert len(running) == len(set(running)) == THREADS
    with pytest.raises(NotSent):
        await tools.blocking(hold)
    release.set()
    assert await asyncio.gather(*waiting) == [True] * MOST
    assert await tools.blocking(lambda: 7) == 7


async def test_a_call_taken_back_while_it_waits_is_never_made():
    """Its place is free at once."""
    threads, release, made = Threads("x"), threading.Event(), []
    holding = [asyncio.create_task(threads.run(lambda: release.wait(10))) for _ in range(THREADS)]
    waiting = [asyncio.create_task(threads.run(lambda: made.append(1))) for _ in range(MOST - THREADS)]
    await asyncio.sleep(0.05)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    again = asyncio.create_task(threads.run(lambda: "again"))
    release.set()
    assert await again == "again"
    await asyncio.gather(*holding)
    assert made == []
    threads.close()


async def test_a_call_that_hangs_keeps_its_place_until_it_ends():
    """Nobody waits for it any more, and it still takes a thread: that is counted."""
    threads, release = Threads("x"), threading.Event()
    calls = [asyncio.create_task(threads.run(lambda: release.wait(10))) for _ in range(MOST)]
    await asyncio.sleep(0.1)
    for call in calls[:THREADS]:
        call.cancel()
    await asyncio.sleep(0.05)
    with pytest.raises(NotSent):
        await threads.run(lambda: 1)
    release.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert await threads.run(lambda: 1) == 1
    threads.close()


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), StopIteration()])
async def test_what_a_call_raises_is_its_callers(error: BaseException):
    """And the thread goes on."""
    threads = Threads("x")

    def fail() -> None:
        raise error

    async def caught() -> type[BaseException]:
        try:
            await threads.run(fail)
        except BaseException as raised:
            return type(raised)
        return type(None)

    assert await caught() in (type(error), RuntimeError)
    assert await threads.run(lambda: 1) == 1
    threads.close()


async def test_instances_do_not_share_threads():
    """All of one's hang; the other's work."""
    hanging, other = HttpxProviders().tools("a", allow_hosts=(), secrets=()), Threads("b")
    release = threading.Event()
    calls = [asyncio.create_task(hanging.blocking(lambda: release.wait(10))) for _ in range(MOST)]
    assert await asyncio.wait_for(other.run(lambda: 7), 1) == 7
    release.set()
    await asyncio.gather(*calls)
    await hanging.close()
    other.close()


def test_a_process_ends_although_a_call_hangs():
    """The interpreter joins the threads of `concurrent.futures` at its end; these it does not know."""
    script = """
        import asyncio, time
        from kassa.adapters.provider_http import HttpxProviders
        async def main():
            tools = HttpxProviders().tools("x", allow_hosts=(), secrets=())
            call = asyncio.create_task(tools.blocking(lambda: time.sleep(60)))
            await asyncio.sleep(0.2)
            await tools.close()
            call.cancel()
        asyncio.run(main())
    """
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], timeout=30, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 15
