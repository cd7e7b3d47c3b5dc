"""On which terms a method is offered: the range of its amounts, its title, and what its provider keeps."""

from contextlib import asynccontextmanager

import pytest

from kassa.ports.plugins import Fee
from tests.http.caller import Caller, arrive, fresh, log_in
from tests.http.places import OPERATOR_EMAIL, Here
from tests.http.test_payment import order, pay
from tests.http.test_treasury import act, gbp


@asynccontextmanager
async def a_shop(**terms: object):
    """A shop on these terms, a customer and its operator."""
    async with Here.opened(terms=terms) as here, here.client() as client:
        await here.hire()
        yield await arrive(client), await log_in(client, OPERATOR_EMAIL)


async def names(who: Caller, invoice_id: str) -> list[str]:
    listed = await who.get("/v1/payment-methods", params={"invoice_id": invoice_id})
    return [item["method"] for item in listed["items"]]


@pytest.mark.parametrize(("total", "fits"), [(499, False), (500, True), (2000, True), (2001, False)])
async def test_a_method_that_does_not_fit_is_not_offered_and_says_what_would(total: int, fits: bool) -> None:
    async with a_shop(min_amount=500, max_amount=2000) as (ada, operator):
        invoice_id = await order(ada, operator, total)
        assert ("card" in await names(ada, invoice_id)) is fits
        answer = await pay(ada, invoice_id)
        if fits:
            assert answer.json()["status"] == "paid"
            return
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "amount_refused")
        assert problem["takes"] == [{"currency": "GBP", "min": 500, "max": 2000, "step": 1}]
        assert problem["detail"] == "card takes 5.00 to 20.00 GBP"
        assert (await ada.get("/v1/payments", params={"invoice_id": invoice_id}))["items"] == []


async def test_the_rest_of_an_order_may_be_too_little_for_a_method() -> None:
    async with a_shop(min_amount=500) as (ada, operator):
        invoice_id = await order(ada, operator, 1000)
        held = (await pay(ada, invoice_id, method="reserve")).json()
        assert (await act(operator, held["id"], "captures", fresh("capture"), amount=gbp(600))).status_code == 201
        assert (await act(operator, held["id"], "void")).status_code == 200
        assert await names(ada, invoice_id) == []
        assert (await pay(ada, invoice_id)).json()["takes"][0]["min"] == 500


async def test_what_a_provider_keeps_is_shown_to_the_operator_and_charged_to_nobody() -> None:
    async with a_shop(fee=Fee(ppm=29_000, fixed=30)) as (ada, operator):
        invoice_id = await order(ada, operator, 1000)
        started = await pay(ada, invoice_id)
        payment_id = started.json()["id"]
        assert started.json()["nominal"] == started.json()["captured"] == gbp(1000)
        seen = await operator.get(f"/v1/operator/payments/{payment_id}")
        assert (seen["expected_fee"], seen["expected_net"]) == (gbp(59), gbp(941))
        assert (await act(operator, payment_id, "refunds", fresh("refund"), amount=gbp(400))).status_code == 201
        after = await operator.get(f"/v1/operator/payments/{payment_id}")
        assert (after["expected_fee"], after["expected_net"]) == (gbp(59), gbp(541))  # refunds do not bring fees back
        mine = await ada.get(f"/v1/payments/{payment_id}")
        assert "fee" not in started.text + str(mine)


async def test_nothing_is_expected_where_nothing_is_configured(ada: Caller, operator: Caller) -> None:
    payment_id = (await pay(ada, await order(ada, operator))).json()["id"]
    assert "expected_fee" not in await operator.get(f"/v1/operator/payments/{payment_id}")
