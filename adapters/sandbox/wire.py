"""Requests and answers, the table of routes, and the RSGI application that granian calls."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import stat
import struct
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qs

import msgspec
from granian.rsgi import HTTPProtocol, ProtocolClosed, Scope  # type: ignore[attr-defined]

from .model import Refused

BODY_MAX_BYTES = 64 * 1024
T = TypeVar("T")


class Answer(msgspec.Struct):
    """What goes back. `ending`: whole, broken off in the middle, or the connection closed without a byte."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = []
    ending: Literal["whole", "truncated", "reset"] = "whole"


class Request(msgspec.Struct, frozen=True):
    """One request, its body read. `gone` returns when the caller has hung up."""

    method: str
    path: str
    query: dict[str, str]
    header: Callable[[str], str | None]
    body: bytes
    gone: Callable[[], Awaitable[Any]]
    params: dict[str, str] = {}

    def json(self, shape: type[T]) -> T:
        """The body, strictly: no coercion, no unknown field. An empty body is an empty object. Raises Refused 400."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=shape)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Refused(400, "invalid_request", str(error)) from error

    def form(self) -> dict[str, str]:
        return _first_values(self.body.decode("utf-8", "replace"))


Handler = Callable[[Request], Awaitable[Answer]]
Route = tuple[str, str, Handler]


def json_answer(status: int, value: object, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    return Answer(status, msgspec.json.encode(value), headers=list(headers))


def error_answer(status: int, code: str, message: str) -> Answer:
    return json_answer(status, {"error": {"code": code, "message": message}})


class Application:
    """Routes `(method, "/path/{name}", handler)`; `before_answer` runs before anything goes out, errors included."""

    def __init__(self, routes: Sequence[Route], before_answer: Callable[[], Awaitable[None]]) -> None:
        self._routes = [(method, _pattern(path), handler) for method, path, handler in routes]
        self._before_answer = before_answer

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        try:
            answer = await self._answer(scope, protocol)
        except Refused as error:
            answer = error_answer(error.status, error.code, error.message)
        except Exception as error:
            # The process must outlive its bugs, or one hides every later witness.
            print(f"sandbox: {scope.method} {scope.path}: {error!r}", file=sys.stderr, flush=True)
            answer = error_answer(500, "internal_error", "the sandbox failed; see its standard error")
        try:
            await self._before_answer()
        except OSError as error:
            print(f"sandbox: the journal cannot be written: {error}", file=sys.stderr, flush=True)
            answer = error_answer(503, "journal_unwritable", "the journal cannot be written")
        with suppress(ProtocolClosed):
            await _send(scope, protocol, answer)

    async def _answer(self, scope: Scope, protocol: HTTPProtocol) -> Answer:
        allowed = []
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(scope.path)
            if match is None:
                continue
            if method == scope.method:
                body = await _body(protocol)
                request = Request(
                    method=method,
                    path=scope.path,
                    query=_first_values(scope.query_string),
                    header=scope.headers.get,
                    body=body,
                    gone=protocol.client_disconnect,
                    params=match.groupdict(),
                )
                return await handler(request)
            allowed.append(method)
        if allowed:
            answer = error_answer(405, "method_not_allowed", "this path takes another method")
            answer.headers.append(("allow", ", ".join(sorted(allowed))))
            return answer
        raise Refused(404, "not_found", "there is nothing at this path")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def _first_values(query: str) -> dict[str, str]:
    try:
        return {name: values[0] for name, values in parse_qs(query, max_num_fields=50).items()}
    except ValueError as error:
        raise Refused(400, "invalid_request", str(error)) from error


async def _body(protocol: HTTPProtocol) -> bytes:
    body = b""
    async for chunk in protocol:
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise Refused(413, "too_large", f"a body has at most {BODY_MAX_BYTES} bytes")
    return body


async def _send(scope: Scope, protocol: HTTPProtocol, answer: Answer) -> None:
    if answer.ending == "reset":
        _close_connection(scope.client)
        return
    headers = [("content-type", answer.content_type), ("cache-control", "no-store"), *answer.headers]
    if answer.ending == "truncated":
        headers.append(("content-length", str(len(answer.body))))
        stream = protocol.response_stream(answer.status, headers)
        await stream.send_bytes(answer.body[: len(answer.body) // 2])
        await asyncio.sleep(0.05)  # let the half go out before the line is cut
        _close_connection(scope.client)
        return
    protocol.response_bytes(answer.status, headers, answer.body)


def _close_connection(peer: str) -> None:
    """Cut the TCP connection to `peer`. An HTTP server offers no such thing, but its sockets are ours: same process."""
    host, _, port = peer.rpartition(":")
    descriptors = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in os.listdir(descriptors):
        with suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            connection = socket.socket(fileno=os.dup(int(name)))
        with suppress(OSError), connection:
            if connection.getpeername()[:2] == (host.strip("[]"), int(port)):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
