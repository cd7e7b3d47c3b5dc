"""The other end of an SMTP connection: just enough of RFC 5321 to receive."""

from __future__ import annotations

import asyncio


class SmtpServer:
    """Listens on loopback and keeps every message it accepted, as the bytes that came."""

    def __init__(self) -> None:
        self.accepted: list[bytes] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> SmtpServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test ESMTP\r\n")
        while line := await reader.readline():
            command = line.strip().upper()
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                await self._receive(reader)
            writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 OK\r\n")
            await writer.drain()
            if command == b"QUIT":
                break
        writer.close()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        lines = []
        while (line := await reader.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        self.accepted.append(b"".join(lines))
