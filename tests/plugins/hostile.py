"""A provider that answers whatever a test says, true or not, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

from kassa.adapters.provider_http import HttpxProviders
from tests.plugins.till import Till


@dataclass(frozen=True)
class Asked:
    """One request: method, path with its query, body."""

    method: str
    path: str
    body: bytes


class HostileProvider:
    """It says its `replies` one after the other, the last one for ever: `(status, body)`; a body that is no bytes is JSON."""

    def __init__(self) -> None:
        self._replies: list[tuple[int, Any]] = []
        self.asked: list[Asked] = []
        self.host = ""

    def says(self, *replies: tuple[int, Any]) -> None:
        """From now on."""
        self._replies, self.asked = list(replies), []

    async def __aenter__(self) -> HostileProvider:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.host = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *rest = head.split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in rest if ": " in line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            method, path, _ = first.split(" ", 2)
            self.asked.append(Asked(method, path, body))
            status, told = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
            content = told if isinstance(told, bytes) else json.dumps(told).encode()
            writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n".encode())
            writer.write(content)
            await writer.drain()
        finally:
            writer.close()

    def till(self, honest: Till) -> Till:
        """The same method, with its account here."""
        tools = HttpxProviders().tools(honest.name, allow_hosts=(self.host,), secrets=())
        return replace(honest.with_settings(base_url=f"http://{self.host}"), tools=tools)
