"""The contract of the money without a name that `kassa.ports.payment_records.Payments` keeps."""

import pytest
from msgspec.structs import replace

from kassa.ports.errors import Conflict
from kassa.ports.payment_records import (
    InboxState,
    LedgerEntry,
    MarkPaid,
    PayableState,
    Posting,
    RecordFacts,
    SettleSuspense,
    Suspense,
    SuspenseState,
)

from .sample_payments import a_payment, captured, notice, suspending
from .samples import NOW, after, entry, event, money
from .stores import Stores
from .witness import audit_of, nothing_changes, race, waiting


def settling(suspense: Suspense, state: SuspenseState = SuspenseState.REFUNDED) -> SettleSuspense:
    """An operator's word on `suspense`."""
    return SettleSuspense(
        suspense=replace(suspense, state=state, note="sent back"),
        posting=Posting(
            key=f"suspense/{suspense.key}/settled",
            payment_id=None,
            entries=(
                LedgerEntry(account="suspense", amount=suspense.amount),
                LedgerEntry(account="clearing:card", amount=-suspense.amount),
            ),
            at=after(60),
        ),
        audit=entry("suspense.settled", at=after(60)),
    )


def splitting(suspense: Suspense, *units: int) -> SettleSuspense:
    """An operator's word that `suspense` is several sums."""
    act = settling(suspense, SuspenseState.SPLIT)
    parts = tuple(
        replace(suspense, key=f"{suspense.key}/{number}", amount=money(amount))
        for number, amount in enumerate(units, 1)
    )
    return replace(act, parts=parts, arrivals=tuple(arrival(part) for part in parts))


def arrival(suspense: Suspense) -> Posting:
    """The posting of money that came and has no name."""
    entries = (
        LedgerEntry(account=f"clearing:{suspense.method}", amount=suspense.amount),
        LedgerEntry(account="suspense", amount=-suspense.amount),
    )
    return Posting(key=f"suspense/{suspense.key}/arrived", payment_id=None, entries=entries, at=after(60))


def assigning(act: RecordFacts, suspense: Suspense) -> RecordFacts:
    """The act that records a capture, as one that gives the money in suspense its name and pays the order."""
    subject = f"order:{act.payable.invoice_id}"
    named = replace(suspense, state=SuspenseState.ASSIGNED, payment_id=act.payments[0].id)
    return replace(
        act,
        payable=replace(act.payable, state=PayableState.PAID),
        order=MarkPaid(late=False, at=after(60)),
        postings=(*act.postings, settling(suspense).posting),
        suspense=(named,),
        events=(*act.events, event("order.paid", subject)),
        audit=entry("payment.changed", subject, at=after(60)),
    )


