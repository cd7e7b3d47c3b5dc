"""The manners in which providers differ: what a repeated command meets, words that nobody knows, changed secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from msgspec.structs import replace
from tests.sandbox.client import ShopClient
from tests.sandbox.process import SHOP, SandboxProcess
from tests.sandbox.receiver import Receiver

from kassa.adapters.sandbox.model import ODD_STATUS
from kassa.adapters.sandbox.options import BadOption, merchant_of


@dataclass
class Account:
    """One merchant's account, and what its idempotency promises."""

    client: ShopClient
    name: str
    keeps_keys: bool
    refuses_references: bool

    async def post(self, path: str, body: dict[str, Any], key: str) -> httpx.Response:
        return await self.client.post(path, body, key)

    async def row(self) -> dict[str, Any]:
        rows: dict[str, Any] = (await self.client.http.get("/control/books")).json()[self.name]
        return rows["inv-1"]  # type: ignore[no-any-return]


@pytest_asyncio.fixture(
    params=[("both", True, True), ("header", True, False), ("merchant_ref", False, True), ("none", False, False)],
    ids=lambda param: param[0],
)
async def account(request: pytest.FixtureRequest, sandbox: SandboxProcess, shop: ShopClient) -> AsyncIterator[Account]:
    mode, keeps_keys, refuses_references = request.param
    name = f"one-{mode}"
    merchant = replace(SHOP, name=name, secret_key=f"sk_test_{mode}", webhook_secret="w", idempotency=mode)
    body = {"secret_key": merchant.secret_key, "webhook_secret": "w", "idempotency": mode}
    assert (await shop.http.put(f"/control/merchants/{name}", json=body)).status_code == 200
    async with ShopClient(sandbox, merchant) as client:
        yield Account(client, name, keeps_keys, refuses_references)


CHARGE = {"amount": 1250, "currency": "EUR", "kind": "card", "merchant_ref": "inv-1", "source": "tok_ok"}
ACCOUNT = {"amount": 1250, "currency": "EUR", "merchant_ref": "inv-1"}


@pytest.mark.parametrize(("path", "body"), [("/v1/charges", CHARGE), ("/v1/virtual-accounts", ACCOUNT)])
async def test_the_same_command_again_with_the_same_key_or_another(
    account: Account, path: str, body: dict[str, Any]
) -> None:
    """By key, by reference, by both, by neither: then it is simply done twice, and the books say so."""
    first = await account.post(path, body, "k1")
    assert first.status_code == 201
    again = await account.post(path, body, "k1")
    if account.keeps_keys:
        assert again.content == first.content
    else:
        assert again.status_code == (409 if account.refuses_references else 201)
    other = await account.post(path, body, "k2")
    assert other.status_code == (409 if account.refuses_references else 201)
    done = 1 + (again.status_code == 201 and not account.keeps_keys) + (other.status_code == 201)
    assert (await account.row())["charges"] == done
    listed = (await account.client.get(path, merchant_ref="inv-1")).json()["data"]
    assert [one["id"] for one in listed] == (await account.row())["ids"]


@pytest.mark.parametrize("path", ["capture", "refunds"])
async def test_the_same_part_again_with_the_same_key_or_another(account: Account, path: str) -> None:
    """Captures and refunds are recognised in the same way."""
    charge = (await account.post("/v1/charges", CHARGE | {"capture": path == "refunds"}, "k0")).json()
    part, where = {"amount": 100, "merchant_ref": "p1"}, f"/v1/charges/{charge['id']}/{path}"
    first = await account.post(where, part, "k1")
    again, other = await account.post(where, part, "k1"), await account.post(where, part, "k2")
    assert (again.content == first.content) is account.keeps_keys
    assert other.status_code == (409 if account.refuses_references else 201)
    moved = (await account.row())["captured" if path == "capture" else "refunded"]
    assert moved == 100 * (1 + (again.status_code == 201 and not account.keeps_keys) + (other.status_code == 201))


def test_a_merchant_on_the_command_line_may_say_its_manner() -> None:
    text = "name=a,key=sk_test_a,webhook_secret=s,idempotency="
    assert merchant_of(f"{text}merchant_ref").idempotency == "merchant_ref"
    with pytest.raises(BadOption, match="idempotency"):
        merchant_of(f"{text}sometimes")


async def test_a_status_that_nobody_knows_is_shown_until_it_is_settled(shop: ShopClient, hook: Receiver) -> None:
    charge = (await shop.charge("inv-1", "tok_unknown_status")).json()
    for seen in (charge, (await shop.by_ref("inv-1"))[0], (await hook.events(1))[0]["data"]):
        assert [seen["status"], *(m["status"] for m in seen["movements"])] == [ODD_STATUS] * 2
    after = await shop.control(f"charges/{charge['id']}/settle", {"status": "succeeded"})
    assert [after["status"], after["movements"][0]["status"]] == ["succeeded"] * 2
    scripted = {"merchant": SHOP.name, "next": [{"op": "va", "fault": "unknown_status"}]}
    assert (await shop.http.put("/control/faults", json=scripted)).status_code == 200
    opened = (await shop.post("/v1/virtual-accounts", ACCOUNT)).json()
    assert opened["status"] == ODD_STATUS


async def test_an_event_of_any_type_can_be_sent(shop: ShopClient, hook: Receiver) -> None:
    answer = await shop.http.post(
        "/control/webhooks/send", json={"merchant": SHOP.name, "type": "payout.renamed", "data": {"a": [1]}}
    )
    (one,) = await hook.wait_for(1)
    assert one.signed_by(SHOP.webhook_secret)
    assert (one.json["event_id"], one.json["type"], one.json["data"]) == (
        answer.json()["event_id"],
        "payout.renamed",
        {"a": [1]},
    )
    assert (await shop.http.post("/control/webhooks/send", json={"merchant": "x", "type": "y"})).status_code == 400


async def test_a_changed_secret_signs_what_is_delivered_from_then_on(shop: ShopClient, hook: Receiver) -> None:
    await shop.charge("inv-1")
    (first,) = await hook.wait_for(1)
    await shop.webhooks_to(hook.url, replace(SHOP, webhook_secret="whsec_new"))
    await shop.control("webhooks/resend", {"event_id": first.json["event_id"]})
    again = (await hook.wait_for(2))[-1]
    assert (again.body, again.signed_by("whsec_new"), again.signed_by(SHOP.webhook_secret)) == (first.body, True, False)
