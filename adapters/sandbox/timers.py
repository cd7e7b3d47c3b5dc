"""What happens by itself: a late success comes, a virtual account expires. Re-armed from the books after a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .model import Charge, Payable

_SLEEP_MAX_S = 24 * 3600.0


def due_ms(payable: Payable) -> int | None:
    """The next moment at which this object changes by itself, milliseconds UTC; None if it never does."""
    moments = [m.due_ms for m in payable.movements if m.status == "pending" and m.due_ms is not None]
    if not isinstance(payable, Charge) and payable.status in ("open", "partially_paid"):
        moments += [payable.expires_at * 1000] if payable.expires_at is not None else []
    return min(moments, default=None)


class Timers:
    """One timer for each object that waits; `ring` is called with its id when its time has come."""

    def __init__(self, ring: Callable[[str], None]) -> None:
        self._ring = ring
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def arm(self, payable: Payable) -> None:
        """Set, move or remove the timer of one object, by what the object says now."""
        self._cancel(payable.id)
        moment_ms = due_ms(payable)
        if moment_ms is not None:
            wait_s = min(max(0.0, moment_ms / 1000 - time.time()), _SLEEP_MAX_S)
            loop = asyncio.get_running_loop()
            self._handles[payable.id] = loop.call_later(wait_s, self._fire, payable.id)

    def _fire(self, payable_id: str) -> None:
        self._handles.pop(payable_id, None)
        self._ring(payable_id)

    def _cancel(self, payable_id: str) -> None:
        handle = self._handles.pop(payable_id, None)
        if handle is not None:
            handle.cancel()

    def clear(self) -> None:
        for payable_id in list(self._handles):
            self._cancel(payable_id)
