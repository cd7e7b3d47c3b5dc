"""Saboteurs of the idempotency records and the audit trail."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.audit import SqliteAuditTrail
from kassa.adapters.sqlite.idempotency import SqliteIdempotencyRecords
from kassa.ports.conformance.audit import AuditTrailContract
from kassa.ports.conformance.idempotency import IdempotencyRecordsContract
from kassa.ports.conformance.samples import NOW, after
from tests.contracts.saboteurs.kit import Crowded, breaks, litter, sql

# --- idempotency records


@breaks(
    IdempotencyRecordsContract,
    "test_a_request_never_made_has_no_record",
    "test_what_was_never_claimed_cannot_be_finished",
)
class FindsARecordForAnything(SqliteIdempotencyRecords):
    async def find(self, scope: Any) -> Any:
        found = await super().find(scope)
        any_record = (await sql(self, "SELECT count(*) FROM idempotency")).scalar()
        if found is None and not any_record and not (await sql(self, "SELECT count(*) FROM orders")).scalar():
            return "something"
        return found


@breaks(IdempotencyRecordsContract, "test_a_finished_record_tells_answer_fingerprint_and_time")
class TellsAnotherTime(SqliteIdempotencyRecords):
    async def find(self, scope: Any) -> Any:
        found = await super().find(scope)
        return replace(found, at=after(1)) if found else None


@breaks(IdempotencyRecordsContract, "test_the_same_key_of_another_caller_or_route_is_another_key")
class MixesCallers(SqliteIdempotencyRecords):
    async def find(self, scope: Any) -> Any:
        return await super().find(replace(scope, principal="account:1") if scope.principal == "account:999" else scope)


@breaks(
    IdempotencyRecordsContract,
    "test_a_running_record_has_no_answer",
)
class TellsAnEmptyAnswer(SqliteIdempotencyRecords):
    async def find(self, scope: Any) -> Any:
        found = await super().find(scope)
        return replace(found, answer=b"") if found and found.answer is None else found


@breaks(IdempotencyRecordsContract, "test_a_running_record_is_finished_byte_for_byte")
class WritesTheAnswerAgain(SqliteIdempotencyRecords):
    async def finish(self, claim: Any, answer: Any) -> None:
        await super().finish(claim, replace(answer, body=answer.body.strip()))


@breaks(IdempotencyRecordsContract, "test_a_finished_record_is_left_as_it_is")
class OverwritesAnAnswer(SqliteIdempotencyRecords):
    async def finish(self, claim: Any, answer: Any) -> None:
        await sql(self, "UPDATE idempotency SET kind = NULL, body = NULL WHERE key = :key", key=claim.scope.key)
        await super().finish(claim, answer)


@breaks(IdempotencyRecordsContract, "test_what_was_never_claimed_cannot_be_finished")
class FinishesWhatNeverBegan(SqliteIdempotencyRecords):
    async def finish(self, claim: Any, answer: Any) -> None:
        if await super().find(claim.scope) is not None:
            await super().finish(claim, answer)


@breaks(IdempotencyRecordsContract, "test_old_finished_records_are_dropped_and_counted",
        "test_dropping_is_bounded")  # fmt: skip
class CountsOneMore(SqliteIdempotencyRecords):
    async def purge(self, **how: Any) -> int:
        count = await super().purge(**how)
        return count + 1 if count else 0


@breaks(IdempotencyRecordsContract, "test_younger_records_are_not_dropped")
class DropsTheYoung(SqliteIdempotencyRecords):
    async def purge(self, *, before: Any, limit: int) -> int:
        return await super().purge(before=after(20) if before == after(9) else before, limit=limit)


@breaks(IdempotencyRecordsContract, "test_running_records_are_not_dropped")
class DropsTheRunning(SqliteIdempotencyRecords):
    async def purge(self, **how: Any) -> int:
        await sql(self, "DELETE FROM idempotency WHERE kind IS NULL")
        return await super().purge(**how)


@breaks(IdempotencyRecordsContract, "test_dropping_is_bounded")
class DropsAllAtOnce(SqliteIdempotencyRecords):
    async def purge(self, *, before: Any, limit: int) -> int:
        return await super().purge(before=before, limit=1000)


# --- the audit trail


@breaks(AuditTrailContract, "test_entries_come_as_written_oldest_first",
        "test_sealing_changes_no_record_and_breaks_no_invariant", "test_reading_on_begins_after_the_last_one_seen")  # fmt: skip
class LosesDetails(SqliteAuditTrail):
    async def entries(self, **how: Any) -> Any:
        found = await super().entries(**how)
        return tuple(replace(record, entry=replace(record.entry, details=b"{}")) for record in found)


@breaks(AuditTrailContract, "test_every_act_has_a_transaction_of_its_own")
class TellsOneTransaction(SqliteAuditTrail):
    async def entries(self, **how: Any) -> Any:
        return tuple(replace(record, tx=1) for record in await super().entries(**how))


@breaks(AuditTrailContract, "test_reading_on_begins_after_the_last_one_seen")
class RepeatsTheLastEntry(SqliteAuditTrail):
    async def entries(self, *, after: int, **how: Any) -> Any:
        return await super().entries(after=after - 1 if after else 0, **how)


@breaks(AuditTrailContract, "test_entries_are_filtered_by_subject_and_actor")
class IgnoresTheActor(SqliteAuditTrail):
    async def entries(self, *, actor: Any, **how: Any) -> Any:
        return await super().entries(actor=None, **how)


@breaks(AuditTrailContract, "test_records_are_sealed_in_bounded_rounds_until_none_is_left")
class SealsAllAtOnce(SqliteAuditTrail):
    async def seal(self, *, now: Any, limit: int) -> int:
        return await super().seal(now=now, limit=1000 if limit == 2 else limit)


@breaks(AuditTrailContract, "test_a_record_is_sealed_once_by_however_many_instances")
class CountsTwiceInACrowd(SqliteAuditTrail):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def seal(self, **how: Any) -> int:
        async with self.crowded.entered() as crowd:
            count = await super().seal(**how)
            return count * 2 if crowd else count


@breaks(AuditTrailContract, "test_sealing_changes_no_record_and_breaks_no_invariant")
class NotesEverySealing(SqliteAuditTrail):
    async def seal(self, *, now: Any, limit: int) -> int:
        count = await super().seal(now=now, limit=limit)
        if limit == 10:
            await litter(self)
        return count


@breaks(AuditTrailContract, "test_a_good_store_has_no_violations",
        "test_sealing_changes_no_record_and_breaks_no_invariant")  # fmt: skip
class CriesWolf(SqliteAuditTrail):
    async def violations(self) -> tuple[str, ...]:
        return (f"M1 nobody: {NOW}",)
