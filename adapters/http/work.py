"""Requests as tasks of the shop's own: a client that hangs up, or a deadline, tears nothing that has begun."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from kassa.ports.errors import Busy

from .refusals import DeadlineOver

T = TypeVar("T")


class Work:
    """A bounded number of running requests."""

    def __init__(self, *, at_most: int) -> None:
        self._at_most = at_most
        self._running: set[asyncio.Task[Any]] = set()

    async def within(self, seconds: float, job: Coroutine[Any, Any, T]) -> T:
        """The job's result. Raises `DeadlineOver` when it takes longer (it goes on), `Busy` when too much is running."""
        if len(self._running) >= self._at_most:
            job.close()
            raise Busy("requests under way")
        task = asyncio.create_task(job)
        self._running.add(task)
        task.add_done_callback(self._done)
        await asyncio.wait((task,), timeout=seconds)
        if not task.done():
            raise DeadlineOver(f"after {seconds} s")
        return task.result()

    async def drain(self, seconds: float) -> None:
        """Let what is running end, for at most `seconds`."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that an abandoned one does not complain when it is collected
