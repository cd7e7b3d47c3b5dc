"""A thread and an event loop for each plugin instance, so that one that spins or sleeps holds up nobody but itself."""

import asyncio
import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from kassa.ports.payment import Log
from kassa.ports.provider import NotBegun

from .watchdog import Watchdog

_END_S = 1.0
Call = Callable[[], Coroutine[Any, Any, object]]


class _Job:
    """One call on its way to a lane and back. `_tickets` holds one ticket: whoever takes it, the lane to begin or the caller
    to take the call back, has it alone (`list.pop` is atomic)."""

    def __init__(self, call: Call, lane: asyncio.AbstractEventLoop) -> None:
        self._call, self._lane, self._ours = call, lane, asyncio.get_running_loop()
        self._ended: asyncio.Future[object] = self._ours.create_future()
        self._tickets = [True]
        self._task: asyncio.Task[object] | None = None

    async def result(self) -> object:
        """Send it, and wait for its end."""
        self._lane.call_soon_threadsafe(self._begin, context=contextvars.copy_context())
        while True:
            try:
                return await asyncio.shield(self._ended)
            except asyncio.CancelledError:
                if self._ended.done():
                    raise
                if self._taken():
                    raise NotBegun from None
                self._lane.call_soon_threadsafe(self._cancel)

    def abandon(self) -> None:
        """Whoever waits for it is told that it was canceled, whatever it still does."""
        if not self._ended.done():
            self._ended.cancel()

    def _taken(self) -> bool:
        try:
            return self._tickets.pop()
        except IndexError:
            return False

    def _begin(self) -> None:
        if self._tickets:
            self._task = self._lane.create_task(self._begun())
            self._task.add_done_callback(self._tell)

    async def _begun(self) -> object:
        """Takes the ticket as the first step of the call itself: between a task's making and its first step another may hold
        the lane past the deadline."""
        if not self._taken():
            raise NotBegun
        return await self._call()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _tell(self, task: "asyncio.Task[object]") -> None:
        with contextlib.suppress(RuntimeError):  # the shop's loop is closed: nobody waits any more
            self._ours.call_soon_threadsafe(self._settle, task)

    def _settle(self, task: "asyncio.Task[object]") -> None:
        if self._ended.done():
            return
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            self._ended.cancel()
        elif error is not None:
            self._ended.set_exception(error)
        else:
            self._ended.set_result(task.result())


class ThreadLane:
    """`kassa.ports.provider.Lane`. The thread is a daemon: one that hangs does not keep the process alive."""

    def __init__(self, name: str, *, longest_s: float, watchdog: Watchdog, log: Log) -> None:
        self._name, self._watchdog, self._log = name, watchdog, log
        self._loop = type(asyncio.get_running_loop())()
        self._is_ending = False
        self._jobs: set[_Job] = set()
        self._thread = threading.Thread(target=self._live, name=f"kassa-{name}", daemon=True)
        self._thread.start()
        self._pulse = watchdog.watch(name, self._loop, self._thread, longest_s=longest_s)

    async def run(self, call: Call) -> object:
        """On the lane's own loop; the shop's loop only waits. Context variables go along."""
        if self._is_ending:
            raise NotBegun
        job = _Job(call, self._loop)
        self._jobs.add(job)
        try:
            return await job.result()
        finally:
            self._jobs.discard(job)

    @property
    def held_s(self) -> float:
        """As the watchdog sees it."""
        return self._pulse.held_s

    def work_s(self) -> float:
        """Processor time of the thread that asks."""
        return time.thread_time()

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._is_ending:
            try:
                self._loop.run_forever()
            except BaseException as error:  # SystemExit in a task that a plugin began ends neither lane nor shop
                self._log.warning("plugin.broke_its_loop", lane=self._name, error=type(error).__name__)
        self._loop.close()

    async def close(self) -> None:
        """End what runs there, and the thread; one that is held is broken into, and else left to the end of the process."""
        if self._is_ending:
            return
        self._watchdog.forget(self._pulse)
        self._is_ending = True
        self._loop.call_soon_threadsafe(self._begin_end)
        if self._pulse.held_s:
            self._pulse.break_in()
        await asyncio.to_thread(self._thread.join, _END_S)
        for job in tuple(self._jobs):
            job.abandon()

    def _begin_end(self) -> None:
        self._loop.create_task(self._end())

    async def _end(self) -> None:
        try:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=_END_S / 2)
            await self._loop.shutdown_asyncgens()
        finally:
            self._loop.stop()


class ThreadLanes:
    """`kassa.ports.provider.Lanes`: a thread each, all under one watchdog."""

    def __init__(self, watchdog: Watchdog, log: Log) -> None:
        self._watchdog, self._log = watchdog, log

    def lane(self, name: str, *, longest_s: float) -> ThreadLane:
        """A new thread, and a loop of the same kind as the one that asks."""
        return ThreadLane(name, longest_s=longest_s, watchdog=self._watchdog, log=self._log)
