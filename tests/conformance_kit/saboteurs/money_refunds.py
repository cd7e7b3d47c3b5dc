"""Those that give money back wrongly."""

from __future__ import annotations

import time

from msgspec.structs import replace

from kassa.ports.payment import (
    AnyOutcome,
    Context,
    Declined,
    Movement,
    MovementState,
    OperationRequest,
    QueryRequest,
    Report,
    Succeeded,
)
from tests.conformance_kit.acme.config import AcmeConfig
from tests.conformance_kit.acme.dialogue import Paid
from tests.conformance_kit.acme.method import Acme

from .command import OtherKey
from .kit import breaks
from .money import Retold


@breaks("money.refunds")
class NamesRefundsByPayment(Retold):
    def retold(self, movement: Movement, paid: Paid) -> Movement:
        return replace(movement, id=f"{paid.id}/refund") if movement.kind == "refund" else movement


@breaks("money.over-refund")
class SaysThatItRefundedMore(Acme):
    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        outcome = await super().refund(ctx, request)
        return Succeeded(provider_ref=outcome.provider_ref) if isinstance(outcome, Declined) else outcome


@breaks("money.refund-once")
class RefundsAPartWithAFreshKey(Acme):
    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        captured = max((one.amount.amount for one in request.movements if one.kind == "capture"), default=0)
        if request.amount is not None and request.amount.amount < captured:
            return await super().refund(OtherKey(ctx, f"{time.monotonic_ns()}"), request)
        return await super().refund(ctx, request)


@breaks("money.refund-once")
class RefusesARepetition(Acme):
    def __init__(self, config: AcmeConfig) -> None:
        super().__init__(config)
        self.done: set[str] = set()

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        if request.operation_id in self.done:
            return Declined(code="not_allowed", provider_code="refunded_before")
        outcome = await super().refund(ctx, request)
        self.done.add(request.operation_id)
        return outcome


@breaks("money.refund-lost-reply")
class ShowsOnlyWhatItWasTold(Acme):
    def __init__(self, config: AcmeConfig) -> None:
        super().__init__(config)
        self.told: set[str] = set()

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        outcome = await super().refund(ctx, request)
        self.told.add(request.merchant_ref)
        return outcome

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        report = await super().query(ctx, request)
        if request.merchant_ref in self.told:
            return report
        return replace(report, movements=tuple(one for one in report.movements if one.kind != "refund"))


@breaks("money.reversed-refund")
class TakesBackForDone(Retold):
    def retold(self, movement: Movement, paid: Paid) -> Movement:
        return replace(movement, state=min(movement.state, MovementState.SUCCEEDED))
