"""Those that lose count of money, or lose sight of it; those that refund wrongly are in `money_refunds`."""

from __future__ import annotations

from msgspec.structs import replace

from kassa.ports.payment import (
    AnyOutcome,
    Context,
    Declined,
    Movement,
    NotSent,
    OperationRequest,
    QueryRequest,
    Report,
    StartRequest,
    Succeeded,
)
from tests.conformance_kit.acme.config import AcmeConfig, AcmeInput
from tests.conformance_kit.acme.dialogue import Paid
from tests.conformance_kit.acme.method import Acme

from .kit import breaks


@breaks("money.captures")
class TakesEverything(Acme):
    async def capture(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        reserved = next((one.amount for one in request.movements if one.kind == "auth"), request.amount)
        taken = sum(one.amount.amount for one in request.movements if one.kind == "capture")
        return await super().capture(ctx, request if taken else replace(request, amount=reserved))


@breaks("money.over-capture")
class SaysThatItTookMore(Acme):
    async def capture(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        outcome = await super().capture(ctx, request)
        if isinstance(outcome, Declined) and any(one.kind == "capture" for one in request.movements):
            return Succeeded(provider_ref=outcome.provider_ref)
        return outcome


class VoidsByWord(Acme):
    """Says that it let go of a payment with this status, and does nothing."""

    status = ""

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        try:
            paid = await self._find(ctx, request.merchant_ref)
        except NotSent:
            paid = None
        if paid is not None and paid.status == self.status:
            return Succeeded(provider_ref=paid.id)
        return await super().void(ctx, request)


@breaks("money.void-reservation")
class KeepsTheReservation(VoidsByWord):
    status = "reserved"


@breaks("money.void-waiting")
class LeavesThePageOpen(VoidsByWord):
    status = "waiting"


@breaks("money.void-paid")
class FindsNothingToVoid(Acme):
    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        outcome = await super().void(ctx, request)
        if isinstance(outcome, Declined) and outcome.provider_code == "already_captured":
            return Succeeded(provider_ref=outcome.provider_ref)
        return outcome


@breaks("money.late")
class NeverLooksAgain(Acme):
    """Expired is expired."""

    def __init__(self, config: AcmeConfig) -> None:
        super().__init__(config)
        self.ended: dict[str, Report] = {}

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        report = self.ended.get(request.merchant_ref) or await super().query(ctx, request)
        if report.status == "expired":
            self.ended[request.merchant_ref] = report
        return report


class Retold(Acme):
    """Acme Pay, but for what `retold` makes of a movement."""

    def report(self, paid: Paid) -> Report:
        true = super().report(paid)
        return replace(true, movements=tuple(self.retold(one, paid) for one in true.movements))

    def retold(self, movement: Movement, paid: Paid) -> Movement:
        return movement


@breaks("money.chargeback")
class TakesAChargebackForARefund(Retold):
    def retold(self, movement: Movement, paid: Paid) -> Movement:
        return replace(movement, kind="refund") if movement.kind == "chargeback" else movement


@breaks("money.amounts")
class CountsYenInHundreds(Retold):
    def retold(self, movement: Movement, paid: Paid) -> Movement:
        return replace(movement, amount=movement.amount.times(100 if movement.amount.currency == "JPY" else 1))


@breaks("money.amounts")
class GivesDinarsBackWithAMinus(Retold):
    def retold(self, movement: Movement, paid: Paid) -> Movement:
        is_back = movement.kind == "refund" and movement.amount.currency == "KWD"
        return replace(movement, amount=-movement.amount) if is_back else movement


@breaks("money.resume")
class ResumesWithAnother(Acme):
    """Has the customer's code, and begins again."""

    def __init__(self, config: AcmeConfig) -> None:
        super().__init__(config)
        self.asked: dict[str, StartRequest] = {}

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        self.asked[request.merchant_ref] = request
        return await super().start(ctx, request)

    async def resume(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        first = self.asked[request.merchant_ref]
        another = replace(first, merchant_ref=f"{first.merchant_ref}-B", input=AcmeInput(how="now"))
        return await super().start(ctx, another)
