"""The dialogue with the sandbox provider: `/v1/virtual-accounts` (see `adapters/sandbox/README.md`).

What it says is believed, what it does not say is not: a 5xx, a page of HTML or half an answer raises `ProviderUnclear`,
a lost reply passes through as `ReplyLost`, and the kernel calls both UNKNOWN.
"""

from typing import TypeVar
from urllib.parse import quote

import msgspec

from kassa.ports.payment import (
    AnyOutcome,
    AnyVerdict,
    Context,
    HttpReply,
    NotExecuted,
    NotSent,
    OperationRequest,
    QueryRequest,
    RawWebhook,
    ReplyLost,
    Report,
    StartRequest,
)
from kassa.ports.provider_json import ProviderUnclear, decoded

from .config import BankTransferConfig
from .sandbox_notices import judged
from .sandbox_shapes import (
    Account,
    Accounts,
    ErrorAnswer,
    closed,
    mine,
    opened,
    report,
    was_moved,
    was_refused,
)

T = TypeVar("T")
_REFUSALS = (400, 401, 402, 403, 404, 409, 422)
_PROBE = "health"


class SandboxAccounts:
    """Bank transfers at the sandbox provider. Holds nothing but its configuration."""

    def __init__(self, config: BankTransferConfig) -> None:
        self._config = config

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Open an account for this payment alone. One that exists already for this merchant_ref is looked at."""
        new = {
            "merchant_ref": request.merchant_ref,
            "amount": request.amount.amount,
            "currency": request.amount.currency,
            "expires_at": int(request.expires_at.timestamp()),
        }
        try:
            reply = await self._send(ctx, "POST", "/v1/virtual-accounts", new)
        except NotSent:
            return _NOT_SENT
        error = _refusal(reply)
        if error is None:
            return opened(_account(reply, request.merchant_ref))
        if error == "duplicate_reference":
            return opened(await self._known(ctx, request.merchant_ref, None))
        return was_refused(reply.status, error)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """Find the account by its id, else by our reference."""
        found = await self._find(ctx, request.merchant_ref, request.provider_ref)
        return Report(found=False) if found is None else report(found)

    def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """Prove and read a notice; asks nobody."""
        return judged(raw, self._config.webhook_secrets, ctx.clock.now())

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Close the account; what arrives on it afterwards is still reported."""
        account_id = request.provider_ref or await self._id_of(ctx, request.merchant_ref)
        if account_id is None:
            return _UNKNOWN_THERE
        try:
            reply = await self._send(ctx, "POST", f"/v1/virtual-accounts/{quote(account_id, safe='')}/close", {})
        except NotSent:
            return _NOT_SENT
        error = _refusal(reply)
        if error is None:
            return closed(_account(reply, request.merchant_ref))
        return was_refused(reply.status, error)

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Refund `amount`; the movement carries our idempotency key, so that it can be found again."""
        if request.amount is None:
            raise ProviderUnclear("a refund without an amount")
        account_id = request.provider_ref or await self._id_of(ctx, request.merchant_ref)
        if account_id is None:
            return _UNKNOWN_THERE
        part = {"amount": request.amount.amount, "merchant_ref": ctx.key()}
        try:
            reply = await self._send(ctx, "POST", f"/v1/virtual-accounts/{quote(account_id, safe='')}/refunds", part)
        except NotSent:
            return _NOT_SENT
        error = _refusal(reply)
        if error is None:
            return was_moved(_account(reply, request.merchant_ref), "refund", ctx.key())
        if reply.status == 409:  # nothing is left, perhaps because this very command took it before
            known = await self._known(ctx, request.merchant_ref, account_id)
            if error == "duplicate_reference" or mine(known, "refund", ctx.key()) is not None:
                return was_moved(known, "refund", ctx.key())
        return was_refused(reply.status, error)

    async def answers(self, ctx: Context) -> bool:
        """Whether the provider answers a question of ours."""
        try:
            reply = await self._send(ctx, "GET", f"/v1/virtual-accounts?merchant_ref={_PROBE}")
        except (NotSent, ReplyLost):
            return False
        return reply.status == 200

    async def _known(self, ctx: Context, merchant_ref: str, account_id: str | None) -> Account:
        """An account that the provider has just spoken of. Raises `ProviderUnclear` if it cannot be seen now."""
        try:
            found = await self._find(ctx, merchant_ref, account_id)
        except NotSent:  # that this question was not sent says nothing of the command before it
            raise ProviderUnclear("the provider went away between two calls") from None
        if found is None:
            raise ProviderUnclear("an account is said to exist and is not shown")
        return found

    async def _id_of(self, ctx: Context, merchant_ref: str) -> str | None:
        found = await self._find(ctx, merchant_ref, None)
        return None if found is None else found.id

    async def _find(self, ctx: Context, merchant_ref: str, account_id: str | None) -> Account | None:
        if account_id is not None:
            reply = await self._send(ctx, "GET", f"/v1/virtual-accounts/{quote(account_id, safe='')}")
            if reply.status == 404 and _refusal(reply) == "not_found":
                return None
            return _account(reply, merchant_ref)
        reply = await self._send(ctx, "GET", f"/v1/virtual-accounts?merchant_ref={quote(merchant_ref, safe='')}")
        listed = _decoded(reply, Accounts).data
        if any(account.merchant_ref != merchant_ref for account in listed) or len(listed) > 1:
            raise ProviderUnclear("the provider answered about another payment")
        return listed[0] if listed else None

    async def _send(self, ctx: Context, method: str, path: str, body: object = None) -> HttpReply:
        headers = [("authorization", f"Bearer {self._config.key}"), ("accept", "application/json")]
        if body is not None:
            headers += [("content-type", "application/json"), ("idempotency-key", ctx.key())]
        content = None if body is None else msgspec.json.encode(body)
        return await ctx.http.request(method, self._config.base_url + path, headers=headers, body=content)


_NOT_SENT = NotExecuted(reason="the provider could not be reached")
_UNKNOWN_THERE = NotExecuted(reason="the provider does not know this payment; nothing was sent")


def _decoded(reply: HttpReply, shape: type[T]) -> T:
    """A good answer's body. Raises `ProviderUnclear` for any other status and any other shape."""
    if reply.status not in (200, 201):
        raise ProviderUnclear(f"the provider answered {reply.status}")
    return decoded(reply.body, shape)


def _account(reply: HttpReply, merchant_ref: str) -> Account:
    """The account in an answer, which must be the one that was asked about."""
    account = _decoded(reply, Account)
    if account.merchant_ref != merchant_ref:
        raise ProviderUnclear("the provider answered about another payment")
    return account


def _refusal(reply: HttpReply) -> str | None:
    """The provider's own code for why it did nothing; None if it did. Raises `ProviderUnclear` for all else."""
    if reply.status in (200, 201):
        return None
    if reply.status not in _REFUSALS:
        raise ProviderUnclear(f"the provider answered {reply.status}")
    code = decoded(reply.body, ErrorAnswer).error.code
    if code == "idempotency_conflict":
        raise ProviderUnclear("the provider knows this key with another request")
    return code
