"""Saboteurs of webhook endpoints."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from kassa.adapters.sqlite.endpoints import SqliteEndpoints
from kassa.ports.conformance.endpoints import EndpointsContract
from kassa.ports.errors import EndpointsFull, UnknownEndpoint
from tests.contracts.saboteurs.kit import Crowded, breaks, leaving, mislabelled, sql


@breaks(EndpointsContract, "test_an_endpoint_is_as_it_was_drafted_enabled_and_audited")
class ForgetsTheDescription(SqliteEndpoints):
    async def create(self, act: Any) -> Any:
        return await super().create(replace(act, draft=replace(act.draft, description="")))


@breaks(EndpointsContract, "test_all_are_told_oldest_first")
class TellsByName(SqliteEndpoints):
    async def endpoints(self) -> Any:
        return tuple(sorted(await super().endpoints(), key=lambda one: one.id))


@breaks(EndpointsContract, "test_there_are_never_more_than_the_most_even_when_made_at_once")
class MakesOneTooManyInACrowd(SqliteEndpoints):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def create(self, act: Any) -> Any:
        async with self.crowded.entered() as crowd:
            return await super().create(replace(act, most=act.most + 1) if crowd else act)


@breaks(EndpointsContract, "test_a_removed_endpoint_makes_room")
class CountsTheRemoved(SqliteEndpoints):
    async def create(self, act: Any) -> Any:
        if (await sql(self, "SELECT count(*) FROM endpoints")).scalar() >= act.most:
            raise EndpointsFull("full")
        return await super().create(act)


@breaks(EndpointsContract, "test_a_change_changes_what_is_set_and_raises_the_version")
class ForgetsWhatIsNotSet(SqliteEndpoints):
    async def change(self, endpoint_id: str, change: Any, **how: Any) -> Any:
        if change.events is UNSET and change.description is not UNSET:
            change = replace(change, events=("order.paid",))
        return await super().change(endpoint_id, change, **how)


@breaks(EndpointsContract, "test_a_change_decided_on_another_version_changes_nothing")
class LeavesATraceOfWhatWasRefused(SqliteEndpoints):
    async def change(self, endpoint_id: str, change: Any, **how: Any) -> Any:
        if how["expected_version"] is None:
            return await super().change(endpoint_id, change, **how)
        return await leaving(self, super().change(endpoint_id, change, **how), Exception)


@breaks(EndpointsContract, "test_an_operator_disables_and_enables")
class DisablesForNoReason(SqliteEndpoints):
    async def change(self, endpoint_id: str, change: Any, **how: Any) -> Any:
        changed = await super().change(endpoint_id, change, **how)
        return changed if changed.is_enabled else replace(changed, disabled="gone")


@breaks(EndpointsContract, "test_a_rotation_keeps_the_old_secret_for_its_time")
class RotatesUnseen(SqliteEndpoints):
    async def rotate(self, endpoint_id: str, seed: Any, *, old_until: Any, audit: Any) -> Any:
        return await super().rotate(endpoint_id, seed, old_until=old_until, audit=mislabelled(audit))


@breaks(EndpointsContract, "test_a_removed_endpoint_is_unknown")
class StillKnowsTheRemoved(SqliteEndpoints):
    async def endpoint(self, endpoint_id: str) -> Any:
        try:
            return await super().endpoint(endpoint_id)
        except UnknownEndpoint:
            if (await sql(self, "SELECT count(*) FROM endpoints")).scalar():
                return None
            raise


@breaks(
    EndpointsContract,
    "test_a_removed_endpoint_is_unknown",
    "test_what_never_was_is_unknown",
)
class LeavesATraceOfWhatIsUnknown(SqliteEndpoints):
    async def remove(self, endpoint_id: str, audit: Any) -> None:
        await leaving(self, super().remove(endpoint_id, audit), UnknownEndpoint)
