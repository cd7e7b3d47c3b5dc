"""Bounded threads for synchronous SDKs. They are daemons: one that hangs keeps neither its instance nor the process alive.

`concurrent.futures` joins its threads when the interpreter ends, whatever they wait for; a shop would not stop then.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from kassa.ports.payment import NotSent

T = TypeVar("T")
THREADS: Final = 4
MOST: Final = 32


class _Job:
    """One call. `_tickets` holds one ticket: whoever takes it, a thread to begin or the caller to take the call back, has it
    alone (`list.pop` is atomic)."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call, self._loop = call, asyncio.get_running_loop()
        self.ended: asyncio.Future[Any] = self._loop.create_future()
        self._tickets = [True]

    def taken(self) -> bool:
        """Take the ticket, if it is still there."""
        try:
            return self._tickets.pop()
        except IndexError:
            return False

    def do(self) -> None:
        """In a thread."""
        if not self.taken():
            return
        result, failure = None, None
        try:
            result = self._call()
        except BaseException as error:  # SystemExit as well: it is the call's answer
            failure = error if not isinstance(error, StopIteration) else RuntimeError("StopIteration")
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, result, failure)

    def _settle(self, result: object, failure: BaseException | None) -> None:
        if self.ended.done():
            return
        if failure is None:
            self.ended.set_result(result)
        else:
            self.ended.set_exception(failure)


class Threads:
    """At most four threads, started when first used; at most 32 calls under way or waiting."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._count, self._threads, self._is_closed = 0, 0, False

    async def run(self, call: Callable[[], T]) -> T:
        """What `call` returns or raises. One that is taken back while it waits is never made; one that outlives its caller
        keeps its thread: that is what a time-out of its own is for. Raises `NotSent` when there is no place."""
        if self._is_closed or self._count >= MOST:
            raise NotSent(f"the threads of {self._name} are taken")
        job = _Job(call)
        self._count += 1
        job.ended.add_done_callback(self._one_less)
        if self._threads < min(THREADS, self._count):
            self._threads += 1
            threading.Thread(target=self._work, name=f"kassa-{self._name}-sdk", daemon=True).start()
        self._jobs.put(job)
        try:
            result: T = await asyncio.shield(job.ended)
        except asyncio.CancelledError:
            if job.taken():
                job.ended.cancel()
            raise
        return result

    def _one_less(self, done: "asyncio.Future[Any]") -> None:
        self._count -= 1
        if not done.cancelled():
            done.exception()  # the caller may have gone

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.do()

    def close(self) -> None:
        """Take no more; threads end when they are free."""
        self._is_closed = True
        for _ in range(self._threads):
            self._jobs.put(None)
