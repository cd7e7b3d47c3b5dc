"""The shop's own bank account, from checkout to the bank's file and back, on both pairs of adapters."""

import itertools
from typing import Any

import pytest

from kassa.ports.money import Money
from tests.http.caller import Caller, fresh
from tests.http.places import There
from tests.http.test_payment import order, pay
from tests.http.test_treasury import act, gbp
from tests.plugins.bank_statements import WRITTEN, Transfer

pytestmark = pytest.mark.parametrize("place", ["embedded", "production"], indirect=True)
_NUMBERS = itertools.count(1)
FORMS = ("camt", "mt940", "csv:own", "auto")


def sent(action: dict[str, Any], amount: int, **more: Any) -> Transfer:
    """A transfer by somebody who reads what is shown."""
    money = Money(amount=amount, currency=action["amount"]["currency"])
    return Transfer(number=next(_NUMBERS), merchant_ref="", reference=action["reference"], amount=money, **more)


async def imported(operator: Caller, *transfers: Transfer, form: str = "camt", dry_run: bool = False) -> dict[str, Any]:
    """The bank's file of these transfers; the report."""
    answer = await operator.ask(
        "POST", "/v1/operator/statements",
        params={"method": "transfer", "form": form, "dry_run": str(dry_run).lower()},
        content=WRITTEN[form.partition(":")[0]](transfers),
        headers={"Content-Type": "application/octet-stream"},
    )  # fmt: skip
    assert answer.status_code in (200, 201), answer.text
    report: dict[str, Any] = answer.json()
    return report


async def waiting(operator: Caller, payment_id: int) -> list[tuple[str, int]]:
    """What of this payment's money is put aside."""
    items = (await operator.get("/v1/operator/suspense"))["items"]
    return sorted((one["reason"], one["amount"]["amount"]) for one in items if one["payment_id"] == payment_id)


@pytest.mark.parametrize("form", FORMS)
async def test_a_bank_s_file_pays_the_order_once_and_shows_the_refund(
    place: There, ada: Caller, operator: Caller, form: str
) -> None:
    invoice_id = await order(ada, operator)
    started = (await pay(ada, invoice_id, method="transfer")).json()
    action = started["next_action"]
    assert (started["status"], action["type"]) == ("requires_action", "show_account")
    came = sent(action, action["amount"]["amount"])
    foreseen = await imported(operator, came, form=form, dry_run=True)
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "awaiting_payment"
    report = await imported(operator, came, form=form)
    assert report["verdicts"] == foreseen["verdicts"] == {"confirmed": 1}
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"
    assert (await imported(operator, came, form=form))["verdicts"] == {"known": 1}

    assert (await act(operator, started["id"], "refunds", fresh("refund"))).status_code == 202
    tasks = (await operator.get("/v1/operator/payouts", params={"method": "transfer"}))["items"]
    (task,) = [one for one in tasks if one["payment_id"] == started["id"]]
    wanted: dict[str, Any] = {"operations": [task["operation_id"]]}
    if not task["account"]:  # MT940 of this bank does not tell it
        wanted["payees"] = {task["operation_id"]: {"name": came.payer, "account": came.account}}
    written = await operator.ask("POST", "/v1/operator/payouts/transfer/file", json=wanted)
    assert written.status_code == 200, written.text
    assert f"<EndToEndId>{task['operation_id']}</EndToEndId>" in written.text
    went = sent(action, task["amount"]["amount"], out=True, end_to_end=task["operation_id"])
    assert (await imported(operator, went))["verdicts"] == {"refund_done": 1}
    assert (await operator.get(f"/v1/operator/payments/{started['id']}"))["status"] == "refunded"
    assert place.shop.violations() == ()


async def test_less_is_asked_for_the_rest_and_more_and_again_is_put_aside(
    place: There, ada: Caller, operator: Caller
) -> None:
    invoice_id = await order(ada, operator)
    started = (await pay(ada, invoice_id, method="transfer")).json()
    action, total = started["next_action"], started["nominal"]["amount"]
    await imported(operator, sent(action, 400), form="mt940")
    partly = await ada.get(f"/v1/payments/{started['id']}")
    assert (partly["status"], partly["captured"]) == ("partially_paid", gbp(400))
    assert partly["next_action"]["amount"] == gbp(total - 400)
    assert partly["next_action"]["reference"] == action["reference"]
    await imported(operator, sent(action, total - 400 + 25), form="csv:own")
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"
    assert await waiting(operator, started["id"]) == [("surplus", 25)]
    await imported(operator, sent(action, total))
    assert await waiting(operator, started["id"]) == [("surplus", 25), ("surplus", total)]
    assert place.shop.violations() == ()
