"""A TCP proxy that misbehaves on demand, between the shop and whatever it talks to.

    async with FaultProxy("127.0.0.1", database_port) as proxy:
        proxy.fault = Fault(cut_response=True)

A fault takes effect at once, on open connections too; `Fault()` heals everything that is still open.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass

_CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class Fault:
    """What goes wrong. Nothing does by default.

    - `latency_ms`: every chunk is held back that long, in both directions
    - `blackhole`: what arrives is kept and delivered only after the healing; the connection stays open
    - `refuse`: new connections are reset
    - `reset_after_bytes`: a connection is reset once it carried more than that, counted over both directions
    - `slice_bytes`: data is delivered in pieces of that size
    - `cut_response`: requests get through, the first byte of an answer resets the connection: the outcome is unknown
    """

    latency_ms: float = 0
    blackhole: bool = False
    refuse: bool = False
    reset_after_bytes: int | None = None
    slice_bytes: int | None = None
    cut_response: bool = False


class FaultProxy:
    """Listens on 127.0.0.1, a free `port`, and passes bytes to the upstream address until told otherwise."""

    def __init__(self, upstream_host: str, upstream_port: int) -> None:
        self._upstream = (upstream_host, upstream_port)
        self._fault = Fault()
        self._changed = asyncio.Event()
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.connections = 0
        """How many connections were ever asked for."""

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("the proxy is not running")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault = fault
        self._changed.set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> FaultProxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is None:
            return
        self._server.close()
        self.kill_all()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def kill_all(self) -> None:
        """Reset every open connection."""
        for client in self._clients:
            _reset(client)

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # Cancelled only by closing the proxy: there is nobody left to be told.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._connect(reader, client)

    async def _connect(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self._fault.refuse:
            _reset(client)
            return
        try:
            upstream_reader, upstream = await asyncio.open_connection(*self._upstream)
        except OSError:
            _reset(client)
            return
        connection = _Connection(self, client)
        self._clients.add(client)
        there = asyncio.create_task(connection.pump(reader, upstream, answers=False))
        back = asyncio.create_task(connection.pump(upstream_reader, client, answers=True))
        try:
            # A half-closed connection still carries the other direction; a reset one carries nothing.
            await asyncio.gather(there, back)
        finally:
            self._clients.discard(client)
            # First, because closing the proxy may cancel the wait below.
            upstream.transport.abort()
            client.transport.abort()
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)

    async def changed(self) -> None:
        """Wait until the fault is set anew."""
        await self._changed.wait()


class _Connection:
    """Two directions of one connection, and the bytes they carried together."""

    def __init__(self, proxy: FaultProxy, client: asyncio.StreamWriter) -> None:
        self._proxy, self._client = proxy, client
        self._carried_bytes = 0

    async def pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answers: bool) -> None:
        """Carry one direction to its end. Raises ConnectionResetError when the fault asks for it."""
        while chunk := await source.read(_CHUNK_BYTES):
            while self._proxy.fault.blackhole:
                await self._proxy.changed()
            fault = self._proxy.fault
            if fault.latency_ms:
                await asyncio.sleep(fault.latency_ms / 1000)
            self._carried_bytes += len(chunk)
            over = fault.reset_after_bytes is not None and self._carried_bytes > fault.reset_after_bytes
            if over or (answers and fault.cut_response):
                _reset(self._client)
                raise ConnectionResetError
            step = fault.slice_bytes or len(chunk)
            for start in range(0, len(chunk), step):
                target.write(chunk[start : start + step])
                await target.drain()
                if fault.slice_bytes:
                    await asyncio.sleep(0)
        if target.can_write_eof():
            target.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN: the peer sees "connection reset", as from a machine that died."""
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
