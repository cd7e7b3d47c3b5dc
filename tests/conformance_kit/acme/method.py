"""The method: what it can do, and how it asks Acme for it."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from kassa.ports.banking import BankFile, BankLine, Payout, PayoutFile, Unreadable
from kassa.ports.payment import (
    Accept,
    AmountRule,
    AnyOutcome,
    AnyVerdict,
    Capabilities,
    Context,
    Declined,
    Event,
    HttpReply,
    Ignore,
    NotExecuted,
    NotSent,
    OperationRequest,
    PaymentMethod,
    QueryRequest,
    RawWebhook,
    Reject,
    ReplyLost,
    Report,
    StartRequest,
    Succeeded,
)

from .config import AcmeConfig, AcmeInput
from .dialogue import Paid, Unclear, decoded, done, refusal, report, started

_NOT_SENT = NotExecuted(reason="Acme could not be reached")


class Notice(Struct, frozen=True):
    """A webhook's envelope."""

    event_id: str
    type: str
    payment: msgspec.Raw = msgspec.Raw(b"null")


class Line(Struct, frozen=True):
    """A line of a statement: a payment as it is."""

    line: str
    payment: Paid


class Acme(PaymentMethod[AcmeConfig]):
    """Everything, done right."""

    Config: ClassVar[type[Struct]] = AcmeConfig
    Input: ClassVar[type[Struct]] = AcmeInput
    capabilities: ClassVar[Capabilities] = Capabilities(
        amounts=(
            AmountRule(currency="EUR", min=50, max=5_000_000),
            AmountRule(currency="JPY", min=1, max=9_000_000),
            AmountRule(currency="KWD", min=100, max=900_000, step=10),
            AmountRule(currency="IDR", min=10_000, max=900_000_000, step=100),
        ),
        idempotency="header",
        auth_capture=True,
        partial_capture=True,
        multi_capture=True,
        void=True,
        refund="multiple",
        resume=True,
        webhook_trust="signed_body",
        query_by_merchant_ref=True,
        query_consistency_s=0,
        next_actions=("redirect", "collect", "wait"),
        open_amount=True,
        statements=("acme-lines",),
        payouts=True,
    )

    async def health(self, ctx: Context) -> bool:
        try:
            return (await self._send(ctx, "GET", "/payments?ref=health")).status == 200
        except (NotSent, ReplyLost):
            return False

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        if not self.takes(request):
            return Declined(code="not_allowed", provider_code="amount")
        body = {
            "ref": request.merchant_ref,
            "amount": request.amount.amount,
            "currency": request.amount.currency,
            "capture": request.capture,
            "how": request.input.how,
        }
        try:
            reply = await self._send(ctx, "POST", "/payments", body)
        except NotSent:
            return _NOT_SENT
        refused = refusal(reply)
        if refused == "ref_exists":
            return await self.known_already(ctx, request.merchant_ref)
        if refused:
            return Declined(code="not_allowed", provider_code=refused)
        return self.started(self._of(request.merchant_ref, decoded(reply, Paid)))

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        found = await self._find(ctx, request.merchant_ref)
        return Report(found=False) if found is None else self.report(found)

    async def capture(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        return await self._operate(ctx, request)

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        return await self._operate(ctx, request)

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        return await self._operate(ctx, request)

    async def resume(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        return await self._operate(ctx, request)

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        if not self._is_genuine(raw, ctx.clock.now().timestamp()):
            return Reject(reason="not signed by Acme")
        try:
            notice = msgspec.json.decode(raw.body, type=Notice)
            if notice.type != "payment.changed":
                return Ignore()
            paid = msgspec.json.decode(notice.payment, type=Paid)
            event = Event(
                event_id=notice.event_id, provider_ref=paid.id, merchant_ref=paid.ref, report=self.report(paid)
            )
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Reject(reason="signed, but not a notice")
        return Accept(events=(event,))

    async def statement(self, ctx: Context, data: bytes, format: str) -> BankFile | Unreadable:
        try:
            lines = [msgspec.json.decode(line, type=Line) for line in data.splitlines()]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Unreadable(place="", reason="not a statement of Acme's")
        return BankFile(account="", lines=tuple(told for line in lines for told in self.of_line(line)))

    async def payout(self, ctx: Context, payouts: Sequence[Payout]) -> PayoutFile:
        return PayoutFile(name=self.order_name(payouts), content_type="text/plain", data=msgspec.json.encode(payouts))

    # --- decisions, each a place where it can be got wrong

    def order_name(self, payouts: Sequence[Payout]) -> str:
        return f"acme-{hashlib.sha256(msgspec.json.encode(payouts)).hexdigest()[:12]}.txt"

    def takes(self, request: StartRequest) -> bool:
        return self.capabilities.takes(request.amount)

    def started(self, paid: Paid) -> AnyOutcome:
        return started(paid)

    def report(self, paid: Paid) -> Report:
        return report(paid)

    def of_line(self, line: "Line") -> tuple[BankLine, ...]:
        return tuple(
            BankLine(id=moved.id, place=line.line, direction="credit", amount=moved.amount)
            for moved in self.report(line.payment).movements
            if moved.kind == "capture"
        )

    async def known_already(self, ctx: Context, ref: str) -> AnyOutcome:
        return self.started(await self._known(ctx, ref))

    # --- the dialogue

    def _is_genuine(self, raw: RawWebhook, now_s: float) -> bool:
        at, _, mac = (raw.header("acme-signature") or "").partition(".")
        if not (at.isascii() and at.isdigit() and len(at) <= 12 and len(raw.body) <= 256 * 1024 and mac.isascii()):
            return False
        message = at.encode() + b"." + raw.body
        keys = [secret.reveal().encode() for secret in self.config.webhook_secrets]
        good = [hmac.new(key, message, hashlib.sha256).hexdigest() for key in keys]
        return abs(now_s - int(at)) <= 300 and any(hmac.compare_digest(one, mac) for one in good)

    async def _operate(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        try:
            paid = await self._find(ctx, request.merchant_ref)
        except NotSent:
            return _NOT_SENT
        if paid is None:
            return NotExecuted(reason="Acme does not know this payment; nothing was sent")
        body: dict[str, object] = dict(request.input)
        if request.amount is not None:
            body = {"amount": request.amount.amount, "key": ctx.key()}
        try:
            reply = await self._send(ctx, "POST", f"/payments/{paid.id}/{request.kind}", body)
        except NotSent:
            return _NOT_SENT
        refused = refusal(reply)
        if refused:
            return Declined(provider_ref=paid.id, code="not_allowed", provider_code=refused)
        after = self._of(request.merchant_ref, decoded(reply, Paid))
        if request.kind == "resume":
            return self.started(after)
        return Succeeded(provider_ref=after.id) if request.kind == "void" else done(after, ctx.key())

    async def _known(self, ctx: Context, ref: str) -> Paid:
        found = await self._find(ctx, ref)
        if found is None:
            raise Unclear("said to exist and not shown")
        return found

    async def _find(self, ctx: Context, ref: str) -> Paid | None:
        listed = decoded(await self._ask(ctx, f"/payments?ref={quote(ref, safe='')}"), list[Paid])
        return self._of(ref, listed[0]) if listed else None

    def _of(self, ref: str, paid: Paid) -> Paid:
        if paid.ref != ref:
            raise Unclear("about another payment")
        return paid

    async def _ask(self, ctx: Context, path: str) -> HttpReply:
        return await self._send(ctx, "GET", path)

    async def _send(self, ctx: Context, method: str, path: str, body: object = None) -> HttpReply:
        headers = [("authorization", f"Bearer {self.config.api_key.reveal()}")]
        if body is not None:
            headers += [("content-type", "application/json"), ("idempotency-key", ctx.key())]
        content = None if body is None else msgspec.json.encode(body)
        return await ctx.http.request(method, self.config.base_url + path, headers=headers, body=content)
