"""The Stripe driver at work as the kernel would use it: real context, real HTTP, localstripe behind the gateway."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from kassa.adapters.provider_http import HttpxProviders
from kassa.adapters.system import SystemClock, SystemIds
from kassa.kernel.plugin_context import GuardedContext
from kassa.kernel.plugin_vetting import configured
from kassa.plugins.card.stripe.method import StripeCards
from kassa.ports.money import Money
from kassa.ports.payment import (
    AnyOutcome,
    AnyVerdict,
    OperationRequest,
    QueryRequest,
    RawWebhook,
    Report,
    StartRequest,
    Succeeded,
)
from kassa.ports.provider import ProviderTools
from kassa.ports.secret import Secret

KEY, WEBHOOK = "sk_test_canary0c4f3b", "whsec_canary0c4f3b"
_NUMBERS = itertools.count(1)


class ShiftedClock(SystemClock):
    """The real clock, some seconds off."""

    shift_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.shift_s)


def built(**changes: object) -> StripeCards:
    """The driver, configured as the kernel does it. Raises `Refused`."""
    given = {"driver": "stripe", "mode": "test", "secret_key": Secret(KEY), "webhook_secret": Secret(WEBHOOK)}
    config: Any = configured(StripeCards.Config, given | changes)
    return StripeCards(config)


@dataclass
class StripeTill:
    """A configured driver that may call one host."""

    method: StripeCards
    tools: ProviderTools
    clock: ShiftedClock

    @classmethod
    def at(cls, base_url: str, **changes: object) -> StripeTill:
        host = base_url.partition("://")[2]
        tools = HttpxProviders().tools("card", allow_hosts=(host,), secrets=())
        return cls(built(base_url=base_url, **changes), tools, ShiftedClock())

    def context(self, key: str = "", deadline_s: float = 5.0) -> GuardedContext:
        ends_at = self.clock.monotonic() + deadline_s
        return GuardedContext(key=key, step="", ends_at=ends_at, tools=self.tools, clock=self.clock)

    def request(
        self, token: str = "pm_card_visa", amount: int = 1200, currency: str = "EUR", *, capture: bool = True
    ) -> StartRequest:
        """A START with an operation and a reference of its own; a `ctoken_` is a confirmation token."""
        number = next(_NUMBERS)
        field = "confirmation_token" if token.startswith("ctoken_") else "payment_method"
        return StartRequest(
            operation_id=SystemIds().operation_id(),
            merchant_ref=f"KS-TEST-{number:04d}-X-1",
            invoice_id=f"KS-TEST-{number:04d}-X",
            amount=Money(amount=amount, currency=currency),
            capture=capture,
            input=msgspec.convert({field: token}, StripeCards.Input),
            return_url="https://shop.example/v1/returns/abc",
            webhook_url="https://shop.example/webhooks/card/notices",
            expires_at=self.clock.now() + timedelta(hours=1),
        )

    async def start(self, request: StartRequest) -> AnyOutcome:
        return await self.method.start(self.context(request.operation_id), request)

    async def query(self, request: StartRequest, provider_ref: str | None = None) -> Report:
        asked = QueryRequest(
            merchant_ref=request.merchant_ref, provider_ref=provider_ref, amount=request.amount, state=b""
        )
        return await self.method.query(self.context(), asked)

    def command(
        self, kind: Any, request: StartRequest, provider_ref: str | None, amount: int | None = None
    ) -> OperationRequest:
        return OperationRequest(
            operation_id=SystemIds().operation_id(),
            kind=kind,
            merchant_ref=request.merchant_ref,
            provider_ref=provider_ref,
            amount=None if amount is None else Money(amount=amount, currency=request.amount.currency),
            movements=(),
            input={},
            state=b"",
        )

    async def run(self, command: OperationRequest) -> AnyOutcome:
        """Capture, void or refund."""
        call = getattr(self.method, command.kind)
        said: AnyOutcome = await call(self.context(command.operation_id), command)
        return said

    async def judge(self, body: bytes, *headers: tuple[str, str]) -> AnyVerdict:
        raw = RawWebhook(slug="notices", headers=headers, body=body, received_at=self.clock.now())
        return await self.method.webhook(self.context(), raw)

    async def paid(self, *, capture: bool = True) -> tuple[StartRequest, str]:
        """A payment with a good card: its request and Stripe's id."""
        request = self.request(capture=capture)
        said = await self.start(request)
        assert isinstance(said, Succeeded) and said.provider_ref is not None, said
        return request, said.provider_ref
