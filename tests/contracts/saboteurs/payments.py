"""Saboteurs of payment files and of beginning payments."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.ports.conformance.payment import PaymentsContract
from kassa.ports.conformance.sample_orders import invoice
from kassa.ports.errors import AlreadyClaimed, Conflict, PaymentLive, UnknownOrder, UnknownPayment
from kassa.ports.idempotency import AnswerKind
from kassa.ports.payment_records import BeginPayment, FileAndPrior, PaymentFile
from tests.contracts.saboteurs.kit import Crowded, breaks, leaving, mislabelled, sql

EIGHT = "test_of_eight_payments_at_once_one_begins"
TWINS = "test_of_eight_twins_of_one_claim_one_begins"
OTHER_VERSION = "test_a_payment_decided_on_another_version_does_not_begin"
EITHER = "test_an_order_is_either_ended_or_being_paid"


class Racing(SqlitePayments):
    """Knows when several payments begin at once."""

    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()


# --- finding


@breaks(PaymentsContract, "test_the_file_of_an_order_nobody_placed_is_unknown")
class FindsTheFirstFile(SqlitePayments):
    async def file_and_prior(self, invoice_id: str, scope: Any) -> FileAndPrior:
        try:
            return await super().file_and_prior(invoice_id, scope)
        except UnknownOrder:
            return await super().file_and_prior(invoice(1), scope)


@breaks(PaymentsContract, "test_the_file_holds_everything_of_its_payable_and_nothing_else")
class MixesMovements(SqlitePayments):
    async def file(self, invoice_id: str) -> PaymentFile:
        found = await super().file(invoice_id)
        if invoice_id != invoice(2):
            return found
        return replace(found, movements=(await super().file(invoice(1))).movements)


@breaks(PaymentsContract, "test_a_file_and_the_record_of_a_request_come_together")
class ForgetsThePriorRecord(SqlitePayments):
    async def file_and_prior(self, invoice_id: str, scope: Any) -> FileAndPrior:
        return replace(await super().file_and_prior(invoice_id, scope), prior=None)


@breaks(PaymentsContract, "test_a_file_is_found_by_its_payment")
class FindsAFileForAnyPayment(SqlitePayments):
    async def file_of_payment(self, payment_id: int) -> PaymentFile:
        try:
            return await super().file_of_payment(payment_id)
        except UnknownPayment:
            return await super().file_of_payment(1)


class ByReference(SqlitePayments):
    """Changes what a reference leads to."""

    async def file_by_reference(self, method: str, **references: Any) -> PaymentFile:
        return await self.wrong(method, **references)

    async def wrong(self, method: str, **references: Any) -> PaymentFile:
        raise NotImplementedError


@breaks(
    PaymentsContract,
    "test_a_file_is_found_by_our_reference",
    "test_a_file_is_found_by_the_providers_reference_first",
)
class FindsByTheProvidersReferenceOnly(ByReference):
    async def wrong(self, method: str, *, provider_ref: str | None, merchant_ref: str | None) -> PaymentFile:
        return await SqlitePayments.file_by_reference(self, method, provider_ref=provider_ref, merchant_ref=None)


@breaks(PaymentsContract, "test_a_file_is_found_by_the_providers_reference_first")
class FindsByOurReferenceFirst(ByReference):
    async def wrong(self, method: str, *, provider_ref: str | None, merchant_ref: str | None) -> PaymentFile:
        given = None if merchant_ref else provider_ref
        return await SqlitePayments.file_by_reference(self, method, provider_ref=given, merchant_ref=merchant_ref)


@breaks(PaymentsContract, "test_a_reference_counts_for_its_own_method_only")
class MixesMethods(ByReference):
    async def wrong(self, method: str, **references: Any) -> PaymentFile:
        return await SqlitePayments.file_by_reference(self, "card", **references)


@breaks(PaymentsContract, "test_no_reference_is_no_payment")
class FindsAFileForNoReference(ByReference):
    async def wrong(self, method: str, *, provider_ref: str | None, merchant_ref: str | None) -> PaymentFile:
        if provider_ref is None and merchant_ref is None:
            return await self.file_of_payment(1)
        return await SqlitePayments.file_by_reference(
            self, method, provider_ref=provider_ref, merchant_ref=merchant_ref
        )


@breaks(PaymentsContract, "test_a_payment_is_found_by_its_return_token")
class FindsAPaymentForAnyToken(SqlitePayments):
    async def file_by_return_token(self, token_hash: bytes) -> Any:
        try:
            return await super().file_by_return_token(token_hash)
        except UnknownPayment:
            return await super().file_of_payment(1), 1


# --- beginning


@breaks(PaymentsContract, "test_a_payment_begun_is_numbered_and_kept_with_its_start")
class AsksNobodyAboutIt(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        return await super().begin(replace(act, operation=replace(act.operation, next_check_at=None)))


@breaks(
    PaymentsContract,
    "test_beginning_opens_a_running_record_for_its_claim",
    "test_a_file_and_the_record_of_a_request_come_together",
)
class FinishesTheRecordAtOnce(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        found = await super().begin(act)
        if act.claim is not None:
            await sql(self, "UPDATE idempotency SET kind = :kind, body = x'00'", kind=AnswerKind.DONE.value)
        return found


@breaks(
    PaymentsContract,
    "test_beginning_opens_a_running_record_for_its_claim",
    "test_a_file_and_the_record_of_a_request_come_together",
    "test_a_claim_that_was_used_begins_nothing",
)
class ForgetsTheClaim(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        return await super().begin(replace(act, claim=None))


@breaks(PaymentsContract, "test_beginning_writes_its_events_and_its_audit_entry")
class ForgetsTheEvents(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        return await super().begin(replace(act, events=()))


@breaks(PaymentsContract, "test_beginning_writes_its_events_and_its_audit_entry", EIGHT)
class ForgetsTheAuditEntry(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        return await super().begin(replace(act, audit=mislabelled(act.audit)))


@breaks(
    PaymentsContract,
    OTHER_VERSION,
    "test_a_payment_of_an_order_that_ended_meanwhile_does_not_begin",
    EITHER,
)
class BeginsOnAnyVersion(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        version = (await super().file(act.payable.invoice_id)).payable.version
        return await super().begin(
            replace(act, expected_version=version, payable=replace(act.payable, version=version + 1))
        )


@breaks(PaymentsContract, OTHER_VERSION)
class BurnsTheKeyOfAConflict(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        try:
            return await super().begin(act)
        except Conflict:
            if act.claim is not None:
                await _burn(self, act)
            raise


@breaks(PaymentsContract, "test_a_payment_of_an_order_that_ended_meanwhile_does_not_begin")
class ReopensAnEndedOrder(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        if is_closed(self):
            await sql(self, "UPDATE payables SET state = 'open', version = 1")
        return await super().begin(act)


@breaks(PaymentsContract, "test_a_claim_that_was_used_begins_nothing")
class AuditsAUsedClaim(SqlitePayments):
    async def begin(self, act: BeginPayment) -> Any:
        return await leaving(self, super().begin(act), AlreadyClaimed)


@breaks(PaymentsContract, "test_a_payable_has_at_most_one_live_payment")
class LetsTwoPaymentsLive(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        try:
            return await super().begin(act)
        except PaymentLive:
            return await super().begin(replace(act, payment=replace(act.payment, is_live=False)))


@breaks(PaymentsContract, "test_a_payable_has_at_most_one_live_payment")
class BurnsTheKeyOfALivePayment(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        try:
            return await super().begin(act)
        except PaymentLive:
            await _burn(self, act)
            raise


@breaks(PaymentsContract, "test_a_superseded_payment_ends_in_the_act_that_begins_the_next")
class ForgetsTheOperationsOfTheSuperseded(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        return await super().begin(replace(act, superseded_operations=()))


@breaks(PaymentsContract, "test_a_new_payment_can_begin_once_the_first_is_over")
class AllowsOnePaymentEver(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        found = await super().file(act.payable.invoice_id)
        if found.payments and not found.payments[0].is_live:
            raise PaymentLive
        return await super().begin(act)


@breaks(PaymentsContract, EIGHT)
class BeginsTwiceInACrowd(Racing):
    async def begin(self, act: BeginPayment) -> int:
        async with self.crowded.entered() as crowd:
            try:
                return await super().begin(act)
            except Conflict:
                if not crowd or act.claim is not None:
                    raise
                return 1


@breaks(PaymentsContract, TWINS)
class BeginsTwinsInACrowd(Racing):
    async def begin(self, act: BeginPayment) -> int:
        async with self.crowded.entered() as crowd:
            try:
                return await super().begin(act)
            except AlreadyClaimed:
                if not crowd:
                    raise
                return 1


@breaks(PaymentsContract, EITHER)
class BeginsBesideTheEnd(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        closed_before = is_closed(self)
        try:
            return await super().begin(act)
        except Conflict:
            if closed_before or not is_closed(self):
                raise
            await sql(self, "UPDATE payables SET version = 1")
            return await super().begin(act)


def is_closed(repository: Any) -> bool:
    """Whether the order ended, without giving anybody else a turn."""
    found = repository._database.connection.exec_driver_sql("SELECT count(*) FROM payables WHERE state = 'closed'")
    return bool(found.scalar())


async def _burn(repository: Any, act: BeginPayment) -> None:
    """Leave a record behind."""
    assert act.claim is not None
    scope = act.claim.scope
    await sql(
        repository,
        "INSERT INTO idempotency (principal, route, key, fingerprint, at) VALUES (:p, :r, :k, x'00', 0)",
        p=scope.principal,
        r=scope.route,
        k=scope.key,
    )
