"""Receipts: what was paid and what came back, and never with what."""

import re
from base64 import b64encode
from hashlib import sha256

import httpx

from kassa.kernel.payment_receipt import receipt_of
from tests.http.caller import Caller, arrive, fresh
from tests.http.places import Here
from tests.http.test_payment import order, pay
from tests.http.test_treasury import act, gbp
from tests.kernel.payment.provider import notice
from tests.kernel.world import pence

GERMAN = {"Accept-Language": "de"}


async def paid(ada: Caller, operator: Caller) -> int:
    """A payment of 10.00 by card with a token that nobody may see again."""
    answer = await pay(ada, await order(ada, operator), input={"token": "tok_canary"})
    assert answer.json()["status"] == "paid"
    payment_id: int = answer.json()["id"]
    return payment_id


async def test_there_is_no_receipt_before_there_is_money(ada: Caller, operator: Caller) -> None:
    waiting = (await pay(ada, await order(ada, operator), method="bank")).json()
    held = (await pay(ada, await order(ada, operator), method="reserve")).json()
    for payment in (waiting, held):
        for name in ("receipt", "receipt.html"):
            answer = await ada.ask("GET", f"/v1/payments/{payment['id']}/{name}")
            assert (answer.status_code, answer.json()["code"]) == (404, "no_receipt")


async def test_a_receipt_is_ones_own(client: httpx.AsyncClient, ada: Caller, operator: Caller) -> None:
    payment_id = await paid(ada, operator)
    stranger = await arrive(client)
    for name in ("receipt", "receipt.html"):
        answer = await stranger.ask("GET", f"/v1/payments/{payment_id}/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_payment")
        assert (await client.get(f"/v1/payments/{payment_id}/{name}")).status_code == 401


async def test_a_receipt_tells_what_was_paid_and_what_came_back(ada: Caller, operator: Caller, here: Here) -> None:
    payment_id = await paid(ada, operator)
    assert (await act(operator, payment_id, "refunds", fresh("refund"), amount=gbp(250))).status_code == 201
    charge = next(iter(here.till.provider.charges.values()))
    charge.move("chargeback", "cb_1", pence(100))
    await here.till.notify(notice(charge, "e1", report=charge.report()))
    receipt = await ada.get(f"/v1/payments/{payment_id}/receipt", headers=GERMAN)
    assert [(line["kind"], line["amount"]["amount"]) for line in receipt["lines"]] == [
        ("paid", 1000),
        ("refund", 250),
        ("returned", 100),
    ]
    assert (receipt["paid"], receipt["refunded"], receipt["kept"]) == (gbp(1000), gbp(350), gbp(650))
    assert (receipt["title"], receipt["method_title"], receipt["language"]) == ("Quittung", "Karte", "de")
    assert receipt["reference"].startswith(receipt["invoice_id"])


async def test_money_that_did_not_move_is_on_no_receipt(ada: Caller, operator: Caller, here: Here) -> None:
    payment_id = await paid(ada, operator)
    here.till.provider.script.append("pending")
    assert (await act(operator, payment_id, "refunds", fresh("refund"), amount=gbp(250))).status_code == 202
    receipt = await ada.get(f"/v1/payments/{payment_id}/receipt")
    assert [line["kind"] for line in receipt["lines"]] == ["paid"]
    assert receipt["kept"] == gbp(1000)


async def test_the_page_is_for_printers_and_runs_nothing(ada: Caller, operator: Caller) -> None:
    payment_id = await paid(ada, operator)
    assert (await act(operator, payment_id, "refunds", fresh("refund"), amount=gbp(250))).status_code == 201
    page = await ada.ask("GET", f"/v1/payments/{payment_id}/receipt.html", headers=GERMAN)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (page.headers["content-language"], page.headers["cache-control"]) == ("de", "no-store")
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.S)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    assert '<html lang="de">' in page.text
    for shown in ("Quittung", "10,00 GBP", "-2,50 GBP", "7,50 GBP", "Karte"):
        assert shown in page.text
    assert not re.search(r"<script|<img|<link|style=|javascript:|\bon\w+=", page.text)


async def test_a_receipt_names_no_secret(ada: Caller, operator: Caller, here: Here) -> None:
    payment_id = await paid(ada, operator)
    file = await here.till.file((await ada.get(f"/v1/payments/{payment_id}"))["invoice_id"])
    (payment,) = file.payments
    for name in ("receipt", "receipt.html"):
        text = (await ada.ask("GET", f"/v1/payments/{payment_id}/{name}")).text
        secrets = ["tok_canary", payment.provider_ref, file.operations[0].id, file.movements[0].movement.id]
        assert [secret for secret in secrets if secret in text] == []
    assert receipt_of(file, payment_id).reference == payment.merchant_ref


async def test_a_title_that_is_code_elsewhere_is_only_text() -> None:
    async with Here.opened(terms={"title": {"en": "<script>alert('x')</script>&"}}) as here, here.client() as client:
        from tests.http.caller import log_in
        from tests.http.places import OPERATOR_EMAIL

        await here.hire()
        ada, operator = await arrive(client), await log_in(client, OPERATOR_EMAIL)
        page = await ada.ask("GET", f"/v1/payments/{await paid(ada, operator)}/receipt.html")
        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text
