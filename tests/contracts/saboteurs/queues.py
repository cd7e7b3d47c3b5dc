"""Saboteurs of the inbox and the outbox."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.events import SqliteOutbox
from kassa.adapters.sqlite.inbox import SqliteInbox
from kassa.ports.conformance.events import OutboxContract
from kassa.ports.conformance.inbox import InboxContract
from kassa.ports.conformance.samples import after
from kassa.ports.errors import Conflict
from kassa.ports.payment_records import InboxState
from tests.contracts.saboteurs.kit import Crowded, breaks, sql

# --- inbox


@breaks(InboxContract, "test_a_notice_is_kept_and_leased_to_who_brought_it")
class KeepsWithoutALease(SqliteInbox):
    async def keep(self, notices: Any, *, lease_s: int) -> Any:
        return await super().keep(notices, lease_s=lease_s - 2)


@breaks(InboxContract, "test_a_notice_seen_before_is_left_out")
class GivesWhatWasSeenAgain(SqliteInbox):
    async def keep(self, notices: Any, *, lease_s: int) -> Any:
        found = await super().keep(notices, lease_s=lease_s)
        return (replace(found[0], event_id="ev_1"), *found) if len(found) < len(notices) and found else found


@breaks(InboxContract, "test_a_notice_that_was_settled_is_left_out_too")
class ForgetsTheSettled(SqliteInbox):
    async def keep(self, notices: Any, *, lease_s: int) -> Any:
        await sql(self, "DELETE FROM inbox WHERE state <> 'waiting'")
        return await super().keep(notices, lease_s=lease_s)


@breaks(InboxContract, "test_two_methods_may_use_one_event_id")
class MixesMethods(SqliteInbox):
    async def keep(self, notices: Any, *, lease_s: int) -> Any:
        seen = {notice.event_id: notice for notice in reversed(notices)}
        return await super().keep(tuple(seen.values())[::-1], lease_s=lease_s)


@breaks(InboxContract, "test_a_notice_brought_eight_times_at_once_is_kept_once")
class KeepsAgainInACrowd(SqliteInbox):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded, self.number = Crowded(), 0

    async def keep(self, notices: Any, *, lease_s: int) -> Any:
        async with self.crowded.entered() as crowd:
            self.number += 1
            again = tuple(replace(notice, event_id=f"{notice.event_id}/{self.number}") for notice in notices)
            return await super().keep(again if crowd else notices, lease_s=lease_s)


@breaks(
    InboxContract,
    "test_a_lease_that_ran_out_is_given_to_the_next_with_a_higher_fence",
    "test_an_old_fence_postpones_nothing",
    "test_an_old_fence_settles_nothing",
    "test_a_reopened_notice_is_due_at_once_and_counted_from_none",
)
class RaisesNoFence(SqliteInbox):
    async def claim(self, **how: Any) -> Any:
        found = await super().claim(**how)
        await sql(self, "UPDATE inbox SET fence = fence - 1 WHERE fence > 0")
        return tuple(replace(item, fence=item.fence - 1) for item in found)


@breaks(InboxContract, "test_the_oldest_are_claimed_first_and_not_more_than_asked")
class ClaimsTheNewestNotice(SqliteInbox):
    async def claim(self, **how: Any) -> Any:
        found = await super().claim(**how)
        return found[::-1] if how["limit"] == 2 else found


@breaks(InboxContract, "test_four_callers_at_once_never_get_one_notice_twice")
class GivesANoticeTwiceInACrowd(SqliteInbox):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def claim(self, **how: Any) -> Any:
        async with self.crowded.entered() as crowd:
            found = await super().claim(**how)
            if crowd:
                await sql(self, "UPDATE inbox SET next_try_at = 0 WHERE id = 1")
            return found


@breaks(InboxContract, "test_a_postponed_notice_is_due_at_its_time")
class PostponesForNothing(SqliteInbox):
    async def postpone(self, item: Any, *, until: Any) -> None:
        await super().postpone(item, until=after(1) if until == after(100) else until)


@breaks(InboxContract, "test_a_notice_is_postponed_before_its_lease_ran_out_too")
class KeepsTheLeaseOfThePostponed(SqliteInbox):
    async def postpone(self, item: Any, *, until: Any) -> None:
        await super().postpone(item, until=max(until, after(30)))


@breaks(InboxContract, "test_an_old_fence_postpones_nothing")
class PostponesWithAnyFence(SqliteInbox):
    async def postpone(self, item: Any, *, until: Any) -> None:
        fence = (await sql(self, "SELECT fence FROM inbox WHERE id = :id", id=item.id)).scalar()
        await super().postpone(replace(item, fence=fence), until=until)


@breaks(
    InboxContract,
    "test_a_settled_notice_is_never_claimed_again",
    "test_a_fence_from_before_it_was_reopened_settles_nothing",
    "test_a_reopened_notice_is_due_at_once_and_counted_from_none",
    "test_notices_are_listed_by_state_and_in_parts",
    "test_the_backlog_counts_what_waits_and_what_is_dead",
)
class KeepsTheDeadWaiting(SqliteInbox):
    async def settle(self, item: Any, state: Any, *, at: Any) -> None:
        await super().settle(item, state, at=at)
        if state.value == "dead":
            await sql(self, "UPDATE inbox SET state = 'waiting'")


@breaks(
    InboxContract,
    "test_an_old_fence_settles_nothing",
    "test_a_fence_from_before_it_was_reopened_settles_nothing",
)
class SettlesWithAnyFence(SqliteInbox):
    async def settle(self, item: Any, state: Any, *, at: Any) -> None:
        fence = (await sql(self, "SELECT fence FROM inbox WHERE id = :id", id=item.id)).scalar()
        await super().settle(replace(item, fence=fence), state, at=at)


# --- outbox


@breaks(OutboxContract, "test_events_are_claimed_in_order_as_they_were_written")
class ClaimsBackwards(SqliteOutbox):
    async def claim(self, **how: Any) -> Any:
        found = await super().claim(**how)
        return found[::-1] if len(found) == 3 and how["limit"] == 100 else found


@breaks(
    OutboxContract,
    "test_no_more_are_claimed_than_asked_and_the_rest_by_the_next",
)
class ClaimsMoreThanAsked(SqliteOutbox):
    async def claim(self, *, now: Any, limit: int, lease_s: int) -> Any:
        return await super().claim(now=now, limit=limit + 1 if limit == 2 else limit, lease_s=lease_s)


@breaks(OutboxContract, "test_a_leased_event_is_nobody_elses")
class LeasesTooShort(SqliteOutbox):
    async def claim(self, *, now: Any, limit: int, lease_s: int) -> Any:
        return await super().claim(now=now, limit=limit, lease_s=lease_s - 2)


@breaks(
    OutboxContract,
    "test_a_lease_that_ran_out_is_given_to_the_next_with_a_higher_fence",
    "test_an_old_fence_settles_nothing",
    "test_an_old_fence_postpones_nothing",
)
class RaisesNoFenceOfEvents(SqliteOutbox):
    async def claim(self, **how: Any) -> Any:
        found = await super().claim(**how)
        await sql(self, "UPDATE outbox SET fence = 0")
        return tuple(replace(item, fence=0) for item in found)


@breaks(OutboxContract, "test_four_callers_at_once_never_get_one_event_twice")
class GivesAnEventTwiceInACrowd(SqliteOutbox):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def claim(self, **how: Any) -> Any:
        async with self.crowded.entered() as crowd:
            found = await super().claim(**how)
            if crowd:
                await sql(self, "UPDATE outbox SET next_try_at = 0 WHERE id = 1")
            return found


@breaks(OutboxContract, "test_a_delivered_event_is_never_claimed_again")
class DeliversAgain(SqliteOutbox):
    async def settle(self, item: Any, *, at: Any) -> None:
        await super().settle(item, at=at)
        await sql(self, "UPDATE outbox SET state = 'waiting'")


@breaks(OutboxContract, "test_an_old_fence_settles_nothing")
class SettlesEventsWithAnyFence(SqliteOutbox):
    async def settle(self, item: Any, *, at: Any) -> None:
        fence = (await sql(self, "SELECT fence FROM outbox WHERE id = :id", id=item.id)).scalar()
        await super().settle(replace(item, fence=fence), at=at)


@breaks(OutboxContract, "test_a_postponed_event_is_due_at_its_time")
class PostponesEventsForNothing(SqliteOutbox):
    async def postpone(self, item: Any, *, until: Any, reason: str, dead: bool) -> None:
        soon = after(1) if until == after(100) else until
        await super().postpone(item, until=soon, reason=reason, dead=dead)


@breaks(OutboxContract, "test_an_event_is_postponed_before_its_lease_ran_out_too")
class KeepsTheLeaseOfPostponedEvents(SqliteOutbox):
    async def postpone(self, item: Any, *, until: Any, reason: str, dead: bool) -> None:
        await super().postpone(item, until=max(until, after(30)), reason=reason, dead=dead)


@breaks(OutboxContract, "test_a_dead_letter_is_never_claimed_again_but_counted")
class TriesTheDeadAgain(SqliteOutbox):
    async def postpone(self, item: Any, *, until: Any, reason: str, dead: bool) -> None:
        await super().postpone(item, until=until, reason=reason, dead=False)


@breaks(OutboxContract, "test_an_old_fence_postpones_nothing")
class PostponesEventsWithAnyFence(SqliteOutbox):
    async def postpone(self, item: Any, *, until: Any, reason: str, dead: bool) -> None:
        fence = (await sql(self, "SELECT fence FROM outbox WHERE id = :id", id=item.id)).scalar()
        await super().postpone(replace(item, fence=fence), until=until, reason=reason, dead=dead)


@breaks(OutboxContract, "test_the_backlog_counts_what_waits_leased_or_not")
class CountsWhatIsNotLeased(SqliteOutbox):
    async def backlog(self) -> tuple[int, int]:
        waiting, dead = await super().backlog()
        return (waiting - 1, dead) if waiting == 3 else (waiting, dead)


# --- what an operator does to notices


@breaks(InboxContract, "test_notices_are_listed_by_state_and_in_parts")
class ListsEveryState(SqliteInbox):
    async def kept(self, state: Any, *, after: int, limit: int) -> Any:
        every = [row for one in InboxState for row in await super().kept(one, after=after, limit=limit)]
        return tuple(sorted(every, key=lambda row: row.id))[:limit]


@breaks(InboxContract, "test_a_reopened_notice_is_due_at_once_and_counted_from_none")
class ReopensAndGoesOnCounting(SqliteInbox):
    async def reopen(self, notice_id: int, audit: Any) -> Any:
        found = await super().reopen(notice_id, audit)
        await sql(self, "UPDATE inbox SET attempts = 6 WHERE id = :id", id=notice_id)
        return found


@breaks(InboxContract, "test_only_a_settled_notice_is_reopened")
class ReopensWhatWaits(SqliteInbox):
    async def reopen(self, notice_id: int, audit: Any) -> Any:
        try:
            return await super().reopen(notice_id, audit)
        except Conflict:
            return (await super().kept(InboxState.WAITING, after=notice_id - 1, limit=1))[0]


@breaks(InboxContract, "test_a_fence_from_before_it_was_reopened_settles_nothing")
class ReopensUnderTheOldFence(SqliteInbox):
    async def reopen(self, notice_id: int, audit: Any) -> Any:
        found = await super().reopen(notice_id, audit)
        await sql(self, "UPDATE inbox SET fence = fence - 2 WHERE id = :id", id=notice_id)
        await sql(self, "UPDATE inbox SET fence = fence + 1 WHERE id = :id", id=notice_id)
        return found


@breaks(InboxContract, "test_the_backlog_counts_what_waits_and_what_is_dead")
class CountsTheDoneAsDead(SqliteInbox):
    async def backlog(self) -> Any:
        waiting, dead = await super().backlog()
        return waiting, dead + len(await super().kept(InboxState.DONE, after=0, limit=100))
