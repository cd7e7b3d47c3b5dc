"""The Payment API over the real cashier and a scripted provider."""

import asyncio

import httpx
import msgspec
import pytest

from tests.http.caller import Caller, arrive, fresh, log_in, stock
from tests.http.places import Here
from tests.kernel.payment.provider import notice


async def order(who: Caller, operator: Caller, total: int = 1000) -> str:
    """An order over `total`; its invoice id."""
    made = await stock(operator, price=total)
    assert (await who.put(made["id"], 1)).status_code == 200
    placed = await who.check_out()
    assert placed.status_code == 201, placed.text
    invoice_id: str = placed.json()["order"]["invoice_id"]
    return invoice_id


async def pay(
    who: Caller, invoice_id: str, method: str = "card", key: str | None = None, **more: object
) -> httpx.Response:
    body = {"invoice_id": invoice_id, "method": method, **more}
    return await who.ask("POST", "/v1/payments", key=key or fresh("pay"), json=body)


async def test_methods_are_listed_with_what_they_need(ada: Caller, operator: Caller) -> None:
    invoice_id = await order(ada, operator)
    for params in ({}, {"invoice_id": invoice_id}):
        listed = await ada.get("/v1/payment-methods", params=params)
        assert [item["method"] for item in listed["items"]] == ["bank", "card", "reserve", "wallet"]
        assert '"token":{"type":"string"' in msgspec.json.encode(listed["items"][1]["input"]).decode()
    foreign = await operator.ask("GET", "/v1/payment-methods", params={"invoice_id": invoice_id})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "unknown_order")


async def test_a_card_pays_and_the_answer_can_be_had_again(ada: Caller, operator: Caller, here: Here) -> None:
    invoice_id = await order(ada, operator)
    key = fresh("pay")
    first = await pay(ada, invoice_id, key=key, input={"token": "tok"})
    assert (first.status_code, first.json()["status"]) == (201, "paid")
    again = await ada.client.post(
        "/v1/payments",
        headers={**ada.headers, "Idempotency-Key": key, "Content-Type": "application/json"},
        content=b' {"input":{ "token":"t\\u006fk" },"method":"card", "return_url":null,"invoice_id":"%b"}'
        % invoice_id.encode(),
    )
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert here.till.provider.kept() == 1000
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"


