"""Those that capture, void and refund wrongly."""

from __future__ import annotations

import time

from kassa.ports.payment import AnyOutcome, Context, Declined, NotExecuted, OperationRequest, Succeeded
from tests.conformance_kit.acme.method import Acme

from .command import OtherKey
from .kit import breaks


@breaks("operation.works")
class NeverVoidsAReservation(Acme):
    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        outcome = await super().void(ctx, request)
        return Declined(code="not_allowed") if isinstance(outcome, Succeeded) and request.movements else outcome


@breaks("operation.same-key")
class VoidsWithAFreshKey(Acme):
    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        return await super().void(OtherKey(ctx, f"{time.monotonic_ns()}"), request)


@breaks("operation.other-keys")
class VoidsWithOneKey(Acme):
    first = ""

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        self.first = self.first or ctx.key()
        return await super().void(OtherKey(ctx, self.first), request)


@breaks("operation.refused-connection")
class DoesNotKnowThatNothingWasVoided(Acme):
    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        outcome = await super().void(ctx, request)
        if isinstance(outcome, NotExecuted):
            raise RuntimeError("no connection")
        return outcome


@breaks("operation.lost-reply")
class TakesSilenceForARefusalToVoid(Acme):
    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        try:
            return await super().void(ctx, request)
        except Exception:
            return Declined(code="not_allowed")


@breaks("operation.lost-reply")
class TakesSilenceForProof(Acme):
    async def capture(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        try:
            return await super().capture(ctx, request)
        except Exception:
            return NotExecuted(reason="no answer")
