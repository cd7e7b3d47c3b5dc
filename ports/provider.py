"""What the kernel's plugin guard needs from the outside to let plugins run: network, threads, a lane of their own."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from kassa.ports.payment import Http, Log
from kassa.ports.secret import Secret

T = TypeVar("T")


class ProviderTools(Protocol):
    """The tools of one configured method instance: its own HTTP client, threads and log, shared with no other."""

    @property
    def http(self) -> Http:
        """Guarded: connect and read time-outs, no redirect to another host, private addresses refused unless allowed."""

    @property
    def log(self) -> Log:
        """Masks the instance's secrets."""

    async def blocking(self, call: Callable[[], T]) -> T:
        """Run in the instance's own bounded threads. Raises `NotSent` when the queue is full: `call` was never begun."""

    async def close(self) -> None:
        """Close connections, let go of threads."""


class Providers(Protocol):
    """Hands out tools."""

    def tools(self, instance: str, *, allow_hosts: tuple[str, ...], secrets: tuple[Secret, ...]) -> ProviderTools:
        """Opens nothing yet."""


class NotBegun(Exception):
    """The call was taken back before the lane came to it: nothing of it ran, provably. Never leaves the kernel."""


class Lane(Protocol):
    """Where the code of one plugin instance runs, so that it holds up nobody but itself."""

    async def run(self, call: Callable[[], Coroutine[Any, Any, object]]) -> object:
        """Run `call()` to its end and hand on what it returns. Canceling cancels it there and waits until it has ended;
        raises `NotBegun` if it was canceled before it began."""

    @property
    def held_s(self) -> float:
        """For how many seconds the lane has not moved on because a call does not let go of it; 0 while it moves."""

    def work_s(self) -> float:
        """Seconds of work of the thread that asks, from an arbitrary start: waiting does not count where that is known."""

    async def close(self) -> None:
        """Let go of the lane; what still runs there is canceled, and not waited for beyond a second."""


class Lanes(Protocol):
    """Hands out lanes."""

    def lane(self, name: str, *, longest_s: float) -> Lane:
        """A lane of its own. A call that holds it for longer than `longest_s` is broken off where that can be done."""
