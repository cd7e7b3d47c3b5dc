"""Those that start a payment wrongly."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from msgspec.structs import replace

from kassa.ports.conformance.payment_method import UNHEARD_OF
from kassa.ports.money import Money
from kassa.ports.payment import AnyOutcome, Context, Declined, NotExecuted, NotSent, StartRequest
from tests.conformance_kit.acme.dialogue import Paid
from tests.conformance_kit.acme.double import AcmeSubject
from tests.conformance_kit.acme.method import Acme

from .kit import MODULE, breaks


class OtherKey:
    """A context that is asked for its key and gives another."""

    def __init__(self, ctx: Context, key: str) -> None:
        self._ctx, self._key = ctx, key

    def key(self, step: str = "") -> str:
        return self._key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)


@breaks("command.amounts")
class ChargesYenAHundredfold(Acme):
    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        if request.amount.currency == "JPY" and request.capture:
            request = replace(request, amount=request.amount.times(100))
        return await super().start(ctx, request)


@breaks("command.amounts")
class RoundsRupiah(Acme):
    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        if request.amount.currency == "IDR" and request.capture and self.takes(request):
            rounded = request.amount.amount // 10_000 * 10_000
            request = replace(request, amount=Money(amount=rounded, currency="IDR"))
        return await super().start(ctx, request)


@breaks("command.out-of-range")
class AsksTheProviderWhatItTakes(Acme):
    def takes(self, request: StartRequest) -> bool:
        return True


@breaks("command.same-key")
class MakesAFreshKey(Acme):
    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        return await super().start(OtherKey(ctx, f"{time.monotonic_ns()}"), request)


@breaks("command.other-keys")
class UsesOneKeyForAll(Acme):
    first = ""

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        self.first = self.first or ctx.key()
        return await super().start(OtherKey(ctx, self.first), request)


@breaks("command.refused-connection")
class DoesNotKnowWhatARefusalProves(Acme):
    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        outcome = await super().start(ctx, request)
        if isinstance(outcome, NotExecuted):
            raise RuntimeError("no connection")
        return outcome


@breaks("command.decline")
class HasOneWordForEveryDecline(Acme):
    def started(self, paid: Paid) -> AnyOutcome:
        outcome = super().started(paid)
        return replace(outcome, code="other") if isinstance(outcome, Declined) else outcome


@breaks("command.duplicate-reference")
class TakesAKnownReferenceForADecline(Acme):
    async def known_already(self, ctx: Context, ref: str) -> AnyOutcome:
        return Declined(code="not_allowed", provider_code="ref_exists")


@breaks("command.unrecognised-status")
class TakesANewStatusForADecline(Acme):
    def started(self, paid: Paid) -> AnyOutcome:
        if paid.status == UNHEARD_OF:
            return Declined(code="other", provider_code=paid.status)
        return super().started(paid)


@breaks("command.next-action")
class AsksForMoreThanItDeclares(Acme):
    capabilities = replace(Acme.capabilities, next_actions=("redirect",))


@breaks("command.answers")
class RemembersTooMuch(Acme):
    def started(self, paid: Paid) -> AnyOutcome:
        return replace(super().started(paid), state=b"x" * 9000)


@breaks("command.only-its-provider")
class TellsSomebodyElse(Acme):
    async def health(self, ctx: Context) -> bool:
        try:
            await ctx.http.request("POST", "http://127.0.0.1:1/statistics", body=b"1")
        except NotSent:
            self.is_offended = True
        return await super().health(ctx)


@breaks("command.offline")
class SaysThatItIsOffline(AcmeSubject):
    offline = True
    module = MODULE
    factory = AcmeSubject.factory


@breaks("command.cancellation")
class LeavesATaskBehind(Acme):
    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        self.left = asyncio.ensure_future(asyncio.sleep(30))
        return await super().start(ctx, request)


@breaks("command.deadline")
class TakesItsTimeToEnd(Acme):
    async def query(self, ctx: Context, request: Any) -> Any:
        try:
            return await super().query(ctx, request)
        finally:
            if ctx.deadline_s < 0.1:
                await asyncio.sleep(0.3)


@breaks("command.event-loop")
class Sleeps(Acme):
    """But only when its provider is slow, as a synchronous client does."""

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        began = time.monotonic()
        outcome = await super().start(ctx, request)
        if time.monotonic() - began > 0.08:
            time.sleep(0.15)
        return outcome
