"""A shop's webhook endpoint, as small as it can be: it keeps what arrives and answers as told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Received:
    """One delivery: its signature header and its raw body."""

    signature: str
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    def signed_by(self, secret: str) -> bool:
        """Checked by the written rule, not by the sandbox's own code."""
        fields = dict(part.split("=", 1) for part in self.signature.split(","))
        mac = hmac.new(secret.encode(), fields["t"].encode() + b"." + self.body, hashlib.sha256)
        return hmac.compare_digest(mac.hexdigest(), fields["v1"])


class Receiver:
    """`statuses` are answered one by one, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses or (204,))
        self._server: asyncio.Server | None = None
        self.received: list[Received] = []
        self.url = ""

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            body = await reader.readexactly(int(headers["content-length"]))
            self.received.append(Received(headers["sandbox-signature"], body))
            status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
            writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sandbox was stopped in the middle of a delivery
        finally:
            writer.close()

    async def wait_for(self, count: int, timeout_s: float = 10.0) -> list[Received]:
        """The deliveries, once there are `count`; raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while len(self.received) < count:
                await asyncio.sleep(0.01)
        return self.received

    async def events(self, count: int) -> list[dict[str, Any]]:
        return [one.json for one in await self.wait_for(count)]
