"""A provider on a real socket that writes what it is told."""

import asyncio


class Provider:
    """A server that reads a request and writes what it is told, then closes."""

    def __init__(self) -> None:
        self.answer: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        self.seen: list[bytes] = []
        self.port = 0
        self.drip_s = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def answers(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """An answer with these header lines."""
        lines = "".join(f"{line}\r\n" for line in headers)
        self.answer = f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.seen.append(await reader.readuntil(b"\r\n\r\n"))
            if self.answer is None:
                await asyncio.sleep(30)
            elif self.drip_s:
                for letter in self.answer:
                    writer.write(bytes([letter]))
                    await writer.drain()
                    await asyncio.sleep(self.drip_s)
            else:
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
