"""How many calls of an instance are under way, and how many may wait for their turn."""

import asyncio

AT_ONCE, IN_QUEUE, NOTICES_IN_QUEUE = 16, 64, 512


class Overloaded(Exception):
    """There was no place, or no time: the call was never made."""


class Bulkhead:
    """At most `AT_ONCE` calls at once and `queue` waiting."""

    def __init__(self, queue: int) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self._under_way, self._waiting, self._queue = 0, 0, queue

    @property
    def under_way(self) -> int:
        """Calls that have a place."""
        return self._under_way

    @property
    def waiting(self) -> int:
        """Calls that wait for one."""
        return self._waiting

    async def enter(self, within_s: float) -> None:
        """Take a place. Raises `Overloaded`."""
        if self._free.locked():
            await self._queued(within_s)
        else:
            await self._free.acquire()
        self._under_way += 1

    async def _queued(self, within_s: float) -> None:
        if self._waiting >= self._queue:
            raise Overloaded("queue full")
        self._waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), max(within_s, 0))
        except TimeoutError:
            raise Overloaded("no turn before the deadline") from None
        finally:
            self._waiting -= 1

    def leave(self) -> None:
        """Give the place back."""
        self._under_way -= 1
        self._free.release()
