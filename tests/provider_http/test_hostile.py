"""A hostile provider, a careless plugin, a lying name server: nothing leaves that must not, nothing comes in without bound."""

import asyncio
import gzip
import logging
import socket
import time
import traceback
import zlib

import pytest

from kassa.adapters.provider_http import HttpxProviders, addresses
from kassa.adapters.provider_http.addresses import target
from kassa.adapters.provider_http.client import MAX_REPLY_BYTES
from kassa.ports.addresses import is_public
from kassa.ports.payment import NotSent, ReplyLost
from tests.provider_http.wire import Provider

PRIVATE = [
    "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.2.1",
    "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1",
    "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::", "::127.0.0.1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_form_of_an_address_of_this_network_is_public(address: str):
    """Mapped, translated and tunnelled ones too."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_the_open_internet_is_public(address: str):
    """Else no provider could be called."""
    assert is_public(address)


WRITTEN = [
    "https://2130706433:{port}/", "https://0x7f000001:{port}/", "https://0177.0.0.1:{port}/", "https://127.1:{port}/",
    "https://0.0.0.0:{port}/", "https://[::ffff:127.0.0.1]:{port}/", "https://[::ffff:7f00:1]:{port}/",
    "https://[0:0:0:0:0:0:0:1]:{port}/", "https://[fe80::1%25lo]:{port}/", "https://localhost.:{port}/",
    "https://127.0.0.1.:{port}/", "https://%31%32%37.0.0.1:{port}/", "https://\uff11\uff12\uff17.0.0.1:{port}/",
    "https://a@127.0.0.1:{port}/", "https://@127.0.0.1:{port}/", "https://pay.example:{port}\\@127.0.0.1/",
    "https://127.0.0.1:{port}\\.pay.example/", " https://127.0.0.1:{port}/", "https://127.0.0.1:{port}/\r\nX: y",
    "https://127.0.0.1:{port}/a b", "https://127.0.0.1\t:{port}/", "https:///127.0.0.1:{port}/", "https:127.0.0.1:{port}",
    "HTTP://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/", "https://[::1", "https://127.0.0.1:{port}/" + "x" * 9000, "",
]  # fmt: skip


@pytest.mark.parametrize("url", WRITTEN)
async def test_no_spelling_leads_into_this_network(provider: Provider, url: str):
    """Decimal, octal, mapped, percent-encoded, with credentials, with what parsers disagree on."""
    tools = HttpxProviders().tools("card", allow_hosts=(), secrets=())
    with pytest.raises(NotSent):
        await tools.http.request("GET", url.replace("{port}", str(provider.port)))
    assert provider.seen == []
    await tools.close()


@pytest.mark.parametrize(
    "answers",
    [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["2606:4700::1", "::1"], ["93.184.216.34", "10.0.0.1"], []],
)
async def test_a_name_that_leads_home_is_refused_whatever_else_it_names(monkeypatch: pytest.MonkeyPatch, answers):
    """One private address among public ones is enough."""

    async def lie(host, port, **more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lie)
    with pytest.raises(NotSent):
        await addresses.public_address(target("https://pay.example/"), 1)


async def test_a_name_server_that_is_silent_costs_no_more_than_a_connection(monkeypatch: pytest.MonkeyPatch):
    """Nothing was sent, and that is told."""

    async def hang(host, port, **more):
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", hang)
    with pytest.raises(NotSent, match="name server"):
        await addresses.public_address(target("https://pay.example/"), 0.1)


async def test_the_address_that_was_judged_is_the_one_that_is_called(provider: Provider, monkeypatch):
    """A second answer of the name server is never asked for: the request goes to the first, under the host's own name."""
    asked = []

    async def once(host, port, **more):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]

    tools = HttpxProviders().tools("card", allow_hosts=(), secrets=())
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", once)
    sent = []

    async def keep(client, request):
        sent.append(request)
        raise NotSent("kept")

    monkeypatch.setattr(tools.http, "_send", keep)
    with pytest.raises(NotSent, match="kept"):
        await tools.http.request("GET", "https://Pay.Example/v1?x=1", headers=[("Host", "evil.example")])
    assert (str(sent[0].url), sent[0].headers.get_list("host")) == ("https://93.184.216.34/v1?x=1", ["pay.example"])
    assert sent[0].extensions["sni_hostname"] == "pay.example"
    assert asked == ["pay.example"]
    await tools.close()


HEADERS = [
    ("X", "a\r\nInjected: 1"),
    ("X", "a\nb"),
    ("X", "a\x00b"),
    ("X\r\nY", "a"),
    ("X Y", "a"),
    ("", "a"),
    ("X", "é"),
]


@pytest.mark.parametrize("header", HEADERS)
async def test_a_header_that_is_more_than_one_never_leaves(provider: Provider, tools, header):
    """Provably not sent: no connection is opened."""
    with pytest.raises(NotSent):
        await tools.http.request("POST", provider.url, headers=[header], body=b"{}")
    assert provider.seen == []


@pytest.mark.parametrize("method", ["GET / HTTP/1.1\r\nX: y\r\n", "get", "", "GET ", "G\x00T"])
async def test_a_method_is_a_word(provider: Provider, tools, method: str):
    """Nothing else can begin a request."""
    with pytest.raises(NotSent):
        await tools.http.request(method, provider.url)
    assert provider.seen == []


