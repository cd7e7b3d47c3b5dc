"""Everything that holds for every answer, in one thin ASGI layer: ids, security headers, CORS, HEAD, log, metrics."""

from typing import Any, Final

import structlog
from litestar.types import ASGIApp, Message, Receive, Send

from . import defects, problems
from .endpoint import write
from .metrics import Metrics
from .refusals import Malformed
from .settings import HttpSettings, HttpShop
from .visit import HeaderList, Visit, begin, every, single

JSON_CSP: Final = b"default-src 'none'; frame-ancestors 'none'"
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", JSON_CSP),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
)
_METHODS: Final = b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_ASKED: Final = b"Authorization, Content-Type, Idempotency-Key, If-Match, Traceparent, X-Request-Id"
_TOLD: Final = b"ETag, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"


class Gate:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, shop: HttpShop, settings: HttpSettings, metrics: Metrics) -> None:
        self._app = app
        self._ids = shop.ids
        self._clock = shop.clock
        self._trusted = settings.trusted_proxies
        self._origins = frozenset(origin.encode() for origin in settings.cors_origins)
        self._metrics = metrics
        self._always: tuple[tuple[bytes, bytes], ...] = _ALWAYS
        if settings.public_url.startswith("https://"):
            self._always += ((b"strict-transport-security", b"max-age=31536000"),)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request; other scopes pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = begin(scope, self._ids, self._trusted)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=visit.request_id)
        method, started = str(scope["method"]), self._clock.monotonic()
        outgoing = _Outgoing(send, self._headers(visit, scope["headers"]), visit, bare=method == "HEAD")
        try:
            await self._enter(scope, visit, receive, outgoing)
        except Exception as error:
            defects.note(error, visit)
            if outgoing.status:
                raise
            await write(problems.internal(visit.request_id), outgoing)
        finally:
            self._close(visit, method, outgoing.status, self._clock.monotonic() - started)

    async def _enter(self, scope: Any, visit: Visit, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method == "OPTIONS" and self._origins and single(scope["headers"], b"access-control-request-method"):
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if method == "HEAD":
            scope["method"] = "GET"
        if len(every(scope["headers"], b"host")) > 1:  # RFC 9112 §3.2
            await write(problems.answer(Malformed("more than one Host"), visit.request_id), send)
            return
        await self._app(scope, receive, send)

    def _headers(self, visit: Visit, asked: Any) -> HeaderList:
        headers = [*self._always, (b"x-request-id", visit.request_id.encode())]
        if visit.trace:
            headers.append((b"traceparent", visit.trace.encode()))
        if self._origins:
            headers.append((b"vary", b"Origin"))
            origin = single(asked, b"origin")
            if origin and origin.encode("latin-1") in self._origins:
                headers += [
                    (b"access-control-allow-origin", origin.encode("latin-1")),
                    (b"access-control-allow-credentials", b"true"),
                    (b"access-control-allow-methods", _METHODS),
                    (b"access-control-allow-headers", _ASKED),
                    (b"access-control-expose-headers", _TOLD),
                    (b"access-control-max-age", b"600"),
                ]
        return headers

    def _close(self, visit: Visit, method: str, status: int, seconds: float) -> None:
        """One line and one observation per request: never a path, a query, a header or a body."""
        self._metrics.seen(method, visit.route, status, seconds)
        structlog.get_logger("kassa.access").info(
            "request",
            method=method[:16],
            route=visit.route,
            status=status,
            ms=round(seconds * 1000, 2),
            address=visit.address,
            account=visit.account_id,
            trace=visit.trace,
            request_id=visit.request_id,
        )


class _Outgoing:
    """A `send` that completes the headers, and drops the body of an answer to HEAD."""

    __slots__ = ("_bare", "_headers", "_send", "_visit", "status")

    def __init__(self, send: Send, headers: HeaderList, visit: Visit, *, bare: bool) -> None:
        self._send = send
        self._headers = headers
        self._visit = visit
        self._bare = bare
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = [_complete(bytes(name).lower(), bytes(value)) for name, value in message["headers"]]
            named = {name for name, _ in given} - {b"vary"}  # a list: more of it may stand on a line of its own
            more = [pair for pair in (*self._headers, *self._visit.headers) if pair[0] not in named]
            message = {**message, "headers": [*given, *more]}
        elif self._bare and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _complete(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Whoever answers GET answers HEAD (RFC 9110 §9.3.2)."""
    methods = {method.strip() for method in value.split(b",")} if name == b"allow" else set()
    return (name, b", ".join(sorted(methods | {b"HEAD"}))) if b"GET" in methods else (name, value)