class SuspenseContract:
    """Every clause of `Payments` about suspense. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def open_ones(self, stores: Stores, limit: int = 100) -> list[Suspense]:
        """What waits for a name."""
        return list(await stores.payments.suspense(SuspenseState.OPEN, limit=limit))

    async def test_money_without_a_name_is_kept_posted_and_told(self, stores: Stores) -> None:
        act = suspending()
        await stores.payments.suspend(act)
        assert await self.open_ones(stores) == [act.suspense]
        assert await waiting(stores) == 1
        assert len(await audit_of(stores, "suspense.arrived")) == 1
        assert await stores.audit.violations() == ()

    async def test_the_same_money_told_again_changes_nothing(self, stores: Stores) -> None:
        act = suspending()
        await stores.payments.suspend(act)
        async with nothing_changes(stores):
            await stores.payments.suspend(replace(act, suspense=replace(act.suspense, amount=money(9))))

    async def test_a_notice_is_settled_with_the_money_it_told_new_or_not(self, stores: Stores) -> None:
        first, second = await stores.inbox.keep((notice("ev_1"), notice("ev_2")), lease_s=30)
        await stores.payments.suspend(suspending(inbox=first))
        await stores.payments.suspend(suspending(inbox=second))
        assert await stores.inbox.claim(now=after(86_400), limit=10, lease_s=30) == ()
        assert len(await self.open_ones(stores)) == 1

    async def test_the_same_money_told_eight_times_at_once_is_kept_once(self, stores: Stores) -> None:
        result = await race(*(stores.payments.suspend(suspending()) for _ in range(8)))
        assert result.lost == []
        assert len(await self.open_ones(stores)) == 1
        assert len(await audit_of(stores, "suspense.arrived")) == 1
        assert await stores.audit.violations() == ()

    async def test_settled_money_does_not_wait_any_more(self, stores: Stores) -> None:
        act = suspending()
        await stores.payments.suspend(act)
        word = settling(act.suspense)
        await stores.payments.settle_suspense(word)
        assert await self.open_ones(stores) == []
        assert await stores.payments.suspense(SuspenseState.REFUNDED, limit=100) == (word.suspense,)
        assert len(await audit_of(stores, "suspense.settled")) == 1
        assert await stores.audit.violations() == ()

    async def test_money_is_settled_once(self, stores: Stores) -> None:
        act = suspending()
        await stores.payments.suspend(act)
        await stores.payments.settle_suspense(settling(act.suspense))
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.payments.settle_suspense(settling(act.suspense, SuspenseState.ASSIGNED))

    async def test_of_two_words_on_one_sum_at_once_one_counts(self, stores: Stores) -> None:
        act = suspending()
        await stores.payments.suspend(act)
        result = await race(
            *(
                stores.payments.settle_suspense(settling(act.suspense, state))
                for state in (SuspenseState.REFUNDED, SuspenseState.ASSIGNED)
            )
        )
        assert (len(result.won), result.reasons()) == (1, {"Conflict"})
        assert len(await audit_of(stores, "suspense.settled")) == 1

    async def test_money_is_split_into_sums_that_wait_for_a_name_each(self, stores: Stores) -> None:
        act = suspending()
        await stores.payments.suspend(act)
        word = splitting(act.suspense, 400, 300)
        await stores.payments.settle_suspense(word)
        assert sorted(await self.open_ones(stores), key=lambda row: row.key) == list(word.parts)
        assert await stores.payments.suspense(SuspenseState.SPLIT, limit=100) == (word.suspense,)
        assert await stores.audit.violations() == ()
        async with nothing_changes(stores):
            await stores.payments.suspend(act)

    async def test_money_that_was_settled_is_not_split(self, stores: Stores) -> None:
        act = suspending()
        await stores.payments.suspend(act)
        await stores.payments.settle_suspense(settling(act.suspense))
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.payments.settle_suspense(splitting(act.suspense, 400, 300))

    async def test_money_is_split_or_given_a_name_not_both(self, stores: Stores) -> None:
        file = await a_payment(stores)
        key, amount = "unmatched/card/cap_1", file.payable.amount.amount
        waits = suspending(key, amount=amount)
        await stores.payments.suspend(waits)
        result = await race(
            stores.payments.settle_suspense(splitting(waits.suspense, amount - 1, 1)),
            stores.payments.record(assigning(captured(file), waits.suspense)),
        )
        assert (len(result.won), result.reasons()) == (1, {"Conflict"})
        (row,) = await stores.payments.suspense_named((key,))
        parts = await stores.payments.suspense_named((f"{key}/1", f"{key}/2"))
        assert (row.state, len(parts)) in ((SuspenseState.SPLIT, 2), (SuspenseState.ASSIGNED, 0))
        assert await stores.audit.violations() == ()

    async def test_the_oldest_are_told_first_and_not_more_than_asked(self, stores: Stores) -> None:
        for key, seconds in (("new", 3), ("old", 1), ("middle", 2)):
            await stores.payments.suspend(suspending(key, at=after(seconds)))
        assert [suspense.key for suspense in await self.open_ones(stores)] == ["old", "middle", "new"]
        assert [suspense.key for suspense in await self.open_ones(stores, 2)] == ["old", "middle"]

    async def test_a_notice_with_an_old_fence_suspends_nothing(self, stores: Stores) -> None:
        (old,) = await stores.inbox.keep((notice(),), lease_s=30)
        (current,) = await stores.inbox.claim(now=after(31), limit=10, lease_s=30)
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.payments.suspend(suspending(inbox=old))
        await stores.inbox.settle(current, InboxState.DONE, at=NOW)

    # --- money that gets its name

    async def test_rows_are_found_by_their_names_in_every_state(self, stores: Stores) -> None:
        first, second = suspending("a"), suspending("b")
        await stores.payments.suspend(first)
        await stores.payments.suspend(second)
        word = settling(second.suspense)
        await stores.payments.settle_suspense(word)
        found = await stores.payments.suspense_named(("a", "b", "nobody"))
        assert found == (first.suspense, word.suspense)

    async def test_a_capture_of_money_in_suspense_counts_only_where_it_is_assigned(self, stores: Stores) -> None:
        file = await a_payment(stores)
        waits = suspending("unmatched/card/cap_1", amount=file.payable.amount.amount)
        await stores.payments.suspend(waits)
        act = captured(file)
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.payments.record(act)
        await stores.payments.record(assigning(act, waits.suspense))
        assert await self.open_ones(stores) == []
        assert await stores.audit.violations() == ()

    async def test_money_that_was_sent_back_is_no_capture_any_more(self, stores: Stores) -> None:
        file = await a_payment(stores)
        waits = suspending("unmatched/card/cap_1", amount=file.payable.amount.amount)
        await stores.payments.suspend(waits)
        await stores.payments.settle_suspense(settling(waits.suspense))
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.payments.record(captured(file))

    async def test_money_of_another_method_stands_in_nobodys_way(self, stores: Stores) -> None:
        file = await a_payment(stores)
        await stores.payments.suspend(suspending("unmatched/e_wallet/cap_1"))
        await stores.payments.record(captured(file))
        assert len(await self.open_ones(stores)) == 1
