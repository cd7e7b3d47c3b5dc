"""What a plugin is given during the examination: a `Context` with real HTTP, real time, and ears everywhere."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from kassa.ports.payment import HttpReply, NotSent, ReplyLost

T = TypeVar("T")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class KitClock:
    """The wall clock and the event loop's. Real, because plugins with an SDK of their own see the real one too."""

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place of the kit; a clock cannot be injected into a stranger's SDK

    def monotonic(self) -> float:
        """Seconds of the running event loop."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)  # noqa: TID251 - as above


class KitHttp:
    """`kassa.ports.payment.Http` that calls `authority` and nobody else; who else was called is kept in `strangers`."""

    def __init__(self, authority: str) -> None:
        self._authority = authority
        self.strangers: list[str] = []
        self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, verify=False)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        timeout_s: float | None = None,
    ) -> HttpReply:
        """Any answer with a status line. Raises `NotSent` while nothing has left, `ReplyLost` after that."""
        authority = urlsplit(url).netloc
        if authority != self._authority:
            self.strangers.append(authority)
            raise NotSent(f"{authority} is not the provider of this instance")
        try:
            request = self._client.build_request(method, url, headers=list(headers), content=body, timeout=timeout_s)
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise NotSent(type(error).__name__) from None
        try:
            reply = await self._client.send(request)
        except _NEVER_SENT as error:
            raise NotSent(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise ReplyLost(type(error).__name__) from None
        return HttpReply(status=reply.status_code, headers=tuple(reply.headers.multi_items()), body=reply.content)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


class KitLog:
    """Keeps every line as it came, unmasked."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, **facts: str | int) -> None:
        """Keep it."""
        self.lines.append(f"{event} {facts}")

    def warning(self, event: str, **facts: str | int) -> None:
        """Keep it."""
        self.lines.append(f"{event} {facts}")


class Ear(logging.Handler):
    """Hears everything that goes through the standard library's logging while it is open."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines
        self._level = logging.root.level

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self._lines.append(f"{record.name}: {record.getMessage()} {record.exc_info or ''}")

    def __enter__(self) -> "Ear":
        self._level = logging.root.level
        logging.root.addHandler(self)
        logging.root.setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        logging.root.removeHandler(self)
        logging.root.setLevel(self._level)


class KitTools:
    """What all calls of one configured method share."""

    def __init__(self, authority: str) -> None:
        self.http, self.log, self.clock = KitHttp(authority), KitLog(), KitClock()
        self.keys: set[str] = set()
        """Every idempotency key that was handed out."""
        self._threads: ThreadPoolExecutor | None = None

    def run(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """In a thread."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(4, thread_name_prefix="kassa-conformance")
        return asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def close(self) -> None:
        """Close connections; do not wait for a thread that hangs."""
        await self.http.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


class KitContext:
    """The `Context` of one call, which may take `deadline_s` seconds from now."""

    def __init__(self, tools: KitTools, *, operation_id: str, deadline_s: float) -> None:
        self._tools, self._operation_id = tools, operation_id
        self._ends_at = tools.clock.monotonic() + deadline_s

    @property
    def deadline_s(self) -> float:
        """Seconds left."""
        return max(0.0, self._ends_at - self._tools.clock.monotonic())

    @property
    def http(self) -> "WithinDeadline":
        """The client; no request outlives the call."""
        return WithinDeadline(self, self._tools.http)

    @property
    def log(self) -> KitLog:
        """Keeps every line."""
        return self._tools.log

    @property
    def clock(self) -> KitClock:
        """Real time."""
        return self._tools.clock

    def key(self, step: str = "") -> str:
        """The operation's id, or one derived from it."""
        key = self._operation_id
        if step:
            key = hashlib.sha256(f"{key}/{step}".encode()).hexdigest()[:32]
        self._tools.keys.add(key)
        return key

    async def blocking(self, call: Callable[[], T]) -> T:
        """Run it in a thread."""
        return await self._tools.run(call)


class WithinDeadline:
    """The client of one call."""

    def __init__(self, context: KitContext, http: KitHttp) -> None:
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
        """Within what is left of the call."""
        left_s = self._context.deadline_s
        if left_s <= 0:
            raise NotSent("no time left")
        within_s = left_s if timeout_s is None else min(left_s, timeout_s)
        return await self._http.request(method, url, headers=headers, body=body, timeout_s=within_s)
