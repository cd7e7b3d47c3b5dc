"""The contract of `kassa.ports.deliveries.Deliveries`, first part: from the outbox into the hands of a sender."""

import asyncio

import pytest

from kassa.ports.deliveries import Delivery, Signing
from kassa.ports.errors import Conflict, UnknownEndpoint

from .sample_endpoints import (
    FILTERS,
    LEASE,
    URL,
    WAITING,
    an_endpoint,
    attempted,
    claimed,
    events_told,
    kept,
    message,
    seed,
    switch,
)
from .samples import after, entry, event
from .stores import Stores


class FanOutContract:
    """From the outbox to one delivery for everyone who wants it. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def test_an_event_is_written_once_for_everyone_who_wants_it_and_settled(self, stores: Stores) -> None:
        for name, filters in {
            "ep_all": ("*",),
            "ep_family": ("payment.*", "order.*"),
            "ep_one": ("order.paid",),
            "ep_other": ("payment.*", "order.placed"),
            "ep_like": ("order.pai", "rder.paid", "order.paid_late"),
        }.items():
            await an_endpoint(stores, name, *filters)
        (told,) = await events_told(stores)
        for name in ("ep_all", "ep_family", "ep_one"):
            (made,) = await kept(stores, name)
            assert made == Delivery(
                id=made.id,
                endpoint_id=name,
                message_id=told.id,
                type="order.paid",
                sequence=made.sequence,
                state=WAITING,
                attempts=0,
                next_try_at=after(0),
                created_at=after(0),
                settled_at=None,
                status=None,
                reason="",
            )
        assert await kept(stores, "ep_other") == await kept(stores, "ep_like") == ()
        assert await stores.outbox.backlog() == (0, 0)

    async def test_the_disabled_and_the_removed_are_told_nothing(self, stores: Stores) -> None:
        await an_endpoint(stores, "ep_1")
        await an_endpoint(stores, "ep_2")
        await switch(stores, on=False)
        await stores.endpoints.remove("ep_2", entry("endpoint.removed"))
        await events_told(stores)
        assert await kept(stores) == ()
        assert await stores.outbox.backlog() == (0, 0)
        assert await stores.deliveries.backlog() == (0, 0)
        await stores.deliveries.purge(before=after(1), limit=10)

    async def test_an_old_fence_fans_nothing_out(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await stores.accounts.note((event("order.paid"),), entry("noted"))
        (old,) = await stores.outbox.claim(now=after(0), limit=1, lease_s=LEASE)
        (current,) = await stores.outbox.claim(now=after(LEASE + 1), limit=1, lease_s=LEASE)
        with pytest.raises(Conflict):
            await stores.deliveries.fan_out(old, message(), FILTERS, at=after(0))
        assert await kept(stores) == ()
        assert await stores.deliveries.fan_out(current, message(), FILTERS, at=after(0)) == 1
        with pytest.raises(Conflict):
            await stores.deliveries.fan_out(current, message(), FILTERS, at=after(0))
        assert len(await kept(stores)) == 1

    async def test_a_test_is_for_one_endpoint_and_audited(self, stores: Stores) -> None:
        await an_endpoint(stores, "ep_1")
        await an_endpoint(stores, "ep_2")
        made = await stores.deliveries.send_test("ep_1", message(), at=after(5), audit=entry("endpoint.tested"))
        assert (made.state, made.sequence, made.next_try_at, made.message_id) == (WAITING, None, after(5), "msg_1")
        assert (await kept(stores), await kept(stores, "ep_2")) == ((made,), ())
        trail = await stores.audit.entries(subject=None, actor=None, after=0, limit=10)
        assert trail[-1].entry.action == "endpoint.tested"
        with pytest.raises(UnknownEndpoint):
            await stores.deliveries.send_test("ep_0", message(), at=after(5), audit=entry("endpoint.tested"))


class ClaimContract:
    """Who may send what, and when. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def test_a_claim_brings_all_that_is_needed_to_send(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await stores.endpoints.rotate("ep_1", seed("b"), old_until=after(60), audit=entry("rotated"))
        (told,) = await events_told(stores)
        (due,) = await claimed(stores)
        assert due.message == told
        assert (due.endpoint_id, due.endpoint_version, due.url) == ("ep_1", 2, URL)
        assert due.signing == (
            Signing(salt="salt-b", proof=seed("b").proof),
            Signing(salt="salt-a", proof=seed("a").proof, until=after(60)),
        )
        assert (due.attempt, due.failing_since, due.is_test) == (1, None, False)

    async def test_a_leased_delivery_is_nobody_elses(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        assert len(await claimed(stores)) == 1
        assert await claimed(stores, seconds=LEASE - 1) == ()

    async def test_a_lease_that_ran_out_is_given_to_the_next_with_a_higher_fence(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        (first,) = await claimed(stores)
        (again,) = await claimed(stores, seconds=LEASE + 1)
        assert (again.id, again.message) == (first.id, first.message)
        assert (again.fence > first.fence, again.attempt) == (True, 2)

    async def test_four_callers_at_once_never_get_one_delivery_twice(self, stores: Stores) -> None:
        await an_endpoint(stores)
        told = await events_told(stores, 8)
        rounds = await asyncio.gather(*(claimed(stores, limit=3) for _ in range(4)))
        rest = await claimed(stores)
        assert sorted(due.message.id for dues in (*rounds, rest) for due in dues) == sorted(one.id for one in told)

    async def test_an_endpoint_has_no_more_leases_than_it_may(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores, 6)
        assert len(await claimed(stores, per_endpoint=2)) == 2
        more = await claimed(stores, per_endpoint=3)
        assert len(more) == 1, "two are still leased"
        await stores.deliveries.record(attempted(more[0]))
        assert len(await claimed(stores, per_endpoint=3)) == 1
        assert len(await claimed(stores, seconds=LEASE + 1, per_endpoint=3)) == 3, "the leases ran out"

    async def test_a_long_queue_does_not_starve_a_short_one(self, stores: Stores) -> None:
        await an_endpoint(stores, "ep_long")
        await events_told(stores, 5)
        await an_endpoint(stores, "ep_short")
        await events_told(stores, 1, seconds=5)
        first = await claimed(stores, seconds=5, limit=2)
        assert {due.endpoint_id for due in first} == {"ep_long", "ep_short"}
        await stores.deliveries.record(attempted(next(due for due in first if due.endpoint_id == "ep_short")))
        await events_told(stores, 1, seconds=6)
        (due,) = await claimed(stores, seconds=6, limit=1)
        assert due.endpoint_id == "ep_short", "it holds fewer leases"

    async def test_the_failing_are_claimed_apart(self, stores: Stores) -> None:
        await an_endpoint(stores, "ep_ill")
        await events_told(stores)
        (due,) = await claimed(stores)
        await stores.deliveries.record(attempted(due, WAITING, again=2))
        await an_endpoint(stores, "ep_well")
        await events_told(stores, seconds=3)
        assert {due.endpoint_id for due in await claimed(stores, seconds=3)} == {"ep_well"}
        ill = await claimed(stores, seconds=3, failing=True)
        assert [(due.endpoint_id, due.failing_since) for due in ill] == [("ep_ill", after(1))] * 2

    async def test_the_disabled_wait_but_for_tests_and_go_on_when_enabled(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        await switch(stores, on=False)
        assert await claimed(stores) == ()
        assert await stores.deliveries.backlog() == (0, 0)
        await stores.deliveries.send_test("ep_1", message("t", "webhook.test"), at=after(0), audit=entry("tested"))
        (test,) = await claimed(stores)
        assert (test.is_test, test.message.id) == (True, "msg_t")
        await switch(stores, on=True)
        assert [due.is_test for due in await claimed(stores)] == [False]

    async def test_the_removed_are_never_claimed(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await events_told(stores)
        await stores.deliveries.send_test("ep_1", message(), at=after(0), audit=entry("tested"))
        await stores.endpoints.remove("ep_1", entry("endpoint.removed"))
        assert await claimed(stores, seconds=86_400) == ()
        assert await stores.deliveries.backlog() == (0, 0)
