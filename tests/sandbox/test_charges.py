"""Charges: keys, references, captures, refunds, voids, disputes and who may see them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.sandbox.client import ShopClient
from tests.sandbox.process import SandboxProcess


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_repeated_key_gives_the_stored_answer_byte_for_byte(shop: ShopClient) -> None:
    first = await shop.charge("inv-1", key="k1")
    again = await shop.charge("inv-1", key="k1")
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_key_used_for_another_body_is_a_conflict(shop: ShopClient) -> None:
    await shop.charge("inv-1", key="k1")
    assert code(await shop.charge("inv-2", key="k1")) == (409, "idempotency_conflict")
    assert await shop.by_ref("inv-2") == []


async def test_a_decline_is_replayed_too(shop: ShopClient) -> None:
    first = await shop.charge("inv-1", "tok_decline", key="k1")
    assert (await shop.charge("inv-1", "tok_decline", key="k1")).content == first.content


@pytest.mark.parametrize("key", ["k2", None])
async def test_a_merchant_reference_is_used_once(shop: ShopClient, key: str | None) -> None:
    await shop.charge("inv-1", key="k1")
    assert code(await shop.charge("inv-1", key=key)) == (409, "duplicate_reference")
    assert (await shop.books())["inv-1"]["charges"] == 1


async def test_an_authorised_card_is_captured_in_parts_up_to_its_amount(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1", capture=False)).json()
    assert (charge["status"], charge["captured"]) == ("authorized", 0)
    path = f"/v1/charges/{charge['id']}/capture"
    await shop.post(path, {"amount": 1000}, key="c1")
    await shop.post(path, {"amount": 1000}, key="c1")
    assert code(await shop.post(path, {"amount": 251})) == (409, "capture_exceeds_authorized")
    after = (await shop.post(path)).json()
    assert (after["status"], after["captured"]) == ("succeeded", 1250)
    assert [m["amount"] for m in after["movements"]] == [1250, 1000, 250]
    assert len({m["id"] for m in after["movements"]}) == 3


async def test_a_charge_that_was_not_authorised_cannot_be_captured(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1")).json()
    assert code(await shop.post(f"/v1/charges/{charge['id']}/capture")) == (409, "not_authorized")


async def test_a_void_gives_the_authorisation_back_once(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1", capture=False)).json()
    for _ in range(2):
        after = (await shop.post(f"/v1/charges/{charge['id']}/void")).json()
        assert (after["status"], after["movements"][0]["status"]) == ("canceled", "reversed")
    changes = [c for c in await shop.facts("changed") if c["cause"] == "voided"]
    assert len(changes) == 1


async def test_captured_money_cannot_be_voided(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1")).json()
    assert code(await shop.post(f"/v1/charges/{charge['id']}/void")) == (409, "not_voidable")


async def test_refunds_never_exceed_what_was_captured(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1")).json()
    path = f"/v1/charges/{charge['id']}/refunds"
    first = (await shop.post(path, {"amount": 1000, "merchant_ref": "r1"}, key="r1")).json()
    again = (await shop.post(path, {"amount": 1000, "merchant_ref": "r1"}, key="r1")).json()
    assert first["movement"] == again["movement"]
    assert first["movement"]["merchant_ref"] == "r1"
    assert code(await shop.post(path, {"amount": 251})) == (409, "refund_exceeds_captured")
    assert code(await shop.post(path, {"amount": 1, "merchant_ref": "r1"})) == (409, "duplicate_reference")
    assert (await shop.post(path)).json()["refunded"] == 1250
    assert code(await shop.post(path)) == (409, "refund_exceeds_captured")


async def test_a_pending_refund_counts_until_it_is_decided(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1", "tok_refund_pending")).json()
    path = f"/v1/charges/{charge['id']}/refunds"
    after = (await shop.post(path, {"amount": 1000})).json()
    assert (after["movement"]["status"], after["refunded"]) == ("pending", 0)
    assert code(await shop.post(path, {"amount": 251})) == (409, "refund_exceeds_captured")
    settle = f"movements/{after['movement']['id']}/settle"
    assert (await shop.control(settle, {"status": "succeeded"}))["refunded"] == 1000
    assert (await shop.control(settle, {"status": "reversed"}))["refunded"] == 0


async def test_a_refund_may_fail(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1", "tok_refund_decline")).json()
    after = (await shop.post(f"/v1/charges/{charge['id']}/refunds")).json()
    assert (after["movement"]["status"], after["refunded"]) == ("failed", 0)


async def test_a_dispute_takes_back_what_is_left(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1")).json()
    await shop.post(f"/v1/charges/{charge['id']}/refunds", {"amount": 250})
    after = await shop.control(f"charges/{charge['id']}/dispute")
    assert [(m["kind"], m["amount"]) for m in after["movements"]][-1] == ("chargeback", 1000)
    assert (await shop.books())["inv-1"]["charged_back"] == 1000
    assert code(await shop.http.post(f"/control/charges/{charge['id']}/dispute")) == (409, "nothing_to_dispute")


BAD_CHARGES: list[tuple[dict[str, Any], str]] = [
    ({"amount": 0}, "invalid_request"),
    ({"amount": -5}, "invalid_request"),
    ({"amount": "1250"}, "invalid_request"),
    ({"amount": 12.5}, "invalid_request"),
    ({"amount": 2**53}, "invalid_request"),
    ({"currency": "eur"}, "invalid_request"),
    ({"currency": "EUR\n"}, "invalid_request"),
    ({"kind": "cheque"}, "invalid_request"),
    ({"merchant_ref": ""}, "invalid_request"),
    ({"surprise": 1}, "invalid_request"),
    ({"source": "tok_unheard_of"}, "unknown_source"),
    ({"source": "4242424242424242"}, "card_number_refused"),
    ({"source": "4242 4242 4242 4242"}, "card_number_refused"),
    ({"source": None}, "source_required"),
    ({"return_url": "javascript:alert(1)"}, "invalid_return_url"),
    ({"return_url": "https://shop.example/\r\nset-cookie: a=b"}, "invalid_return_url"),
    ({"return_url": "https://shop.example;script-src/"}, "invalid_return_url"),
]


@pytest.mark.parametrize(("change", "expected"), BAD_CHARGES)
async def test_a_charge_that_makes_no_sense_is_refused(shop: ShopClient, change: dict[str, Any], expected: str) -> None:
    body = {"amount": 1250, "currency": "EUR", "kind": "card", "merchant_ref": "inv-1", "source": "tok_ok"}
    assert code(await shop.post("/v1/charges", body | change)) == (400, expected)
    assert await shop.books() == {}


async def test_broken_bodies_are_refused(shop: ShopClient) -> None:
    for body in (b"{", b"[]", b"\xff", b"[" * 50_000):
        answer = await shop.http.post("/v1/charges", content=body, headers={"authorization": "Bearer sk_test_shop_key"})
        assert code(answer) == (400, "invalid_request")
    huge = await shop.http.post("/control/reset", content=b" " * 70_000)
    assert code(huge) == (413, "too_large")


async def test_without_the_right_key_nothing_is_shown(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1")).json()
    for bearer in ({}, {"authorization": "Bearer sk_test_wrong"}, {"authorization": "sk_test_shop_key"}):
        answer = await shop.http.get(f"/v1/charges/{charge['id']}", headers=bearer)
        assert code(answer) == (401, "unauthorized")


async def test_a_merchant_sees_only_its_own_charges(sandbox: SandboxProcess, shop: ShopClient) -> None:
    body = {"secret_key": "sk_test_other", "webhook_secret": "whsec_other"}
    assert (await shop.http.put("/control/merchants/other", json=body)).status_code == 200
    mine = (await shop.charge("inv-1")).json()
    bearer = {"authorization": "Bearer sk_test_other"}
    assert (await shop.http.get(f"/v1/charges/{mine['id']}", headers=bearer)).status_code == 404
    assert (await shop.http.post(f"/v1/charges/{mine['id']}/refunds", headers=bearer)).status_code == 404
    found = await shop.http.get("/v1/charges", params={"merchant_ref": "inv-1"}, headers=bearer)
    assert found.json() == {"data": []}
    taken = await shop.http.put("/control/merchants/third", json=body)
    assert code(taken) == (409, "key_in_use")


async def test_unknown_paths_and_methods_are_json_errors(shop: ShopClient) -> None:
    assert code(await shop.http.get("/v2/charges")) == (404, "not_found")
    answer = await shop.http.delete("/v1/charges")
    assert code(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"
