"""A proxy on loopback between a plugin and its provider: it keeps every request as it came, and breaks what is to be broken."""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass

import httpx

from .faults import Fault
from .subject import Asgi

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 1024 * 1024
_OF_ONE_CONNECTION = ("connection", "keep-alive", "transfer-encoding", "content-length", "expect", "accept-encoding")


@dataclass(frozen=True)
class Sent:
    """A request as it was on the wire; `target` is path and query, header names as they were written, in order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def changes(self) -> bool:
        """Whether it may do something, by its method (RFC 9110 §9.2.1)."""
        return self.method not in ("GET", "HEAD", "OPTIONS", "TRACE")

    def header(self, name: str) -> str:
        """The first value; empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True)
class Reply:
    """What goes back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class FaultProxy:
    """Listens on 127.0.0.1. `port` stays the same while it refuses. One request a connection, so that nothing is in a pool.

    `sent` and `arm` may be used from another thread; everything else belongs to its event loop.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.port = 0
        self.met = 0
        """How many requests met a fault since it was armed."""
        self._fault: Fault | None = None
        self._at: int | None = None
        self._count = 0
        self._upstream: httpx.AsyncClient | None = None
        self._server: asyncio.Server | None = None
        self._closed_port: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where plugins find their provider."""
        return f"http://127.0.0.1:{self.port}"

    def arm(self, fault: Fault | None, at: int | None = None) -> None:
        """From now on every request meets `fault`, or only the one with number `at`, counted from 0 now. None heals."""
        self._fault, self._at, self._count, self.met = fault, at, 0, 0

    # --- life

    async def open(self, app: Asgi | None, url: str) -> None:
        """Listen, in front of an application or of an address."""
        if app is not None:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            self._upstream = httpx.AsyncClient(transport=transport, trust_env=False, timeout=30)
        else:
            self._upstream = httpx.AsyncClient(base_url=url, trust_env=False, verify=False, timeout=30)
        await self.accept()

    async def close(self) -> None:
        """Close every connection."""
        await self._stop_listening()
        if self._closed_port is not None:
            self._closed_port.close()
            self._closed_port = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._upstream is not None:
            await self._upstream.aclose()

    async def accept(self) -> None:
        """Take connections (again)."""
        if self._closed_port is not None:
            self._closed_port.close()
            self._closed_port = None
        if self._server is None:
            self._server = await asyncio.start_server(
                self._connected, "127.0.0.1", self.port, reuse_address=True, limit=MAX_HEAD_BYTES
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Every connection is refused, as by a machine on which nothing listens. The port stays ours."""
        await self._stop_listening()
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", self.port))
        self._closed_port = held

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    # --- one request

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A plugin that hangs up, or speaks no HTTP, gets no answer: there is nobody to be told.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            try:
                sent = await _request(reader, writer)
                fault = self._fate()
                self.sent.append(sent)
                reply = _spoiled(await self._executed(sent), fault)
                await _answer(reader, writer, fault, reply)
            finally:
                writer.close()

    def _fate(self) -> Fault:
        number, self._count = self._count, self._count + 1
        if self._fault is None or self._at not in (None, number):
            return _PASS
        self.met += 1
        return self._fault

    async def _executed(self, sent: Sent) -> Reply:
        assert self._upstream is not None
        to_app = self._upstream.base_url.host == ""
        drop = _OF_ONE_CONNECTION if to_app else (*_OF_ONE_CONNECTION, "host")
        headers = [(name, value) for name, value in sent.headers if name.lower() not in drop]
        headers.append(("accept-encoding", "identity"))
        url = f"{self.url}{sent.target}" if to_app else sent.target
        try:
            reply = await self._upstream.request(sent.method, url, headers=headers, content=sent.body)
        except httpx.HTTPError:
            return Reply(502, (("content-type", "text/plain"),), b"the double does not answer")
        kept = tuple((name, value) for name, value in reply.headers.multi_items() if name not in _OF_ONE_CONNECTION)
        return Reply(reply.status_code, kept, reply.content)


_PASS = Fault("pass")


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Sent:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head[:-4].split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    sent = Sent(method, target, headers, b"")
    if sent.header("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in sent.header("transfer-encoding").lower():
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(min(int(sent.header("content-length") or 0), MAX_BODY_BYTES))
    return Sent(method, target, headers, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        if len(body) + size > MAX_BODY_BYTES:
            raise ValueError("too large")
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return bytes(body)


def _spoiled(reply: Reply, fault: Fault) -> Reply:
    body = reply.body if fault.body is None else fault.body
    return Reply(
        reply.status if fault.status is None else fault.status,
        reply.headers if fault.headers is None else fault.headers,
        body if fault.rewrites is None else fault.rewrites(body),
    )


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault, reply: Reply) -> None:
    if fault.drops:
        _reset(writer)
        return
    if fault.hangs:
        await reader.read(1)  # until the plugin hangs up or the check is over
        return
    if fault.delay_s:
        await _pause(fault.delay_s)
    lines = [f"HTTP/1.1 {reply.status} told", *(f"{name}: {value}" for name, value in reply.headers)]
    length = max(1, len(reply.body)) if fault.broken else len(reply.body)
    writer.write("\r\n".join([*lines, f"content-length: {length}", "connection: close", "", ""]).encode("latin-1"))
    body = reply.body[: len(reply.body) // 2] if fault.broken else reply.body
    step = max(1, len(body) // 8) if fault.pause_s else max(1, len(body))
    for start in range(0, len(body), step):
        writer.write(body[start : start + step])
        await writer.drain()
        if fault.pause_s:
            await _pause(fault.pause_s)


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN: the peer sees "connection reset", as from a machine that died."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _pause(seconds: float) -> None:
    done = asyncio.Event()
    handle = asyncio.get_running_loop().call_later(seconds, done.set)
    try:
        await done.wait()
    finally:
        handle.cancel()
