"""Refunds of bank transfers, over HTTP: a task, a file for the bank, and done when the bank's statement shows it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest_asyncio
from msgspec import Struct

from kassa.kernel.payment_payouts import KernelPayouts
from kassa.plugins.bank_transfer.account.config import AccountConfig
from kassa.plugins.bank_transfer.account.method import BankAccount
from kassa.ports.money import Money
from tests.http.caller import Caller, arrive, fresh, log_in
from tests.http.places import OPERATOR_EMAIL, Here
from tests.http.served import served
from tests.http.test_payment import order, pay
from tests.http.test_treasury import act, gbp
from tests.kernel.payment.banking import bank_desk
from tests.kernel.payment.till import open_till
from tests.plugins.bank_statements import IBAN, Transfer, camt

ADA, ADAS = "Ada Lovelace", "GB33BUKB20201555555555"


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """Told nothing: the account is the test's."""


class Own(BankAccount):
    """The shop's own account, in pounds."""

    Config = Nothing

    def __init__(self, config: Any) -> None:
        told = {
            "driver": "account",
            "bank": "B",
            "holder": "Shop Ltd",
            "iban": IBAN,
            "currency": "GBP",
            "reference": "rf",
        }
        super().__init__(msgspec.convert(told, AccountConfig))


@dataclass
class Bank:
    """A shop with an account, its customer and its operator, and the bank that writes statements."""

    here: Here
    client: httpx.AsyncClient
    ada: Caller
    operator: Caller
    transfers: list[Transfer] = field(default_factory=list)

    async def paid(self, *sent: Transfer, total: int = 1000) -> int:
        """A payment that is paid by these transfers, or by one of Ada's; its id."""
        invoice_id = await order(self.ada, self.operator, total)
        answer = (await pay(self.ada, invoice_id, method="own")).json()
        action = answer["next_action"]
        for one in sent or (self.transfer(total),):
            await self.told(one, action["reference"])
        assert (await self.ada.get(f"/v1/orders/{invoice_id}"))["status"] == "paid"
        return int(answer["id"])

    def transfer(self, amount: int, **more: Any) -> Transfer:
        money = Money(amount=amount, currency="GBP")
        return Transfer(number=len(self.transfers) + 1, merchant_ref="", reference="", amount=money, **more)

    async def told(self, transfer: Transfer, reference: str) -> dict[str, Any]:
        """A statement with this transfer is imported; its report."""
        number = len(self.transfers) + 1
        self.transfers.append(Transfer(**{**vars(transfer), "reference": reference, "number": number}))
        answer = await self.operator.ask(
            "POST", "/v1/operator/statements", params={"method": "own"}, content=camt(tuple(self.transfers)),
            headers={"Content-Type": "application/xml"},
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        report: dict[str, Any] = answer.json()
        return report

    async def refund(self, payment_id: int, amount: int | None = None) -> httpx.Response:
        more = {} if amount is None else {"amount": gbp(amount)}
        return await act(self.operator, payment_id, "refunds", fresh("refund"), **more)

    async def tasks(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.operator.get("/v1/operator/payouts", params={"method": "own"}))[
            "items"
        ]
        return items

    async def file(self, method: str = "own", **order: Any) -> httpx.Response:
        given: dict[str, Any] = {"json": order} if order else {}
        return await self.operator.ask("POST", f"/v1/operator/payouts/{method}/file", **given)

    async def carried_out(self, task: dict[str, Any]) -> dict[str, Any]:
        """The bank did it, and its statement shows the transfer."""
        out = self.transfer(task["amount"]["amount"], out=True, end_to_end=task["operation_id"])
        return await self.told(out, "Refund")


@asynccontextmanager
async def opened() -> AsyncIterator[Bank]:
    till = await open_till(also=(Own,))
    desk = bank_desk(till, "own")
    payouts = KernelPayouts(
        payments=till.world.payments,
        files=desk.files,
        methods=till.cashier._methods,
        books=till.cashier.books,
        clock=till.world.clock,
    )
    async with served(till.world, till.cashier, desk.desk, payouts) as shop:
        here = Here(shop, till)
        await here.hire()
        async with here.client() as client:
            yield Bank(here, client, await arrive(client), await log_in(client, OPERATOR_EMAIL))
    await till.cashier.drain()
    await till.assert_sound()
    await till.close()


@pytest_asyncio.fixture
async def bank() -> AsyncIterator[Bank]:
    async with opened() as bank:
        yield bank


async def test_a_refund_waits_for_the_bank_until_its_statement_shows_the_transfer(bank: Bank) -> None:
    payment_id = await bank.paid()
    ordered = await bank.refund(payment_id, 400)
    assert (ordered.status_code, ordered.json()["status"], ordered.json()["refunded"]) == (202, "paid", gbp(0))
    (task,) = await bank.tasks()
    assert (task["payment_id"], task["amount"], task["method"]) == (payment_id, gbp(400), "own")
    assert (task["name"], task["account"]) == (ADA, ADAS)
    written = await bank.file()
    assert written.status_code == 200
    assert written.headers["content-type"] == "application/xml"
    assert re.fullmatch(r'attachment; filename="KASSA-[0-9A-F]{24}\.xml"', written.headers["content-disposition"])
    for part in (task["operation_id"], 'Ccy="GBP">4.00<', ADAS, ADA, IBAN, f"Refund {task['invoice_id']}"):
        assert part in written.text
    assert (await bank.file()).content == written.content
    assert (await bank.file(operations=[task["operation_id"]])).content == written.content
    assert await bank.tasks() == [task], "nothing is done by writing a file"
    report = await bank.carried_out(task)
    assert report["verdicts"]["refund_done"] == 1
    seen = await bank.operator.get(f"/v1/operator/payments/{payment_id}")
    assert (seen["status"], seen["refunded"]) == ("partially_refunded", gbp(400))
    assert await bank.tasks() == []


async def test_two_refunds_of_one_amount_are_told_apart_by_their_end_to_end_ids(bank: Bank) -> None:
    payment_id = await bank.paid()
    for _ in range(2):
        assert (await bank.refund(payment_id, 300)).status_code == 202
    first, second = await bank.tasks()
    assert (await bank.file()).text.count("<EndToEndId>") == 2
    await bank.carried_out(second)
    assert await bank.tasks() == [first]
    await bank.here.till.sweep(2, after_s=90_000)
    assert await bank.tasks() == [first], "asking changes nothing"
    await bank.carried_out(first)
    assert (await bank.operator.get(f"/v1/operator/payments/{payment_id}"))["refunded"] == gbp(600)


async def test_a_refund_waits_for_weeks_and_never_fails_by_itself(bank: Bank) -> None:
    payment_id = await bank.paid()
    await bank.refund(payment_id)
    for day in range(25):
        await bank.here.till.sweep(after_s=90_000)
        if day in (9, 24):  # days of queries, hours of sessions
            bank.operator = await log_in(bank.client, OPERATOR_EMAIL)
            listed = (await bank.operator.get("/v1/operator/reviews"))["items"]
            assert [one["id"] for one in listed] == ([payment_id] if day == 24 else []), (
                "after a fortnight a person looks"
            )
    (task,) = await bank.tasks()
    more = await bank.refund(payment_id, 1)
    assert (more.status_code, more.json()["code"]) == (422, "amount_refused"), "what waits is not refunded twice"
    await bank.carried_out(task)
    assert (await bank.operator.get(f"/v1/operator/payments/{payment_id}"))["status"] == "refunded"


async def test_a_refund_of_a_part_leaves_what_is_still_to_be_paid_as_it_was(bank: Bank) -> None:
    invoice_id = await order(bank.ada, bank.operator)
    started = (await pay(bank.ada, invoice_id, method="own")).json()
    await bank.told(bank.transfer(400), started["next_action"]["reference"])
    assert (await bank.refund(started["id"], 100)).status_code == 202
    now = (await bank.ada.get("/v1/payments", params={"invoice_id": invoice_id}))["items"][0]
    assert now["next_action"]["reference"] == started["next_action"]["reference"]


async def test_where_the_bank_did_not_tell_the_payer_the_operator_does(bank: Bank) -> None:
    payment_id = await bank.paid(bank.transfer(1000, account=""))
    await bank.refund(payment_id)
    (task,) = await bank.tasks()
    name = task["operation_id"]
    assert (task["name"], task["account"]) == (ADA, "")
    bare = await bank.file()
    assert (bare.status_code, bare.json()["code"], bare.json()["field"]) == (422, "invalid_value", "payees")
    assert name in bare.json()["reason"]
    told = await bank.file(payees={name: {"account": ADAS}})
    assert told.status_code == 200
    assert ADAS in told.text
    other = await bank.file(payees={name: {"name": "Eve", "account": ADAS}})
    assert (other.status_code, other.json()["field"]) == (422, "payees")


async def test_money_from_two_accounts_goes_back_where_the_operator_says(bank: Bank) -> None:
    payment_id = await bank.paid(bank.transfer(400), bank.transfer(600, account="FR1420041010050500013M02606"))
    await bank.refund(payment_id)
    (task,) = await bank.tasks()
    assert (task["name"], task["account"]) == (ADA, "")


async def test_money_that_was_confirmed_by_hand_has_no_known_payer(bank: Bank) -> None:
    invoice_id = await order(bank.ada, bank.operator)
    payment_id = (await pay(bank.ada, invoice_id, method="own")).json()["id"]
    assert (
        await act(bank.operator, payment_id, "confirm", amount=gbp(1000), bank_reference="2026/1")
    ).status_code == 200
    await bank.refund(payment_id)
    (task,) = await bank.tasks()
    assert (task["name"], task["account"]) == ("", "")
    payees = {task["operation_id"]: {"name": "Grace Hopper", "account": "12-34-56 789"}}
    assert "Grace Hopper" in (await bank.file(payees=payees)).text


async def test_a_file_of_nothing_and_of_what_does_not_wait_is_refused(bank: Bank) -> None:
    nothing = await bank.file()
    assert (nothing.status_code, nothing.json()["field"]) == (422, "operations")
    await bank.refund(await bank.paid())
    for order_, field_ in (
        ({"operations": ["a" * 32]}, "operations"),
        ({"payees": {"a" * 32: {"name": "Eve"}}}, "payees"),
    ):
        refused = await bank.file(**order_)
        assert (refused.status_code, refused.json()["field"]) == (422, field_)
    (task,) = await bank.tasks()
    twice = await bank.file(operations=[task["operation_id"]] * 2)
    assert (twice.status_code, twice.json()["field"]) == (422, "operations")


async def test_a_refund_that_the_bank_refuses_is_dropped_and_can_be_ordered_again(bank: Bank) -> None:
    payment_id = await bank.paid()
    await bank.refund(payment_id)
    (task,) = await bank.tasks()
    body = {"operation": task["operation_id"], "reason": "the account is closed"}
    path = "/v1/operator/payouts/own/drop"
    assert (await bank.operator.ask("POST", path, json=body)).status_code == 204
    assert await bank.tasks() == []
    again = await bank.operator.ask("POST", path, json=body)
    assert (again.status_code, again.json()["field"]) == (422, "operation")
    await bank.here.till.sweep(2, after_s=90_000)
    assert await bank.tasks() == [], "what the method says of it later changes nothing"
    assert (await bank.refund(payment_id)).status_code == 202
    (other,) = await bank.tasks()
    assert (other["amount"], other["operation_id"] == task["operation_id"]) == (gbp(1000), False)
    report = await bank.carried_out(task)
    assert report["verdicts"]["review"] == 1, "it was sent nevertheless: a person looks"
    assert (await bank.operator.get(f"/v1/operator/payments/{payment_id}"))["refunded"] == gbp(0)


async def test_only_a_method_that_pays_out_by_the_bank_has_tasks(bank: Bank) -> None:
    for method, code in (("card", "not_capable"), ("nobody", "unknown_method")):
        listed = await bank.operator.ask("GET", "/v1/operator/payouts", params={"method": method})
        assert listed.json()["code"] == code
        assert (await bank.file(method)).json()["code"] == code
    for who in (bank.ada,):
        assert (await who.ask("GET", "/v1/operator/payouts", params={"method": "own"})).status_code == 403


async def test_who_took_the_order_for_the_bank_is_in_the_audit_trail(bank: Bank) -> None:
    await bank.refund(await bank.paid())
    await bank.file()
    me = await bank.operator.get("/v1/accounts/me")
    listed = await bank.operator.get("/v1/operator/audit", params={"actor": f"operator:{me['id']}", "limit": 100})
    (line,) = [item for item in listed["items"] if item["action"] == "payout.written"]
    assert (line["subject"], line["details"]["refunds"], line["details"]["total"]) == ("method:own", 1, 1000)
    assert ADAS not in str(line)


async def test_where_two_methods_read_bank_files_one_has_to_be_named(bank: Bank) -> None:
    headers = {"Content-Type": "application/xml"}
    answer = await bank.operator.ask("POST", "/v1/operator/statements", content=camt(()), headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (422, "invalid_value", "method")
    assert problem["reason"] == "2 payment methods read bank files: name one"
