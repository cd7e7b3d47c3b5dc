"""What can become of a request between a plugin and its provider."""

from collections.abc import Callable
from dataclasses import dataclass

Headers = tuple[tuple[str, str], ...]
JSON: Headers = (("content-type", "application/json"),)
HTML: Headers = (("content-type", "text/html"),)


@dataclass(frozen=True)
class Fault:
    """The fate of one request. It always reaches the provider and is executed there; what comes back is:

    - nothing, the connection is reset (`drops`) or stays silent (`hangs`)
    - only after `delay_s` seconds, in pieces with `pause_s` between them
    - another status, other headers, another body (`status`, `headers`, `body`), or what `rewrites` makes of the true body
    - `broken`: a true head, half of the true body, and the end of the connection
    """

    name: str
    drops: bool = False
    hangs: bool = False
    broken: bool = False
    delay_s: float = 0.0
    pause_s: float = 0.0
    status: int | None = None
    headers: Headers | None = None
    body: bytes | None = None
    rewrites: Callable[[bytes], bytes] | None = None


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2] or b'{"id":"ch_1","status":"succee'


DROPPED = Fault("the reply is lost", drops=True)
HANGING = Fault("the provider does not answer", hangs=True)
BROKEN = Fault("the connection breaks in the middle of the reply", broken=True)
SLOW = Fault("the reply comes in small pieces", pause_s=0.01)

ERROR_500 = Fault("a 500 with an empty body", status=500, body=b"", headers=())
ERROR_502 = Fault("a gateway's 502 page", status=502, body=b"<html><h1>Bad gateway</h1></html>", headers=HTML)
ERROR_503 = Fault(
    "a 503 that says overloaded", status=503, body=b'{"error":{"code":"overloaded","message":"later"}}', headers=JSON
)
TRUNCATED = Fault("a reply that ends in the middle of its text", rewrites=_half)
HTML_PAGE = Fault("a 200 with a page of HTML", status=200, body=b"<!doctype html><title>Log in</title>", headers=HTML)
EMPTY = Fault("a 200 with an empty body", status=200, body=b"")
REDIRECT = Fault("a 302 that leads nowhere", status=302, body=b"", headers=())
NO_OBJECT = Fault("a 200 that says null", status=200, body=b"null", headers=JSON)
NO_LIST = Fault("a 200 that says []", status=200, body=b"[]", headers=JSON)
NO_TEXT = Fault("a 201 with bytes that are no text", status=201, body=b"\xff\xfe\x00", headers=JSON)

UNCLEAR = (ERROR_500, ERROR_502, ERROR_503, TRUNCATED, HTML_PAGE, EMPTY, REDIRECT, NO_OBJECT, NO_TEXT, BROKEN)
"""Replies from which nothing follows, whatever was asked. (`NO_LIST` answers a search.)"""
