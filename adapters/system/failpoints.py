"""Accidents on order, for tests: at a named point the process dies, waits or fails."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from kassa.ports.errors import SettingRefused
from kassa.ports.failpoints import NAMES


class NoFailpoints:
    """Nothing happens: what every shop that sells has."""

    async def reach(self, name: str) -> None:
        """Return at once."""


class FailpointReached(RuntimeError):
    """What a point set to `raise` raises: an error that nobody expects."""


@dataclass
class _Point:
    action: str
    seconds: float
    nth: int | None
    reached: int = field(default=0)

    def strikes(self) -> bool:
        self.reached += 1
        return self.nth is None or self.reached == self.nth


class SystemFailpoints:
    """Does at named points what `spec` says: `name=action[@n]`, separated by commas; with `@n` at the nth reach only.

    Actions are `kill` (SIGKILL to this process), `sleep:<seconds>` and `raise`. Raises `SettingRefused` for a name that
    is not in `kassa.ports.failpoints.NAMES` or an action that is none. `on_reach` is told every name, for interleaving.
    """

    def __init__(self, spec: str, *, on_reach: Callable[[str], None] | None = None) -> None:
        self._points = dict(_parse(item) for item in spec.split(",") if item.strip())
        self._on_reach = on_reach

    async def reach(self, name: str) -> None:
        """Do what was ordered for `name`."""
        if self._on_reach is not None:
            self._on_reach(name)
        point = self._points.get(name)
        if point is None or not point.strikes():
            return
        if point.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif point.action == "sleep":
            await asyncio.sleep(point.seconds)
        else:
            raise FailpointReached(name)


def _parse(item: str) -> tuple[str, _Point]:
    name, _, order = item.strip().partition("=")
    if name not in NAMES:
        raise SettingRefused(f"failpoint {name!r} is not known; known are {', '.join(NAMES)}")
    order, _, nth = order.partition("@")
    action, _, seconds = order.partition(":")
    try:
        point = _Point(action, float(seconds or 0), int(nth) if nth else None)
    except ValueError:
        raise SettingRefused(
            f"failpoint {item!r}: write name=kill, name=sleep:0.2 or name=raise, with @n or without"
        ) from None
    if action not in ("kill", "sleep", "raise") or not 0 <= point.seconds <= 3600 or (nth and point.nth == 0):
        raise SettingRefused(f"failpoint {item!r}: the action is one of kill, sleep:<seconds>, raise")
    return name, point
