"""The two honest kinds of failure, and where a plugin may not call, on real sockets."""

import pytest

from kassa.adapters.provider_http import HttpxProviders
from kassa.adapters.provider_http.client import MAX_REPLY_BYTES
from kassa.ports.payment import NotSent, ReplyLost
from tests.provider_http.wire import Provider
from tests.servers.process import free_port


async def test_an_answer_is_an_answer_500_too(provider: Provider, tools):
    """Status, headers and body as they came."""
    provider.answer = b"HTTP/1.1 500 Oh\r\nX-A: 1\r\nContent-Length: 4\r\n\r\noops"
    reply = await tools.http.request("POST", f"http://127.0.0.1:{provider.port}/v1", headers=[("K", "v")], body=b"{}")
    assert (reply.status, reply.body) == (500, b"oops")
    assert ("x-a", "1") in reply.headers
    assert b"\r\nK: v\r\n" in provider.seen[0]


async def test_a_redirect_is_not_followed(provider: Provider, tools):
    """It is an answer like any other."""
    provider.answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    assert (await tools.http.request("GET", f"http://127.0.0.1:{provider.port}/")).status == 302


async def test_a_refused_connection_was_provably_not_sent():
    """It may become `NotExecuted`."""
    port = free_port()
    tools = HttpxProviders().tools("card", allow_hosts=(f"127.0.0.1:{port}",), secrets=())
    with pytest.raises(NotSent):
        await tools.http.request("POST", f"http://127.0.0.1:{port}/", body=b"{}")
    await tools.close()


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"HTTP/1.1 2", b"nonsense\r\n\r\n"]
)
async def test_half_an_answer_is_a_lost_reply(provider: Provider, tools, answer: bytes):
    """Something may have happened: never `NotSent`."""
    provider.answer = answer
    with pytest.raises(ReplyLost):
        await tools.http.request("POST", f"http://127.0.0.1:{provider.port}/", body=b"{}")


async def test_silence_is_a_lost_reply(provider: Provider, tools):
    """A time-out after the request has left."""
    provider.answer = None
    with pytest.raises(ReplyLost):
        await tools.http.request("POST", f"http://127.0.0.1:{provider.port}/", body=b"{}", timeout_s=0.3)


async def test_more_than_a_mebibyte_is_a_lost_reply(provider: Provider, tools):
    """No unbounded body."""
    size = MAX_REPLY_BYTES + 1
    provider.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    with pytest.raises(ReplyLost):
        await tools.http.request("GET", f"http://127.0.0.1:{provider.port}/")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/",
        "https://localhost:{port}/",
        "https://[::1]:{port}/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "http://example.invalid/",
        "http://user:pass@127.0.0.1:{port}/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "//127.0.0.1/",
        "https://127.0.0.1:99999/",
    ],
)
async def test_private_addresses_and_odd_urls_are_refused(provider: Provider, url: str):
    """Unless the configuration names the host; nothing reaches the provider."""
    tools = HttpxProviders().tools("card", allow_hosts=(), secrets=())
    with pytest.raises(NotSent):
        await tools.http.request("GET", url.format(port=provider.port))
    assert provider.seen == []
    await tools.close()
