"""The contract of `kassa.ports.bank_files.BankFiles`, second part: what lines are matched with."""

import pytest

from .sample_banking import ACCOUNT, a_bill, kept, line, paid_by, refunding
from .samples import NOW, after, money
from .stores import Stores


class BillsContract:
    """What lines are matched with. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def test_an_open_bill_tells_what_it_needs(self, stores: Stores) -> None:
        file = await a_bill(stores)
        (bill,) = await stores.bank_files.open_bills("bank", ended_since=NOW, limit=9)
        payment = file.payments[0]
        assert (bill.payment_id, bill.invoice_id, bill.customer_id) == (
            payment.id,
            payment.invoice_id,
            file.payable.customer_id,
        )
        assert (bill.provider_ref, bill.due, bill.is_live) == ("RF18539007547034", payment.nominal, True)
        assert bill.shown == money(payment.nominal.amount - 17)

    async def test_what_came_is_not_due_any_more(self, stores: Stores) -> None:
        file = await a_bill(stores)
        await paid_by(stores, file, "bank:REF1")
        (bill,) = await stores.bank_files.bills_named("bank", payments=(file.payments[0].id,))
        assert (bill.due, bill.is_live) == (money(0), False)

    async def test_bills_that_ended_long_ago_and_those_of_others_are_not_open(self, stores: Stores) -> None:
        live, ended, foreign = await a_bill(stores, 1), await a_bill(stores, 2), await a_bill(stores, 3, method="card")
        await paid_by(stores, ended, "bank:REF1")
        lately = await stores.bank_files.open_bills("bank", ended_since=after(1799), limit=9)
        assert [bill.payment_id for bill in lately] == [live.payments[0].id, ended.payments[0].id]
        now = await stores.bank_files.open_bills("bank", ended_since=after(1801), limit=9)
        assert [bill.payment_id for bill in now] == [live.payments[0].id]
        assert foreign.payments[0].id not in {bill.payment_id for bill in lately}

    async def test_open_bills_are_told_newest_first_and_not_more_than_asked(self, stores: Stores) -> None:
        made = [(await a_bill(stores, number)).payments[0].id for number in (1, 2, 3)]
        found = await stores.bank_files.open_bills("bank", ended_since=NOW, limit=2)
        assert [bill.payment_id for bill in found] == made[:0:-1]

    async def test_bills_are_found_by_reference_invoice_and_id_however_old(self, stores: Stores) -> None:
        first, second, third = [await a_bill(stores, number, reference=f"RF{number}") for number in (1, 2, 3)]
        await a_bill(stores, 4, reference="RF4")
        await a_bill(stores, 5, reference="RF1", method="card")
        found = await stores.bank_files.bills_named(
            "bank",
            references=("RF1", "nothing"),
            invoices=(second.payable.invoice_id,),
            payments=(third.payments[0].id,),
        )
        assert [bill.payment_id for bill in found] == [f.payments[0].id for f in (third, second, first)]

    async def test_payers_are_known_by_the_account_that_their_money_came_from(self, stores: Stores) -> None:
        file = await a_bill(stores)
        await kept(stores, line(1), line(2, account="elsewhere"), line(3, account="unpaid"))
        assert await stores.bank_files.payers("bank", (ACCOUNT,)) == ()
        await paid_by(stores, file, "bank:REF1")
        found = await stores.bank_files.payers("bank", (ACCOUNT, "elsewhere", "unpaid"))
        assert [(one.account, one.customer_id) for one in found] == [(ACCOUNT, file.payable.customer_id)]
        assert await stores.bank_files.payers("other", (ACCOUNT,)) == ()

    async def test_who_has_the_money_of_a_line_is_told_with_how_much(self, stores: Stores) -> None:
        file, other = await a_bill(stores, 1), await a_bill(stores, 2, method="card")
        await paid_by(stores, file, "bank:REF1")
        await paid_by(stores, other, "bank:REF2")
        found = await stores.bank_files.holders(("bank:REF1", "bank:REF2", "bank:REF3"))
        assert [(one.movement_id, one.method, one.payment_id, one.amount) for one in found] == [
            ("bank:REF1", "bank", file.payments[0].id, file.payable.amount),
            ("bank:REF2", "card", other.payments[0].id, other.payable.amount),
        ]

    async def test_refunds_are_found_by_the_id_of_their_command(self, stores: Stores) -> None:
        file = await a_bill(stores)
        await stores.payments.record(refunding(file, "f" * 32))
        start = file.operations[0].id
        found = await stores.bank_files.refunds_named("bank", ("f" * 32, start, "0" * 32))
        assert [(one.operation_id, one.payment_id) for one in found] == [("f" * 32, file.payments[0].id)]
        assert await stores.bank_files.refunds_named("card", ("f" * 32,)) == ()
