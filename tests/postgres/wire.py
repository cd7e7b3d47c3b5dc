"""Counts what is really sent: a proxy that reads PostgreSQL's frontend messages on their way to the server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Wire:
    """Counts messages by their type byte. `statements` are executions, BEGIN and COMMIT among them; `trips` are waits."""

    def __init__(self) -> None:
        self.messages: Counter[bytes] = Counter()

    @property
    def statements(self) -> int:
        """Simple queries and executions."""
        return self.messages[b"Q"] + self.messages[b"E"]

    @property
    def trips(self) -> int:
        """Simple queries and syncs: each is answered before the next is sent."""
        return self.messages[b"Q"] + self.messages[b"S"]

    def forget(self) -> None:
        """Begin at zero."""
        self.messages.clear()

    async def read(self, client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        """Pass messages on and count them. The first has no type byte (start-up)."""
        try:
            size = await client.readexactly(4)
            server.write(size + await client.readexactly(int.from_bytes(size, "big") - 4))
            while True:
                kind, size = await client.readexactly(1), await client.readexactly(4)
                self.messages[kind] += 1
                server.write(kind + size + await client.readexactly(int.from_bytes(size, "big") - 4))
                await server.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            server.close()


@asynccontextmanager
async def tapped(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the server of `url`, and the URL that leads through it."""
    wire, parts = Wire(), urlsplit(url)
    tasks: set[asyncio.Task[None]] = set()

    async def answer(server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            while chunk := await server.read(65536):
                client.write(chunk)
                await client.drain()
        except ConnectionError:
            pass
        finally:
            client.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, server = await asyncio.open_connection(parts.hostname, parts.port)
        for work in (wire.read(reader, server), answer(upstream, writer)):
            task = asyncio.create_task(work)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    credentials = parts.netloc.rpartition("@")[0]
    try:
        yield wire, parts._replace(netloc=f"{credentials}@127.0.0.1:{port}").geturl() + "?sslmode=disable"
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
