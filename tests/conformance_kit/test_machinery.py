"""The kit's own parts: the proxy does what a fault says, a check ends in time, an import is watched."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from kassa.ports.conformance.payment_method import runner
from kassa.ports.conformance.payment_method.bench import Bench
from kassa.ports.conformance.payment_method.check import Check
from kassa.ports.conformance.payment_method.faults import BROKEN, DROPPED, ERROR_502, HANGING, SLOW, TRUNCATED
from kassa.ports.conformance.payment_method.importing import effects
from kassa.ports.conformance.payment_method.outcome import Failed, NotOffered, Skipped
from kassa.ports.conformance.payment_method.provider import Provider
from kassa.ports.conformance.payment_method.wire import KitHttp
from kassa.ports.payment import NotSent, ReplyLost
from tests.conformance_kit.acme.double import AcmeSubject

ROOT = Path(__file__).resolve().parents[2]
BODY = {"ref": "R-1", "amount": 100, "currency": "EUR", "capture": True, "how": "now"}


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    opened = Provider(AcmeSubject())
    await opened.open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def client(provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {AcmeSubject.api_key}", "Idempotency-Key": "k"}
    async with httpx.AsyncClient(base_url=provider.proxy.url, headers=headers, trust_env=False) as opened:
        yield opened


async def test_what_passes_is_kept_as_it_was_on_the_wire(provider: Provider, client: httpx.AsyncClient):
    """Method, target with its query, header names as written, body bytes; chunked bodies too."""

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"ref":"R-1","amount":100,', b'"currency":"EUR","capture":true,"how":"now"}'):
            yield piece

    answer = await client.post("/payments?a=%20b", content=pieces(), headers={"X-Odd-Case": "Yes"})
    assert (answer.status_code, answer.json()["status"]) == (201, "paid")
    [sent] = provider.proxy.sent
    assert (sent.method, sent.target, sent.changes) == ("POST", "/payments?a=%20b", True)
    assert ("X-Odd-Case", "Yes") in sent.headers
    assert sent.body == b'{"ref":"R-1","amount":100,"currency":"EUR","capture":true,"how":"now"}'


@pytest.mark.parametrize("fault", [DROPPED, BROKEN, ERROR_502, TRUNCATED, SLOW], ids=lambda fault: fault.name)
async def test_whatever_the_fault_the_provider_did_it(provider: Provider, client: httpx.AsyncClient, fault: object):
    """And only the request that was chosen meets it."""
    provider.proxy.arm(fault, at=1)  # type: ignore[arg-type]
    assert (await client.get("/payments?ref=R-1")).json() == []
    try:
        answer = await client.post("/payments", json=BODY)
        seen = (answer.status_code, answer.headers["content-type"], len(answer.content))
    except httpx.HTTPError as error:
        seen = (type(error).__name__, "", 0)
    size = len((await client.get("/payments?ref=R-1")).content) - 2
    assert (
        seen
        == {
            DROPPED: ("ReadError", "", 0),
            BROKEN: ("RemoteProtocolError", "", 0),
            ERROR_502: (502, "text/html", 33),
            TRUNCATED: (201, "application/json", size // 2),
            SLOW: (201, "application/json", size),
        }[fault]
    )  # type: ignore[index]
    assert provider.proxy.met == 1
    assert len(await provider.charges()) == 1


async def test_a_refused_connection_is_refused_and_the_port_is_kept(provider: Provider, client: httpx.AsyncClient):
    """Not accepted and then closed: a client must see that nothing listens."""
    port = provider.proxy.port
    await client.get("/payments?ref=R-1")
    await provider.refuse()
    with pytest.raises(httpx.ConnectError):
        await client.post("/payments", json=BODY)
    await provider.accept()
    assert (await client.post("/payments", json=BODY)).status_code == 201
    assert (provider.proxy.port, len(provider.proxy.sent)) == (port, 2)


async def test_a_provider_that_hangs_lets_go_with_its_client(provider: Provider, client: httpx.AsyncClient):
    """Executed, and never answered."""
    provider.proxy.arm(HANGING)
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/payments", json=BODY, timeout=0.1)
    assert len(await provider.charges()) == 1


async def test_the_kits_client_tells_the_two_failures_apart(provider: Provider):
    """As the shop's own does; other hosts are not called."""
    http = KitHttp(f"127.0.0.1:{provider.proxy.port}")
    url = f"{provider.proxy.url}/payments?ref=R-1"
    assert (await http.request("GET", url)).status == 401
    provider.proxy.arm(DROPPED)
    with pytest.raises(ReplyLost):
        await http.request("GET", url)
    await provider.refuse()
    with pytest.raises(NotSent):
        await http.request("GET", url)
    with pytest.raises(NotSent):
        await http.request("GET", "https://elsewhere.example/")
    assert http.strangers == ["elsewhere.example"]
    await http.close()


STUCK = """
import asyncio, os, sys, time
from kassa.ports.conformance.payment_method import runner
from kassa.ports.conformance.payment_method.check import Check
from tests.conformance_kit.acme.double import AcmeSubject

async def waits(bench):
    await asyncio.sleep(30)

async def blocks(bench):
    time.sleep(30)

async def clings(bench):
    while True:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            pass

runner.LIMIT_S, runner.GRACE_S = 0.3, 0.5
result = runner.run_check(Check("test.it", "It is", "because", globals()[sys.argv[1]]), AcmeSubject())
print(result.status, result.expected)
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.parametrize("how", ["waits", "blocks", "clings"])
def test_no_check_hangs(how: str):
    """Neither one that waits, nor one that blocks its loop, nor one that cannot be canceled."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", STUCK, how], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.stdout == "failed an end within 0.3 s\n", done.stderr
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Failed(expected="a", seen="b"), "failed"),
        (Skipped("not here"), "skipped"),
        (NotOffered("a dance"), "unproved"),
        (ZeroDivisionError("x"), "failed"),
    ],
)
def test_how_a_check_ends_is_told(error: Exception, status: str):
    """Also when it is the check or the subject that is broken."""

    async def run(bench: Bench) -> None:
        raise error

    result = runner.run_check(Check("test.it", "It is", "because", run), AcmeSubject())
    assert result.status == status
    assert result.reason or result.seen


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("import json", None),
        ("print('hello')", "printed 'hello"),
        ("open('made.txt', 'w').close()", "wrote made.txt"),
        (
            "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
            "started a thread",
        ),
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 1))", "socket.connect"),
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        ("raise SystemExit(0)", "raised SystemExit"),
        ("import os; os._exit(0)", "ended the process"),
    ],
)
async def test_what_an_import_does_is_seen(
    source: str, seen: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """And what defines things only is not blamed."""
    (tmp_path / "watched.py").write_text(source + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path) in sys.path
    found = await effects("watched")
    assert not found if seen is None else any(seen in one for one in found), found
