"""The dialogue with Xendit, Payment Requests API (2022-07-31): what is sent, and which answers are answers.

Not the newer `/v3` (2024-11-11): as documented it takes no idempotency key and finds no payment by our reference, so that an
answer that is lost could neither be repeated nor looked up.
"""

from base64 import b64encode
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from kassa.ports.payment import (
    Context,
    Declined,
    HttpReply,
    NotExecuted,
    NotSent,
    OperationRequest,
    QueryRequest,
    ReplyLost,
)
from kassa.ports.provider_json import ProviderUnclear, decoded

from .config import Account
from .shapes import DECLINES, Method, PaymentRequest, PaymentRequests, Problem, Refund, Refunds

T = TypeVar("T")
_REFUSALS: Final = (400, 401, 403, 404, 409, 422, 429)
_LATER: Final = ("TEMPORARILY_UNAVAILABLE", "REFUND_IN_PROGRESS", "PAYMENT_REQUEST_RATE_LIMITED", "RATE_LIMIT_EXCEEDED")
_PROBE: Final = "kassa-health"
MOST_REFUNDS: Final = 50
NOT_SENT: Final = NotExecuted(reason="Xendit could not be reached")
UNKNOWN_THERE: Final = NotExecuted(reason="Xendit does not know this payment; nothing was sent")


class Refusal(msgspec.Struct, frozen=True):
    """Xendit did nothing, and says why."""

    status: int
    code: str

    @property
    def is_repeated(self) -> bool:
        """It has seen this key before."""
        return self.status == 409

    @property
    def is_of_us(self) -> bool:
        """It does not know us, or has no time for us: that says nothing of the customer's money."""
        return self.status in (401, 403, 429) or self.code in _LATER

    def outcome(self) -> Declined | NotExecuted:
        """Declined, unless it is only of us."""
        if self.is_of_us:
            return NotExecuted(reason=f"Xendit refuses us for now: {self.code}"[:200])
        return Declined(code=DECLINES.get(self.code, "not_allowed"), provider_code=self.code)


class Xendit:
    """One account at Xendit. Holds nothing but its configuration."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def create(self, ctx: Context, order: dict[str, Any]) -> PaymentRequest | Refusal:
        """Make a payment request. Raises `NotSent` while nothing has left."""
        return _made(await self._ask(ctx, "POST", "/payment_requests", order), PaymentRequest)

    async def expire(self, ctx: Context, method_id: str) -> Method | Refusal:
        """End the payment method that was made for one payment."""
        path = f"/v2/payment_methods/{quote(method_id, safe='')}/expire"
        return _made(await self._ask(ctx, "POST", path, {}), Method)

    async def refund(self, ctx: Context, order: dict[str, Any]) -> Refund | Refusal:
        """Give back."""
        return _made(await self._ask(ctx, "POST", "/refunds", order), Refund)

    async def find(self, ctx: Context, request: QueryRequest | OperationRequest) -> PaymentRequest | None:
        """The payment, by Xendit's id where it is known, else by ours; None if Xendit says that there is none."""
        if request.provider_ref is not None:
            reply = await self._ask(ctx, "GET", f"/payment_requests/{quote(request.provider_ref, safe='')}")
            made = _made(reply, PaymentRequest)
            if isinstance(made, Refusal):
                if made.status == 404 and made.code == "DATA_NOT_FOUND":
                    return None
                raise ProviderUnclear(f"Xendit answered {made.status} to a question")
            found: tuple[PaymentRequest, ...] = (made,)
        else:
            asked = urlencode({"reference_id": request.merchant_ref})
            found = _shown(await self._ask(ctx, "GET", f"/payment_requests?{asked}"), PaymentRequests).data
        for one in found:
            of_payment(one, request.merchant_ref, request.provider_ref)
        if len(found) > 1:
            raise ProviderUnclear("Xendit shows two payments of one reference")
        return found[0] if found else None

    async def known(self, ctx: Context, request: QueryRequest | OperationRequest) -> PaymentRequest:
        """A payment that Xendit has just spoken of. Raises `ProviderUnclear` if it cannot be seen now."""
        try:
            found = await self.find(ctx, request)
        except NotSent:  # that this question was not sent says nothing of the command before it
            raise ProviderUnclear("Xendit went away between two calls") from None
        if found is None:
            raise ProviderUnclear("a payment is said to exist and is not shown")
        return found

    async def refunds(self, ctx: Context, payment_id: str) -> tuple[Refund, ...]:
        """All refunds of a payment. Raises `ProviderUnclear` for those of others, and where not all are shown."""
        asked = urlencode({"payment_request_id": payment_id, "limit": MOST_REFUNDS})
        listed = _shown(await self._ask(ctx, "GET", f"/refunds?{asked}"), Refunds)
        if listed.has_more or any(one.payment_request_id != payment_id for one in listed.data):
            raise ProviderUnclear("not exactly the refunds of this payment")
        return listed.data

    async def answers(self, ctx: Context) -> bool:
        """Whether Xendit answers, and takes our key."""
        try:
            reply = await self._ask(ctx, "GET", f"/payment_requests?{urlencode({'reference_id': _PROBE})}")
        except (NotSent, ReplyLost):
            return False
        return reply.status == 200

    async def _ask(self, ctx: Context, method: str, path: str, order: object = None) -> HttpReply:
        key = b64encode(f"{self._account.secret_key.reveal()}:".encode()).decode()
        headers = [("authorization", f"Basic {key}"), ("accept", "application/json")]
        if order is not None:
            headers += [("content-type", "application/json"), ("idempotency-key", ctx.key())]
        body = None if order is None else msgspec.json.encode(order)
        return await ctx.http.request(method, self._account.base_url + path, headers=headers, body=body)


def of_payment(made: PaymentRequest, merchant_ref: str, provider_ref: str | None) -> PaymentRequest:
    """The payment in an answer, which must be the one that was asked about. Raises `ProviderUnclear`."""
    if made.reference_id != merchant_ref or provider_ref not in (None, made.id):
        raise ProviderUnclear("Xendit answered about another payment")
    return made


def _shown(reply: HttpReply, shape: type[T]) -> T:
    if reply.status not in (200, 201, 202):
        raise ProviderUnclear(f"Xendit answered {reply.status}")
    return decoded(reply.body, shape)


def _made(reply: HttpReply, shape: type[T]) -> T | Refusal:
    """What was made, or why nothing was. Raises `ProviderUnclear` for all else."""
    if reply.status in _REFUSALS:
        return Refusal(status=reply.status, code=decoded(reply.body, Problem).error_code)
    return _shown(reply, shape)