async def test_what_frames_a_message_is_not_the_plugins_to_say(provider: Provider, tools):
    """No smuggling by two lengths, no other host."""
    framing = [("Content-Length", "0"), ("Transfer-Encoding", "chunked"), ("HOST", "evil"), ("Accept-Encoding", "br")]
    await tools.http.request("POST", provider.url, headers=framing, body=b"{}")
    head = provider.seen[0].lower()
    assert head.count(b"content-length: 2\r\n") == head.count(b"content-length") == 1
    assert b"transfer-encoding" not in head
    assert head.count(b"\r\nhost: 127.0.0.1:") == head.count(b"\r\nhost:") == 1
    assert b"accept-encoding: identity\r\n" in head


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
async def test_a_bomb_does_not_unfold(provider: Provider, tools, pack):
    """A hundred mebibytes in a hundred kilobytes: given up at the bound, in no time and no memory."""
    packing = "gzip" if pack is gzip.compress else "deflate"
    provider.answers(pack(b"\0" * (100 * MAX_REPLY_BYTES)), f"Content-Encoding: {packing}")
    began = time.monotonic()
    with pytest.raises(ReplyLost, match="1 MiB"):
        await tools.http.request("GET", provider.url)
    assert time.monotonic() - began < 1


async def test_what_was_packed_unasked_is_unpacked(provider: Provider, tools):
    """Some providers do not listen."""
    provider.answers(gzip.compress(b"hello"), "Content-Encoding: gzip")
    assert (await tools.http.request("GET", provider.url)).body == b"hello"


@pytest.mark.parametrize(
    ("body", "packing"),
    [(b"nonsense", "gzip"), (gzip.compress(b"hello", mtime=0)[:-6], "gzip"), (b"x", "br"), (b"x", "gzip, gzip")],
    ids=["nonsense", "cut off", "unknown", "twice"],
)
async def test_what_cannot_be_unpacked_is_a_lost_reply(provider: Provider, tools, body: bytes, packing: str):
    """It may have said anything."""
    provider.answers(body, f"Content-Encoding: {packing}")
    with pytest.raises(ReplyLost):
        await tools.http.request("GET", provider.url)


@pytest.mark.parametrize(
    "flood",
    [b"X-A: " + b"a" * 200_000 + b"\r\n", b"X-A: 1\r\n" * 50_000, b"\r\n" + b"HTTP/1.1 100 Continue\r\n\r\n" * 9],
)
async def test_a_flood_of_headers_is_a_lost_reply(provider: Provider, tools, flood: bytes):
    """Given up, not gathered."""
    provider.answer = b"HTTP/1.1 200 OK\r\n" + flood + b"\r\n"
    if flood.startswith(b"\r\n"):
        provider.answer = flood.lstrip()
    with pytest.raises(ReplyLost):
        await tools.http.request("GET", provider.url, timeout_s=2)


async def test_an_answer_that_drips_ends_at_the_time_limit(provider: Provider, tools):
    """Each byte comes in time, the whole does not."""
    provider.drip_s = 0.05
    began = time.monotonic()
    with pytest.raises(ReplyLost, match="in time"):
        await tools.http.request("GET", provider.url, timeout_s=0.4)
    assert time.monotonic() - began < 1


async def test_no_cookie_is_kept(provider: Provider, tools):
    """Two payments have nothing to do with each other."""
    provider.answers(b"", "Set-Cookie: session=1; Path=/")
    await tools.http.request("GET", provider.url)
    await tools.http.request("GET", provider.url)
    assert b"ookie" not in provider.seen[1]


async def test_keys_in_urls_and_headers_reach_no_log_and_no_error(provider: Provider, tools, caplog, capsys):
    """httpx writes whole URLs into its log; an error's text and what it carries are read by people."""
    with caplog.at_level(logging.DEBUG):
        await tools.http.request("GET", f"{provider.url}?key={CANARY}", headers=[("Authorization", CANARY)])
        provider.answer = b"nonsense\r\n\r\n"
        with pytest.raises(ReplyLost) as lost:
            await tools.http.request("GET", f"{provider.url}?key={CANARY}")
        with pytest.raises(NotSent) as unsent:
            await tools.http.request("GET", f"https://u:{CANARY}@pay.example/")
    told = "".join(traceback.format_exception(lost.value) + traceback.format_exception(unsent.value))
    assert CANARY not in caplog.text + told + capsys.readouterr().out


CANARY = "sk_test_canary"
DISGUISES = [
    "refused sk_test_canary", "Basic c2tfdGVzdF9jYW5hcnk6", "Basic c2tfdGVzdF9jYW5hcnk=", "c2tfdGVzdF9jYW5hcnk6cGFzc3dvcmQ=",
    "x" * 490 + "sk_test_canary", "736b5f746573745f63616e617279",
]  # fmt: skip


@pytest.mark.parametrize("text", DISGUISES)
def test_the_log_masks_secrets_in_every_disguise(tools, capsys: pytest.CaptureFixture[str], text: str):
    """As text, in basic authentication, at the edge of what is cut, in hexadecimal."""
    tools.log.warning(text, why=text)
    out = capsys.readouterr().out
    assert "canary" not in out
    assert "c2tfdGVzdF9jYW5h" not in out
    assert "63616e617279" not in out
    assert "***" in out


def test_a_log_line_is_one_line_of_words(tools, capsys: pytest.CaptureFixture[str]):
    """No forged lines, no terminal escapes, nothing but words and numbers."""
    tools.log.warning("said", why="a\nforged \x1b[31m\u202e line", what={"body": CANARY}, n=3)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "\x1b[31m\u202e" not in out
    assert "canary" not in out
