"""Bytes that no HTTP library would send, to a shop behind its real server: refused, and the next customer is served."""

import asyncio

import httpx
import pytest

from tests.walks.shop import ServedShop

JSON = b"Content-Type: application/json\r\n"
CASES = {
    "nothing that is HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no host": b"GET /v1/cart HTTP/1.1\r\n\r\n",
    "another host": b"GET /v1/cart HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    "a host with a path": b"GET /v1/cart HTTP/1.1\r\nHost: evil.test/../x\r\n\r\n",
    "two hosts": b"GET /v1/cart HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "an absolute target": b"GET http://evil.test/v1/cart HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target that is none": b"GET v1/cart HTTP/1.1\r\nHost: a\r\n\r\n",
    "a path that is not UTF-8": b"GET /v1/products/%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n",
    "raw bytes in the path": b"GET /v1/products/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    "a query that is not UTF-8": b"GET /v1/products?q=%ff HTTP/1.1\r\nHost: a\r\n\r\n",
    "half an escape": b"GET /v1/products/%f HTTP/1.1\r\nHost: a\r\n\r\n",
    "a path of 60 KB": b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a header of 600 KB": b"GET /v1/cart HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 600_000 + b"\r\n\r\n",
    "1,000 headers": b"GET /v1/cart HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1_000 + b"\r\n",
    "NUL in a header": b"GET /v1/cart HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\x00b\r\n\r\n",
    "a folded header": b"GET /v1/cart HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "space before a colon": b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\n{}",
    "two lengths": b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\n"
    + JSON
    + b"Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}",
    "a negative length": b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\n" + JSON + b"Content-Length: -2\r\n\r\n{}",
    "a length with a sign": b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\n" + JSON + b"Content-Length: +2\r\n\r\n{}",
    "an enormous length": b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\n"
    + JSON
    + b"Content-Length: 999999999999\r\n\r\n{}",
    "a coding nobody knows": b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks that are none": b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\n"
    + JSON
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an enormous chunk": b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\n"
    + JSON
    + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    "length and chunks": b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\n"
    + JSON
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a version nobody knows": b"GET /v1/cart HTTP/9.9\r\nHost: a\r\n\r\n",
    "a method of spaces": b"   /v1/cart HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method nobody knows": b"BREW /v1/cart HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n",
    "everything": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "an upgrade": b"GET /v1/cart HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
}


async def say(shop: ServedShop, data: bytes) -> bytes:
    """What comes back, until the server hangs up or has said its headers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    answer = b""
    try:
        writer.write(data)
        async with asyncio.timeout(20):
            while b"\r\n\r\n" not in answer and (part := await reader.read(65_536)):
                answer += part
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return answer


@pytest.mark.parametrize("data", CASES.values(), ids=CASES)
async def test_bytes_that_no_library_sends(embedded: ServedShop, data: bytes) -> None:
    answer = await say(embedded, data)
    assert 400 <= int(answer.split(b" ", 2)[1]) < 500, answer[:200]
    async with httpx.AsyncClient(base_url=embedded.url, trust_env=False, timeout=30) as client:
        assert (await client.get("/health/live")).status_code == 200


async def test_a_request_within_a_body_is_no_request(embedded: ServedShop) -> None:
    """The inner request is the outer one's body by its length: one answer."""
    inner = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
    outer = b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\n" + JSON + b"Content-Length: %d\r\nConnection: close\r\n\r\n"
    answer = await say(embedded, outer % len(inner) + inner)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


async def test_many_who_never_finish_stop_nobody(embedded: ServedShop) -> None:
    """Fifty half requests are open; the next customer is served."""
    held = [await asyncio.open_connection("127.0.0.1", embedded.port) for _ in range(50)]
    try:
        for _, writer in held:
            writer.write(b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\n" + JSON + b"Content-Length: 100\r\n\r\n{")
        async with httpx.AsyncClient(base_url=embedded.url, trust_env=False, timeout=30) as client:
            assert (await client.get("/v1/products")).status_code == 200
    finally:
        for _, writer in held:
            writer.close()
