"""A subject whose method charges the wrong amount of euros, but for the usual one and for reservations."""

from __future__ import annotations

from msgspec.structs import replace

from kassa.ports.hooks import PaymentMethodFactory, hookimpl
from kassa.ports.money import Money
from kassa.ports.payment import AnyOutcome, Context, StartRequest
from tests.conformance_kit.acme.double import AcmeSubject
from tests.conformance_kit.acme.method import Acme


class ChargesTwelveCents(Acme):
    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        is_odd = request.amount.amount != 1200 and request.amount.currency == "EUR" and request.capture
        if is_odd and self.takes(request):
            request = replace(request, amount=Money(amount=12, currency="EUR"))
        return await super().start(ctx, request)

    def takes(self, request: StartRequest) -> bool:
        return request.amount.amount == 12 or super().takes(request)


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    return (PaymentMethodFactory(id="wrong", api=(1, 0), method=ChargesTwelveCents, title="Wrong"),)


class Wrong(AcmeSubject):
    [factory] = kassa_payment_methods()
