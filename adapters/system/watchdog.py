"""Sees from a thread of its own which event loop has stopped ticking, names who holds it, and breaks in where it may."""

import asyncio
import ctypes
import faulthandler
import sys
import threading
import time
from types import TracebackType

from kassa.ports.payment import Log

LOOK_S = 0.25
HELD_S = 1.0
"""A loop that has not ticked for so long is told of."""
AGAIN_S = 5.0
"""Between two attempts to break in."""
REARM_S = 5.0
SWITCH_S = 0.0001
"""How long a thread keeps the interpreter when another wants it. Python's own 5 ms is paid at every wake-up of a loop beside
a thread that spins: a dozen times a purchase."""


class BrokenOff(BaseException):
    """Raised inside plugin code that held its thread beyond its time."""


class Pulse:
    """One loop under watch. Written by the watchdog's thread and, `ticked`, by the loop's own."""

    def __init__(
        self, name: str, loop: asyncio.AbstractEventLoop, thread: threading.Thread, longest_s: float | None
    ) -> None:
        self.name, self.loop, self.thread, self.longest_s = name, loop, thread, longest_s
        self.asked_at: float | None = None
        self.told, self.broken_at = False, 0.0

    @property
    def held_s(self) -> float:
        """Since when the loop has not answered; 0 when the answer is not even a look late."""
        asked_at = self.asked_at
        late_s = 0.0 if asked_at is None else time.monotonic() - asked_at
        return late_s if late_s > LOOK_S else 0.0

    def ticked(self) -> None:
        """The loop came round."""
        self.asked_at = None

    def where(self) -> str:
        """The line that runs in the loop's thread now."""
        frame = sys._current_frames().get(self.thread.ident or 0)
        if frame is None:
            return "unknown"
        path = "/".join(frame.f_code.co_filename.split("/")[-2:])
        return f"{path}:{frame.f_lineno} {frame.f_code.co_name}"

    def break_in(self) -> None:
        """Raise `BrokenOff` in the thread at its next step of Python (CPython, PyThreadState_SetAsyncExc). What it hits is
        the plugin's call; one that waits inside C code is hit when that returns."""
        ident = ctypes.c_ulong(self.thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(BrokenOff))


class Watchdog:
    """Watches loops from a daemon thread. A context manager: entered on the shop's loop, which it watches too.

    With `stall_limit_s`, a process whose shop loop has not ticked for that long (up to 5 s more) ends with exit code 1 and
    every thread's traceback on standard error, for its supervisor to start it again. That is done by the interpreter's own
    fault handler, which needs nobody's leave: code in C that never gives the interpreter back stops every Python thread,
    this one too.
    """

    def __init__(self, log: Log, *, stall_limit_s: float = 0) -> None:
        self._log, self._stall_limit_s = log, stall_limit_s
        self._pulses: tuple[Pulse, ...] = ()
        self._change, self._stop = threading.Lock(), threading.Event()
        self._armed_at = 0.0

    def __enter__(self) -> "Watchdog":
        """Begin to watch."""
        sys.setswitchinterval(SWITCH_S)
        self._shop = self.watch("shop", asyncio.get_running_loop(), threading.current_thread(), longest_s=None)
        self._arm()
        threading.Thread(target=self._live, name="kassa-watchdog", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Look away."""
        self._stop.set()
        if self._stall_limit_s:
            faulthandler.cancel_dump_traceback_later()

    def watch(
        self, name: str, loop: asyncio.AbstractEventLoop, thread: threading.Thread, *, longest_s: float | None
    ) -> Pulse:
        """Watch a loop; a thread that holds it for longer than `longest_s` is broken into."""
        pulse = Pulse(name, loop, thread, longest_s)
        with self._change:
            self._pulses = (*self._pulses, pulse)
        return pulse

    def forget(self, pulse: Pulse) -> None:
        """Watch it no more."""
        with self._change:
            self._pulses = tuple(p for p in self._pulses if p is not pulse)

    def _live(self) -> None:
        looked_at = time.monotonic()
        while not self._stop.wait(LOOK_S):
            now = time.monotonic()
            slept_through, looked_at = now - looked_at > 2 * HELD_S, now
            for pulse in self._pulses:
                if slept_through and pulse.asked_at is not None:
                    pulse.asked_at = now  # the whole process stood still: that is nobody's fault
                self._look(pulse, now)

    def _look(self, pulse: Pulse, now: float) -> None:
        if pulse.asked_at is None:
            if pulse.told:
                self._log.info("watchdog.loop_moves_again", loop=pulse.name)
            pulse.told, pulse.asked_at = False, now
            try:
                pulse.loop.call_soon_threadsafe(self._tick, pulse)
            except RuntimeError:  # closed
                self.forget(pulse)
            return
        held_s = now - pulse.asked_at
        if held_s > HELD_S and not pulse.told:
            pulse.told = True
            self._log.warning("watchdog.loop_held", loop=pulse.name, held_ms=round(held_s * 1000), at=pulse.where())
        if pulse.longest_s is not None and held_s > pulse.longest_s and now - pulse.broken_at > AGAIN_S:
            pulse.broken_at = now
            self._log.warning("watchdog.breaks_in", loop=pulse.name, held_ms=round(held_s * 1000), at=pulse.where())
            pulse.break_in()

    def _tick(self, pulse: Pulse) -> None:
        pulse.ticked()
        if pulse is self._shop:
            self._arm()

    def _arm(self) -> None:
        now = time.monotonic()
        if self._stall_limit_s and now - self._armed_at > REARM_S:
            self._armed_at = now
            faulthandler.dump_traceback_later(self._stall_limit_s + REARM_S, exit=True)
