"""Reservations: captured in parts, let go of, expired; what is captured is never let go of with the rest."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.sandbox.client import ShopClient


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def reserved(shop: ShopClient, *captured: int) -> dict[str, Any]:
    """A card with 12.50 reserved, of which these parts were captured."""
    charge: dict[str, Any] = (await shop.charge("inv-1", capture=False)).json()
    for amount in captured:
        charge = (await shop.post(f"/v1/charges/{charge['id']}/capture", {"amount": amount})).json()
    return charge


def moves(charge: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(m["kind"], m["status"], m["amount"]) for m in charge["movements"]]


async def test_a_void_after_captures_of_a_part_lets_the_rest_go_and_keeps_the_part(shop: ShopClient) -> None:
    charge = await reserved(shop, 500, 250)
    for _ in range(2):
        after = (await shop.post(f"/v1/charges/{charge['id']}/void")).json()
        assert (after["status"], after["captured"]) == ("succeeded", 750)
        assert moves(after) == [
            ("auth", "reversed", 1250),
            ("capture", "succeeded", 500),
            ("capture", "succeeded", 250),
        ]
    assert len([c for c in await shop.facts("changed") if c["cause"] == "voided"]) == 1
    assert code(await shop.post(f"/v1/charges/{charge['id']}/capture", {"amount": 1})) == (409, "not_authorized")
    refund = await shop.post(f"/v1/charges/{charge['id']}/refunds")
    assert refund.json()["refunded"] == 750


async def test_what_is_captured_whole_or_about_to_be_cannot_be_voided(shop: ShopClient) -> None:
    charge = await reserved(shop, 1000, 250)
    assert code(await shop.post(f"/v1/charges/{charge['id']}/void")) == (409, "not_voidable")
    assert moves(charge)[0] == ("auth", "succeeded", 1250)


async def test_a_capture_under_way_is_decided_before_the_rest_is_let_go(shop: ShopClient) -> None:
    charge = await reserved(shop)
    await shop.script({"op": "capture", "fault": "pending"})
    waiting = (await shop.post(f"/v1/charges/{charge['id']}/capture", {"amount": 1000})).json()
    assert (waiting["status"], waiting["captured"]) == ("authorized", 0)
    assert code(await shop.post(f"/v1/charges/{charge['id']}/void")) == (409, "not_voidable")
    more = await shop.post(f"/v1/charges/{charge['id']}/capture", {"amount": 251})
    assert code(more) == (409, "capture_exceeds_authorized")
    settled = await shop.control(f"movements/{waiting['movement']['id']}/settle", {"status": "succeeded"})
    assert (settled["status"], settled["captured"]) == ("succeeded", 1000)
    assert moves((await shop.post(f"/v1/charges/{charge['id']}/void")).json())[0] == ("auth", "reversed", 1250)


async def test_a_capture_that_fails_leaves_the_reservation(shop: ShopClient) -> None:
    charge = await reserved(shop)
    await shop.script({"op": "capture", "fault": "decline"})
    failed = (await shop.post(f"/v1/charges/{charge['id']}/capture", {"amount": 1000})).json()
    assert (failed["status"], failed["movement"]["status"], failed["captured"]) == ("authorized", "failed", 0)
    assert (await shop.post(f"/v1/charges/{charge['id']}/capture")).json()["captured"] == 1250


@pytest.mark.parametrize(("captured", "status"), [((), "expired"), ((400,), "succeeded")])
async def test_a_reservation_expires_at_the_provider(shop: ShopClient, captured: tuple[int, ...], status: str) -> None:
    charge = await reserved(shop, *captured)
    after = await shop.control(f"charges/{charge['id']}/settle", {"status": "expired"})
    assert (after["status"], moves(after)[0]) == (status, ("auth", "reversed", 1250))
    assert code(await shop.post(f"/v1/charges/{charge['id']}/capture")) == (409, "not_authorized")
    late = await shop.http.post(f"/control/charges/{charge['id']}/settle", json={"status": "succeeded"})
    assert code(late) == (409, "already_final")


async def test_a_used_reference_is_told_before_anything_else_is_wrong(shop: ShopClient) -> None:
    """Whoever repeats a capture or a refund of all there was hears that it is there, not that nothing is left."""
    charge = await reserved(shop)
    for path in ("capture", "refunds"):
        body = {"amount": 1250, "merchant_ref": f"{path}-1"}
        assert (await shop.post(f"/v1/charges/{charge['id']}/{path}", body)).status_code == 201
        assert code(await shop.post(f"/v1/charges/{charge['id']}/{path}", body)) == (409, "duplicate_reference")


async def test_another_currency_or_amount_can_be_scripted_for_one_capture(shop: ShopClient) -> None:
    charge = await reserved(shop)
    for fault, amount, currency in (("wrong_amount", 101, "EUR"), ("wrong_currency", 100, "XTS")):
        await shop.script({"op": "capture", "fault": fault})
        told = (await shop.post(f"/v1/charges/{charge['id']}/capture", {"amount": 100})).json()["movement"]
        assert (told["amount"], told["currency"]) == (amount, currency)
