"""Each scripted fault does what its sentence says: to the caller, and to the books."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.sandbox.client import ShopClient
from tests.sandbox.process import start_sandbox
from tests.sandbox.receiver import Receiver

from kassa.adapters.sandbox.faults import FAULTS, TOKENS


async def test_a_good_card_is_charged_once(shop: ShopClient) -> None:
    answer = await shop.charge("inv-1")
    charge = answer.json()
    assert answer.status_code == 201
    assert (charge["status"], charge["captured"], charge["refunded"]) == ("succeeded", 1250, 0)
    assert [(m["kind"], m["status"], m["amount"]) for m in charge["movements"]] == [("capture", "succeeded", 1250)]
    assert (await shop.books())["inv-1"] == {
        "currency": "EUR",
        "captured": 1250,
        "refunded": 0,
        "charged_back": 0,
        "charges": 1,
        "ids": [charge["id"]],
    }


@pytest.mark.parametrize(
    ("token", "code"), [("tok_decline", "do_not_honor"), ("tok_insufficient", "insufficient_funds")]
)
async def test_a_declined_card_takes_no_money(shop: ShopClient, token: str, code: str) -> None:
    charge = (await shop.charge("inv-1", token)).json()
    assert (charge["status"], charge["decline_code"], charge["movements"]) == ("declined", code, [])


async def test_three_d_secure_waits_for_the_customer(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1", "tok_3ds")).json()
    assert charge["status"] == "requires_action"
    assert charge["redirect_url"].endswith(f"/pay/{charge['id']}")
    assert charge["movements"] == []


@pytest.mark.parametrize(
    ("token", "done"),
    [
        ("tok_timeout_before", False),
        ("tok_timeout_after", True),
        ("tok_reset_before", False),
        ("tok_reset", True),
        ("tok_truncated", True),
    ],
)
async def test_an_answer_that_never_comes_whole(shop: ShopClient, token: str, done: bool) -> None:
    shop.http.timeout = httpx.Timeout(0.5)
    with pytest.raises(httpx.TransportError) as caught:
        await shop.charge("inv-1", token, key="k1")
    assert isinstance(caught.value, httpx.ReadTimeout) == ("timeout" in token)
    assert [c["captured"] for c in await shop.by_ref("inv-1")] == ([1250] if done else [])
    assert [(c["key"], c["fault"]) for c in await shop.facts("called")] == [("k1", TOKENS[token].fault)]


@pytest.mark.parametrize(("token", "done"), [("tok_500", False), ("tok_500_after", True)])
async def test_a_server_error_tells_nothing_about_the_money(shop: ShopClient, token: str, done: bool) -> None:
    answer = await shop.charge("inv-1", token)
    assert answer.status_code == 500
    assert len(await shop.by_ref("inv-1")) == int(done)


async def test_garbage_is_a_page_where_json_was_promised(shop: ShopClient) -> None:
    answer = await shop.charge("inv-1", "tok_garbage")
    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>")
    assert len(await shop.by_ref("inv-1")) == 1


@pytest.mark.parametrize("token", ["tok_timeout_after", "tok_500_after", "tok_garbage", "tok_truncated", "tok_reset"])
async def test_the_same_key_finds_what_was_done_behind_a_lost_answer(shop: ShopClient, token: str) -> None:
    shop.http.timeout = httpx.Timeout(0.5)
    with suppress(httpx.TransportError):  # that is the fault
        await shop.charge("inv-1", token, key="k1")
    again = await shop.charge("inv-1", token, key="k1")
    assert again.status_code == 201
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["status"] == "succeeded"
    assert (await shop.books())["inv-1"]["captured"] == 1250


async def test_a_slow_charge_works_in_the_end(shop: ShopClient) -> None:
    begin = time.monotonic()
    answer = await shop.charge("inv-1", "tok_slow")
    assert time.monotonic() - begin >= 0.3
    assert answer.json()["status"] == "succeeded"


async def test_a_slow_charge_asked_twice_with_one_key_is_made_once(shop: ShopClient) -> None:
    twins = await asyncio.gather(*(shop.charge("inv-1", "tok_slow", key="k1") for _ in range(8)))
    assert {twin.content for twin in twins} == {twins[0].content}
    assert sum("idempotent-replayed" not in twin.headers for twin in twins) == 1
    assert (await shop.books())["inv-1"]["charges"] == 1


@pytest.mark.parametrize(
    ("decision", "status", "captured"),
    [("succeeded", "succeeded", 1250), ("declined", "declined", 0), ("expired", "expired", 0)],
)
async def test_a_pending_charge_waits_for_the_control(
    shop: ShopClient, decision: str, status: str, captured: int
) -> None:
    charge = (await shop.charge("inv-1", "tok_pending")).json()
    assert charge["status"] == "pending"
    assert [m["status"] for m in charge["movements"]] == ["pending"]
    after = await shop.control(f"charges/{charge['id']}/settle", {"status": decision})
    assert (after["status"], after["captured"]) == (status, captured)
    assert after["movements"][0]["id"] == charge["movements"][0]["id"]


async def test_money_may_come_after_a_decline(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1", "tok_decline")).json()
    after = await shop.control(f"charges/{charge['id']}/settle", {"status": "succeeded"})
    assert (after["status"], after["captured"]) == ("succeeded", 1250)
    again = await shop.http.post(f"/control/charges/{charge['id']}/settle", json={"status": "succeeded"})
    assert again.status_code == 409


async def test_a_late_success_comes_by_itself_and_says_so(shop: ShopClient, hook: Receiver) -> None:
    charge = (await shop.charge("inv-1", "tok_late_success")).json()
    assert charge["status"] == "pending"
    events = await hook.events(2)
    assert {event["data"]["status"] for event in events} == {"pending", "succeeded"}
    assert (await shop.by_ref("inv-1"))[0]["captured"] == 1250


async def test_a_wrong_amount_is_one_too_much(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1", "tok_wrong_amount")).json()
    assert (charge["amount"], charge["movements"][0]["amount"]) == (1250, 1251)


async def test_a_wrong_currency_is_in_the_movement(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1", "tok_wrong_currency")).json()
    assert (charge["currency"], charge["movements"][0]["currency"]) == ("EUR", "XTS")


async def test_duplicate_webhooks_come_five_times_with_one_event_id(shop: ShopClient, hook: Receiver) -> None:
    await shop.charge("inv-1", "tok_dup_webhook")
    events = await hook.events(5)
    assert len({event["event_id"] for event in events}) == 1


async def test_reordered_webhooks_end_with_the_oldest_snapshot(shop: ShopClient, hook: Receiver) -> None:
    await shop.charge("inv-1", "tok_reorder_webhook")
    events = await hook.events(3)
    statuses = [event["data"]["status"] for event in events]
    assert sorted(statuses) == ["pending", "pending", "succeeded"]
    assert statuses[-1] == "pending"


async def test_no_webhook_means_none(shop: ShopClient, hook: Receiver) -> None:
    await shop.charge("inv-1", "tok_no_webhook")
    await shop.charge("inv-2", "tok_ok")
    events = await hook.events(1)
    await asyncio.sleep(0.3)
    assert [event["data"]["merchant_ref"] for event in events] == ["inv-2"]


async def test_a_script_strikes_the_next_calls_in_order_and_is_used_up(shop: ShopClient) -> None:
    await shop.script(
        {"op": "charge", "fault": "error_500"},
        {"op": "query", "fault": "not_found"},
        {"op": "charge", "fault": "decline", "decline_code": "insufficient_funds"},
    )
    assert (await shop.charge("inv-1")).status_code == 500
    assert (await shop.charge("inv-1")).json()["decline_code"] == "insufficient_funds"
    assert await shop.by_ref("inv-1") == []
    assert len(await shop.by_ref("inv-1")) == 1
    assert (await shop.charge("inv-2")).json()["status"] == "succeeded"


async def test_a_script_can_lose_the_answer_to_a_repeat_too_but_never_redo_it(shop: ShopClient) -> None:
    await shop.charge("inv-1", key="k1")
    await shop.script({"op": "charge", "fault": "decline"}, {"op": "charge", "fault": "error_500_after"})
    assert (await shop.charge("inv-1", key="k1")).status_code == 500
    assert (await shop.charge("inv-1", key="k1")).json()["status"] == "succeeded"
    assert (await shop.charge("inv-2")).json()["status"] == "declined"


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"timeout_before", "timeout_after"}))
async def test_every_fault_can_be_scripted_for_a_query_without_changing_anything(shop: ShopClient, fault: str) -> None:
    await shop.charge("inv-1")
    before = await shop.books()
    await shop.script({"op": "query", "fault": fault})
    # Some faults are meant to hurt; what counts is what they leave behind.
    with suppress(httpx.TransportError, ValueError, KeyError):
        await shop.by_ref("inv-1")
    assert await shop.books() == before
    assert [c["captured"] for c in await shop.by_ref("inv-1")] == [1250]


@pytest.mark.parametrize(
    ("fault", "status", "refunded"),
    [("ok", "succeeded", 500), ("decline", "failed", 0), ("pending", "pending", 0), ("wrong_amount", "succeeded", 501)],
)
async def test_a_refund_can_be_scripted(shop: ShopClient, fault: str, status: str, refunded: int) -> None:
    charge = (await shop.charge("inv-1")).json()
    await shop.script({"op": "refund", "fault": fault})
    after = (await shop.post(f"/v1/charges/{charge['id']}/refunds", {"amount": 500})).json()
    assert (after["movement"]["status"], after["refunded"]) == (status, refunded)


async def test_a_late_refund_succeeds_by_itself(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1")).json()
    await shop.script({"op": "refund", "fault": "late_success", "delay_ms": 50})
    after = (await shop.post(f"/v1/charges/{charge['id']}/refunds")).json()
    assert (after["movement"]["status"], after["refunded"]) == ("pending", 0)
    await asyncio.sleep(0.3)
    assert (await shop.by_ref("inv-1"))[0]["refunded"] == 1250


async def test_amounts_choose_faults_only_when_switched_on(shop: ShopClient, tmp_path: Path) -> None:
    wallet: dict[str, Any] = {"kind": "wallet", "amount": 10071}
    assert (await shop.charge("inv-1", None, **wallet)).json()["status"] == "requires_action"
    with start_sandbox(tmp_path, options=["--amount-faults"]) as sandbox:
        async with ShopClient(sandbox) as other:
            assert (await other.charge("inv-1", None, **wallet)).json()["status"] == "declined"
            assert (await other.charge("inv-2", amount=10071)).json()["status"] == "succeeded"
            account = {"merchant_ref": "inv-3", "amount": 10082, "currency": "EUR"}
            assert (await other.post("/v1/virtual-accounts", account)).status_code == 500
