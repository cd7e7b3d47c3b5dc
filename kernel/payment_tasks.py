"""Work that goes on when its client has hung up: strong references, a bound, an orderly end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from kassa.ports.errors import Busy, KassaError
from kassa.ports.payment import Log

T = TypeVar("T")
MOST = 1000


class Tasks:
    """The payment work of this process. At most `MOST` at once; more are refused before anything was begun."""

    def __init__(self, log: Log) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._log = log

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` in a task of its own and wait for it; if the caller is canceled, the work goes on. Raises `Busy`."""
        task = self._begin(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                task.add_done_callback(self._report)
            raise

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` without anybody waiting; what it raises is logged. Raises `Busy`."""
        self._begin(work).add_done_callback(self._report)

    def _begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        if len(self._running) >= MOST:
            work.close()
            raise Busy("payment work")
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _report(self, task: "asyncio.Task[Any]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            code = error.code if isinstance(error, KassaError) else "unexpected"
            self._log.warning("payment.work_failed", error=type(error).__name__, code=code)

    async def drain(self, within_s: float) -> None:
        """Wait until all work has ended; what still runs after `within_s` is canceled (and found by the sweep)."""
        if not self._running:
            return
        _, late = await asyncio.wait(set(self._running), timeout=within_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=5)
