"""Bank statements over HTTP: imported whole or refused with the place, reported line by line, doubts looked at."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.http.caller import Caller
from tests.http.places import Here
from tests.http.test_payment import order, pay
from tests.kernel.payment.banking import credit, debit, to_account, written

RAW = {"Content-Type": "application/octet-stream"}
PATH = "/v1/operator/statements"


async def bring(who: Caller, data: bytes, **query: str) -> httpx.Response:
    return await who.ask("POST", PATH, params={"method": "bank", **query}, content=data, headers=RAW)


async def a_bill(ada: Caller, operator: Caller) -> tuple[str, dict[str, Any]]:
    """An invoice, and what its customer was shown."""
    invoice_id = await order(ada, operator)
    return invoice_id, (await pay(ada, invoice_id, method="bank")).json()


async def test_a_statement_pays_an_order_and_again_changes_nothing(ada: Caller, operator: Caller) -> None:
    invoice_id, shown = await a_bill(ada, operator)
    data = written(credit(references=to_account(shown["next_action"]["account_number"])), debit(2, text="rent"))
    told = await bring(operator, data, dry_run="true")
    assert (told.status_code, told.json()["statement"]) == (200, None)
    assert (await operator.get(PATH))["items"] == []
    done = await bring(operator, data, name="march.xml")
    assert (done.status_code, done.json()["verdicts"]) == (201, {"confirmed": 1, "not_ours": 1})
    assert done.json()["lines"] == told.json()["lines"]
    assert done.json()["lines"][0]["payments"] == [shown["id"]]
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"
    again = await bring(operator, data)
    assert (again.status_code, again.json()["verdicts"]) == (200, {"known": 2})
    (kept,) = (await operator.get(PATH))["items"]
    assert (kept["name"], kept["lines"], kept["waiting"]) == ("march.xml", 2, 0)


async def test_a_proposal_stands_beside_the_money_and_can_be_taken(ada: Caller, operator: Caller) -> None:
    invoice_id, shown = await a_bill(ada, operator)
    await bring(operator, written(credit(text=f"inv {invoice_id}")))
    (item,) = (await operator.get("/v1/operator/suspense"))["items"]
    assert [(one["payment_id"], one["invoice_id"]) for one in item["proposals"]] == [(shown["id"], invoice_id)]
    body = {"key": item["key"], "payment_id": shown["id"], "reason": "as proposed"}
    assert (await operator.ask("POST", "/v1/operator/suspense/assign", json=body)).status_code == 200
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"


async def test_a_file_that_cannot_be_read_is_refused_with_its_place(operator: Caller) -> None:
    refused = await bring(operator, b"<xml/>")
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["path"]) == (422, "statement_refused", "byte 1")
    assert problem["reason"]
    for query, status, code in (
        ({"method": "card"}, 409, "not_capable"),
        ({"method": "nobody"}, 422, "unknown_method"),
        ({"form": "mt940"}, 409, "not_capable"),
        ({"dry_run": "yes"}, 400, "malformed"),
    ):
        answer = await bring(operator, written(), **query)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await operator.get(PATH))["items"] == []


async def test_the_only_method_that_reads_statements_need_not_be_named(operator: Caller) -> None:
    answer = await bring(operator, written(debit()), method="")
    assert (answer.status_code, answer.json()["method"]) == (201, "bank")


@pytest.mark.parametrize("kind", ["application/xml", "text/csv; charset=iso-8859-1", "text/plain"])
async def test_a_file_comes_as_what_banks_write(operator: Caller, kind: str) -> None:
    answer = await operator.ask("POST", PATH, content=written(debit()), headers={"Content-Type": kind})
    assert answer.status_code == 201


async def test_a_form_or_nothing_is_no_file(operator: Caller) -> None:
    for headers in ({"Content-Type": "multipart/form-data"}, {}, {**RAW, "Content-Encoding": "gzip"}):
        answer = await operator.ask("POST", PATH, content=written(debit()), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_content")


async def test_a_file_may_be_larger_than_a_notice_but_has_an_end(operator: Caller) -> None:
    large = written(debit(text="x" * 900)) + b" " * 300_000
    assert (await bring(operator, large)).status_code == 201
    answer = await bring(operator, b" " * (16 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_doubtful_line_waits_until_a_person_looked(operator: Caller) -> None:
    report = (await bring(operator, written(credit(doubt="no amounts"), credit(2)))).json()
    statement = f"{PATH}/{report['statement']['id']}"
    page = await operator.get(statement, params={"limit": 1})
    (line,) = page["items"]
    assert (line["state"], line["verdict"], line["reason"]) == ("review", "review", "no amounts")
    (second,) = (await operator.get(statement, params={"cursor": page["next"]}))["items"]
    assert second["verdict"] == "unmatched"
    looked = await operator.ask("POST", f"{PATH}/lines/{line['id']}/reviewed", json={"reason": "a charge"})
    assert (looked.status_code, looked.json()["state"], looked.json()["reviewed"]) == (200, "done", "a charge")
    for line_id, status, code in ((line["id"], 409, "conflict"), (999, 404, "unknown_line")):
        answer = await operator.ask("POST", f"{PATH}/lines/{line_id}/reviewed", json={"reason": "again"})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    missing = await operator.ask("GET", f"{PATH}/999")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_statement")


async def test_statements_are_for_operators(ada: Caller) -> None:
    assert (await bring(ada, written(debit()))).status_code == 403
    assert (await ada.ask("GET", PATH)).status_code == 403


async def test_one_file_brought_four_times_at_once_counts_once(ada: Caller, operator: Caller, here: Here) -> None:
    invoice_id, shown = await a_bill(ada, operator)
    data = written(credit(references=to_account(shown["next_action"]["account_number"])), credit(2, 300))
    answers = await asyncio.gather(*(bring(operator, data) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert (await here.till.file(invoice_id)).payments[0].captured == 1000
    assert len((await operator.get("/v1/operator/suspense"))["items"]) == 1
