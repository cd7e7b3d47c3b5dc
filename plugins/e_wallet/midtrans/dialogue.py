"""The dialogue with Midtrans, Core API v2: what is sent, and which answers are answers.

`status_code` in the body says what happened; an answer without one, a 5xx and a page of HTML say nothing (`ProviderUnclear`).
"""

from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote

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
from .shapes import Answer, Transaction, of_payment

DONE: Final = ("200", "201", "202")
NOT_FOUND: Final = "404"
TAKEN: Final = "406"
NOT_NOW: Final = "412"
TOO_MUCH: Final = "414"
_PROBE: Final = "kassa-health"
NOT_SENT: Final = NotExecuted(reason="Midtrans could not be reached")
UNKNOWN_THERE: Final = NotExecuted(reason="Midtrans does not know this payment; nothing was done")


class Midtrans:
    """One account at Midtrans. Holds nothing but its configuration."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def charge(self, ctx: Context, order: dict[str, Any], notify: str) -> Answer:
        """Make a transaction; notices of it go to `notify`. Raises `NotSent` while nothing has left."""
        return await self._ask(ctx, "POST", "/v2/charge", order, [("x-override-notification", notify)])

    async def cancel(self, ctx: Context, request: OperationRequest) -> Answer:
        """Call off what waits for its customer."""
        return await self._ask(ctx, "POST", f"{_path(request)}/cancel", {})

    async def refund(self, ctx: Context, request: OperationRequest, order: dict[str, Any]) -> Answer:
        """Give money back through the wallet, at once."""
        return await self._ask(ctx, "POST", f"{_path(request)}/refund/online/direct", order)

    async def find(self, ctx: Context, request: QueryRequest | OperationRequest) -> Transaction | None:
        """The transaction of a payment, by Midtrans' id where it is known; None if Midtrans says that there is none."""
        answer = await self._ask(ctx, "GET", f"{_path(request)}/status")
        if answer.status_code == NOT_FOUND:
            return None
        if answer.transaction_status is None:
            raise ProviderUnclear(f"Midtrans answered {answer.status_code} to a question")
        return of_payment(answer, request.merchant_ref, request.provider_ref)

    async def known(self, ctx: Context, request: QueryRequest | OperationRequest) -> Transaction:
        """A transaction that Midtrans has just spoken of. Raises `ProviderUnclear` if it cannot be seen now."""
        try:
            found = await self.find(ctx, request)
        except NotSent:  # that this question was not sent says nothing of the command before it
            raise ProviderUnclear("Midtrans went away between two calls") from None
        if found is None:
            raise ProviderUnclear("a transaction is said to exist and is not shown")
        return found

    async def answers(self, ctx: Context) -> bool:
        """Whether Midtrans answers, and takes our key."""
        try:
            answer = await self._ask(ctx, "GET", f"/v2/{_PROBE}/status")
        except (NotSent, ReplyLost):
            return False
        return answer.status_code in (*DONE, NOT_FOUND)

    async def _ask(
        self, ctx: Context, method: str, path: str, order: object = None, more: list[tuple[str, str]] | None = None
    ) -> Answer:
        key = b64encode(f"{self._account.server_key.reveal()}:".encode()).decode()
        headers = [("authorization", f"Basic {key}"), ("accept", "application/json"), *(more or [])]
        if order is not None:
            headers.append(("content-type", "application/json"))
        body = None if order is None else msgspec.json.encode(order)
        return _answer(await ctx.http.request(method, self._account.url + path, headers=headers, body=body))


def refused(answer: Answer) -> Declined | NotExecuted:
    """Midtrans did nothing and said why. That it does not know *us*, or has no time, says nothing of the customer's money.
    Raises `ProviderUnclear` for an answer that is no refusal."""
    code = answer.status_code
    if code in ("401", "429"):
        return NotExecuted(reason=f"Midtrans refuses our key, or has no time for us: {code}")
    if code[0] != "4" or code == NOT_FOUND:
        raise ProviderUnclear(f"Midtrans answered {code}")
    return Declined(code="invalid_input" if code in ("400", "408", "413") else "not_allowed", provider_code=code)


def _answer(reply: HttpReply) -> Answer:
    if reply.status // 100 not in (2, 4):
        raise ProviderUnclear(f"Midtrans answered {reply.status}")
    answer = decoded(reply.body, Answer)
    if answer.status_code[0] not in "24" or (reply.status >= 400 and answer.status_code[0] == "2"):
        raise ProviderUnclear(f"Midtrans answered {reply.status} and said {answer.status_code}")
    return answer


def _path(request: QueryRequest | OperationRequest) -> str:
    return f"/v2/{quote(request.provider_ref or request.merchant_ref, safe='')}"
