"""The dialogue with PayPal: an order, its customer's approval, the shop's taking of it, and what follows.

What PayPal says is believed, what it does not say is not: a 5xx, a page of HTML or half an answer raises `ProviderUnclear`, a
lost reply passes through as `ReplyLost`, and the kernel calls both UNKNOWN.
"""

from typing import ClassVar

from msgspec import Struct

from kassa.ports.payment import (
    AnyOutcome,
    AnyVerdict,
    Capabilities,
    Context,
    Declined,
    NotExecuted,
    OperationRequest,
    PaymentMethod,
    QueryRequest,
    RawWebhook,
    ReplyLost,
    Report,
    StartRequest,
    Succeeded,
)
from kassa.ports.provider_json import ProviderUnclear

from .amounts import RULES
from .api import NOT_SENT, Api, of_ours
from .certificates import Certificates
from .commands import (
    capture_path,
    new_order,
    part,
    refund_of,
    refund_part,
    refund_path,
    reservation,
    void_path,
)
from .config import PaypalConfig
from .meaning import FIELD, VOIDED, YES, moved, outcome, report, status_of
from .notices import judged
from .refusals import DONE_BEFORE, Refused, declined
from .shapes import Authorization, Capture, Order, Payments, Refund, given_back, reserved, taken


class Paypal(PaymentMethod[PaypalConfig]):
    """PayPal's wallet. The customer approves there and confirms here; with `capture = "manual"` the money is only reserved."""

    Config: ClassVar[type[Struct]] = PaypalConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        amounts=RULES,
        idempotency="header",
        idempotency_ttl_s=6 * 3600,
        auth_capture=True,
        partial_capture=True,
        multi_capture=True,
        void=True,
        refund="multiple",
        resume=True,
        webhook_trust="signed_fields",
        query_consistency_s=10,
        next_actions=("redirect", "collect", "wait"),
        expiry_s=(300, 10_800),
    )

    def __init__(self, config: PaypalConfig) -> None:
        super().__init__(config)
        self._api = Api(config)
        self._certificates = Certificates(config.certificate_home, config.certificates)

    async def open(self, ctx: Context) -> None:
        """Have a token and certificates ready. That there are none yet keeps nobody from opening."""
        await self.health(ctx)

    async def health(self, ctx: Context) -> bool:
        """Whether PayPal answers, takes our credentials and knows our webhook. Fetches certificates that notices named."""
        try:
            is_well = await self._api.answers(ctx)
        except (*NOT_SENT, ReplyLost):
            return False
        await self._certificates.fetch(ctx)
        return is_well

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Make an order; PayPal answers a repetition of the key with the order that it made."""
        if not self.capabilities.takes(request.amount):
            return Declined(code="invalid_input", provider_code="amount")
        new = new_order(request, self.config.brand_name)
        try:
            made = await self._api.command(ctx, "/v2/checkout/orders", new, Order)
        except NOT_SENT:
            return _NOT_SENT
        return declined(made) if isinstance(made, Refused) else outcome(of_ours(made, request.merchant_ref), b"")

    async def resume(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """The customer has approved at PayPal and confirms here: capture, or authorize, what was approved."""
        if request.provider_ref is None or request.state == VOIDED:
            return Declined(code="not_allowed", provider_code="VOIDED")
        if request.input.get(FIELD, "").strip().lower() != YES:
            return Declined(code="invalid_input", provider_code=FIELD, retry=True)
        try:
            order = await self._api.order(ctx, request.provider_ref, request.merchant_ref)
            return _UNKNOWN_THERE if order is None else await self._take(ctx, order)
        except NOT_SENT:
            return _NOT_SENT

    async def _take(self, ctx: Context, order: Order) -> AnyOutcome:
        if order.intent is None:
            raise ProviderUnclear("PayPal does not say what the order is for")
        verb = "capture" if order.intent == "CAPTURE" else "authorize"
        done = await self._api.command(ctx, f"/v2/checkout/orders/{order.id}/{verb}", {}, Order)
        if not isinstance(done, Refused):
            return outcome(of_ours(done, order.merchant_ref, order.id), b"")
        if done.issue in DONE_BEFORE:
            return outcome(await self._api.known(ctx, order.id, order.merchant_ref), b"")
        return declined(done)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """What became of the order, with all that moved."""
        if request.provider_ref is None:
            raise ProviderUnclear("PayPal finds an order by its own id only")
        order = await self._api.order(ctx, request.provider_ref, request.merchant_ref)
        return Report(found=False) if order is None else report(order, request.state)

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """Something changed, as PayPal signed it: a hint, because its signature does not cover what."""
        return judged(ctx, raw, self.config, self._certificates)

    async def capture(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Take all or a part of what is reserved; what takes the last of it lets go of nothing, and says that it is the last."""
        held = reservation(request.movements)
        if request.amount is None or held is None:
            raise ProviderUnclear("a capture of no amount, or of nothing that is reserved")
        body = part(request.amount, held, request.movements)
        return await self._moves(ctx, request, capture_path(held.id), body, Capture)

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Give back from a capture that has enough left, unless the order shows that this very command did it before."""
        if request.amount is None or request.provider_ref is None:
            raise ProviderUnclear("a refund without an amount or an order")
        try:
            order = await self._api.order(ctx, request.provider_ref, request.merchant_ref)
        except NOT_SENT:
            return _NOT_SENT
        if order is None:
            return _UNKNOWN_THERE
        made, capture_id = refund_of(order, ctx.key(), request.amount)
        if made is not None:
            return moved(order.id, given_back(made))
        body = refund_part(request, ctx.key())
        return await self._moves(ctx, request, refund_path(capture_id), body, Refund)

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Let go of what is reserved. An order that nobody took is called off here: only this shop could ever take it."""
        if request.provider_ref is None:
            return _UNKNOWN_THERE
        try:
            order = await self._api.order(ctx, request.provider_ref, request.merchant_ref)
            if order is not None and order.payments != Payments():
                return await self._let_go(ctx, order)
        except NOT_SENT:
            return _NOT_SENT
        return Succeeded(provider_ref=request.provider_ref, state=VOIDED)

    async def _let_go(self, ctx: Context, order: Order) -> AnyOutcome:
        held = order.payments.authorizations
        if not held:
            told = report(order, b"").movements
            return Declined(provider_ref=order.id, movements=told, code="not_allowed", provider_code=order.status)
        done = await self._api.command(ctx, void_path(held[-1].id), {}, Authorization)
        if not isinstance(done, Refused):
            return Succeeded(provider_ref=order.id, movements=(reserved(done),))
        if done.is_of_us:
            return declined(done)
        order = await self._api.known(ctx, order.id, order.merchant_ref)
        if status_of(order, b"") in ("canceled", "failed"):
            return Succeeded(provider_ref=order.id, movements=report(order, b"").movements)
        return declined(done)

    async def _moves(
        self, ctx: Context, request: OperationRequest, path: str, body: object, shape: type[Capture] | type[Refund]
    ) -> AnyOutcome:
        try:
            done = await self._api.command(ctx, path, body, shape)
        except NOT_SENT:
            return _NOT_SENT
        if isinstance(done, Refused):
            return declined(done)
        movement = taken(done) if isinstance(done, Capture) else given_back(done)
        if movement.amount != request.amount:
            raise ProviderUnclear("PayPal moved another amount than ordered")
        return moved(request.provider_ref, movement)


_NOT_SENT = NotExecuted(reason="PayPal could not be reached, or gives us no token")
_UNKNOWN_THERE = NotExecuted(reason="PayPal does not know this order; nothing was sent")
