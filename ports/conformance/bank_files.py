"""The contract of `kassa.ports.bank_files.BankFiles`: statements kept once, lines processed once, what they are matched with."""

import asyncio

import pytest
from msgspec.structs import replace

from kassa.ports.bank_files import HeldLine, KeptLine, KeptStatement, LineState
from kassa.ports.errors import Conflict, UnknownLine, UnknownStatement
from kassa.ports.payment_records import SuspenseState
from kassa.ports.values import Page

from .sample_banking import ACCOUNT, LEASE, a_bill, kept, line, paid_by, refunding, settling
from .sample_payments import suspending
from .samples import NOW, after, entry, money
from .stores import Stores
from .witness import audit_of, nothing_changes

WAITING, DONE, REVIEW = LineState.WAITING, LineState.DONE, LineState.REVIEW


class BankFilesContract:
    """Files and lines. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def claim(self, stores: Stores, *, seconds: float = 86_400, limit: int = 10) -> tuple[HeldLine, ...]:
        """Claim `seconds` after the beginning."""
        return await stores.bank_files.claim_lines(now=after(seconds), limit=limit, lease_s=LEASE)

    async def lines(self, stores: Stores, told: KeptStatement) -> tuple[KeptLine, ...]:
        """The lines of a statement."""
        assert told.statement is not None
        return (await stores.bank_files.lines(told.statement.id, Page())).items

    # --- keeping

    async def test_a_statement_is_kept_with_its_lines_which_are_leased_to_who_brought_it(self, stores: Stores) -> None:
        told = await kept(stores, line(1), line(2))
        statement = told.statement
        assert statement is not None
        assert (statement.method, statement.name, statement.account) == ("bank", "march.xml", "GB00")
        assert (statement.actor, statement.at) == ("system:contract", NOW)
        assert (statement.lines, statement.new, statement.left_out, statement.waiting) == (2, 2, 3, 2)
        assert [(held.line, held.movement_id, held.attempts) for held in told.held] == [
            (line(1), "bank:REF1", 1),
            (line(2), "bank:REF2", 1),
        ]
        assert await self.claim(stores, seconds=LEASE - 1) == ()

    async def test_keeping_is_audited(self, stores: Stores) -> None:
        await kept(stores, line(1))
        assert len(await audit_of(stores, "statement.imported")) == 1

    async def test_the_same_file_again_changes_nothing(self, stores: Stores) -> None:
        first = await kept(stores, line(1))
        async with nothing_changes(stores):
            again = await kept(stores, line(1))
        assert (again.statement, again.held) == (first.statement, ())

    async def test_another_file_that_tells_only_what_is_known_changes_nothing(self, stores: Stores) -> None:
        await kept(stores, line(1), line(2))
        async with nothing_changes(stores):
            again = await kept(stores, line(2), digest="b")
        assert (again.statement, again.held) == (None, ())
        assert len((await stores.bank_files.statements(Page())).items) == 1

    async def test_of_another_file_only_the_new_lines_are_kept(self, stores: Stores) -> None:
        await kept(stores, line(1))
        more = await kept(stores, line(1, amount=1), line(2), digest="b")
        assert [held.line.id for held in more.held] == ["REF2"]
        assert more.statement is not None
        assert (more.statement.lines, more.statement.new) == (2, 1)
        (first,) = await stores.bank_files.lines_named("bank", ("REF1",))
        assert first.line == line(1)

    async def test_two_methods_may_have_lines_of_one_id(self, stores: Stores) -> None:
        for method in ("bank", "other"):
            assert len((await kept(stores, line(1), method=method)).held) == 1

    async def test_a_file_brought_eight_times_at_once_is_kept_once(self, stores: Stores) -> None:
        told = await asyncio.gather(*(kept(stores, line(1), line(2)) for _ in range(8)))
        assert sorted(len(one.held) for one in told) == [0] * 7 + [2]
        assert len(await self.claim(stores)) == 2
        assert len(await audit_of(stores, "statement.imported")) == 1

    async def test_files_that_share_a_line_at_once_keep_it_once(self, stores: Stores) -> None:
        told = await asyncio.gather(*(kept(stores, line(1), line(9 + n), digest=f"{n}") for n in range(4)))
        assert sorted(held.line.id for one in told for held in one.held) == ["REF1", "REF10", "REF11", "REF12", "REF9"]

    # --- claiming and settling

    async def test_a_lease_that_ran_out_is_given_to_the_next_with_a_higher_fence(self, stores: Stores) -> None:
        (brought,) = (await kept(stores, line(1))).held
        (again,) = await self.claim(stores, seconds=LEASE)
        assert (again.id, again.line, again.attempts) == (brought.id, brought.line, 2)
        assert again.fence > brought.fence
        assert await self.claim(stores, seconds=LEASE + 1) == ()

    async def test_lines_are_claimed_in_order_and_not_more_than_asked(self, stores: Stores) -> None:
        await kept(stores, line(3), line(1), line(2))
        assert [held.line.id for held in await self.claim(stores, limit=2)] == ["REF3", "REF1"]
        assert [held.line.id for held in await self.claim(stores, limit=2)] == ["REF2"]

    async def test_four_callers_at_once_never_get_one_line_twice(self, stores: Stores) -> None:
        await kept(stores, *(line(number) for number in range(8)))
        claimed = await asyncio.gather(*(self.claim(stores, limit=3) for _ in range(4)))
        rest = await self.claim(stores, limit=100)
        ids = [held.line.id for some in (*claimed, rest) for held in some]
        assert sorted(ids) == [f"REF{number}" for number in range(8)]

    async def test_a_settled_line_says_what_became_of_it_and_is_claimed_no_more(self, stores: Stores) -> None:
        told = await kept(stores, line(1), line(2))
        await stores.bank_files.settle_line(settling(told.held[0]))
        await stores.bank_files.settle_line(settling(told.held[1], REVIEW))
        assert await self.claim(stores) == ()
        first, second = await self.lines(stores, told)
        assert (first.state, first.verdict, first.reason, first.payments) == (DONE, "confirmed", "as it says", (7, 8))
        assert (second.state, second.verdict) == (REVIEW, "review")
        assert await stores.bank_files.backlog() == (0, 1)

    async def test_an_old_fence_settles_nothing(self, stores: Stores) -> None:
        (old,) = (await kept(stores, line(1))).held
        (current,) = await self.claim(stores)
        for fence in (old.fence, current.fence + 1):
            with pytest.raises(Conflict):
                await stores.bank_files.settle_line(settling(replace(current, fence=fence)))
        assert await stores.bank_files.backlog() == (1, 0)

    async def test_a_line_is_settled_once(self, stores: Stores) -> None:
        (held,) = (await kept(stores, line(1))).held
        await stores.bank_files.settle_line(settling(held))
        with pytest.raises(Conflict):
            await stores.bank_files.settle_line(settling(held, REVIEW))

    async def test_money_goes_to_suspense_with_its_line(self, stores: Stores) -> None:
        (held,) = (await kept(stores, line(1))).held
        act = suspending("unmatched/bank/bank:REF1")
        await stores.bank_files.settle_line(replace(settling(held), suspend=act))
        assert await stores.payments.suspense(SuspenseState.OPEN, limit=9) == (act.suspense,)
        assert len(await audit_of(stores, "suspense.arrived")) == 1
        assert (await stores.outbox.backlog())[0] == 1

    async def test_an_old_fence_suspends_nothing(self, stores: Stores) -> None:
        (held,) = (await kept(stores, line(1))).held
        await self.claim(stores)
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                act = replace(settling(held), suspend=suspending("unmatched/bank/bank:REF1"))
                await stores.bank_files.settle_line(act)

    async def test_money_that_a_payment_has_is_not_suspended(self, stores: Stores) -> None:
        await paid_by(stores, await a_bill(stores), "bank:REF1")
        (held,) = (await kept(stores, line(1))).held
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                act = replace(settling(held), suspend=suspending("unmatched/bank/bank:REF1"))
                await stores.bank_files.settle_line(act)
        assert await stores.bank_files.backlog() == (1, 0)

    # --- looking

    async def test_a_doubtful_line_is_done_when_a_person_has_looked(self, stores: Stores) -> None:
        told = await kept(stores, line(1), line(2))
        await stores.bank_files.settle_line(settling(told.held[0], REVIEW))
        looked = await stores.bank_files.reviewed(told.held[0].id, "a charge", entry("statement.reviewed"))
        assert (looked.state, looked.verdict, looked.reviewed) == (DONE, "review", "a charge")
        assert (await self.lines(stores, told))[0] == looked
        assert len(await audit_of(stores, "statement.reviewed")) == 1

    async def test_only_a_doubtful_line_is_reviewed(self, stores: Stores) -> None:
        told = await kept(stores, line(1))
        with pytest.raises(Conflict):
            await stores.bank_files.reviewed(told.held[0].id, "?", entry("statement.reviewed"))
        with pytest.raises(UnknownLine):
            await stores.bank_files.reviewed(told.held[0].id + 1, "?", entry("statement.reviewed"))
        assert await audit_of(stores, "statement.reviewed") == []

    async def test_lines_are_found_by_their_id_and_by_their_money(self, stores: Stores) -> None:
        await kept(stores, line(1), line(2), line(3))
        await kept(stores, line(1), method="other")
        found = await stores.bank_files.lines_named("bank", ("bank:REF3", "REF1", "nothing"))
        assert [(one.line.id, one.method, one.state) for one in found] == [
            ("REF1", "bank", WAITING),
            ("REF3", "bank", WAITING),
        ]

    async def test_a_statement_is_found_by_its_digest(self, stores: Stores) -> None:
        told = await kept(stores, line(1))
        assert await stores.bank_files.statement("bank", "a" * 64) == told.statement
        assert await stores.bank_files.statement("other", "a" * 64) is None

    async def test_statements_are_listed_newest_first_and_in_parts(self, stores: Stores) -> None:
        for number in range(3):
            await kept(stores, line(number), digest=f"{number}")
        page = await stores.bank_files.statements(Page(limit=2))
        assert [one.sha256[0] for one in page.items] == ["2", "1"]
        rest = await stores.bank_files.statements(Page(limit=2, cursor=page.next))
        assert ([one.sha256[0] for one in rest.items], rest.next) == (["0"], None)

    async def test_lines_are_listed_in_order_and_in_parts(self, stores: Stores) -> None:
        told = await kept(stores, line(3), line(1), line(2))
        assert told.statement is not None
        page = await stores.bank_files.lines(told.statement.id, Page(limit=2))
        assert [one.line.id for one in page.items] == ["REF3", "REF1"]
        rest = await stores.bank_files.lines(told.statement.id, Page(limit=2, cursor=page.next))
        assert ([one.line.id for one in rest.items], rest.next) == (["REF2"], None)
        with pytest.raises(UnknownStatement):
            await stores.bank_files.lines(told.statement.id + 1, Page())


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
        found = await stores.bank_files.holders("bank", ("bank:REF1", "bank:REF2", "bank:REF3"))
        assert [(one.movement_id, one.payment_id, one.amount) for one in found] == [
            ("bank:REF1", file.payments[0].id, file.payable.amount)
        ]

    async def test_refunds_are_found_by_the_id_of_their_command(self, stores: Stores) -> None:
        file = await a_bill(stores)
        await stores.payments.record(refunding(file, "f" * 32))
        start = file.operations[0].id
        found = await stores.bank_files.refunds_named("bank", ("f" * 32, start, "0" * 32))
        assert [(one.operation_id, one.payment_id) for one in found] == [("f" * 32, file.payments[0].id)]
        assert await stores.bank_files.refunds_named("card", ("f" * 32,)) == ()
