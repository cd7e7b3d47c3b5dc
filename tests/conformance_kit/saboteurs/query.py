"""Those that say of a payment what they do not know."""

from __future__ import annotations

import time

from msgspec.structs import replace

from kassa.ports.conformance.payment_method import UNHEARD_OF
from kassa.ports.payment import Context, QueryRequest, ReplyLost, Report
from tests.conformance_kit.acme.dialogue import Paid
from tests.conformance_kit.acme.method import Acme

from .kit import breaks


@breaks("query.after-lost-reply")
class ForgetsTheMoney(Acme):
    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        report = await super().query(ctx, request)
        return replace(report, movements=()) if request.provider_ref is None else report


@breaks("query.read-only")
class LeavesATrace(Acme):
    """When it is asked often."""

    asked = 0

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        self.asked += 1
        if self.asked > 4:
            trace = {"ref": f"{time.monotonic_ns()}", "amount": 100, "currency": "EUR", "capture": True, "how": "page"}
            await self._send(ctx, "POST", "/payments", trace)
        return await super().query(ctx, request)


@breaks("query.matches-books")
class NamesAnotherPayment(Acme):
    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        report = await super().query(ctx, request)
        return replace(report, merchant_ref="KS-SOMEBODY-ELSE") if report.found else report


@breaks("query.unknown-reference")
class FindsEverything(Acme):
    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        report = await super().query(ctx, request)
        return report if report.found else Report(found=True)


@breaks("query.unrecognised-status")
class TakesANewStatusForAnEnd(Acme):
    def report(self, paid: Paid) -> Report:
        report = super().report(paid)
        return replace(report, status="failed") if paid.status == UNHEARD_OF else report


@breaks("query.unanswered")
class TakesSilenceForAnEnd(Acme):
    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        try:
            return await super().query(ctx, request)
        except ReplyLost:
            return Report(found=True, status="failed")


@breaks("query.unanswered")
class TakesAnErrorPageForNotFound(Acme):
    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        try:
            return await super().query(ctx, request)
        except ReplyLost:
            raise
        except Exception:
            return Report(found=False)


@breaks("query.refused-by-customer")
class HopesOn(Acme):
    def report(self, paid: Paid) -> Report:
        report = super().report(paid)
        return replace(report, status="pending") if paid.reason == "customer_said_no" else report


@breaks("query.health")
class IsAlwaysWell(Acme):
    async def health(self, ctx: Context) -> bool:
        await super().health(ctx)
        return True
