"""The contract of `kassa.ports.payment_records.Inbox`: verified notices, kept before they are answered."""

import asyncio

import pytest
from msgspec.structs import replace

from kassa.ports.errors import Conflict, UnknownNotice
from kassa.ports.payment_records import InboxItem, InboxState

from .sample_payments import notice
from .samples import after, entry
from .stores import Stores
from .witness import audit_of

LEASE = 30


class InboxContract:
    """Every clause of `Inbox`. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def claim(self, stores: Stores, *, seconds: float = 86_400, limit: int = 10) -> tuple[InboxItem, ...]:
        """Claim `seconds` after the beginning."""
        return await stores.inbox.claim(now=after(seconds), limit=limit, lease_s=LEASE)

    # --- keeping

    async def test_a_notice_is_kept_and_leased_to_who_brought_it(self, stores: Stores) -> None:
        (item,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        kept = notice()
        assert (item.method, item.event_id, item.event) == (kept.method, kept.event_id, kept.event)
        assert item.received_at == kept.received_at
        assert await self.claim(stores, seconds=LEASE - 1) == ()

    async def test_a_notice_seen_before_is_left_out(self, stores: Stores) -> None:
        await stores.inbox.keep((notice("ev_1"),), lease_s=LEASE)
        items = await stores.inbox.keep((notice("ev_1", at=after(5)), notice("ev_2")), lease_s=LEASE)
        assert [item.event_id for item in items] == ["ev_2"]
        assert len(await self.claim(stores)) == 2

    async def test_a_notice_that_was_settled_is_left_out_too(self, stores: Stores) -> None:
        (item,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        await stores.inbox.settle(item, InboxState.DONE, at=after(1))
        assert await stores.inbox.keep((notice(),), lease_s=LEASE) == ()
        assert await self.claim(stores) == ()

    async def test_two_methods_may_use_one_event_id(self, stores: Stores) -> None:
        items = await stores.inbox.keep((notice(method="card"), notice(method="e_wallet")), lease_s=LEASE)
        assert [item.method for item in items] == ["card", "e_wallet"]

    async def test_a_notice_brought_eight_times_at_once_is_kept_once(self, stores: Stores) -> None:
        results = await asyncio.gather(*(stores.inbox.keep((notice(),), lease_s=LEASE) for _ in range(8)))
        assert sorted(len(items) for items in results) == [0] * 7 + [1]
        assert len(await self.claim(stores)) == 1

    # --- claiming

    async def test_a_lease_that_ran_out_is_given_to_the_next_with_a_higher_fence(self, stores: Stores) -> None:
        (brought,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        (again,) = await self.claim(stores, seconds=LEASE + 1)
        assert (again.id, again.event) == (brought.id, brought.event)
        assert again.fence > brought.fence
        assert await self.claim(stores, seconds=LEASE + 2) == ()

    async def test_the_oldest_are_claimed_first_and_not_more_than_asked(self, stores: Stores) -> None:
        for event_id, seconds in (("new", 3), ("old", 1), ("middle", 2)):
            await stores.inbox.keep((notice(event_id, at=after(seconds)),), lease_s=LEASE)
        assert [item.event_id for item in await self.claim(stores, limit=2)] == ["old", "middle"]
        assert [item.event_id for item in await self.claim(stores, limit=2)] == ["new"]

    async def test_four_callers_at_once_never_get_one_notice_twice(self, stores: Stores) -> None:
        names = [f"ev_{number}" for number in range(8)]
        await stores.inbox.keep(tuple(notice(name) for name in names), lease_s=LEASE)
        claimed = await asyncio.gather(*(self.claim(stores, limit=3) for _ in range(4)))
        rest = await self.claim(stores, limit=100)
        assert sorted(item.event_id for items in (*claimed, rest) for item in items) == names

    # --- trying again

    async def test_a_postponed_notice_is_due_at_its_time(self, stores: Stores) -> None:
        (item,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        await stores.inbox.postpone(item, until=after(100))
        assert await self.claim(stores, seconds=99) == ()
        (again,) = await self.claim(stores, seconds=100)
        assert again.attempts > item.attempts

    async def test_a_notice_is_postponed_before_its_lease_ran_out_too(self, stores: Stores) -> None:
        (item,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        await stores.inbox.postpone(item, until=after(1))
        assert len(await self.claim(stores, seconds=2)) == 1

    async def test_an_old_fence_postpones_nothing(self, stores: Stores) -> None:
        (old,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        await self.claim(stores, seconds=LEASE + 1)
        with pytest.raises(Conflict):
            await stores.inbox.postpone(old, until=after(86_400))
        assert len(await self.claim(stores, seconds=3 * LEASE)) == 1

    # --- settling

    @pytest.mark.parametrize("state", [InboxState.DONE, InboxState.DEAD])
    async def test_a_settled_notice_is_never_claimed_again(self, stores: Stores, state: InboxState) -> None:
        (item,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        await stores.inbox.settle(item, state, at=after(1))
        assert await self.claim(stores) == ()

    async def test_an_old_fence_settles_nothing(self, stores: Stores) -> None:
        (old,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        (current,) = await self.claim(stores, seconds=LEASE + 1)
        for fence in (old.fence, current.fence + 1):
            with pytest.raises(Conflict):
                await stores.inbox.settle(replace(current, fence=fence), InboxState.DONE, at=after(60))
        assert len(await self.claim(stores)) == 1

    # --- what an operator does

    async def test_notices_are_listed_by_state_and_in_parts(self, stores: Stores) -> None:
        items = await stores.inbox.keep(tuple(notice(f"ev_{number}") for number in range(4)), lease_s=LEASE)
        for item in items[:3]:
            await stores.inbox.settle(item, InboxState.DEAD, at=after(1))
        dead = await stores.inbox.kept(InboxState.DEAD, after=0, limit=2)
        assert [(one.event_id, one.state, one.attempts) for one in dead] == [
            ("ev_0", InboxState.DEAD, 1),
            ("ev_1", InboxState.DEAD, 1),
        ]
        rest = await stores.inbox.kept(InboxState.DEAD, after=dead[-1].id, limit=2)
        assert [(one.id, one.method, one.received_at) for one in rest] == [(items[2].id, "card", items[2].received_at)]
        assert [one.event_id for one in await stores.inbox.kept(InboxState.WAITING, after=0, limit=9)] == ["ev_3"]

    async def test_a_reopened_notice_is_due_at_once_and_counted_from_none(self, stores: Stores) -> None:
        (item,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        await stores.inbox.settle(item, InboxState.DEAD, at=after(1))
        reopened = await stores.inbox.reopen(item.id, entry("notice.replay", at=after(60)))
        assert (reopened.id, reopened.state, reopened.attempts) == (item.id, InboxState.WAITING, 0)
        assert await self.claim(stores, seconds=59) == ()
        (again,) = await self.claim(stores, seconds=60)
        assert (again.attempts, again.event) == (1, item.event)
        assert again.fence > item.fence
        assert len(await audit_of(stores, "notice.replay")) == 1

    async def test_only_a_settled_notice_is_reopened(self, stores: Stores) -> None:
        (item,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        with pytest.raises(Conflict):
            await stores.inbox.reopen(item.id, entry("notice.replay"))
        with pytest.raises(UnknownNotice):
            await stores.inbox.reopen(item.id + 1, entry("notice.replay"))
        assert await audit_of(stores, "notice.replay") == []

    async def test_a_fence_from_before_it_was_reopened_settles_nothing(self, stores: Stores) -> None:
        (item,) = await stores.inbox.keep((notice(),), lease_s=LEASE)
        await stores.inbox.settle(item, InboxState.DEAD, at=after(1))
        await stores.inbox.reopen(item.id, entry("notice.replay"))
        with pytest.raises(Conflict):
            await stores.inbox.settle(item, InboxState.DONE, at=after(2))

    async def test_the_backlog_counts_what_waits_and_what_is_dead(self, stores: Stores) -> None:
        assert await stores.inbox.backlog() == (0, 0)
        items = await stores.inbox.keep(tuple(notice(f"ev_{number}") for number in range(6)), lease_s=LEASE)
        await stores.inbox.settle(items[0], InboxState.DEAD, at=after(1))
        await stores.inbox.settle(items[1], InboxState.DEAD, at=after(1))
        await stores.inbox.settle(items[2], InboxState.DONE, at=after(1))
        assert await stores.inbox.backlog() == (3, 2)
