"""PayPal's API as the method uses it: one call at a time, its key on every command, its debug id in the log."""

from typing import TypeVar
from urllib.parse import quote

import msgspec

from kassa.plugins.e_wallet.client_credentials import Token, Unauthenticated
from kassa.ports.payment import Context, HttpReply, NotSent
from kassa.ports.provider_json import ProviderUnclear, decoded

from .config import PaypalConfig
from .refusals import UNKNOWN, Refused, debug_id, refusal
from .shapes import Order

T = TypeVar("T")
NOT_SENT = (NotSent, Unauthenticated)
"""Nothing of the command has left: proof enough for `NotExecuted`, of the first call of a command."""


class Api:
    """One REST app's way to PayPal."""

    def __init__(self, config: PaypalConfig) -> None:
        self._config = config
        self.token = Token(f"{config.api}/v1/oauth2/token", config.client_id, config.client_secret, in_header=True)

    async def command(self, ctx: Context, path: str, body: object, shape: type[T]) -> T | Refused:
        """Do something under the operation's key; what PayPal shows of it, or why it did nothing. Raises `NOT_SENT`."""
        headers = (("paypal-request-id", ctx.key()), ("prefer", "return=representation"))
        reply = await self._send(ctx, "POST", path, headers, msgspec.json.encode(body))
        refused = refusal(reply)
        return decoded(reply.body, shape) if refused is None else refused

    async def order(self, ctx: Context, order_id: str, merchant_ref: str) -> Order | None:
        """The order, with all that moved; None if PayPal does not know it (any more). Raises `NOT_SENT`."""
        reply = await self._send(ctx, "GET", f"/v2/checkout/orders/{order_id}", (), None)
        refused = refusal(reply)
        if refused is not None:
            if refused.http == 404 and refused.issue in UNKNOWN:
                return None
            raise ProviderUnclear(f"PayPal answered {refused.http}")
        return of_ours(decoded(reply.body, Order), merchant_ref, order_id)

    async def known(self, ctx: Context, order_id: str, merchant_ref: str) -> Order:
        """An order that PayPal has just spoken of. Raises `ProviderUnclear` if it cannot be seen now."""
        try:
            found = await self.order(ctx, order_id, merchant_ref)
        except NOT_SENT:  # that this question was not sent says nothing of the command before it
            raise ProviderUnclear("PayPal went away between two calls") from None
        if found is None:
            raise ProviderUnclear("an order is said to exist and is not shown")
        return found

    async def answers(self, ctx: Context) -> bool:
        """Whether PayPal answers and takes our credentials. That it does not know our webhook is logged: payments are found by
        asking, then."""
        webhook_id = quote(self._config.webhook_id.reveal(), safe="")
        reply = await self._send(ctx, "GET", f"/v1/notifications/webhooks/{webhook_id}", (), None)
        return reply.status in (200, 403, 404)

    async def _send(
        self, ctx: Context, method: str, path: str, headers: tuple[tuple[str, str], ...], body: bytes | None
    ) -> HttpReply:
        """Raises `Unauthenticated` before, and instead of, sending."""
        given = [await self.token.header(ctx), ("accept", "application/json"), *headers]
        if body is not None:
            given.append(("content-type", "application/json"))
        reply = await ctx.http.request(method, self._config.api + path, headers=given, body=body)
        if reply.status == 401:
            self.token.refused()
        if reply.status >= 400:
            ctx.log.warning("paypal.refused", status=reply.status, debug_id=debug_id(reply))
        return reply


def of_ours(order: Order, merchant_ref: str, order_id: str | None = None) -> Order:
    """The order, which must be the one that was asked about. Raises `ProviderUnclear`."""
    if order.merchant_ref != merchant_ref or order_id not in (None, order.id):
        raise ProviderUnclear("PayPal answered about another order")
    return order
