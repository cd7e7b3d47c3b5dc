"""Ways to ask the shop something: over a kept-alive connection, cheaply, or straight into its ASGI application."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import msgspec

Headers = Sequence[tuple[str, str]]
ANSWER_MAX_S = 30.0
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


class Door(Protocol):
    """Somewhere to send requests, one at a time."""

    async def ask(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        """The answer. Raises `ConnectionError`, and `TimeoutError` after `ANSWER_MAX_S`."""


class Wire(asyncio.Protocol):
    """One HTTP/1.1 connection to a server that tells the length of what it says (ours does; a chunked answer is refused).

    The server hangs up on who is silent for long: the next request dials again.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, port: int) -> "Wire":
        """Connect to 127.0.0.1."""
        wire = cls(port)
        await wire._dial()
        return wire

    async def _dial(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    async def ask(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        """Send a request and wait for its answer."""
        if self._transport is None:
            await self._dial()
        assert self._transport is not None
        self._received.clear()
        self._waiting = asyncio.get_running_loop().create_future()
        lines = f"Host: 127.0.0.1:{self._port}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers)
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._transport.write(f"{method} {path} HTTP/1.1\r\n{lines}{length}\r\n".encode() + body)
        return await asyncio.wait_for(self._waiting, ANSWER_MAX_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's word for connected."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        """Collect until head and body are there."""
        self._received += data
        end = self._received.find(_END)
        if end < 0 or self._waiting is None or self._waiting.done():
            return
        head = bytes(self._received[:end]).lower()
        try:
            status, length = int(head[9:12]), _length(head)
        except ValueError as error:
            self._waiting.set_exception(ConnectionError(str(error)))
            return
        if len(self._received) >= end + len(_END) + length:
            self._waiting.set_result(Answer(status, bytes(self._received[end + len(_END) :])))

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits is told."""
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(f"the server hung up: {error}"))


def _length(head: bytes) -> int:
    """Bytes of the body, from the head in lower case."""
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if found:
        return int(rest.partition(b"\r\n")[0])
    if head[9:12] == b"204":
        return 0
    raise ValueError(f"an answer without length: {head!r}")


class Inside:
    """Asks an ASGI application in this process."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def ask(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        """Call the application once."""
        given = [(name.lower().encode(), value.encode()) for name, value in headers]
        given += [(b"host", b"127.0.0.1"), (b"content-length", b"%d" % len(body))]
        given += [(b"content-type", b"application/json")] if body else []
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": given, "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 80), "state": {},
        }  # fmt: skip
        parts: list[bytes] = []
        status = 0
        begun = False

        async def receive() -> dict[str, Any]:
            nonlocal begun
            if begun:
                await asyncio.Event().wait()  # nobody hangs up
            begun = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            parts.append(message.get("body", b""))

        await asyncio.wait_for(self._app(scope, receive, send), ANSWER_MAX_S)
        return Answer(status, b"".join(parts))
