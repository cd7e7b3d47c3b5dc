"""Saboteurs of recording facts about money."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.audit import SqliteAuditTrail
from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.ports.conformance.facts import FactsContract
from kassa.ports.conformance.suspense import SuspenseContract
from kassa.ports.errors import AlreadyClaimed, Conflict, OutOfStock
from kassa.ports.payment_records import PaymentFile, RecordFacts, Suspense, SuspenseState
from tests.contracts.saboteurs.kit import Crowded, breaks, leaving, mislabelled, sql

SECONDS = timedelta(seconds=1)
EIGHT = "test_of_eight_words_on_one_version_one_counts"
OTHER_VERSION = "test_what_was_decided_on_another_version_records_nothing"


class Racing(SqlitePayments):
    """Knows when it is called several times at once."""

    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()


# --- recording


@breaks(FactsContract, "test_what_is_recorded_is_what_the_file_holds")
class ForgetsTheProvidersReference(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        payments = tuple(replace(payment, provider_ref=None) for payment in act.payments)
        await super().record(replace(act, payments=payments))


@breaks(
    FactsContract,
    "test_recording_nothing_raises_the_version",
    "test_what_was_decided_on_another_version_records_nothing",
)
class SkipsWhatSaysNothing(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        told = (act.payments, act.operations, act.movements, act.suspense, act.claim, act.inbox, act.postings)
        if any(told) or act.expected_version > 2:
            await super().record(act)
        else:
            await super().record(replace(act, payable=replace(act.payable, version=act.expected_version)))


@breaks(FactsContract, "test_an_operation_is_new_or_replaced_by_its_id")
class KeepsTheFirstWordOnAnOperation(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        there = {operation.id for operation in (await super().file(act.payable.invoice_id)).operations}
        new = tuple(operation for operation in act.operations if operation.id not in there or operation.kind == "start")
        await super().record(replace(act, operations=new))


@breaks(FactsContract, "test_a_movement_is_new_or_replaced_by_kind_and_id")
class KeepsTheFirstWordOnAMovement(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        there = {known.movement.id for known in (await super().file(act.payable.invoice_id)).movements}
        await super().record(replace(act, movements=tuple(m for m in act.movements if m.movement.id not in there)))


@breaks(FactsContract, "test_suspense_of_a_payment_is_new_or_replaced_by_its_key")
class KeepsSuspenseOutOfTheFile(SqlitePayments):
    async def file(self, invoice_id: str) -> PaymentFile:
        return replace(await super().file(invoice_id), suspense=())


@breaks(FactsContract, "test_recording_writes_its_events_and_its_audit_entry")
class ForgetsTheEventsOfAFact(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        await super().record(act if act.order else replace(act, events=()))


@breaks(FactsContract, "test_recording_writes_its_events_and_its_audit_entry")
class ForgetsTheAuditEntryOfAFact(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        await super().record(act if act.order else replace(act, audit=mislabelled(act.audit)))


@breaks(FactsContract, "test_bytes_of_a_plugin_come_back_as_they_were")
class TakesBytesForText(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        payments = tuple(
            replace(payment, plugin_state=payment.plugin_state.decode("ascii", "ignore").encode())
            for payment in act.payments
        )
        await super().record(replace(act, payments=payments))


# --- the order


@breaks(
    FactsContract,
    "test_money_that_completes_a_payable_makes_the_order_paid",
    "test_a_full_capture_leaves_all_invariants_whole",
)
class LeavesTheOrderUnpaid(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        await super().record(act if act.order is None or act.order.late else replace(act, order=None))


@breaks(
    FactsContract,
    "test_money_in_time_takes_no_stock_again",
    "test_money_that_completes_a_payable_makes_the_order_paid",
    "test_a_full_capture_leaves_all_invariants_whole",
)
class TakesStockForEveryPayment(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        await super().record(act)
        if act.order and not act.order.late:
            await sql(self, "UPDATE products SET quantity = quantity - 2")


@breaks(FactsContract, "test_late_money_takes_the_stock_again")
class TakesNoStockForLateMoney(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        await super().record(act)
        if act.order and act.order.late:
            await sql(self, "UPDATE products SET quantity = quantity + 2")


@breaks(FactsContract, "test_late_money_whose_stock_is_gone_changes_nothing")
class SellsWhatIsGone(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        try:
            await super().record(act)
        except OutOfStock:
            await sql(self, "UPDATE products SET quantity = quantity + 10")
            await super().record(act)


@breaks(FactsContract, "test_late_money_whose_stock_is_gone_changes_nothing")
class AuditsARefusedLatePayment(SqlitePayments):
    async def record(self, act: RecordFacts) -> Any:
        return await leaving(self, super().record(act), OutOfStock)


# --- postings


@breaks(FactsContract, "test_a_posting_is_written_once_for_ever")
class PostsAgainUnderAnotherKey(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        posted = set((await sql(self, "SELECT key FROM postings")).scalars())
        postings = tuple(replace(one, key=f"{one.key}/2") if one.key in posted else one for one in act.postings)
        await super().record(replace(act, postings=postings))


@breaks(FactsContract, "test_a_capture_without_its_posting_is_a_violation")
class FindsNoViolation(SqliteAuditTrail):
    async def violations(self) -> tuple[str, ...]:
        return ()


# --- requests done once


@breaks(
    FactsContract,
    "test_recording_with_a_claim_opens_a_running_record",
    "test_a_claim_that_was_used_records_nothing",
)
class ForgetsTheClaimOfARefund(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        await super().record(act if act.answer else replace(act, claim=None))


@breaks(FactsContract, "test_recording_with_an_answer_finishes_the_record")
class NeverFinishes(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        await super().record(replace(act, claim=None, answer=None) if act.answer else act)


@breaks(FactsContract, "test_a_claim_that_was_used_records_nothing")
class AuditsAUsedClaim(SqlitePayments):
    async def record(self, act: RecordFacts) -> Any:
        return await leaving(self, super().record(act), AlreadyClaimed)


# --- notices


@breaks(
    FactsContract, "test_a_notice_is_settled_in_the_act_that_it_told", "test_a_notice_with_an_old_fence_records_nothing"
)
class LeavesTheNoticeWaiting(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        await super().record(replace(act, inbox=None))


@breaks(FactsContract, "test_a_notice_with_an_old_fence_records_nothing")
class TakesAnyFence(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        fence = (await sql(self, "SELECT max(fence) FROM inbox")).scalar()
        await super().record(replace(act, inbox=replace(act.inbox, fence=fence)) if act.inbox else act)


# --- racing


@breaks(FactsContract, OTHER_VERSION, EIGHT)
class RecordsOnAnyVersion(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        try:
            await super().record(act)
        except Conflict:
            if act.inbox is not None and act.order is None:
                raise
            version = (await super().file(act.payable.invoice_id)).payable.version
            await super().record(
                replace(act, expected_version=version, payable=replace(act.payable, version=version + 1))
            )


@breaks(FactsContract, OTHER_VERSION)
class SettlesTheNoticeOfAConflict(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        try:
            await super().record(act)
        except Conflict:
            if act.inbox is not None and act.order is not None:
                await sql(self, "UPDATE inbox SET state = 'done'")
            raise


@breaks(FactsContract, EIGHT)
class RecordsTwiceInACrowd(Racing):
    async def record(self, act: RecordFacts) -> None:
        async with self.crowded.entered() as crowd:
            try:
                await super().record(act)
            except Conflict:
                if not crowd:
                    raise


# --- money that gets its name


@breaks(
    SuspenseContract,
    "test_rows_are_found_by_their_names_in_every_state",
    "test_money_is_split_or_given_a_name_not_both",
)
class NamesOnlyWhatIsOpen(SqlitePayments):
    async def suspense_named(self, keys: tuple[str, ...]) -> tuple[Suspense, ...]:
        return tuple(row for row in await super().suspense_named(keys) if row.state is SuspenseState.OPEN)


class CountsTwice(SqlitePayments):
    """Hides what waits in suspense while facts are recorded."""

    hidden = "state = 'open'"

    async def record(self, act: RecordFacts) -> None:
        await sql(self, f"UPDATE suspense SET key = 'hidden ' || key WHERE {self.hidden}")
        try:
            await super().record(act)
        finally:
            await sql(self, "UPDATE suspense SET key = substr(key, 8) WHERE key LIKE 'hidden %'")


@breaks(SuspenseContract, "test_a_capture_of_money_in_suspense_counts_only_where_it_is_assigned")
class CountsWhatWaits(CountsTwice):
    async def record(self, act: RecordFacts) -> None:
        if act.suspense:
            await SqlitePayments.record(self, act)
        else:
            await super().record(act)


@breaks(SuspenseContract, "test_money_that_was_sent_back_is_no_capture_any_more")
class CountsWhatWasSentBack(CountsTwice):
    hidden = "state = 'refunded'"


@breaks(SuspenseContract, "test_money_of_another_method_stands_in_nobodys_way")
class MixesTheMoneyOfMethods(SqlitePayments):
    async def record(self, act: RecordFacts) -> None:
        names = tuple(f"unmatched/e_wallet/{known.movement.id}" for known in act.movements)
        if await self.suspense_named(names):
            raise Conflict("in suspense")
        await super().record(act)


@breaks(FactsContract, "test_payments_to_review_are_listed_by_id_and_in_parts")
class ReviewsFromTheBeginning(SqlitePayments):
    async def to_review(self, *, after: int, limit: int) -> tuple[int, ...]:
        return await super().to_review(after=0, limit=limit)
