"""What a plugin may use during one call, and only then."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from kassa.ports.clock import Clock
from kassa.ports.payment import Http, HttpReply, Log, NotSent
from kassa.ports.provider import ProviderTools

T = TypeVar("T")
_SHORTEST_S = 0.001


class GuardedContext:
    """The `Context` of one call."""

    def __init__(self, *, key: str, step: str, ends_at: float, tools: ProviderTools, clock: Clock) -> None:
        self._key, self._step, self._ends_at, self._tools, self._clock = key, step, ends_at, tools, clock

    @property
    def deadline_s(self) -> float:
        """Seconds left."""
        return max(0.0, self._ends_at - self._clock.monotonic())

    @property
    def http(self) -> Http:
        """The instance's client; no request outlives the call."""
        return _WithinDeadline(self, self._tools.http)

    @property
    def log(self) -> Log:
        """The instance's log."""
        return self._tools.log

    @property
    def clock(self) -> Clock:
        """Time."""
        return self._clock

    def key(self, step: str = "") -> str:
        """The operation's id, or SHA-256 of it and the step (32 hexadecimal digits): equal at every attempt."""
        steps = [part for part in (self._step, step) if part]
        if not steps:
            return self._key
        return hashlib.sha256("/".join([self._key, *steps]).encode()).hexdigest()[:32]

    async def blocking(self, call: Callable[[], T]) -> T:
        """In the instance's own threads."""
        return await self._tools.blocking(call)


class _WithinDeadline:
    def __init__(self, context: GuardedContext, http: Http) -> None:
        self._context, self._http = context, http

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        timeout_s: float | None = None,
    ) -> HttpReply:
        """As the instance's client, within what is left of the call."""
        left_s = self._context.deadline_s
        if left_s < _SHORTEST_S:
            raise NotSent("no time left")
        within_s = left_s if timeout_s is None else min(left_s, timeout_s)
        return await self._http.request(method, url, headers=headers, body=body, timeout_s=within_s)
