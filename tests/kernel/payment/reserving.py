"""A card that only reserves: the money is taken by captures, in parts, or let go of."""

from typing import Any

import msgspec

from kassa.ports.payment import (
    AnyOutcome,
    Context,
    Declined,
    Movement,
    MovementState,
    OperationRequest,
    StartRequest,
    Succeeded,
)
from tests.kernel.payment.provider import Card, Charge, Provider


class Reserve(Card):
    """Like the card, but money is reserved first. Captures in several parts."""

    capabilities = msgspec.structs.replace(
        Card.capabilities, auth_capture=True, partial_capture=True, multi_capture=True, resume=False
    )
    resume = Card.__mro__[1].resume  # type: ignore[attr-defined]

    def _start(self, provider: Provider, request: StartRequest, fault: str) -> AnyOutcome:
        charge = Charge(
            id=provider.fresh("ch"), merchant_ref=request.merchant_ref, amount=request.amount, method="reserve"
        )
        provider.charges[charge.id] = charge
        if fault == "decline":
            charge.status = "failed"
            return Declined(code="card_declined", provider_ref=charge.id)
        assert not request.capture
        charge.status = "authorized"
        held = charge.move("auth", provider.fresh("au"), request.amount)
        return Succeeded(provider_ref=charge.id, movements=(held,))

    async def capture(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        charge = self.provider.by_merchant_ref(request.merchant_ref)

        def do(fault: str) -> AnyOutcome:
            assert request.amount is not None
            left = charge.total("auth") - charge.total("capture")
            if fault == "decline" or request.amount.amount > left:
                return Declined(code="not_allowed")
            taken = charge.move("capture", self.provider.fresh("mv"), request.amount)
            if charge.total("capture") == charge.total("auth"):
                charge.status = "succeeded"
            return Succeeded(movements=(taken,))

        return await self.provider.command("capture", ctx.key(), request.operation_id, do)

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        charge = self.provider.by_merchant_ref(request.merchant_ref)

        def do(fault: str) -> AnyOutcome:
            if charge.status != "authorized":
                return Declined(code="not_allowed")
            return Succeeded(movements=(release(charge),))

        return await self.provider.command("void", ctx.key(), request.operation_id, do)


class ReserveOnce(Reserve):
    """Captures a payment once, and lets go of the rest by itself."""

    capabilities = msgspec.structs.replace(Reserve.capabilities, multi_capture=False)


class ReserveWhole(Reserve):
    """Captures a payment whole."""

    capabilities = msgspec.structs.replace(Reserve.capabilities, multi_capture=False, partial_capture=False)


def release(charge: Charge) -> Movement:
    """The provider lets go of what is reserved."""
    held = next(m for m in charge.movements.values() if m.kind == "auth")
    gone = msgspec.structs.replace(held, state=MovementState.REVERSED)
    charge.movements[held.id] = gone
    charge.status = "succeeded" if charge.total("capture") else "canceled"
    return gone


MANUAL: dict[str, Any] = {"capture": "manual"}
