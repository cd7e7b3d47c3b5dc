"""A simulated event loop: time jumps to the next timer, and whatever is ready runs in an order drawn from a seed.

No socket, no thread, no real time: the same seed gives the same schedule. Processes of the shop are groups of tasks on it
that die together.
"""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.kernel.machine import NOON

T = TypeVar("T")


class StoodStill(RuntimeError):
    """Every task waits for another one."""


class _Nothing(selectors.SelectSelector):
    """Nothing can come from outside: instead of waiting, the time is moved to the next timer."""

    loop: "SimulatedLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise StoodStill("every task waits for another one")
        if timeout > 0:
            self.loop.now_s += timeout
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop without a world around it."""

    def __init__(self, seed: int) -> None:
        self.now_s, self.luck = 0.0, random.Random(seed)
        selector = _Nothing()
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = 1e-9
        self.set_task_factory(_in_its_process)

    def _make_self_pipe(self) -> None:
        self._ssock = self._csock = None
        self._internal_fds = 0

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def time(self) -> float:
        return self.now_s

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:
        """Whatever is ready may go first."""
        handle = super().call_soon(callback, *args, context=context)
        ready = self._ready
        if len(ready) > 1:
            ready.insert(int(self.luck.random() * len(ready)), ready.pop())
        return handle


class LoopClock:
    """The loop's time as a wall clock that began at noon."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self._loop.now_s)

    def monotonic(self) -> float:
        return self._loop.now_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0))


# --- processes ------------------------------------------------------------------------------------------------


class ProcessDied(BaseException):
    """What code of a dead process meets wherever it would reach the store, the provider or a failpoint."""


class Died(Exception):
    """What a client sees of a process that died: its connection broke, and no answer came."""


class Process:
    """Everything that runs in one process of the shop. When it dies, all of it is canceled, and what its unwinding code still
    tries goes nowhere: `check` stands in front of the store and of the wire."""

    def __init__(self, number: int) -> None:
        self.number, self.is_dead = number, False
        self.on_death: Callable[[], None] = lambda: None
        self._tasks: list[asyncio.Task[Any]] = []

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A task was begun by code of this process."""
        self._tasks.append(task)
        if len(self._tasks) > 200:
            self._tasks = [t for t in self._tasks if not t.done()]
        if self.is_dead:
            task.cancel()

    def check(self) -> None:
        """Raises `ProcessDied`."""
        if self.is_dead:
            raise ProcessDied

    def die(self) -> None:
        """At once and as a whole."""
        if not self.is_dead:
            self.is_dead = True
            self.on_death()
        for task in self._tasks:
            task.cancel()

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do `work` in this process for a client outside of it. Raises `Died`; a reply of a dead process never arrives."""
        if self.is_dead:
            raise Died
        context = copy_context()
        context.run(PROCESS.set, self)
        task = asyncio.get_running_loop().create_task(work(), context=context)
        await asyncio.wait({task})
        if self.is_dead:
            if not task.cancelled():
                task.exception()
            raise Died
        return task.result()

    async def end(self) -> None:
        """Die, and wait until nothing of it runs."""
        self.on_death = lambda: None
        self.die()
        left = [task for task in self._tasks if not task.done()]
        if left:
            await asyncio.wait(left)
        for task in self._tasks:
            if not task.cancelled():
                task.exception()


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def outside(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Begin work that belongs to no process of the shop, whoever asks for it."""
    return loop.create_task(work, context=Context())


def _in_its_process(loop: asyncio.AbstractEventLoop, work: Any, context: Context | None = None) -> "asyncio.Task[Any]":
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
    process = PROCESS.get() if context is None else context.get(PROCESS)
    if process is not None:
        process.adopt(task)
    return task
