"""Where a webhook goes and where it never goes, on real sockets."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kassa.adapters.webhook_out import HttpxWebhookSender, addresses
from kassa.ports.addresses import is_public
from kassa.ports.deliveries import Sent
from kassa.ports.errors import InvalidValue

HEADERS = (("webhook-id", "msg_1"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,x"))
HERE = Path(__file__).parent
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver:
    """A server that reads a request and writes what it is told."""

    def __init__(self) -> None:
        self.answer = OK
        self.slowly_s = 0.0
        self.seen: list[bytes] = []
        self.names: list[str | None] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.seen.append(head + await reader.read(65_536))
            await asyncio.sleep(self.slowly_s)
            writer.write(self.answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """One on loopback."""
    there = Receiver()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    there.port = server.sockets[0].getsockname()[1]
    yield there
    server.close()


@pytest.fixture
async def sender(receiver: Receiver) -> AsyncIterator[HttpxWebhookSender]:
    """One that may call the receiver, and nothing else that is not public."""
    made = HttpxWebhookSender((f"127.0.0.1:{receiver.port}",))
    yield made
    await made.close()


async def send(sender: HttpxWebhookSender, url: str, *, timeout_s: float = 5) -> Sent:
    return await sender.send(url, headers=HEADERS, body=b'{"a":1}', timeout_s=timeout_s)


async def test_a_message_is_posted_as_it_is(receiver: Receiver, sender: HttpxWebhookSender) -> None:
    assert await send(sender, f"http://127.0.0.1:{receiver.port}/hook?key=7") == Sent(status=204)
    (request,) = receiver.seen
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?key=7 HTTP/1.1\r\n")
    assert body == b'{"a":1}'
    for line in (b"webhook-id: msg_1", b"Content-Type: application/json", b"User-Agent: Kassa-Webhooks"):
        assert line in head.split(b"\r\n")


@pytest.mark.parametrize("status", [200, 301, 302, 307, 308, 404, 410, 429, 500])
async def test_a_status_is_told_and_no_redirect_followed(
    receiver: Receiver, sender: HttpxWebhookSender, status: int
) -> None:
    where = f"Location: http://127.0.0.1:{receiver.port}/secret\r\n".encode()
    receiver.answer = b"HTTP/1.1 %d X\r\n%sContent-Length: 2\r\n\r\nok" % (status, where)
    assert await send(sender, f"http://127.0.0.1:{receiver.port}/") == Sent(status=status)
    assert len(receiver.seen) == 1


async def test_the_answers_body_is_not_waited_for(receiver: Receiver, sender: HttpxWebhookSender) -> None:
    receiver.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nfirst bytes of many"
    assert await send(sender, f"http://127.0.0.1:{receiver.port}/") == Sent(status=200)


async def test_cookies_are_not_kept(receiver: Receiver, sender: HttpxWebhookSender) -> None:
    receiver.answer = b"HTTP/1.1 204 X\r\nSet-Cookie: a=b\r\n\r\n"
    for _ in range(2):
        await send(sender, f"http://127.0.0.1:{receiver.port}/")
    assert b"cookie" not in receiver.seen[1].lower()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"", "the answer is not HTTP"), (b"nonsense\r\n\r\n", "the answer is not HTTP"), (b"HTTP/1.1 2", "the answer")],
)
async def test_what_is_no_answer_is_a_reason(
    receiver: Receiver, sender: HttpxWebhookSender, answer: bytes, reason: str
) -> None:
    receiver.answer = answer
    sent = await send(sender, f"http://127.0.0.1:{receiver.port}/")
    assert sent.status is None
    assert sent.reason.startswith(reason)


async def test_silence_ends_with_the_timeout(receiver: Receiver, sender: HttpxWebhookSender) -> None:
    receiver.slowly_s = 30
    started = time.monotonic()
    sent = await send(sender, f"http://127.0.0.1:{receiver.port}/", timeout_s=0.3)
    assert sent == Sent(status=None, reason="no answer in time")
    assert time.monotonic() - started < 2


async def test_nobody_there_is_a_reason(sender: HttpxWebhookSender) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    alone = HttpxWebhookSender((f"127.0.0.1:{port}",))
    assert await send(alone, f"http://127.0.0.1:{port}/") == Sent(status=None, reason="no connection")
    await alone.close()


REFUSED = [
    "https://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "https://[::1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[64:ff9b::7f00:1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://0.0.0.0:{port}/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://224.0.0.1/",
    "http://example.com/",
    "https://no-such-host.invalid/",
    "https://user:pass@example.com/",
    "https://example.com/#fragment",
    "https://example.com\\@127.0.0.1/",
    "https://exa mple.com/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://bücher.example/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "//example.com/",
    "https:///",
    "nonsense",
]


@pytest.mark.parametrize("url", REFUSED)
async def test_private_addresses_and_odd_urls_are_refused_when_made_and_when_sent(receiver: Receiver, url: str) -> None:
    strict = HttpxWebhookSender()
    target = url.format(port=receiver.port)
    with pytest.raises(InvalidValue) as refusal:
        await strict.judge(target)
    assert refusal.value.field == "url"
    sent = await send(strict, target)
    assert sent.status is None
    assert sent.reason.startswith("not sent: the URL ")
    assert receiver.seen == []
    await strict.close()


async def test_a_host_that_is_allowed_with_a_port_is_not_allowed_on_another(
    receiver: Receiver, sender: HttpxWebhookSender
) -> None:
    await sender.judge(f"http://127.0.0.1:{receiver.port}/")
    with pytest.raises(InvalidValue):
        await sender.judge(f"http://127.0.0.1:{receiver.port + 1}/")


class NameServer:
    """Answers for every name with what it is told, and counts how often it is asked for a name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
        self.answers, self.asked = list(answers), 0
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "getaddrinfo", self.look_up)

    async def look_up(self, host: str, port: int, **how: Any) -> list[Any]:
        self.asked += 1
        found = self.answers[min(self.asked, len(self.answers)) - 1].split(",")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.mark.parametrize("answer", ["127.0.0.1", "10.0.0.1", "8.8.8.8,127.0.0.1", "169.254.169.254"])
