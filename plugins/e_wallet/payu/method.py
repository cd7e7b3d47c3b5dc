"""The dialogue with PayU (REST API 2.1): an order, the page where its customer pays, refunds.

What PayU says is believed, what it does not say is not: a 5xx, a page of HTML or half an answer raises `ProviderUnclear`, a lost
reply passes through as `ReplyLost`, and the kernel calls both UNKNOWN.
"""

from typing import ClassVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from kassa.plugins.e_wallet.client_credentials import Token, Unauthenticated
from kassa.ports.money import Money
from kassa.ports.payment import (
    AmountRule,
    AnyOutcome,
    AnyVerdict,
    Capabilities,
    Context,
    Declined,
    HttpReply,
    NotExecuted,
    NotSent,
    OperationRequest,
    PaymentMethod,
    QueryRequest,
    RawWebhook,
    Report,
    StartRequest,
)
from kassa.ports.provider_json import ProviderUnclear, decoded

from .config import PayuConfig
from .notices import judged
from .refusals import Refused, declined, refusal
from .shapes import (
    Created,
    Order,
    Orders,
    Refund,
    Refunded,
    report,
    stands,
    started,
    voided,
    was_refunded,
)

_OK = (200, 201, 302)
"""302 is PayU's way to say "created"; its body is the answer, and its address the customer's."""
_TWO_DIGITS = ("PLN", "EUR", "USD", "GBP", "CZK", "RON", "SEK", "NOK", "DKK", "BGN", "CHF", "UAH")


