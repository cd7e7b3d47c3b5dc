"""The contract of `kassa.ports.deliveries.Deliveries`, second part: what is written down, looked at, sent again, dropped."""

import pytest
from msgspec.structs import replace

from kassa.ports.endpoints import EndpointChange
from kassa.ports.errors import Conflict, UnknownDelivery, UnknownEndpoint
from kassa.ports.values import Page

from .sample_endpoints import (
    DEAD,
    DELIVERED,
    LEASE,
    URL,
    WAITING,
    an_endpoint,
    attempted,
    claimed,
    ending,
    events_told,
    kept,
    switch,
)
from .samples import after, entry
from .stores import Stores


class RecordContract:
    """What becomes of an attempt. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def test_what_arrived_is_settled_logged_and_never_claimed_again(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        (due,) = await claimed(stores)
        act = attempted(due)
        await stores.deliveries.record(act)
        log = await stores.deliveries.log(due.id)
        assert log.attempts == (act.attempt,)
        assert bytes(log.message) == due.message.body
        assert (log.delivery.state, log.delivery.settled_at, log.delivery.status) == (DELIVERED, after(1), 200)
        assert (log.delivery.attempts, log.delivery.next_try_at) == (1, None)
        assert await claimed(stores, seconds=86_400) == ()
        assert await stores.deliveries.backlog() == (0, 0)

    async def test_what_failed_is_due_at_its_time(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        (due,) = await claimed(stores)
        await stores.deliveries.record(attempted(due, WAITING, again=100))
        assert await claimed(stores, seconds=99, failing=True) == ()
        (again,) = await claimed(stores, seconds=100, failing=True)
        assert (again.attempt, again.message) == (2, due.message)
        await stores.deliveries.record(attempted(again, DEAD, seconds=101))
        log = await stores.deliveries.log(due.id)
        assert [(line.at, line.reason) for line in log.attempts] == [(after(n), "no answer in time") for n in (1, 101)]
        assert (log.delivery.state, log.delivery.reason) == (DEAD, "no answer in time")

    async def test_a_dead_letter_is_never_claimed_again_but_counted(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores, 2)
        first, _ = await claimed(stores)
        await stores.deliveries.record(attempted(first, DEAD))
        assert await stores.deliveries.backlog() == (1, 1)
        left = await claimed(stores, seconds=86_400, failing=True)
        assert first.id not in {due.id for due in left}

    async def test_an_old_fence_records_nothing(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        (old,) = await claimed(stores)
        (current,) = await claimed(stores, seconds=LEASE + 1)
        for act in (attempted(old), attempted(old, DEAD), attempted(replace(current, fence=current.fence + 1))):
            with pytest.raises(Conflict):
                await stores.deliveries.record(act)
        assert (await stores.deliveries.log(old.id)).attempts == ()
        await stores.deliveries.record(attempted(current))
        with pytest.raises(Conflict):
            await stores.deliveries.record(attempted(current, DEAD))

    async def test_failures_begin_with_the_first_that_counts_and_end_with_a_success(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores, 4)
        uncounted, first, second, good = await claimed(stores)
        await stores.deliveries.record(attempted(uncounted, DEAD, seconds=1, counts=False))
        assert (await stores.endpoints.endpoint("ep_1")).failing_since is None
        await stores.deliveries.record(attempted(first, WAITING, seconds=2, again=3))
        await stores.deliveries.record(attempted(second, WAITING, seconds=3, again=3))
        assert (await stores.endpoints.endpoint("ep_1")).failing_since == after(2)
        await stores.deliveries.record(attempted(good, seconds=4))
        assert (await stores.endpoints.endpoint("ep_1")).failing_since is None

    async def test_an_endpoint_that_is_gone_is_disabled_told_and_audited(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        (due,) = await claimed(stores)
        await stores.deliveries.record(attempted(due, DEAD, disabling=ending(due)))
        end = await stores.endpoints.endpoint("ep_1")
        assert (end.is_enabled, end.disabled, end.version) == (False, "gone", 2)
        (item,) = await stores.outbox.claim(now=after(60), limit=10, lease_s=LEASE)
        assert (item.event.kind, item.event.subject) == ("endpoint.disabled", "endpoint:ep_1")
        trail = await stores.audit.entries(subject="endpoint:ep_1", actor=None, after=0, limit=10)
        assert trail[-1].entry.action == "endpoint.disabled"

    async def test_one_that_was_well_meanwhile_is_not_disabled(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores, 3)
        first, good, late = await claimed(stores)
        await stores.deliveries.record(attempted(first, WAITING, seconds=1))
        await stores.deliveries.record(attempted(good, seconds=2))
        await stores.deliveries.record(attempted(late, DEAD, seconds=9, disabling=ending(late, failing_before=5)))
        kept_on = await stores.endpoints.endpoint("ep_1")
        assert (kept_on.is_enabled, kept_on.failing_since) == (True, after(9))
        assert await stores.outbox.claim(now=after(60), limit=10, lease_s=LEASE) == ()

    async def test_one_that_failed_all_the_time_is_disabled_once(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores, 3)
        first, second, third = await claimed(stores)
        await stores.deliveries.record(attempted(first, WAITING, seconds=1))
        for due in (second, third):
            await stores.deliveries.record(attempted(due, DEAD, seconds=9, disabling=ending(due, failing_before=5)))
        end = await stores.endpoints.endpoint("ep_1")
        assert (end.is_enabled, end.disabled) == (False, "failing")
        assert len(await stores.outbox.claim(now=after(60), limit=10, lease_s=LEASE)) == 1

    async def test_a_changed_endpoint_is_not_judged_by_what_was_sent_before(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        (due,) = await claimed(stores)
        moved = EndpointChange(url=URL + "/new")
        await stores.endpoints.change("ep_1", moved, expected_version=None, audit=entry("endpoint.changed"))
        await stores.deliveries.record(attempted(due, DEAD, disabling=ending(due)))
        found = await stores.endpoints.endpoint("ep_1")
        assert (found.is_enabled, found.failing_since) == (True, None)

    async def test_enabling_makes_an_end_of_failures(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        (due,) = await claimed(stores)
        await stores.deliveries.record(attempted(due, DEAD))
        await switch(stores, on=False)
        assert (await stores.endpoints.endpoint("ep_1")).failing_since == after(1)
        await switch(stores, on=True)
        assert (await stores.endpoints.endpoint("ep_1")).failing_since is None


class ReplayContract:
    """Looking, delivering again, dropping. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def dead(self, stores: Stores, count: int = 1, *, seconds: float = 0) -> list[int]:
        """Dead letters of events `seconds` after the beginning; their ids, oldest first."""
        await events_told(stores, count, seconds=seconds)
        dues = await claimed(stores, seconds=seconds) + await claimed(stores, seconds=seconds, failing=True)
        for due in dues:
            await stores.deliveries.record(attempted(due, DEAD, seconds=seconds + 1))
        return sorted(due.id for due in dues)

    async def test_deliveries_are_told_newest_first_by_state_and_page(self, stores: Stores) -> None:
        await an_endpoint(stores)
        dead = await self.dead(stores, 3)
        await events_told(stores, 2, seconds=5)
        everything = [one.id for one in await kept(stores)]
        assert everything == sorted(everything, reverse=True)
        assert [one.id for one in await kept(stores, state=DEAD)] == dead[::-1]
        page = await stores.deliveries.deliveries("ep_1", None, Page(limit=3))
        assert [one.id for one in page.items] == everything[:3]
        rest = await stores.deliveries.deliveries("ep_1", None, Page(limit=3, cursor=page.next))
        assert ([one.id for one in rest.items], rest.next) == (everything[3:], None)

    async def test_what_is_not_there_is_unknown(self, stores: Stores) -> None:
        await an_endpoint(stores)
        (dead,) = await self.dead(stores)
        await stores.endpoints.remove("ep_1", entry("endpoint.removed"))
        for delivery_id in (dead, 987_654):
            with pytest.raises(UnknownDelivery):
                await stores.deliveries.log(delivery_id)
            with pytest.raises(UnknownDelivery):
                await stores.deliveries.redeliver(delivery_id, at=after(9), audit=entry("redelivered"))
        for endpoint_id in ("ep_1", "ep_0"):
            with pytest.raises(UnknownEndpoint):
                await kept(stores, endpoint_id)
            with pytest.raises(UnknownEndpoint):
                await stores.deliveries.redeliver_dead(
                    endpoint_id, since=after(0), limit=9, at=after(9), audit=entry("redelivered")
                )

    async def test_one_is_delivered_again_from_the_beginning_under_its_id(self, stores: Stores) -> None:
        await an_endpoint(stores)
        (dead,) = await self.dead(stores)
        before = (await stores.deliveries.log(dead)).delivery
        again = await stores.deliveries.redeliver(dead, at=after(50), audit=entry("endpoint.redelivered"))
        assert again == replace(before, state=WAITING, next_try_at=after(50), settled_at=None)
        trail = await stores.audit.entries(subject=None, actor=None, after=0, limit=20)
        assert trail[-1].entry.action == "endpoint.redelivered"
        (due,) = await claimed(stores, seconds=50, failing=True)
        assert (due.id, due.attempt, due.message.id) == (dead, 1, before.message_id)
        await stores.deliveries.record(attempted(due, seconds=51))
        assert len((await stores.deliveries.log(dead)).attempts) == 2
        await stores.deliveries.redeliver(dead, at=after(60), audit=entry("endpoint.redelivered"))
        assert len(await claimed(stores, seconds=60)) == 1, "what has arrived may be sent again, too"

    async def test_what_is_being_sent_is_not_touched(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        (due,) = await claimed(stores)
        with pytest.raises(Conflict):
            await stores.deliveries.redeliver(due.id, at=after(1), audit=entry("endpoint.redelivered"))
        await stores.deliveries.record(attempted(due))

    async def test_dead_letters_since_a_time_wait_again_oldest_first(self, stores: Stores) -> None:
        await an_endpoint(stores, "ep_1")
        early = await self.dead(stores)
        late = await self.dead(stores, 3, seconds=10)
        await an_endpoint(stores, "ep_2")

        async def again(limit: int) -> int:
            return await stores.deliveries.redeliver_dead(
                "ep_1", since=after(10), limit=limit, at=after(50), audit=entry("endpoint.redelivered")
            )

        assert await again(2) == 2
        assert [one.id for one in await kept(stores, state=WAITING)] == late[:2][::-1]
        assert await again(9) == 1
        assert await again(9) == 0
        assert [one.id for one in await kept(stores, state=DEAD)] == early
        dues = await claimed(stores, seconds=50, failing=True)
        assert sorted(due.id for due in dues) == late
        assert {due.attempt for due in dues} == {1}

    async def test_what_was_settled_long_ago_is_dropped_with_its_log(self, stores: Stores) -> None:
        await an_endpoint(stores)
        old = await self.dead(stores, 2)
        (new,) = await self.dead(stores, seconds=100)
        await events_told(stores, seconds=100)
        assert await stores.deliveries.purge(before=after(50), limit=1) == 1
        assert await stores.deliveries.purge(before=after(50), limit=9) == 1
        assert await stores.deliveries.purge(before=after(50), limit=9) == 0
        left = [one.id for one in await kept(stores)]
        assert new in left
        assert len(left) == 2
        for delivery_id in old:
            with pytest.raises(UnknownDelivery):
                await stores.deliveries.log(delivery_id)

    async def test_what_a_removed_endpoint_leaves_is_dropped_later(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await self.dead(stores)
        await events_told(stores, 2, seconds=5)
        await stores.endpoints.remove("ep_1", entry("endpoint.removed", at=after(10)))
        assert await stores.deliveries.purge(before=after(1), limit=9) == 0
        assert await stores.deliveries.purge(before=after(11), limit=2) == 2
        assert await stores.deliveries.purge(before=after(11), limit=2) == 1
        await an_endpoint(stores, "ep_1")
