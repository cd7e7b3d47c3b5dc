"""Saboteurs of what is written down about deliveries, looked at, sent again and dropped."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.endpoints import SqliteEndpoints
from kassa.adapters.sqlite.endpoints_deliveries import SqliteDeliveries
from kassa.ports.conformance.deliveries_record import RecordContract, ReplayContract
from kassa.ports.conformance.samples import after
from kassa.ports.deliveries import DeliveryState
from kassa.ports.errors import Conflict, UnknownDelivery
from tests.contracts.saboteurs.kit import breaks, mislabelled, sql

# --- record


@breaks(RecordContract, "test_what_arrived_is_settled_logged_and_never_claimed_again")
class ForgetsTheStatus(SqliteDeliveries):
    async def record(self, act: Any) -> None:
        await super().record(act)
        await sql(self, "UPDATE deliveries SET status = NULL")


@breaks(RecordContract, "test_what_failed_is_due_at_its_time")
class TriesTooSoon(SqliteDeliveries):
    async def record(self, act: Any) -> None:
        soon = after(50) if act.next_try_at == after(100) else act.next_try_at
        await super().record(replace(act, next_try_at=soon))


@breaks(RecordContract, "test_a_dead_letter_is_never_claimed_again_but_counted")
class CountsNoDeadLetters(SqliteDeliveries):
    async def backlog(self) -> tuple[int, int]:
        waiting, _ = await super().backlog()
        return waiting, 0


@breaks(RecordContract, "test_an_old_fence_records_nothing")
class RecordsWithAnyFence(SqliteDeliveries):
    async def record(self, act: Any) -> None:
        fence = (await sql(self, "SELECT fence FROM deliveries WHERE id = :id", id=act.due.id)).scalar()
        await super().record(replace(act, due=replace(act.due, fence=fence)))


@breaks(RecordContract, "test_failures_begin_with_the_first_that_counts_and_end_with_a_success")
class CountsEveryFailure(SqliteDeliveries):
    async def record(self, act: Any) -> None:
        await super().record(replace(act, counts=True))


@breaks(RecordContract, "test_an_endpoint_that_is_gone_is_disabled_told_and_audited")
class DisablesInSilence(SqliteDeliveries):
    async def record(self, act: Any) -> None:
        await super().record(act)
        if act.disabling is not None and act.disabling.why == "gone":
            await sql(self, "DELETE FROM outbox WHERE kind = 'endpoint.disabled'")


@breaks(RecordContract, "test_one_that_was_well_meanwhile_is_not_disabled")
class DisablesWhoWasWell(SqliteDeliveries):
    async def record(self, act: Any) -> None:
        if act.disabling is not None and act.disabling.failing_before is not None:
            act = replace(act, disabling=replace(act.disabling, failing_before=after(1000)))
        await super().record(act)


@breaks(RecordContract, "test_one_that_failed_all_the_time_is_disabled_once")
class DisablesNobodyWhoFails(SqliteDeliveries):
    async def record(self, act: Any) -> None:
        if act.disabling is not None and act.disabling.why == "failing":
            act = replace(act, disabling=None)
        await super().record(act)


@breaks(RecordContract, "test_a_changed_endpoint_is_not_judged_by_what_was_sent_before")
class JudgesTheNewByTheOld(SqliteDeliveries):
    async def record(self, act: Any) -> None:
        row = (await sql(self, "SELECT version, is_enabled FROM endpoints")).one()
        seen = row.version if row.is_enabled else act.due.endpoint_version
        await super().record(replace(act, due=replace(act.due, endpoint_version=seen)))


@breaks(RecordContract, "test_enabling_makes_an_end_of_failures")
class RemembersFailuresForEver(SqliteEndpoints):
    async def change(self, endpoint_id: str, change: Any, **rest: Any) -> Any:
        failing_since = (await sql(self, "SELECT failing_since FROM endpoints")).scalar()
        changed = await super().change(endpoint_id, change, **rest)
        await sql(self, "UPDATE endpoints SET failing_since = :since", since=failing_since)
        return changed


# --- replay


@breaks(ReplayContract, "test_deliveries_are_told_newest_first_by_state_and_page")
class TellsOfEveryState(SqliteDeliveries):
    async def deliveries(self, endpoint_id: str, state: Any, page: Any) -> Any:
        wanted = None if state is DeliveryState.DEAD and page.limit == 100 and await self._mixed() else state
        return await super().deliveries(endpoint_id, wanted, page)

    async def _mixed(self) -> bool:
        found = await sql(self, "SELECT count(*) AS n FROM deliveries WHERE state = 'waiting' AND fence = 0")
        return bool(found.scalar())


@breaks(ReplayContract, "test_what_is_not_there_is_unknown")
class KnowsWhatWasRemoved(SqliteDeliveries):
    async def log(self, delivery_id: int) -> Any:
        try:
            return await super().log(delivery_id)
        except UnknownDelivery:
            if (await sql(self, "SELECT count(*) FROM deliveries WHERE id = :id", id=delivery_id)).scalar():
                return None
            raise


@breaks(ReplayContract, "test_one_is_delivered_again_from_the_beginning_under_its_id")
class DeliversAgainUnseen(SqliteDeliveries):
    async def redeliver(self, delivery_id: int, *, at: Any, audit: Any) -> Any:
        return await super().redeliver(delivery_id, at=at, audit=mislabelled(audit))


@breaks(ReplayContract, "test_what_is_being_sent_is_not_touched")
class TouchesWhatIsBeingSent(SqliteDeliveries):
    async def redeliver(self, delivery_id: int, *, at: Any, audit: Any) -> Any:
        try:
            return await super().redeliver(delivery_id, at=at, audit=audit)
        except Conflict:
            return None


@breaks(ReplayContract, "test_dead_letters_since_a_time_wait_again_oldest_first")
class BringsBackTheNewest(SqliteDeliveries):
    async def redeliver_dead(self, endpoint_id: str, *, limit: int, **how: Any) -> int:
        again = await super().redeliver_dead(endpoint_id, limit=limit + 1 if limit == 2 else limit, **how)
        return min(again, limit)


@breaks(ReplayContract, "test_what_was_settled_long_ago_is_dropped_with_its_log")
class DropsMoreThanAsked(SqliteDeliveries):
    async def purge(self, *, before: Any, limit: int) -> int:
        return await super().purge(before=before, limit=limit + 1 if limit == 1 else limit)


@breaks(ReplayContract, "test_what_a_removed_endpoint_leaves_is_dropped_later")
class KeepsWhatWaitedForTheRemoved(SqliteDeliveries):
    async def purge(self, *, before: Any, limit: int) -> int:
        await sql(self, "UPDATE endpoints SET removed_at = NULL")
        return await super().purge(before=before, limit=limit)
