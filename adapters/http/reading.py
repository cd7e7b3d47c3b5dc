"""Takes a body off the wire: within size and time, and as what its route says it is."""

import asyncio
import re
from typing import Any

from litestar.types import Receive

from .card_numbers import holds_card_number
from .decoding import decode
from .refusals import (
    BodyTooLarge,
    BodyTooSlow,
    CardNumberRefused,
    Malformed,
    UnsupportedContent,
)
from .route import Route
from .visit import HeaderList, every, single

_JSON_TYPE = re.compile(r'application/json(?:[ \t]*;[ \t]*charset="?utf-8"?)?', re.IGNORECASE)


async def whole_body(receive: Receive, headers: HeaderList, *, limit: int, within_s: float) -> bytes:
    """The raw body. Raises `BodyTooLarge` as soon as that is known, `BodyTooSlow` after `within_s` seconds."""
    declared = single(headers, b"content-length")
    if declared is not None and declared.isdigit() and int(declared[:20]) > limit:
        raise BodyTooLarge(limit)
    try:
        async with asyncio.timeout(within_s):
            return await _collect(receive, limit)
    except TimeoutError:
        raise BodyTooSlow(f"not whole within {within_s} s") from None


async def _collect(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BodyTooSlow("the sender went away")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(limit)
        if chunk:
            chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def json_body(receive: Receive, headers: HeaderList, route: Route, *, limit: int, within_s: float) -> Any:
    """The decoded body of a route that has one; None for a route that has none and was sent none."""
    if route.body is None and route.method == "GET":
        return None
    if route.body is not None and not route.body_optional:
        check_content(headers)
    raw = await whole_body(receive, headers, limit=limit, within_s=within_s)
    if route.body is None or (route.body_optional and not raw):
        if raw:
            raise Malformed("this address takes no body", "$")
        return route.body() if route.body else None
    check_content(headers)
    body = decode(raw, route.body)
    for field in route.free_text:
        text = getattr(body, field, None)
        if isinstance(text, str) and holds_card_number(text):
            raise CardNumberRefused(field)
    return body


def check_type(headers: HeaderList, types: tuple[str, ...]) -> None:
    """One of these media types (`text/*` is each of text), not encoded; without `types` anything."""
    if not types:
        return
    kind = (single(headers, b"content-type") or "").partition(";")[0].strip().lower()
    if not {kind, kind.partition("/")[0] + "/*"} & set(types) or every(headers, b"content-encoding"):
        raise UnsupportedContent(f"not {', '.join(types)}")


def check_content(headers: HeaderList) -> None:
    """Exactly JSON: a form or plain text could come from another site's page without asking (RFC 9110 §8.3)."""
    kind = single(headers, b"content-type")
    if kind is None or not _JSON_TYPE.fullmatch(kind) or every(headers, b"content-encoding"):
        raise UnsupportedContent("not application/json")
