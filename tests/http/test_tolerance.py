"""Money that is short by little, money for two invoices, money that two people have to see, numbers that ran out: over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from kassa.ports.secret import Secret
from tests.http.caller import PASSWORD, Caller, arrive, fresh, log_in
from tests.http.places import OPERATOR_EMAIL, Here
from tests.http.test_payment import order, pay
from tests.http.test_treasury import WHY, act, gbp
from tests.kernel.payment.accounts import ACCOUNTS
from tests.kernel.payment.test_treasury import unmatched
from tests.kernel.world import OPERATOR, pence

SECOND_EMAIL = "second@example.com"


@pytest_asyncio.fixture
async def lenient() -> AsyncIterator[Here]:
    """A shop that lets go of 5, with bank accounts whose payments have a number or an amount of their own."""
    async with Here.opened(terms={"tolerance": 5, "also": ACCOUNTS}) as here:
        yield here


async def people(here: Here, client: httpx.AsyncClient) -> tuple[Caller, Caller]:
    """A customer and the operator."""
    await here.hire()
    return await arrive(client), await log_in(client, OPERATOR_EMAIL)


async def confirm(who: Caller, payment_id: int, amount: int, reference: str = "BANK-1") -> httpx.Response:
    return await act(who, payment_id, "confirm", amount=gbp(amount), bank_reference=reference)


async def test_a_customer_sees_what_is_due_and_what_the_shop_let_go_of(lenient: Here) -> None:
    async with lenient.client() as client:
        ada, operator = await people(lenient, client)
        invoice_id = await order(ada, operator)
        started = (await pay(ada, invoice_id, method="bank")).json()
        assert (started["due"], started["forgiven"]) == (gbp(1000), gbp(0))
        await confirm(operator, started["id"], 400)
        part = await ada.get(f"/v1/payments/{started['id']}")
        assert (part["status"], part["due"]) == ("partially_paid", gbp(600))
        assert part["next_action"] == {**started["next_action"], "amount": gbp(600)}
        done = (await confirm(operator, started["id"], 597, "BANK-2")).json()
        assert (done["status"], done["due"], done["forgiven"]) == ("paid", gbp(0), gbp(3))
        assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"


async def test_a_unique_amount_is_asked_for_and_pays_the_order(lenient: Here) -> None:
    async with lenient.client() as client:
        ada, operator = await people(lenient, client)
        invoice_id = await order(ada, operator)
        started = (await pay(ada, invoice_id, method="coded")).json()
        asked = started["nominal"]["amount"]
        assert asked < 1000
        assert started["next_action"]["amount"] == gbp(asked)
        done = (await confirm(operator, started["id"], asked)).json()
        assert (done["status"], done["forgiven"]) == ("paid", gbp(1000 - asked))
        assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"


async def test_a_method_without_a_free_number_says_when_to_try_again(lenient: Here) -> None:
    async with lenient.client() as client:
        ada, operator = await people(lenient, client)
        for _ in range(10):
            assert (await pay(ada, await order(ada, operator), method="numbered")).status_code == 201
        invoice_id = await order(ada, operator)
        refused = await pay(ada, invoice_id, method="numbered")
        assert (refused.status_code, refused.json()["code"]) == (503, "no_reference_left")
        assert refused.headers["retry-after"] == "60"
        assert refused.json()["retryable"] is True
        assert (await ada.get("/v1/payments", params={"invoice_id": invoice_id}))["items"] == []
        assert (await pay(ada, invoice_id, method="bank")).status_code == 201


async def test_one_transfer_pays_two_invoices(lenient: Here) -> None:
    async with lenient.client() as client:
        ada, operator = await people(lenient, client)
        invoices = [await order(ada, operator) for _ in range(2)]
        payments = [(await pay(ada, invoice_id, method="bank")).json()["id"] for invoice_id in invoices]
        await lenient.till.notify(unmatched(amount=pence(2000)), "bank")
        key = "unmatched/bank/mv_77"
        body: dict[str, Any] = {**WHY, "key": key, "amounts": [gbp(1000), gbp(999)]}
        refused = await operator.ask("POST", "/v1/operator/suspense/split", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "evidence_refused")
        body["amounts"] = [gbp(1000), gbp(1000)]
        parts = (await operator.ask("POST", "/v1/operator/suspense/split", json=body)).json()["items"]
        assert [part["key"] for part in parts] == [f"{key}/1", f"{key}/2"]
        again = await operator.ask("POST", "/v1/operator/suspense/split", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "conflict")
        for part, payment_id in zip(parts, payments, strict=True):
            word = {**WHY, "key": part["key"], "payment_id": payment_id}
            assert (await operator.ask("POST", "/v1/operator/suspense/assign", json=word)).json()["status"] == "paid"
        assert {(await ada.get(f"/v1/orders/{invoice_id}"))["status"] for invoice_id in invoices} == {"paid"}
        assert (await ada.ask("POST", "/v1/operator/suspense/split", json=body)).status_code == 403


async def test_money_seen_by_one_waits_for_a_second_person() -> None:
    async with Here.opened(terms={"second_person": True}) as here, here.client() as client:
        ada, first = await people(here, client)
        await here.till.world.identity.add_operator(SECOND_EMAIL, Secret(PASSWORD), OPERATOR)
        second = await log_in(client, SECOND_EMAIL)
        invoice_id = await order(ada, first)
        payment_id = (await pay(ada, invoice_id, method="bank")).json()["id"]
        kept = await confirm(first, payment_id, 1000)
        assert (kept.status_code, kept.json()["deed"]) == (202, "confirm")
        assert kept.json()["word"]["bank_reference"] == "BANK-1"
        assert (await confirm(first, payment_id, 1000)).json() == kept.json()
        assert (await second.get("/v1/operator/approvals"))["items"] == [kept.json()]
        assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "awaiting_payment"
        done = await confirm(second, payment_id, 1000)
        assert (done.status_code, done.json()["status"]) == (200, "paid")
        assert (await second.get("/v1/operator/approvals"))["items"] == []
        assert (await ada.ask("GET", "/v1/operator/approvals")).status_code == 403


async def test_money_without_a_name_waits_for_a_second_person() -> None:
    async with Here.opened(terms={"second_person": True}) as here, here.client() as client:
        ada, first = await people(here, client)
        await here.till.world.identity.add_operator(SECOND_EMAIL, Secret(PASSWORD), OPERATOR)
        second = await log_in(client, SECOND_EMAIL)
        payment_id = (await pay(ada, await order(ada, first), method="bank")).json()["id"]
        await here.till.notify(unmatched(), "bank")
        await here.till.notify(unmatched("u2", "mv_78"), "bank")
        word = {**WHY, "key": "unmatched/bank/mv_77", "payment_id": payment_id}
        back = {**WHY, "key": "unmatched/bank/mv_78", "bank_reference": fresh("OUT")}
        for path, body in (("assign", word), ("return", back)):
            answers = [await who.ask("POST", f"/v1/operator/suspense/{path}", json=body) for who in (first, second)]
            assert [answer.status_code for answer in answers] == [202, 200]
        assert (await ada.get(f"/v1/payments/{payment_id}"))["status"] == "paid"
