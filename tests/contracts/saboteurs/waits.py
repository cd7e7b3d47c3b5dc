"""Saboteurs of suspense and of what is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.ports.conformance.due import DueContract
from kassa.ports.conformance.samples import after
from kassa.ports.conformance.suspense import SuspenseContract
from kassa.ports.errors import Conflict
from kassa.ports.payment_records import RecordFacts, SettleSuspense, SuspendMoney, Suspense
from tests.contracts.saboteurs.kit import Crowded, breaks, leaving, mislabelled, sql

SECONDS = timedelta(seconds=1)


class Racing(SqlitePayments):
    """Knows when it is called several times at once."""

    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()


# --- suspense


@breaks(SuspenseContract, "test_money_without_a_name_is_kept_posted_and_told")
class ForgetsTheEventsOfSuspense(SqlitePayments):
    async def suspend(self, act: SuspendMoney) -> None:
        await super().suspend(replace(act, events=()))


@breaks(
    SuspenseContract,
    "test_money_without_a_name_is_kept_posted_and_told",
    "test_the_same_money_told_eight_times_at_once_is_kept_once",
)
class ForgetsTheAuditEntryOfSuspense(SqlitePayments):
    async def suspend(self, act: SuspendMoney) -> None:
        await super().suspend(replace(act, audit=mislabelled(act.audit)))


@breaks(SuspenseContract, "test_the_same_money_told_again_changes_nothing")
class BelievesTheLastAmount(SqlitePayments):
    async def suspend(self, act: SuspendMoney) -> None:
        await super().suspend(act)
        await sql(
            self, "UPDATE suspense SET amount = :a WHERE key = :k", a=act.suspense.amount.amount, k=act.suspense.key
        )


@breaks(SuspenseContract, "test_a_notice_is_settled_with_the_money_it_told_new_or_not",
        "test_a_notice_with_an_old_fence_suspends_nothing")  # fmt: skip
class LeavesTheNoticeOfSuspenseWaiting(SqlitePayments):
    async def suspend(self, act: SuspendMoney) -> None:
        await super().suspend(replace(act, inbox=None))


@breaks(SuspenseContract, "test_the_same_money_told_eight_times_at_once_is_kept_once")
class KeepsItAgainInACrowd(Racing):
    async def suspend(self, act: SuspendMoney) -> None:
        async with self.crowded.entered() as crowd:
            self.number = getattr(self, "number", 0) + 1
            key = f"{act.suspense.key}/{self.number}"
            another = replace(
                act,
                suspense=replace(act.suspense, key=key),
                posting=replace(act.posting, key=f"suspense/{key}/arrived"),
            )
            await super().suspend(another if crowd else act)


@breaks(
    SuspenseContract,
    "test_settled_money_does_not_wait_any_more",
    "test_of_two_words_on_one_sum_at_once_one_counts",
)
class ForgetsTheAuditEntryOfSettling(SqlitePayments):
    async def settle_suspense(self, act: SettleSuspense) -> None:
        await super().settle_suspense(replace(act, audit=mislabelled(act.audit)))


@breaks(SuspenseContract, "test_money_is_settled_once", "test_money_that_was_settled_is_not_split")
class AuditsASecondSettling(SqlitePayments):
    async def settle_suspense(self, act: SettleSuspense) -> Any:
        return await leaving(self, super().settle_suspense(act), Conflict)


@breaks(SuspenseContract, "test_of_two_words_on_one_sum_at_once_one_counts")
class SettlesTwiceInACrowd(Racing):
    async def settle_suspense(self, act: SettleSuspense) -> None:
        async with self.crowded.entered() as crowd:
            try:
                await super().settle_suspense(act)
            except Conflict:
                if not crowd:
                    raise


@breaks(SuspenseContract, "test_the_oldest_are_told_first_and_not_more_than_asked")
class TellsTheNewestFirst(SqlitePayments):
    async def suspense(self, state: Any, *, limit: int) -> tuple[Suspense, ...]:
        return (await super().suspense(state, limit=limit))[::-1]


@breaks(SuspenseContract, "test_a_notice_with_an_old_fence_suspends_nothing")
class SuspendsWithAnyFence(SqlitePayments):
    async def suspend(self, act: SuspendMoney) -> None:
        fence = (await sql(self, "SELECT max(fence) FROM inbox")).scalar()
        await super().suspend(replace(act, inbox=replace(act.inbox, fence=fence)) if act.inbox else act)


# --- what is due


@breaks(DueContract, "test_a_due_operation_is_claimed_with_its_names")
class NamesAnotherPayment(SqlitePayments):
    async def claim_due(self, **how: Any) -> Any:
        return tuple(replace(due, payment_id=due.payment_id + 1) for due in await super().claim_due(**how))


@breaks(DueContract, "test_an_operation_is_not_claimed_before_its_time_or_when_nobody_needs_to_ask")
class ClaimsEarly(SqlitePayments):
    async def claim_due(self, *, now: Any, limit: int, lease_s: int) -> Any:
        return await super().claim_due(now=after(10) if now == after(9) else now, limit=limit, lease_s=lease_s)


@breaks(DueContract, "test_the_oldest_are_claimed_first_and_not_more_than_asked")
class ClaimsTheNewestFirst(SqlitePayments):
    async def claim_due(self, **how: Any) -> Any:
        found = await super().claim_due(**how)
        return found[::-1] if how["limit"] == 2 else found


@breaks(DueContract, "test_a_leased_operation_is_nobody_elses")
class ForgetsTheLeaseEarly(SqlitePayments):
    async def claim_due(self, *, now: Any, limit: int, lease_s: int) -> Any:
        return await super().claim_due(now=now, limit=limit, lease_s=lease_s - 2)


@breaks(DueContract, "test_a_lease_that_ran_out_is_given_to_the_next")
class LeasesForEver(SqlitePayments):
    async def claim_due(self, *, now: Any, limit: int, lease_s: int) -> Any:
        return await super().claim_due(now=now, limit=limit, lease_s=86_400)


@breaks(DueContract, "test_four_callers_at_once_never_get_one_operation_twice")
class GivesTwiceInACrowd(Racing):
    async def claim_due(self, **how: Any) -> Any:
        async with self.crowded.entered() as crowd:
            found = await super().claim_due(**how)
            if crowd:
                await sql(self, "UPDATE operations SET lease_until = NULL WHERE id = (SELECT min(id) FROM operations)")
            return found


@breaks(DueContract, "test_an_operation_that_was_asked_about_is_due_at_its_next_time")
class KeepsTheLeaseOfWhatWasAsked(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        await super().record(act)
        if act.operations and act.operations[0].checks:
            await sql(self, "UPDATE operations SET lease_until = next_check_at + 1000000")


class Overdue(SqlitePayments):
    """Looks with other eyes."""

    query = ""

    async def overdue(self, *, now: Any, limit: int) -> tuple[str, ...]:
        good = await super().overdue(now=now, limit=limit)
        found = await sql(self, f"SELECT invoice_id FROM payables WHERE {self.query}")
        more = [invoice for invoice in found.scalars() if invoice not in good]
        return (*good, *more)[:limit]


@breaks(DueContract, "test_an_unpaid_order_is_overdue_when_its_time_is_over")
class CallsItOverdueEarly(SqlitePayments):
    async def overdue(self, *, now: Any, limit: int) -> tuple[str, ...]:
        return await super().overdue(now=now + 60 * SECONDS, limit=limit)


@breaks(DueContract, "test_the_oldest_are_overdue_first_and_not_more_than_asked")
class CallsTheNewestOverdueFirst(SqlitePayments):
    async def overdue(self, *, now: Any, limit: int) -> tuple[str, ...]:
        return (await super().overdue(now=now, limit=limit))[::-1]


@breaks(DueContract, "test_an_order_with_a_live_payment_is_not_overdue")
class IgnoresLivePayments(Overdue):
    query = "invoice_id IN (SELECT invoice_id FROM payments WHERE is_live)"


@breaks(DueContract, "test_an_order_with_a_doubtful_payment_is_not_overdue")
class IgnoresDoubt(Overdue):
    query = "invoice_id IN (SELECT invoice_id FROM payments WHERE in_doubt)"


@breaks(DueContract, "test_paid_and_ended_orders_are_not_overdue")
class CallsTheEndedOverdue(Overdue):
    query = "state = 'closed'"
