"""The bank: every transfer is a movement of its own, whether it is expected or not."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
from tests.sandbox.client import ShopClient
from tests.sandbox.receiver import Receiver


async def opened(shop: ShopClient, ref: str = "inv-1", **more: Any) -> dict[str, Any]:
    body = {"merchant_ref": ref, "amount": 1000, "currency": "EUR"} | more
    answer = await shop.post("/v1/virtual-accounts", body)
    assert answer.status_code == 201, answer.text
    account: dict[str, Any] = answer.json()
    return account


async def transfer(shop: ShopClient, account_number: str, amount: int, **more: Any) -> httpx.Response:
    body = {"account_number": account_number, "amount": amount, "currency": "EUR"} | more
    return await shop.http.post("/bank/transfers", json=body)


async def look(shop: ShopClient, account: dict[str, Any]) -> dict[str, Any]:
    seen: dict[str, Any] = (await shop.get(f"/v1/virtual-accounts/{account['id']}")).json()
    return seen


async def test_an_account_is_opened_once_for_a_reference(shop: ShopClient) -> None:
    body = {"merchant_ref": "inv-1", "amount": 1000, "currency": "EUR"}
    first = await shop.post("/v1/virtual-accounts", body, key="k1")
    assert (first.json()["status"], first.json()["movements"]) == ("open", [])
    assert first.json()["account_number"].isdigit()
    again = await shop.post("/v1/virtual-accounts", body, key="k1")
    assert again.content == first.content
    other = await shop.post("/v1/virtual-accounts", body, key="k2")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "duplicate_reference")
    found = (await shop.get("/v1/virtual-accounts", merchant_ref="inv-1")).json()["data"]
    assert found == [first.json()]


async def test_a_transfer_pays_the_account_and_the_shop_is_told(shop: ShopClient, hook: Receiver) -> None:
    account = await opened(shop)
    answer = await transfer(shop, account["account_number"], 1000, reference="thanks", payer_name="A. Buyer")
    assert answer.status_code == 201
    assert answer.json()["account"]["status"] == "paid"
    events = await hook.events(2)
    paid = next(event["data"] for event in events if event["data"]["status"] == "paid")
    assert paid == await look(shop, account)
    (movement,) = paid["movements"]
    assert (movement["kind"], movement["amount"], movement["reference"]) == ("capture", 1000, "thanks")
    assert movement["payer_name"] == "A. Buyer"


async def test_short_double_and_excess_payments_are_all_kept_apart(shop: ShopClient) -> None:
    account = await opened(shop)
    for amount, status in ((400, "partially_paid"), (600, "paid"), (600, "paid")):
        answer = await transfer(shop, account["account_number"], amount)
        assert answer.json()["account"]["status"] == status
    seen = await look(shop, account)
    assert ([m["amount"] for m in seen["movements"]], seen["captured"]) == ([400, 600, 600], 1600)
    assert len({m["id"] for m in seen["movements"]}) == 3
    assert (await shop.books())["inv-1"]["captured"] == 1600


async def test_money_reaches_a_closed_account_too(shop: ShopClient) -> None:
    account = await opened(shop)
    for _ in range(2):
        closed = await shop.post(f"/v1/virtual-accounts/{account['id']}/close")
        assert closed.json()["status"] == "closed"
    await transfer(shop, account["account_number"], 1000)
    seen = await look(shop, account)
    assert (seen["status"], seen["captured"]) == ("closed", 1000)


async def test_an_account_expires_by_itself_and_says_so(shop: ShopClient, hook: Receiver) -> None:
    account = await opened(shop, expires_at=int(time.time()) + 1)
    events = await hook.events(2)
    assert {event["data"]["status"] for event in events} == {"open", "expired"}
    await transfer(shop, account["account_number"], 1000)
    seen = await look(shop, account)
    assert (seen["status"], seen["captured"]) == ("expired", 1000)


async def test_the_control_can_expire_an_account_at_once(shop: ShopClient) -> None:
    account = await opened(shop)
    assert (await shop.control(f"virtual-accounts/{account['id']}/expire"))["status"] == "expired"


async def test_money_for_nobody_is_an_unmatched_notice(shop: ShopClient, hook: Receiver) -> None:
    assert (await transfer(shop, "999", 500)).status_code == 404
    answer = await transfer(shop, "999", 500, merchant="shop", reference="order 7?")
    assert answer.status_code == 201
    (event,) = await hook.events(1)
    assert event["type"] == "transfer.unmatched"
    assert event["data"] == answer.json()["transfer"]
    assert (event["data"]["amount"], event["data"]["reference"]) == (500, "order 7?")
    assert (await transfer(shop, "999", 500, merchant="nobody")).status_code == 404


async def test_another_currency_is_sent_back(shop: ShopClient) -> None:
    account = await opened(shop)
    answer = await transfer(shop, account["account_number"], 1000, currency="USD")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "currency_mismatch")
    assert (await look(shop, account))["movements"] == []


async def test_refunds_of_transfers_never_exceed_what_came(shop: ShopClient) -> None:
    account = await opened(shop)
    path = f"/v1/virtual-accounts/{account['id']}/refunds"
    assert (await shop.post(path)).status_code == 409
    await transfer(shop, account["account_number"], 1500)
    surplus = (await shop.post(path, {"amount": 500}, key="r1")).json()
    assert (surplus["refunded"], surplus["movement"]["amount"]) == (500, 500)
    assert (await shop.post(path, {"amount": 1001})).status_code == 409
    assert (await shop.post(path)).json()["refunded"] == 1500


async def test_faults_of_the_bank_are_scripted_for_the_op_va(shop: ShopClient, hook: Receiver) -> None:
    body = {"merchant_ref": "inv-1", "amount": 1000, "currency": "EUR"}
    await shop.script({"op": "va", "fault": "decline"}, {"op": "va", "fault": "wrong_amount"})
    assert (await shop.post("/v1/virtual-accounts", body)).status_code == 402
    account = await opened(shop)
    answer = await transfer(shop, account["account_number"], 1000)
    assert answer.json()["account"]["movements"][0]["amount"] == 1001
    await shop.script({"op": "va", "fault": "no_webhook"})
    silent = await opened(shop, "inv-2")
    await transfer(shop, silent["account_number"], 1000)
    await hook.wait_for(2)
    await asyncio.sleep(0.3)
    assert {event["data"]["merchant_ref"] for event in await hook.events(2)} == {"inv-1"}
