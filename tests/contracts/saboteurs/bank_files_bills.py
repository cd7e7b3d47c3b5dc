"""Saboteurs of what a bank's lines are matched with."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.bank_files import SqliteBankFiles
from kassa.ports.bank_files import Payer
from kassa.ports.conformance.bank_bills import BillsContract
from kassa.ports.conformance.sample_banking import ACCOUNT
from tests.contracts.saboteurs.kit import breaks, sql


@breaks(BillsContract, "test_an_open_bill_tells_what_it_needs")
class ForgetsWhatWasShown(SqliteBankFiles):
    async def open_bills(self, method: str, **how: Any) -> Any:
        return tuple(replace(bill, shown=None) for bill in await super().open_bills(method, **how))


@breaks(BillsContract, "test_what_came_is_not_due_any_more")
class ForgetsWhatCame(SqliteBankFiles):
    async def bills_named(self, method: str, **how: Any) -> Any:
        found = await super().bills_named(method, **how)
        return tuple(replace(bill, due=replace(bill.due, amount=max(1, bill.due.amount))) for bill in found)


@breaks(BillsContract, "test_bills_that_ended_long_ago_and_those_of_others_are_not_open")
class ForgetsWhatEndedLately(SqliteBankFiles):
    async def open_bills(self, method: str, **how: Any) -> Any:
        return tuple(bill for bill in await super().open_bills(method, **how) if bill.is_live)


@breaks(
    BillsContract,
    "test_open_bills_are_told_newest_first_and_not_more_than_asked",
    "test_bills_that_ended_long_ago_and_those_of_others_are_not_open",
)
class TellsOpenBillsBackwards(SqliteBankFiles):
    async def open_bills(self, method: str, **how: Any) -> Any:
        return (await super().open_bills(method, **how))[::-1]


@breaks(BillsContract, "test_bills_are_found_by_reference_invoice_and_id_however_old")
class FindsNoBillByInvoice(SqliteBankFiles):
    async def bills_named(self, method: str, **how: Any) -> Any:
        return await super().bills_named(method, **{**how, "invoices": ()})


@breaks(BillsContract, "test_payers_are_known_by_the_account_that_their_money_came_from")
class BelievesThatWhoeverSendsPays(SqliteBankFiles):
    async def payers(self, method: str, accounts: tuple[str, ...]) -> Any:
        known = (await sql(self, "SELECT customer_id FROM payables")).scalar()
        found = await super().payers(method, accounts)
        return found or ((Payer(account=ACCOUNT, customer_id=known),) if method == "bank" else ())


@breaks(BillsContract, "test_who_has_the_money_of_a_line_is_told_with_how_much")
class ForgetsHowMuchCame(SqliteBankFiles):
    async def holders(self, movements: tuple[str, ...]) -> Any:
        found = await super().holders(movements)
        return tuple(replace(one, amount=replace(one.amount, amount=one.amount.amount + 1)) for one in found)


@breaks(BillsContract, "test_refunds_are_found_by_the_id_of_their_command")
class TakesEveryCommandForARefund(SqliteBankFiles):
    async def refunds_named(self, method: str, operations: tuple[str, ...]) -> Any:
        await sql(self, "UPDATE operations SET kind = 'refund' WHERE kind = 'start'")
        return await super().refunds_named(method, operations)