class Payu(PaymentMethod[PayuConfig]):
    """PayU's own page, with the wallets, banks and BLIK that the point of sale offers. It has to collect automatically (the
    default of a POS): an order that waits for a confirmation is pending until somebody gives it in PayU's panel."""

    Config: ClassVar[type[Struct]] = PayuConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        amounts=(
            *(AmountRule(currency=currency, max=999_999_999) for currency in _TWO_DIGITS),
            AmountRule(currency="HUF", min=100, max=99_999_999_900, step=100),
        ),
        idempotency="merchant_ref",
        void=True,
        refund="multiple",
        webhook_trust="signed_body",
        query_consistency_s=10,
        next_actions=("redirect", "wait"),
        expiry_s=(300, 86_400),
    )

    def __init__(self, config: PayuConfig) -> None:
        super().__init__(config)
        url = f"{config.api}/pl/standard/user/oauth/authorize"
        self._token = Token(url, config.client_id, config.client_secret, in_header=False)

    async def open(self, ctx: Context) -> None:
        """Have a token ready. That there is none yet keeps nobody from opening."""
        await self.health(ctx)

    async def health(self, ctx: Context) -> bool:
        """Whether PayU answers and takes our credentials: a new token says both."""
        try:
            await self._token.renew(ctx)
        except Unauthenticated:
            return False
        return True

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Make an order. One whose reference exists already is not made again but looked at, where PayU tells its id."""
        if not self.capabilities.takes(request.amount):
            return Declined(code="invalid_input", provider_code="amount")
        new = _order(self.config, request)
        try:
            reply = await self._send(ctx, "POST", "/api/v2_1/orders", new)
            refused = refusal(reply, _OK)
            if refused is None:
                return started(decoded(reply.body, Created), request.merchant_ref)
        except (NotSent, Unauthenticated):
            return _NOT_SENT
        if refused.code == "ERROR_ORDER_NOT_UNIQUE":
            return await self._known(ctx, request, refused)
        return declined(refused)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """What became of the order, with its refunds."""
        if request.provider_ref is None:
            raise ProviderUnclear("PayU finds an order by its own id only")
        order = await self._order_of(ctx, request.provider_ref, request.merchant_ref)
        if order is None:
            return Report(found=False)
        return report(order, await self._refunds(ctx, order))

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """A change of an order or of a refund, as PayU signed it."""
        return judged(raw, self.config.second_keys)

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Cancel an order that is not paid."""
        if request.provider_ref is None:
            return _NO_ORDER
        try:
            reply = await self._send(ctx, "DELETE", _path(request.provider_ref))
        except (NotSent, Unauthenticated):
            return _NOT_SENT
        refused = refusal(reply, (200,))
        if refused is not None and refused.is_of_us:
            return declined(refused)
        order = await self._seen(ctx, request)
        return voided(order, "" if refused is None else refused.code)

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Refund `amount` under our key, unless the list of refunds shows that this very command did it before."""
        if request.amount is None:
            raise ProviderUnclear("a refund without an amount")
        if request.provider_ref is None:
            return _NO_ORDER
        try:
            made = await self._mine(ctx, request.provider_ref)
            if made is not None:
                return was_refunded(request.provider_ref, made, request.amount)
            reply = await self._send(
                ctx, "POST", f"{_path(request.provider_ref)}/refunds", _refund(ctx, request.amount)
            )
        except (NotSent, Unauthenticated):
            return _NOT_SENT
        refused = refusal(reply, (200, 201))
        if refused is not None:
            return declined(refused)
        done = decoded(reply.body, Refunded).refund
        if done is None or done.ext_refund_id not in (None, ctx.key()):
            raise ProviderUnclear("a refund is said to be done and is not shown")
        return was_refunded(request.provider_ref, done, request.amount)

    async def _known(self, ctx: Context, request: StartRequest, refused: Refused) -> AnyOutcome:
        """An order of our reference exists. PayU may say which; where it does not, nobody knows what became of it."""
        if refused.order_id is None:
            raise ProviderUnclear("an order of this reference exists, and PayU does not say which")
        try:
            order = await self._order_of(ctx, refused.order_id, request.merchant_ref)
        except (NotSent, Unauthenticated):
            raise ProviderUnclear("PayU went away between two calls") from None
        if order is None or int(order.total_amount) != request.amount.amount:
            raise ProviderUnclear("another order has our reference")
        return stands(order)

    async def _seen(self, ctx: Context, request: OperationRequest) -> Order:
        """An order that PayU has just spoken of. Raises `ProviderUnclear` if it cannot be seen now."""
        try:
            order = await self._order_of(ctx, request.provider_ref or "", request.merchant_ref)
        except (NotSent, Unauthenticated):
            raise ProviderUnclear("PayU went away between two calls") from None
        if order is None:
            raise ProviderUnclear("an order is said to exist and is not shown")
        return order

    async def _order_of(self, ctx: Context, order_id: str, merchant_ref: str) -> Order | None:
        reply = await self._send(ctx, "GET", _path(order_id))
        refused = refusal(reply, (200,))
        if refused is not None:
            if refused.is_unknown:
                return None
            raise ProviderUnclear(f"PayU answered {reply.status}")
        orders = decoded(reply.body, Orders).orders
        if len(orders) != 1 or orders[0].order_id != order_id or orders[0].ext_order_id != merchant_ref:
            raise ProviderUnclear("PayU answered about another order")
        return orders[0]

    async def _refunds(self, ctx: Context, order: Order) -> tuple[Refund, ...]:
        """Only of an order that was paid: no other can have any."""
        return await self._listed(ctx, order.order_id) if order.status == "COMPLETED" else ()

    async def _listed(self, ctx: Context, order_id: str) -> tuple[Refund, ...]:
        reply = await self._send(ctx, "GET", f"{_path(order_id)}/refunds")
        refused = refusal(reply, (200,))
        if refused is None:
            return decoded(reply.body, tuple[Refund, ...])
        if refused.is_unknown:
            return ()
        raise ProviderUnclear(f"PayU answered {reply.status}")

    async def _mine(self, ctx: Context, order_id: str) -> Refund | None:
        """The refund that this command made before."""
        found = [one for one in await self._listed(ctx, order_id) if one.ext_refund_id == ctx.key()]
        if len(found) > 1:
            raise ProviderUnclear("PayU shows two refunds of one command")
        return found[0] if found else None

    async def _send(self, ctx: Context, method: str, path: str, body: object = None) -> HttpReply:
        """Raises `Unauthenticated` before, and instead of, sending."""
        headers = [await self._token.header(ctx), ("accept", "application/json")]
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            headers.append(("content-type", "application/json"))
        reply = await ctx.http.request(method, self.config.api + path, headers=headers, body=content)
        if reply.status == 401:
            self._token.refused()
        return reply


_NOT_SENT = NotExecuted(reason="PayU could not be reached, or gives us no token")
_NO_ORDER = NotExecuted(reason="PayU's id of this order is not known; nothing was sent")


def _path(order_id: str) -> str:
    return f"/api/v2_1/orders/{quote(order_id, safe='')}"


def _order(config: PayuConfig, request: StartRequest) -> dict[str, object]:
    amount = str(request.amount.amount)
    return {
        "extOrderId": request.merchant_ref,
        "merchantPosId": config.pos_id,
        "customerIp": config.customer_ip,
        "description": f"{config.description} {request.invoice_id}",
        "currencyCode": request.amount.currency,
        "totalAmount": amount,
        "validityTime": str(config.valid_for_s),
        "notifyUrl": request.webhook_url,
        "continueUrl": request.return_url,
        "products": [{"name": request.invoice_id, "unitPrice": amount, "quantity": "1"}],
    }


def _refund(ctx: Context, amount: Money) -> dict[str, object]:
    told = {"description": "Refund", "amount": str(amount.amount), "currencyCode": amount.currency}
    return {"refund": {**told, "extRefundId": ctx.key()}}
