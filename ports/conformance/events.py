"""The contract of `kassa.ports.events.Outbox`."""

import asyncio

import pytest
from msgspec.structs import replace

from kassa.ports.errors import Conflict
from kassa.ports.events import Event, OutboxItem

from .samples import after, entry, event
from .stores import Stores

LEASE = 30


class OutboxContract:
    """Every clause of `Outbox`. Provide the fixture `stores`. That acts write to it: every other contract."""

    pytestmark = pytest.mark.asyncio

    async def commit(self, stores: Stores, *kinds: str) -> list[Event]:
        """Events written by an act at the beginning."""
        events = [event(kind) for kind in kinds]
        await stores.accounts.note(tuple(events), entry("noted"))
        return events

    async def claim(self, stores: Stores, *, seconds: float = 0, limit: int = 100) -> tuple[OutboxItem, ...]:
        """Claim `seconds` after the beginning."""
        return await stores.outbox.claim(now=after(seconds), limit=limit, lease_s=LEASE)

    async def test_events_are_claimed_in_order_as_they_were_written(self, stores: Stores) -> None:
        events = await self.commit(stores, "a.first", "b.second", "c.third")
        items = await self.claim(stores)
        assert [item.event for item in items] == events
        assert [item.id for item in items] == sorted(item.id for item in items)
        assert {item.at for item in items} == {after(0)}

    async def test_no_more_are_claimed_than_asked_and_the_rest_by_the_next(self, stores: Stores) -> None:
        events = await self.commit(stores, "a.first", "b.second", "c.third")
        assert [item.event for item in await self.claim(stores, limit=2)] == events[:2]
        assert [item.event for item in await self.claim(stores, limit=2)] == events[2:]

    async def test_a_leased_event_is_nobody_elses(self, stores: Stores) -> None:
        await self.commit(stores, "a.first")
        await self.claim(stores)
        assert await self.claim(stores, seconds=LEASE - 1) == ()

    async def test_a_lease_that_ran_out_is_given_to_the_next_with_a_higher_fence(self, stores: Stores) -> None:
        await self.commit(stores, "a.first")
        (first,) = await self.claim(stores)
        (again,) = await self.claim(stores, seconds=LEASE + 1)
        assert (again.id, again.event) == (first.id, first.event)
        assert (again.fence > first.fence, again.attempt > first.attempt) == (True, True)

    async def test_four_callers_at_once_never_get_one_event_twice(self, stores: Stores) -> None:
        kinds = [f"kind.{number}" for number in range(8)]
        await self.commit(stores, *kinds)
        claimed = await asyncio.gather(*(self.claim(stores, limit=3) for _ in range(4)))
        rest = await self.claim(stores)
        assert sorted(item.event.kind for items in (*claimed, rest) for item in items) == kinds

    async def test_a_delivered_event_is_never_claimed_again(self, stores: Stores) -> None:
        await self.commit(stores, "a.first")
        (item,) = await self.claim(stores)
        await stores.outbox.settle(item, at=after(1))
        assert await self.claim(stores, seconds=86_400) == ()
        assert await stores.outbox.backlog() == (0, 0)

    async def test_an_old_fence_settles_nothing(self, stores: Stores) -> None:
        await self.commit(stores, "a.first")
        (old,) = await self.claim(stores)
        (current,) = await self.claim(stores, seconds=LEASE + 1)
        for fence in (old.fence, current.fence + 1):
            with pytest.raises(Conflict):
                await stores.outbox.settle(replace(current, fence=fence), at=after(LEASE + 2))
        assert await stores.outbox.backlog() == (1, 0)

    async def test_a_postponed_event_is_due_at_its_time(self, stores: Stores) -> None:
        await self.commit(stores, "a.first")
        (item,) = await self.claim(stores)
        await stores.outbox.postpone(item, until=after(100), reason="mail server away", dead=False)
        assert await self.claim(stores, seconds=99) == ()
        assert len(await self.claim(stores, seconds=100)) == 1

    async def test_an_event_is_postponed_before_its_lease_ran_out_too(self, stores: Stores) -> None:
        await self.commit(stores, "a.first")
        (item,) = await self.claim(stores)
        await stores.outbox.postpone(item, until=after(1), reason="mail server away", dead=False)
        assert len(await self.claim(stores, seconds=2)) == 1

    async def test_a_dead_letter_is_never_claimed_again_but_counted(self, stores: Stores) -> None:
        await self.commit(stores, "a.first", "b.second")
        first, _ = await self.claim(stores)
        await stores.outbox.postpone(first, until=after(1), reason="no such address", dead=True)
        assert [item.event.kind for item in await self.claim(stores, seconds=86_400)] == ["b.second"]
        assert await stores.outbox.backlog() == (1, 1)

    async def test_an_old_fence_postpones_nothing(self, stores: Stores) -> None:
        await self.commit(stores, "a.first")
        (old,) = await self.claim(stores)
        await self.claim(stores, seconds=LEASE + 1)
        for dead in (True, False):
            with pytest.raises(Conflict):
                await stores.outbox.postpone(old, until=after(86_400), reason="late", dead=dead)
        assert await stores.outbox.backlog() == (1, 0)
        assert len(await self.claim(stores, seconds=3 * LEASE)) == 1

    async def test_the_backlog_counts_what_waits_leased_or_not(self, stores: Stores) -> None:
        await self.commit(stores, "a.first", "b.second", "c.third")
        await self.claim(stores, limit=1)
        assert await stores.outbox.backlog() == (3, 0)
