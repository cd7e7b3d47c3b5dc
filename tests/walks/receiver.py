"""An integrator's server: takes webhooks on loopback, verifies them, can be away, and can have the shop killed under it."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.servers.process import free_port

Reply = bytes | Callable[[], Awaitable[bytes]]
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True)
class Letter:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)  # type: ignore[no-any-return]


def is_genuine(letter: Letter, secret: str) -> bool:
    """Standard Webhooks 1.0.0, read from the specification: nothing of the shop's own code."""
    stamp = letter.headers["webhook-timestamp"]
    signed = letter.id.encode() + b"." + stamp.encode() + b"." + letter.body
    digest = hmac.new(base64.b64decode(secret[len("whsec_") :]), signed, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(digest).decode()
    return abs(time.time() - int(stamp)) < 300 and wanted in letter.headers["webhook-signature"].split()


class Receiver:
    """Keeps its port while it comes and goes. `reply` is what it answers; a coroutine function is asked each time."""

    def __init__(self) -> None:
        self.port = free_port()
        self.letters: list[Letter] = []
        self.reply: Reply = OK
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/kassa"

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def down(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def until(self, count: int, within_s: float = 40) -> list[Letter]:
        """The letters, once there are so many; fails when they do not come."""
        for _ in range(int(within_s / 0.05)):
            if len(self.letters) >= count:
                return self.letters
            await asyncio.sleep(0.05)
        raise AssertionError(f"{len(self.letters)} letters of {count}: {[one.json['type'] for one in self.letters]}")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines[1:] if line)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.letters.append(Letter(headers, body))
            writer.write(self.reply if isinstance(self.reply, bytes) else await self.reply())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
