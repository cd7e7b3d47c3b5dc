"""The method itself: cards at Stripe, as PaymentIntents."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from msgspec import Struct

from kassa.ports.payment import (
    AnyOutcome,
    AnyVerdict,
    Capabilities,
    Context,
    Declined,
    NotExecuted,
    NotSent,
    OperationRequest,
    PaymentMethod,
    QueryRequest,
    RawWebhook,
    ReplyLost,
    Report,
    StartRequest,
)
from kassa.ports.provider_json import ProviderUnclear

from . import amounts
from .answers import CAPTURE, MERCHANT_REF, OPERATION, captured, refunded, refused, started, voided
from .config import StripeConfig, StripeInput
from .lookup import Lookup, checked
from .notices import judged
from .sdk import Refusal, Sdk
from .shapes import Intent, Refund

T = TypeVar("T")
_NOT_SENT = NotExecuted(reason="Stripe could not be reached")
_UNKNOWN_THERE = NotExecuted(reason="Stripe does not know this payment; nothing was sent")
_EXPAND = {"expand": ["latest_charge"]}


class StripeCards(PaymentMethod[StripeConfig]):
    """A card, charged at once or reserved and captured later, once, in part if need be; 3-D Secure by redirect or Stripe.js."""

    Config: ClassVar[type[Struct]] = StripeConfig
    Input: ClassVar[type[Struct]] = StripeInput
    capabilities: ClassVar[Capabilities] = Capabilities(
        amounts=amounts.RULES,
        idempotency="header",
        idempotency_ttl_s=86_400,
        auth_capture=True,
        partial_capture=True,
        void=True,
        refund="multiple",
        webhook_trust="signed_body",
        query_by_merchant_ref=True,
        query_consistency_s=60,
        next_actions=("redirect", "client_sdk", "wait"),
        expiry_s=(300, 3600),
    )

    def __init__(self, config: StripeConfig) -> None:
        super().__init__(config)
        self._sdk = Sdk(config)
        self._lookup = Lookup(self._sdk)

    async def open(self, ctx: Context) -> None:
        """Import what the SDK would import in its first answer. Asks nobody."""
        await ctx.blocking(self._sdk.warm_up)

    async def health(self, ctx: Context) -> bool:
        """Whether Stripe answers and takes our key."""
        try:
            return await self._lookup.answers(ctx)
        except (NotSent, ReplyLost, ProviderUnclear):
            return False

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Create and confirm a PaymentIntent in one request."""
        if not self.capabilities.takes(request.amount):
            return Declined(code="not_allowed", provider_code="amount")
        wanted = self._wanted(request)
        try:
            said = await self._sdk.done(ctx, Intent, lambda v1, key: v1.payment_intents.create_async(wanted, key))
        except NotSent:
            return _NOT_SENT
        if isinstance(said, Intent):
            return started(checked(said, request.merchant_ref))
        named = said.error.payment_intent
        if named is not None and (named.metadata or {}).get(MERCHANT_REF) != request.merchant_ref:
            raise ProviderUnclear("Stripe answered about another payment")
        return refused(said, None if named is None else named.id)

    def _wanted(self, request: StartRequest) -> Any:
        given: StripeInput = request.input
        token = (
            {"payment_method": given.payment_method}
            if given.payment_method is not None
            else {"confirmation_token": given.confirmation_token}
        )
        kinds = (
            {"payment_method_types": ["card"]}
            if self.config.payment_methods == "card"
            else {"automatic_payment_methods": {"enabled": True}}
        )
        sdk = {"use_stripe_sdk": True} if self.config.three_d_secure == "stripe_js" else {}
        return {
            "amount": amounts.written(request.amount),
            "currency": request.amount.currency.lower(),
            "capture_method": "automatic" if request.capture else "manual",
            "confirm": True,
            "return_url": request.return_url,
            "metadata": {
                MERCHANT_REF: request.merchant_ref,
                OPERATION: request.operation_id,
                "invoice_id": request.invoice_id,
            },
            **token,
            **kinds,
            **sdk,
            **_EXPAND,
        }

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """The PaymentIntent by its id, else by our reference, with its refunds and disputes."""
        return await self._lookup.report(ctx, request.merchant_ref, request.provider_ref)

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """An event, as Stripe signed it."""
        is_live = self.config.mode == "live"
        return judged(raw, self.config.webhook_secrets, ctx.clock.now(), is_live=is_live)

    async def capture(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Take `amount` of what is reserved; Stripe lets go of the rest."""
        intent_id = await self._id_of(ctx, request)
        if intent_id is None:
            return _UNKNOWN_THERE
        part: Any = {"amount_to_capture": _units(request), "metadata": {CAPTURE: ctx.key()}, **_EXPAND}
        try:
            said = await self._sdk.done(
                ctx, Intent, lambda v1, key: v1.payment_intents.capture_async(intent_id, part, key)
            )
        except NotSent:
            return _NOT_SENT
        if isinstance(said, Refusal):
            done = await _after(said, lambda: self._lookup.captured_by(ctx, request.merchant_ref, intent_id, ctx.key()))
            return refused(said, intent_id) if done is None else captured(done)
        return captured(checked(said, request.merchant_ref))

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Cancel a payment that waits, or let go of what is reserved and not captured."""
        intent_id = await self._id_of(ctx, request)
        if intent_id is None:
            return _UNKNOWN_THERE
        params: Any = _EXPAND
        try:
            said = await self._sdk.done(
                ctx, Intent, lambda v1, key: v1.payment_intents.cancel_async(intent_id, params, key)
            )
        except NotSent:
            return _NOT_SENT
        if not isinstance(said, Refusal):
            return voided(checked(said, request.merchant_ref), None)
        seen = await _after(said, lambda: self._lookup.intent(ctx, request.merchant_ref, intent_id))
        return refused(said, intent_id) if seen is None else voided(seen, said)

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Give `amount` of what was captured back, as often as there is something left."""
        intent_id = await self._id_of(ctx, request)
        if intent_id is None:
            return _UNKNOWN_THERE
        named = {OPERATION: ctx.key(), MERCHANT_REF: request.merchant_ref}
        part: Any = {"payment_intent": intent_id, "amount": _units(request), "metadata": named}
        try:
            said = await self._sdk.done(ctx, Refund, lambda v1, key: v1.refunds.create_async(part, key))
        except NotSent:
            return _NOT_SENT
        if isinstance(said, Refusal):
            done = await _after(said, lambda: self._lookup.refund_of(ctx, intent_id, ctx.key()))
            return refused(said, intent_id) if done is None else refunded(done, intent_id, ctx.key())
        return refunded(said, intent_id, ctx.key())

    async def _id_of(self, ctx: Context, request: OperationRequest) -> str | None:
        if request.provider_ref is not None:
            return request.provider_ref
        found = await self._lookup.intent(ctx, request.merchant_ref, None)
        return None if found is None else found.id


def _units(request: OperationRequest) -> int:
    if request.amount is None:
        raise ProviderUnclear(f"a {request.kind} without an amount")
    return amounts.written(request.amount)


async def _after(refusal: Refusal, look: Callable[[], Awaitable[T | None]]) -> T | None:
    """Stripe refuses what is done already, perhaps by an earlier attempt of this very command whose key it has forgotten: what
    it shows then. None where it refused for another reason."""
    if refusal.status != 400:
        return None
    try:
        return await look()
    except NotSent:  # that this question was not sent says nothing of the command before it
        raise ProviderUnclear("Stripe went away between two calls") from None
