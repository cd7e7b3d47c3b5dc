"""What operators do to money, over HTTP: captures, voids, doubts, reviews, suspense, notices."""

from typing import Any

import httpx
import msgspec
import pytest

from kassa.ports.payment import Event
from tests.http.caller import Caller, fresh
from tests.http.places import Here
from tests.http.test_payment import order, pay
from tests.kernel.payment.provider import notice
from tests.kernel.payment.test_treasury import unmatched
from tests.kernel.world import pence

WHY = {"reason": "seen by a person"}


async def act(who: Caller, payment_id: int, what: str, key: str | None = None, **body: Any) -> httpx.Response:
    return await who.ask("POST", f"/v1/operator/payments/{payment_id}/{what}", key=key, json={**WHY, **body})


def gbp(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "GBP"}


async def test_reserved_money_is_taken_in_parts_and_the_rest_let_go_of(ada: Caller, operator: Caller) -> None:
    invoice_id = await order(ada, operator)
    held = (await pay(ada, invoice_id, method="reserve")).json()
    assert (held["status"], held["authorized"]["amount"], held["captured"]["amount"]) == ("authorized", 1000, 0)
    key = fresh("capture")
    part = await act(operator, held["id"], "captures", key, amount=gbp(300))
    assert (part.status_code, part.json()["status"]) == (201, "partially_paid")
    again = await act(operator, held["id"], "captures", key, amount=gbp(300))
    assert (again.content, again.headers["idempotent-replayed"]) == (part.content, "true")
    more = await act(operator, held["id"], "captures", fresh("capture"), amount=gbp(701))
    assert (more.status_code, more.json()["code"]) == (422, "amount_refused")
    rest = await act(operator, held["id"], "void")
    assert (rest.status_code, rest.json()["status"]) == (200, "partially_paid")
    paid = await pay(ada, invoice_id)
    assert (paid.json()["nominal"]["amount"], (await ada.get(f"/v1/orders/{invoice_id}"))["status"]) == (700, "paid")
    nothing = await act(operator, paid.json()["id"], "void")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "payment_not_cancelable")


async def test_a_doubt_is_resolved_by_evidence_once(ada: Caller, operator: Caller, here: Here) -> None:
    paid = (await pay(ada, await order(ada, operator))).json()
    here.till.provider.script.append("lost_before")
    here.till.provider.asked.append("lost")
    assert (await act(operator, paid["id"], "refunds", fresh("refund"), amount=gbp(400))).status_code == 202
    bare = await act(operator, paid["id"], "resolve", command="refund", executed=True)
    assert (bare.status_code, bare.json()["code"]) == (422, "evidence_refused")
    done = await act(operator, paid["id"], "resolve", command="refund", executed=False)
    assert (done.status_code, done.json()["in_doubt"]) == (200, False)
    twice = await act(operator, paid["id"], "resolve", command="refund", executed=False)
    assert (twice.status_code, twice.json()["code"]) == (409, "not_in_doubt")


async def test_what_needs_a_person_is_listed_until_somebody_looked(ada: Caller, operator: Caller, here: Here) -> None:
    assert (await operator.get("/v1/operator/reviews"))["items"] == []
    paid = (await pay(ada, await order(ada, operator))).json()
    charge = next(iter(here.till.provider.charges.values()))
    charge.move("chargeback", "cb_1", pence(1000))
    await here.till.notify(notice(charge, "e1", report=charge.report()))
    listed = await operator.get("/v1/operator/reviews", params={"limit": 1})
    assert ([item["id"] for item in listed["items"]], listed["next"]) == ([paid["id"]], str(paid["id"]))
    assert (await act(operator, paid["id"], "review")).status_code == 200
    assert (await operator.get("/v1/operator/reviews"))["items"] == []


async def test_money_without_a_name_is_given_one_or_sent_back(ada: Caller, operator: Caller, here: Here) -> None:
    invoice_id = await order(ada, operator)
    bank = (await pay(ada, invoice_id, method="bank")).json()
    for number in (1, 2):
        await here.till.notify(unmatched(f"u{number}", f"mv_{number}77"), "bank")
    first, second = (await operator.get("/v1/operator/suspense"))["items"]
    body = {"key": first["key"], "payment_id": bank["id"], **WHY}
    assigned = await operator.ask("POST", "/v1/operator/suspense/assign", json=body)
    assert (assigned.status_code, assigned.json()["status"]) == (200, "paid")
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"
    again = await operator.ask("POST", "/v1/operator/suspense/assign", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    body = {"key": second["key"], "bank_reference": "OUT/17", **WHY}
    returned = await operator.ask("POST", "/v1/operator/suspense/return", json=body)
    assert (returned.status_code, returned.json()["state"]) == (200, "refunded")
    assert (await operator.get("/v1/operator/suspense"))["items"] == []
    body = {"key": "unmatched/bank/nothing", "bank_reference": "OUT/18", **WHY}
    unknown = await operator.ask("POST", "/v1/operator/suspense/return", json=body)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_suspense")


async def test_a_dead_notice_raises_the_alarm_and_is_replayed(
    client: httpx.AsyncClient, operator: Caller, here: Here
) -> None:
    stranger = Event(event_id="e404", merchant_ref="KS-nobody")
    await here.till.notify(unmatched("e404").__class__(
        slug="notices", headers=(("x-secret", "s3cret"),), body=msgspec.json.encode(stranger),
        received_at=here.till.world.clock.now(),
    ))  # fmt: skip
    for wait_s in (2, 10, 60, 400, 4000):
        await here.till.sweep(after_s=wait_s)
    assert "kassa_notices_dead 1.0" in (await client.get("/metrics")).text
    (dead,) = (await operator.get("/v1/operator/notices"))["items"]
    assert (dead["event_id"], dead["state"]) == ("e404", "dead")
    path = f"/v1/operator/notices/{dead['id']}/replay"
    replayed = await operator.ask("POST", path)
    assert (replayed.status_code, replayed.json()["state"]) == (200, "waiting")
    assert (await operator.ask("POST", path)).json()["code"] == "conflict"
    assert (await operator.get("/v1/operator/notices", params={"state": "waiting"}))["items"] == [replayed.json()]
    unknown = await operator.ask("POST", "/v1/operator/notices/987654/replay")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_notice")


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("captures", {"amount": {"amount": -1, "currency": "GBP"}, **WHY}),
        ("captures", {"amount": {"amount": 1, "currency": "EUR"}, **WHY}),
        ("captures", {"reason": "x"}),
        ("void", {}),
        ("resolve", {"command": "explode", "executed": True, **WHY}),
        ("resolve", {"command": "refund", **WHY}),
        ("review", {"reason": "no", "more": 1}),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    ada: Caller, operator: Caller, what: str, body: dict[str, Any]
) -> None:
    held = (await pay(ada, await order(ada, operator), method="reserve")).json()
    path = f"/v1/operator/payments/{held['id']}"
    answer = await operator.ask("POST", f"{path}/{what}", key=fresh("k"), json=body)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert await operator.get(path) == held
