"""Saboteurs of deliveries on their way from the outbox into the hands of a sender."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.endpoints_deliveries import SqliteDeliveries
from kassa.ports.conformance.deliveries import ClaimContract, FanOutContract
from tests.contracts.saboteurs.kit import Crowded, breaks, mislabelled, sql

# --- fan out


@breaks(FanOutContract, "test_an_event_is_written_once_for_everyone_who_wants_it_and_settled")
class KnowsNoFamilies(SqliteDeliveries):
    async def fan_out(self, item: Any, message: Any, filters: Any, *, at: Any) -> int:
        return await super().fan_out(item, message, (filters[0], filters[-1]), at=at)


@breaks(FanOutContract, "test_the_disabled_and_the_removed_are_told_nothing")
class TellsTheDisabled(SqliteDeliveries):
    async def fan_out(self, item: Any, message: Any, filters: Any, *, at: Any) -> int:
        off = [row.id for row in await sql(self, "SELECT id FROM endpoints WHERE NOT is_enabled")]
        await sql(self, "UPDATE endpoints SET is_enabled = 1, disabled = NULL")
        count = await super().fan_out(item, message, filters, at=at)
        for name in off:
            await sql(self, "UPDATE endpoints SET is_enabled = 0, disabled = 'operator' WHERE id = :id", id=name)
        return count


@breaks(FanOutContract, "test_an_old_fence_fans_nothing_out")
class FansOutWithAnyFence(SqliteDeliveries):
    async def fan_out(self, item: Any, message: Any, filters: Any, *, at: Any) -> int:
        fence = (await sql(self, "SELECT fence FROM outbox WHERE id = :id", id=item.id)).scalar()
        return await super().fan_out(replace(item, fence=fence), message, filters, at=at)


@breaks(FanOutContract, "test_a_test_is_for_one_endpoint_and_audited")
class TestsUnseen(SqliteDeliveries):
    __test__ = False

    async def send_test(self, endpoint_id: str, message: Any, *, at: Any, audit: Any) -> Any:
        return await super().send_test(endpoint_id, message, at=at, audit=mislabelled(audit))


# --- claim


@breaks(ClaimContract, "test_a_claim_brings_all_that_is_needed_to_send")
class ForgetsTheOldSecret(SqliteDeliveries):
    async def claim(self, **how: Any) -> Any:
        return tuple(replace(due, signing=due.signing[:1]) for due in await super().claim(**how))


@breaks(ClaimContract, "test_a_leased_delivery_is_nobody_elses")
class LeasesDeliveriesTooShort(SqliteDeliveries):
    async def claim(self, *, lease_s: int, **how: Any) -> Any:
        return await super().claim(lease_s=lease_s - 2, **how)


@breaks(ClaimContract, "test_a_lease_that_ran_out_is_given_to_the_next_with_a_higher_fence")
class RaisesNoFenceOfDeliveries(SqliteDeliveries):
    async def claim(self, **how: Any) -> Any:
        found = await super().claim(**how)
        await sql(self, "UPDATE deliveries SET fence = 0")
        return tuple(replace(due, fence=0) for due in found)


@breaks(ClaimContract, "test_four_callers_at_once_never_get_one_delivery_twice")
class GivesADeliveryTwiceInACrowd(SqliteDeliveries):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def claim(self, **how: Any) -> Any:
        async with self.crowded.entered() as crowd:
            found = await super().claim(**how)
            if crowd:
                await sql(self, "UPDATE deliveries SET next_try_at = 0 WHERE id = 1")
            return found


@breaks(ClaimContract, "test_an_endpoint_has_no_more_leases_than_it_may")
class CountsNoLeases(SqliteDeliveries):
    async def claim(self, *, per_endpoint: int, **how: Any) -> Any:
        return await super().claim(per_endpoint=per_endpoint + 1 if per_endpoint == 3 else per_endpoint, **how)


@breaks(ClaimContract, "test_a_long_queue_does_not_starve_a_short_one")
class TakesTheOldestOfAll(SqliteDeliveries):
    async def claim(self, *, limit: int, **how: Any) -> Any:
        if limit > 2:
            return await super().claim(limit=limit, **how)
        found = await super().claim(limit=100, **how)
        first = sorted(found, key=lambda due: due.id)[:limit]
        for due in found:
            if due not in first:
                await sql(self, "UPDATE deliveries SET lease_until = NULL, next_try_at = 0 WHERE id = :id", id=due.id)
        return tuple(first)


@breaks(ClaimContract, "test_the_failing_are_claimed_apart")
class ClaimsTheFailingWithTheOthers(SqliteDeliveries):
    async def claim(self, *, failing: bool, **how: Any) -> Any:
        return await super().claim(failing=failing, **how) + await super().claim(failing=not failing, **how)


@breaks(ClaimContract, "test_the_disabled_wait_but_for_tests_and_go_on_when_enabled")
class LosesWhatWaitsForTheDisabled(SqliteDeliveries):
    async def claim(self, **how: Any) -> Any:
        await sql(
            self,
            "DELETE FROM deliveries WHERE event_id IS NOT NULL"
            " AND endpoint_id IN (SELECT id FROM endpoints WHERE NOT is_enabled)",
        )
        return await super().claim(**how)


@breaks(ClaimContract, "test_the_removed_are_never_claimed")
class ClaimsForTheRemoved(SqliteDeliveries):
    async def claim(self, **how: Any) -> Any:
        await sql(self, "UPDATE endpoints SET removed_at = NULL")
        return await super().claim(**how)