async def test_the_same_key_with_other_input_is_refused(ada: Caller, operator: Caller, here: Here) -> None:
    invoice_id = await order(ada, operator)
    key = fresh("pay")
    await pay(ada, invoice_id, key=key, input={"token": "a"})
    other = await pay(ada, invoice_id, key=key, input={"token": "b"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert here.till.provider.kept() == 1000


async def test_eight_payments_at_once_charge_once(ada: Caller, operator: Caller, here: Here) -> None:
    invoice_id = await order(ada, operator)
    answers = await asyncio.gather(*(pay(ada, invoice_id) for _ in range(8)))
    assert sorted({answer.status_code for answer in answers}) == [201, 409]
    assert here.till.provider.kept() == 1000


async def test_silence_is_accepted_in_doubt_and_not_declined(ada: Caller, operator: Caller, here: Here) -> None:
    invoice_id = await order(ada, operator)
    here.till.provider.script.append("lost_after")
    here.till.provider.asked.extend(["lost"] * 5)
    answer = await pay(ada, invoice_id)
    assert answer.status_code == 202
    assert answer.json()["in_doubt"] is True
    another = await pay(ada, invoice_id)
    assert (another.status_code, another.json()["code"]) == (409, "payment_in_doubt")
    assert another.headers["retry-after"] == "1"
    here.till.provider.asked.clear()
    await here.till.settle()
    ada = await log_in(ada.client, ada.email)
    assert (await ada.get(f"/v1/payments/{answer.json()['id']}"))["status"] == "paid"


async def test_a_one_time_password_is_asked_for_and_given(ada: Caller, operator: Caller, here: Here) -> None:
    invoice_id = await order(ada, operator)
    here.till.provider.script.append("otp")
    started = (await pay(ada, invoice_id)).json()
    assert started["next_action"] == {"type": "collect", "field": "otp", "label": "Code"}
    path = f"/v1/payments/{started['id']}/input"
    for body in ({"input": {}}, {"input": {"otp": 123456}}, {"input": {"otp": "1" * 501}}, {}):
        assert (await ada.ask("POST", path, json=body)).status_code == 400
    given = await ada.ask("POST", path, json={"input": {"otp": "123456"}})
    assert (given.status_code, given.json()["status"]) == (200, "paid")


async def test_the_browser_comes_back_and_is_sent_on(
    client: httpx.AsyncClient, ada: Caller, operator: Caller, here: Here
) -> None:
    invoice_id = await order(ada, operator)
    here.till.provider.script.append("redirect")
    tokens: list[str] = []
    starting = here.till.cashier._starting
    ids = starting._ids

    class Seen:
        def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
            return getattr(ids, name)

        def short_token(self) -> str:
            tokens.append(ids.short_token())
            return tokens[-1]

    starting._ids = Seen()  # type: ignore[assignment]
    started = await pay(ada, invoice_id, return_url="https://app.example/pay/thanks")
    assert started.json()["next_action"]["type"] == "redirect"
    charge = next(iter(here.till.provider.charges.values()))
    here.till.provider.pay(charge)
    back = await client.get(f"/v1/returns/{tokens[-1]}")
    assert back.status_code == 303
    assert back.headers["location"].startswith("https://app.example/pay/thanks")
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"
    for token in ("x" * 22, tokens[-1][:-1], "%00", "a" * 300):
        unknown = await client.get(f"/v1/returns/{token}")
        assert unknown.status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/", "https://app.example.evil.test/pay", "//evil.test", "javascript:alert(1)",
        "https://app.example/pay\r\nSet-Cookie: a=b", "https://app.example@evil.test/pay", "https://app.example/payback",
    ],
)  # fmt: skip
async def test_the_browser_is_sent_nowhere_else(ada: Caller, operator: Caller, url: str) -> None:
    invoice_id = await order(ada, operator)
    answer = await pay(ada, invoice_id, return_url=url)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_value")


