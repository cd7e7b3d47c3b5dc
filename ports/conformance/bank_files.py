"""The contract of `kassa.ports.bank_files.BankFiles`: statements kept once, lines processed once, what they are matched with."""

import asyncio

import pytest
from msgspec.structs import replace

from kassa.ports.bank_files import HeldLine, KeptLine, KeptStatement, LineState
from kassa.ports.errors import Conflict, UnknownLine, UnknownStatement
from kassa.ports.payment_records import SuspenseState
from kassa.ports.values import Page

from .sample_banking import LEASE, a_bill, kept, line, paid_by, settling
from .sample_payments import suspending
from .samples import NOW, after, entry
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

    async def test_lines_are_found_whose_money_is_the_same_or_a_part_of_it(self, stores: Stores) -> None:
        some = tuple(replace(line(), id=name) for name in ("A", "A/1", "A/B/2", "A0", "A-1", "AB/1", "a/3", "Z"))
        await kept(stores, *some)
        await kept(stores, replace(line(), id="A/4"), line(5), method="other")
        found = await stores.bank_files.alike(("bank:Z", "bank:A/B"), parts_of=("bank:A", "bank:REF"))
        told = [(one.method, one.line.id) for one in found]
        assert told == [("bank", "A/1"), ("bank", "A/B/2"), ("bank", "Z"), ("other", "A/4")]
        assert await stores.bank_files.alike((), parts_of=()) == ()

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