async def test_a_name_that_leads_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Also when only one of its addresses is private."""
    NameServer(monkeypatch, answer)
    strict = HttpxWebhookSender()
    with pytest.raises(InvalidValue, match="not public"):
        await strict.judge("https://books.example/")
    assert (
        await send(strict, "https://books.example/")
    ).reason == "not sent: the URL leads to an address that is not public"
    await strict.close()


async def test_a_name_that_turns_private_after_it_was_judged_is_refused_at_delivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    NameServer(monkeypatch, "8.8.8.8", "127.0.0.1")
    strict = HttpxWebhookSender()
    await strict.judge("https://books.example/")
    assert (await send(strict, "https://books.example/")).status is None
    await strict.close()


@pytest.fixture
async def tls(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """A receiver with a certificate for books.example on loopback, which counts as public here."""
    there = Receiver()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / "books_example.crt", HERE / "books_example.key")
    context.sni_callback = lambda _socket, name, _context: there.names.append(name)  # type: ignore[assignment]
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0, ssl=context)
    there.port = server.sockets[0].getsockname()[1]
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    yield there
    server.close()


async def test_the_connection_goes_to_the_address_that_was_judged_under_the_hosts_name(
    monkeypatch: pytest.MonkeyPatch, tls: Receiver
) -> None:
    """Resolved once: a second answer of the name server, which would lead elsewhere, is never asked for."""
    names = NameServer(monkeypatch, "127.0.0.1", "192.0.2.1")
    sender = HttpxWebhookSender()
    trusting = ssl.create_default_context(cafile=str(HERE / "books_example.crt"))
    sender._clients["https"] = httpx.AsyncClient(verify=trusting, trust_env=False)
    assert await send(sender, f"https://books.example:{tls.port}/hook") == Sent(status=204)
    assert names.asked == 1
    assert tls.names == ["books.example"]
    assert f"Host: books.example:{tls.port}".encode() in tls.seen[0]
    wrong = await send(sender, f"https://other.example:{tls.port}/hook")
    assert wrong.status is None, "the certificate is another host's"
    assert len(tls.seen) == 1
    await sender.close()


async def test_a_certificate_that_nobody_trusts_is_no_connection(
    monkeypatch: pytest.MonkeyPatch, tls: Receiver
) -> None:
    NameServer(monkeypatch, "127.0.0.1")
    sender = HttpxWebhookSender()
    assert await send(sender, f"https://books.example:{tls.port}/") == Sent(status=None, reason="no connection")
    assert tls.seen == []
    await sender.close()


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
     "fe80::1", "fe80::1%eth0", "fd00::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1",
     "192.0.2.1", "nonsense", ""],
)  # fmt: skip
def test_what_is_not_of_the_open_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_what_is_of_the_open_internet(address: str) -> None:
    assert is_public(address)