async def test_a_payment_is_canceled_and_another_begun(ada: Caller, operator: Caller, here: Here) -> None:
    invoice_id = await order(ada, operator)
    here.till.provider.script.append("redirect")
    first = (await pay(ada, invoice_id)).json()
    canceled = await ada.ask("POST", f"/v1/payments/{first['id']}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert (await pay(ada, invoice_id)).json()["status"] == "paid"
    listed = await ada.get("/v1/payments", params={"invoice_id": invoice_id})
    assert [item["status"] for item in listed["items"]] == ["canceled", "paid"]
    nothing_due = await pay(ada, invoice_id)
    assert (nothing_due.status_code, nothing_due.json()["code"]) == (409, "nothing_due")


async def test_what_cannot_be_is_refused(ada: Caller, operator: Caller) -> None:
    invoice_id = await order(ada, operator)
    unknown = await pay(ada, invoice_id, method="barter")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_method")
    for given in ({"pan": "4242424242424242"}, {"token": 1}, {"token": "a", "amount": 1}):
        answer = await pay(ada, invoice_id, input=given)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_value")
        assert "4242" not in answer.text


async def test_payments_are_their_owners_alone(client: httpx.AsyncClient, ada: Caller, operator: Caller) -> None:
    invoice_id = await order(ada, operator)
    payment_id = (await pay(ada, invoice_id)).json()["id"]
    bob = await arrive(client)
    for method, path, body in (
        ("GET", f"/v1/payments/{payment_id}", None),
        ("POST", f"/v1/payments/{payment_id}/cancel", None),
        ("POST", f"/v1/payments/{payment_id}/input", {"input": {"otp": "1"}}),
        ("GET", f"/v1/payments?invoice_id={invoice_id}", None),
        ("POST", "/v1/payments", {"invoice_id": invoice_id, "method": "card"}),
    ):
        answer = await bob.ask(method, path, key="k", json=body)
        assert (answer.status_code, answer.json()["code"]) in {(404, "unknown_payment"), (404, "unknown_order")}


async def test_a_genuine_notice_is_kept_and_a_forged_one_is_not(
    client: httpx.AsyncClient, ada: Caller, operator: Caller, here: Here
) -> None:
    invoice_id = await order(ada, operator)
    here.till.provider.script.append("redirect")
    await pay(ada, invoice_id)
    charge = next(iter(here.till.provider.charges.values()))
    here.till.provider.pay(charge)
    body = notice(charge, "ev_1", report=charge.report()).body
    path = "/webhooks/card/notices"
    for headers in ([("x-secret", "wrong")], [], [("x-secret", "s3cret"), ("x-secret", "s3cret")]):
        forged = await client.post(path, content=body, headers=headers)
        assert (forged.status_code, forged.json()["code"]) == (401, "webhook_rejected")
        assert "secret" not in forged.text
    for _ in range(3):
        genuine = await client.post(path, content=body, headers={"x-secret": "s3cret", "content-type": "text/xml"})
        assert (genuine.status_code, genuine.content) == (200, b"")
    await here.till.cashier.drain()
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"
    for elsewhere in ("/webhooks/card/other", "/webhooks/nobody/notices"):
        answer = await client.post(elsewhere, content=body, headers={"x-secret": "s3cret"})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_webhook")
    crash = await client.post(path, content=b"crash", headers={"x-secret": "s3cret"})
    assert (crash.status_code, crash.json()["code"]) == (503, "unavailable")
    large = await client.post(path, content=b"a" * (256 * 1024 + 1), headers={"x-secret": "s3cret"})
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


async def test_an_operator_refunds_once_per_key(ada: Caller, operator: Caller, here: Here) -> None:
    invoice_id = await order(ada, operator)
    payment_id = (await pay(ada, invoice_id)).json()["id"]
    path = f"/v1/operator/payments/{payment_id}/refunds"
    body = {"amount": {"amount": 400, "currency": "GBP"}, "reason": "one was broken"}
    first = await operator.ask("POST", path, key="r1", json=body)
    assert first.status_code in (200, 201), first.text
    assert first.json()["refunded"]["amount"] == 400
    again = await operator.ask("POST", path, key="r1", json=body)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    too_much = await operator.ask("POST", path, key="r2", json={**body, "amount": {"amount": 601, "currency": "GBP"}})
    assert (too_much.status_code, too_much.json()["code"]) == (422, "amount_refused")
    rest = await operator.ask("POST", path, key="r3", json={"reason": "all of it then"})
    assert rest.json()["status"] == "refunded"
    assert here.till.provider.kept() == 0
    assert (await operator.get(f"/v1/operator/payments/{payment_id}"))["refunded"]["amount"] == 1000


async def test_one_key_is_not_two_refunds(ada: Caller, operator: Caller) -> None:
    ids = [(await pay(ada, await order(ada, operator))).json()["id"] for _ in range(2)]
    body = {"reason": "returned by the customer"}
    first = await operator.ask("POST", f"/v1/operator/payments/{ids[0]}/refunds", key="same", json=body)
    second = await operator.ask("POST", f"/v1/operator/payments/{ids[1]}/refunds", key="same", json=body)
    assert first.status_code in (200, 201)
    assert (second.status_code, second.json()["code"]) == (422, "idempotency_key_reused")


async def test_an_operator_confirms_money_on_the_bank_account(ada: Caller, operator: Caller) -> None:
    invoice_id = await order(ada, operator)
    started = (await pay(ada, invoice_id, method="bank")).json()
    assert started["next_action"]["type"] == "show_account"
    path = f"/v1/operator/payments/{started['id']}/confirm"
    evidence = {"amount": started["nominal"], "bank_reference": "2026-03-02/417", "reason": "seen on the statement"}
    for _ in range(2):
        confirmed = await operator.ask("POST", path, json=evidence)
        assert (confirmed.status_code, confirmed.json()["status"]) == (200, "paid")
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"


async def test_operators_see_suspense_and_plugins(operator: Caller) -> None:
    assert (await operator.get("/v1/operator/suspense"))["items"] == []
    plugins = (await operator.get("/v1/operator/plugins"))["items"]
    assert {item["state"] for item in plugins} == {"loaded"}
    assert {item["instance"] for item in plugins} == {"card", "wallet", "bank", "reserve"}
    assert msgspec.json.encode(plugins)
