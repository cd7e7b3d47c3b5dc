"""Webhooks: signed over every byte, retried until taken, repeated on demand."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from tests.sandbox.client import ShopClient
from tests.sandbox.process import SHOP
from tests.sandbox.receiver import Received, Receiver

from kassa.adapters.sandbox.model import Merchant


async def test_an_event_carries_the_whole_object_as_the_query_shows_it(shop: ShopClient, hook: Receiver) -> None:
    charge = (await shop.charge("inv-1")).json()
    (event,) = await hook.events(1)
    assert event["type"] == "charge.updated"
    assert event["merchant"] == "shop"
    assert abs(event["created"] - time.time()) < 60
    assert event["data"] == charge == (await shop.by_ref("inv-1"))[0]


async def test_the_signature_covers_every_byte_and_the_time(shop: ShopClient, hook: Receiver) -> None:
    await shop.charge("inv-1")
    (one,) = await hook.wait_for(1)
    assert one.signed_by(SHOP.webhook_secret)
    assert not one.signed_by("whsec_other")
    for index in range(len(one.body)):
        flipped = one.body[:index] + bytes([one.body[index] ^ 1]) + one.body[index + 1 :]
        assert not Received(one.signature, flipped).signed_by(SHOP.webhook_secret)
    at = int(one.signature.split(",")[0].removeprefix("t="))
    assert abs(at - time.time()) < 60
    moved = replace(one, signature=one.signature.replace(f"t={at}", f"t={at + 1}"))
    assert not moved.signed_by(SHOP.webhook_secret)


async def test_each_merchant_is_told_of_its_own_money_with_its_own_secret(shop: ShopClient, hook: Receiver) -> None:
    other = Merchant("second", "sk_test_second", "whsec_second")
    async with Receiver() as theirs:
        await shop.webhooks_to(theirs.url, other)
        bearer = {"authorization": f"Bearer {other.secret_key}"}
        body = {"amount": 5, "currency": "EUR", "kind": "card", "merchant_ref": "inv-1", "source": "tok_ok"}
        await shop.http.post("/v1/charges", json=body, headers=bearer)
        (one,) = await theirs.wait_for(1)
        assert one.signed_by(other.webhook_secret)
        assert not one.signed_by(SHOP.webhook_secret)
        assert hook.received == []


async def test_a_webhook_is_retried_until_it_is_taken(shop: ShopClient) -> None:
    async with Receiver(500, 404, 204) as receiver:
        await shop.webhooks_to(receiver.url)
        await shop.charge("inv-1")
        events = await receiver.events(3)
        assert events[0] == events[1] == events[2]
        async with asyncio.timeout(5):
            while not (attempts := await shop.facts("delivered")) or not attempts[-1]["final"]:
                await asyncio.sleep(0.02)
        assert [(a["attempt"], a["status"], a["final"]) for a in attempts] == [
            (1, 500, False),
            (2, 404, False),
            (3, 204, True),
        ]


async def test_an_unreachable_shop_does_not_disturb_the_charge(shop: ShopClient) -> None:
    await shop.webhooks_to("http://127.0.0.1:9/nobody")
    assert (await shop.charge("inv-1")).json()["status"] == "succeeded"
    async with asyncio.timeout(5):
        while not (attempts := await shop.facts("delivered")):
            await asyncio.sleep(0.02)
    assert (attempts[0]["status"], attempts[0]["error"], attempts[0]["final"]) == (None, "ConnectError", False)


async def test_an_event_is_delivered_again_on_demand(shop: ShopClient, hook: Receiver) -> None:
    await shop.charge("inv-1")
    (event,) = await hook.events(1)
    answer = await shop.control("webhooks/resend", {"event_id": event["event_id"], "times": 8})
    assert answer["statuses"] == [204] * 8
    assert all(again == event for again in await hook.events(9))
    unknown = await shop.http.post("/control/webhooks/resend", json={"event_id": "evt_none"})
    assert unknown.status_code == 404


async def test_every_change_of_a_charge_is_told(shop: ShopClient, hook: Receiver) -> None:
    charge = (await shop.charge("inv-1", capture=False)).json()
    await shop.post(f"/v1/charges/{charge['id']}/capture")
    await shop.post(f"/v1/charges/{charge['id']}/refunds", {"amount": 100})
    await shop.control(f"charges/{charge['id']}/dispute")
    events = await hook.events(4)
    assert sorted(len(event["data"]["movements"]) for event in events) == [1, 2, 3, 4]
    assert len({event["event_id"] for event in events}) == 4
    async with asyncio.timeout(5):
        while (await shop.http.get("/control/webhooks")).json() != {"events": 4, "in_flight": 0, "given_up": 0}:
            await asyncio.sleep(0.02)
