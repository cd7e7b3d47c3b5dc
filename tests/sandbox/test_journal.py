"""What was answered was written before, and what was written is never lost."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.sandbox.client import ShopClient
from tests.sandbox.process import SHOP, SandboxProcess, start_sandbox
from tests.sandbox.receiver import Receiver


async def state_of(client: ShopClient) -> list[Any]:
    """All that a merchant and a tester can ask for."""
    charge = (await client.by_ref("inv-1"))[0]
    account = (await client.get("/v1/virtual-accounts", merchant_ref="inv-2")).json()
    journal = (await client.http.get("/control/journal")).json()["entries"]
    return [charge, account, await client.books(), journal]


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_everything_is_there_after_a_stop_or_a_kill(mortal: SandboxProcess, end: str) -> None:
    async with ShopClient(mortal) as client:
        first = await client.charge("inv-1", capture=False, key="k1")
        await client.post(f"/v1/charges/{first.json()['id']}/capture", {"amount": 1000})
        account = {"merchant_ref": "inv-2", "amount": 500, "currency": "EUR"}
        number = (await client.post("/v1/virtual-accounts", account)).json()["account_number"]
        paid = {"account_number": number, "amount": 500, "currency": "EUR"}
        assert (await client.http.post("/bank/transfers", json=paid)).status_code == 201
        await client.script({"op": "charge", "fault": "decline"})
        before = await state_of(client)
    getattr(mortal, end)()
    mortal.restart()
    async with ShopClient(mortal) as client:
        assert await state_of(client) == before
        again = await client.charge("inv-1", capture=False, key="k1")
        assert again.content == first.content
        assert (await client.charge("inv-3")).json()["status"] == "declined", "the script was forgotten"


async def test_nothing_answered_is_lost_when_killed_under_load(mortal: SandboxProcess) -> None:
    answered: list[str] = []

    async def buy(client: ShopClient, worker: int) -> None:
        with suppress(httpx.TransportError):
            for number in range(10_000):
                answer = await client.charge(f"inv-{worker}-{number}", key=f"key-{worker}-{number}")
                assert answer.status_code == 201
                answered.append(answer.json()["id"])

    async with ShopClient(mortal) as client:
        buyers = [asyncio.create_task(buy(client, worker)) for worker in range(8)]
        while len(answered) < 100:
            await asyncio.sleep(0.005)
        os.kill(mortal.pid, signal.SIGKILL)
        await asyncio.gather(*buyers)
    mortal.kill()
    mortal.restart()
    async with ShopClient(mortal) as client:
        kept = {charge_id for row in (await client.books()).values() for charge_id in row["ids"]}
    assert set(answered) <= kept
    assert len(answered) >= 100


async def test_a_charge_done_behind_a_hanging_answer_is_on_disk(mortal: SandboxProcess) -> None:
    async with ShopClient(mortal) as client:
        hanging = asyncio.create_task(client.charge("inv-1", "tok_timeout_after"))
        while b'"cause":"created"' not in mortal.journal_path.read_bytes():
            await asyncio.sleep(0.01)
        mortal.kill()
        with pytest.raises(httpx.TransportError):
            await hanging
    mortal.restart()
    async with ShopClient(mortal) as client:
        assert [c["captured"] for c in await client.by_ref("inv-1")] == [1250]


async def test_a_late_success_comes_even_if_its_time_passed_while_it_was_down(mortal: SandboxProcess) -> None:
    async with ShopClient(mortal) as client:
        await client.script({"op": "charge", "fault": "late_success", "delay_ms": 100})
        assert (await client.charge("inv-1")).json()["status"] == "pending"
    mortal.kill()
    await asyncio.sleep(0.2)
    mortal.restart()
    async with ShopClient(mortal) as client, asyncio.timeout(5):
        while (await client.by_ref("inv-1"))[0]["status"] != "succeeded":
            await asyncio.sleep(0.02)


async def test_an_undelivered_webhook_is_delivered_by_the_next_process(mortal: SandboxProcess) -> None:
    async with Receiver(503, 204) as receiver, ShopClient(mortal) as client:
        await client.webhooks_to(receiver.url)
        await client.script({"op": "charge", "fault": "ok"})
        await client.charge("inv-1")
        await receiver.wait_for(1)
        mortal.kill()
        mortal.restart()
        events = await receiver.events(2)
    assert events[0] == events[1]


def test_a_torn_last_line_is_dropped_and_a_broken_one_refused(tmp_path: Path) -> None:
    with start_sandbox(tmp_path) as sandbox:
        journal = sandbox.journal_path
        sandbox.stop()
        whole = journal.read_bytes()
        journal.write_bytes(whole + b'{"n":2,"at_ms":1,"fact":{"fact":"res')
        sandbox.restart()
        sandbox.stop()
        assert journal.read_bytes() == whole
        journal.write_bytes(whole + b'{"n":2,"at_ms":1,"fact":{"fact":"unheard_of"}}\n')
        with pytest.raises(RuntimeError, match="line 2"):
            sandbox.restart()
        assert "Traceback" not in sandbox.errors_path.read_text()


def test_two_processes_never_share_a_journal_or_a_port(tmp_path: Path) -> None:
    with start_sandbox(tmp_path) as sandbox:
        with pytest.raises(RuntimeError, match="in use by another process"):
            start_sandbox(tmp_path)
        (tmp_path / "other").mkdir()
        port = sandbox.url.rpartition(":")[2]
        with pytest.raises(RuntimeError, match="Address already in use"):
            start_sandbox(tmp_path / "other", options=["--port", port])


def test_every_line_is_one_numbered_fact(tmp_path: Path) -> None:
    with start_sandbox(tmp_path) as sandbox:
        for _ in range(3):
            httpx.post(f"{sandbox.url}/control/reset", trust_env=False).raise_for_status()
        lines = [json.loads(line) for line in sandbox.journal_path.read_bytes().splitlines()]
    assert [line["n"] for line in lines] == [1, 2, 3, 4]
    assert [line["fact"]["fact"] for line in lines] == ["merchant_set", "reset", "reset", "reset"]
    assert sandbox.journal_path.stat().st_mode & 0o077 == 0, "it holds keys"


async def test_the_journal_is_shown_without_secrets_and_from_any_line(shop: ShopClient) -> None:
    answer = await shop.http.get("/control/journal")
    assert SHOP.secret_key not in answer.text
    assert SHOP.webhook_secret not in answer.text
    entries = answer.json()["entries"]
    tail = (await shop.http.get("/control/journal", params={"after": len(entries) - 1})).json()["entries"]
    assert tail == entries[-1:]


def test_it_starts_in_under_a_second_and_stops_cleanly(tmp_path: Path) -> None:
    """Processor time, because the machine may be busy with other tests; alone, the clock shows about the same."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    sandbox = start_sandbox(tmp_path)
    assert sandbox.stop() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0
    assert sandbox.errors_path.read_text() == ""


async def test_it_stops_even_while_callers_hang(mortal: SandboxProcess) -> None:
    async with ShopClient(mortal) as client:
        hanging = asyncio.create_task(client.charge("inv-1", "tok_timeout_before"))
        while b'"called"' not in mortal.journal_path.read_bytes():
            await asyncio.sleep(0.01)
        begin = time.monotonic()
        assert await asyncio.to_thread(mortal.stop) == 0
        assert time.monotonic() - begin < 4
        with pytest.raises(httpx.TransportError):
            await hanging


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys; from tests.sandbox.process import start_sandbox;"
        "print(start_sandbox(pathlib.Path(sys.argv[1])).pid, flush=True); os.kill(os.getpid(), 9)"
    )
    starter = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert starter.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while (tmp_path / "sandbox.jsonl").exists() and time.monotonic() < deadline:
        try:
            start_sandbox(tmp_path).stop()  # possible only once the first has let go of the journal
            return
        except RuntimeError:
            time.sleep(0.05)
    pytest.fail("the sandbox outlived its starter")
