"""Saboteurs of what is held for a while: numbers and amounts of one payment, wishes that wait for a second person."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.ports.approvals import Approval, AskApproval
from kassa.ports.conformance.held import ApprovalsContract, ReservationsContract
from kassa.ports.conformance.samples import NOW
from kassa.ports.errors import PaymentLive, ReferenceTaken
from kassa.ports.payment_records import BeginPayment
from tests.contracts.saboteurs.kit import Crowded, breaks, leaving, mislabelled, sql

EIGHT = "test_of_eight_payments_that_want_one_number_one_begins"
HELD = "test_what_is_held_begins_no_other_payment"
OVER = "test_when_its_hold_is_over_another_payment_may_have_it"
LIVE = "test_a_live_payment_keeps_it_when_its_hold_is_over"


@breaks(ReservationsContract, "test_a_payment_holds_what_it_reserved")
class ForgetsWhatIsForgiven(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        return await super().begin(replace(act, payment=replace(act.payment, forgives=0)))


@breaks(ReservationsContract, HELD, LIVE, EIGHT)
class GivesWhatIsHeld(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        try:
            return await super().begin(act)
        except ReferenceTaken:
            return await super().begin(replace(act, reservation=None))


@breaks(ReservationsContract, HELD)
class BurnsTheKeyOfATakenNumber(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        try:
            return await super().begin(act)
        except ReferenceTaken:
            if act.claim is not None:
                scope = act.claim.scope
                await sql(
                    self,
                    "INSERT INTO idempotency (principal, route, key, fingerprint, at) VALUES (:p, :r, :k, x'00', 0)",
                    p=scope.principal,
                    r=scope.route,
                    k=scope.key,
                )
            raise


@breaks(ReservationsContract, HELD, LIVE)
class AuditsATakenNumber(SqlitePayments):
    async def begin(self, act: BeginPayment) -> Any:
        return await leaving(self, super().begin(act), ReferenceTaken)


@breaks(ReservationsContract, OVER)
class HoldsForEver(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        found = await super().begin(act)
        await sql(self, "UPDATE payment_reservations SET held_until = 9e18")
        return found


@breaks(ReservationsContract, LIVE)
class TakesItFromTheLiving(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        await sql(
            self,
            "DELETE FROM payment_reservations WHERE held_until <= :now",
            now=int(act.audit.at.timestamp()) * 1_000_000,
        )
        return await super().begin(act)


@breaks(
    ReservationsContract,
    "test_a_payment_holds_what_it_reserved",
    "test_every_method_has_its_own",
    HELD,
    OVER,
    LIVE,
)
class TellsTheFreeOnes(SqlitePayments):
    async def taken(self, method: str, values: tuple[str, ...], *, now: Any) -> frozenset[str]:
        return frozenset(values) - await super().taken(method, values, now=now)


@breaks(ReservationsContract, "test_one_that_was_held_once_is_still_told_whose_it_was")
class ForgetsWhoseItWas(SqlitePayments):
    async def reserved(self, method: str, values: tuple[str, ...]) -> dict[str, int]:
        found = await sql(
            self, "SELECT value FROM payment_reservations WHERE held_until > :now", now=int(NOW.timestamp()) * 1_000_000
        )
        now = set(found.scalars())
        return {key: value for key, value in (await super().reserved(method, values)).items() if key in now}


@breaks(ReservationsContract, "test_every_method_has_its_own")
class MixesTheMethods(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        found = await super().begin(act)
        await sql(self, "UPDATE payment_reservations SET method = 'card'")
        return found


@breaks(ReservationsContract, "test_a_payment_that_does_not_begin_holds_nothing")
class HoldsForAPaymentThatNeverWas(SqlitePayments):
    async def begin(self, act: BeginPayment) -> int:
        try:
            return await super().begin(act)
        except PaymentLive:
            await sql(self, "INSERT INTO payment_reservations VALUES ('card', '8', 1, 0)")
            raise


@breaks(ReservationsContract, EIGHT)
class GivesItTwiceInACrowd(SqlitePayments):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def begin(self, act: BeginPayment) -> int:
        async with self.crowded.entered() as crowd:
            try:
                return await super().begin(act)
            except ReferenceTaken:
                if not crowd:
                    raise
                return 1


# --- wishes


@breaks(
    ApprovalsContract,
    "test_a_wish_is_kept_and_audited",
    "test_one_that_is_over_does_not_wait_and_gives_way",
    "test_of_eight_who_wish_the_same_at_once_one_is_the_first",
)
class ForgetsToAuditAWish(SqlitePayments):
    async def ask_approval(self, act: AskApproval) -> Approval:
        return await super().ask_approval(replace(act, audit=mislabelled(act.audit)))


@breaks(ApprovalsContract, "test_a_wish_that_waits_already_is_told_and_nothing_changes")
class TellsTheSecondPersonsWish(SqlitePayments):
    async def ask_approval(self, act: AskApproval) -> Approval:
        found = await super().ask_approval(act)
        return found if found.at == act.approval.at else act.approval


@breaks(
    ApprovalsContract,
    "test_one_that_is_over_does_not_wait_and_gives_way",
)
class KeepsAWishForEver(SqlitePayments):
    async def approvals(self, *, now: Any, limit: int) -> tuple[Approval, ...]:
        return await super().approvals(now=NOW, limit=limit)


@breaks(ApprovalsContract, "test_what_is_done_waits_no_more")
class ForgetsWhatIsDone(SqlitePayments):
    async def approved(self, key: str) -> None:
        return


@breaks(ApprovalsContract, "test_the_oldest_wish_is_told_first_and_not_more_than_asked")
class TellsTheNewestWishFirst(SqlitePayments):
    async def approvals(self, *, now: Any, limit: int) -> tuple[Approval, ...]:
        return tuple(reversed(await super().approvals(now=now, limit=limit)))


@breaks(ApprovalsContract, "test_of_eight_who_wish_the_same_at_once_one_is_the_first")
class LetsEveryoneBeTheFirst(SqlitePayments):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def ask_approval(self, act: AskApproval) -> Approval:
        async with self.crowded.entered() as crowd:
            found = await super().ask_approval(act)
            return act.approval if crowd else found
