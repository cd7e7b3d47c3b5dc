"""What a provider double made from documentation is served with: JSON over ASGI, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec


class Asked(NamedTuple):
    """A request: method, path, header names in lower case, raw body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Told(NamedTuple):
    """An answer: JSON, or `raw` bytes."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None


class JsonApp:
    """An ASGI application of one synchronous function."""

    def __init__(self, answer: Callable[[Asked], Told]) -> None:
        self._answer = answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        told = self._answer(Asked(scope["method"], scope["path"], headers, body))
        content = told.raw if told.raw is not None else (b"" if told.body is None else msgspec.json.encode(told.body))
        lines = [(b"content-type", b"application/json"), *((n.encode(), v.encode()) for n, v in told.headers)]
        await send({"type": "http.response.start", "status": told.status, "headers": lines})
        await send({"type": "http.response.body", "body": content})
