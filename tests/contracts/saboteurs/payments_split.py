"""Saboteurs of money that is split."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.ports.conformance.suspense import SuspenseContract
from kassa.ports.errors import Conflict
from kassa.ports.payment_records import RecordFacts, SettleSuspense
from tests.contracts.saboteurs.kit import breaks, sql

SPLIT = "test_money_is_split_into_sums_that_wait_for_a_name_each"
ONCE = "test_money_that_was_settled_is_not_split"
EITHER = "test_money_is_split_or_given_a_name_not_both"


@breaks(SuspenseContract, SPLIT, EITHER)
class LosesTheParts(SqlitePayments):
    async def settle_suspense(self, act: SettleSuspense) -> None:
        await super().settle_suspense(replace(act, parts=()))


@breaks(SuspenseContract, SPLIT)
class ForgetsTheArrivalOfTheParts(SqlitePayments):
    async def settle_suspense(self, act: SettleSuspense) -> None:
        await super().settle_suspense(replace(act, arrivals=()) if act.parts and "cap" not in act.suspense.key else act)


@breaks(SuspenseContract, ONCE)
class SplitsWhatIsGone(SqlitePayments):
    async def settle_suspense(self, act: SettleSuspense) -> None:
        try:
            await super().settle_suspense(act)
        except Conflict:
            if not act.parts or "cap" in act.suspense.key:
                raise
            await sql(self, "UPDATE suspense SET state = 'split'")


@breaks(SuspenseContract, EITHER)
class GivesANameToWhatWasSplit(SqlitePayments):
    async def record(self, act: RecordFacts) -> Any:
        try:
            return await super().record(act)
        except Conflict:
            if not act.suspense:
                raise
