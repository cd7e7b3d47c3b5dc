"""PayU's ways to say no. An answer that gives no reason is none, and raises."""

from msgspec import Struct

from kassa.ports.payment import Declined, HttpReply, NotExecuted
from kassa.ports.provider_json import ProviderUnclear, decoded

from .shapes import SUCCESS, Code, OrderId, Status

_READABLE = (400, 401, 403, 404)
_UNKNOWN = ("DATA_NOT_FOUND", "ERROR_ORDER_NOT_EXISTS", "ORDER_NOT_EXISTS")
_INVALID = ("ERROR_VALUE_INVALID", "ERROR_VALUE_MISSING", "ERROR_SYNTAX")
_NOT_FINAL = ("BUSINESS_ERROR", "ERROR_INTERNAL", "GENERAL_ERROR", "SERVICE_NOT_AVAILABLE")
"""What PayU's own documentation calls temporary: nothing follows from it."""


class Answer(Struct, frozen=True, rename="camel"):
    """What an answer says of itself; `error` is what the gate before the API says."""

    status: Status | None = None
    error: Code = ""
    order_id: OrderId | None = None


class Refused(Struct, frozen=True):
    """PayU did nothing, and says why."""

    http: int
    code: Code
    literal: Code
    order_id: str | None

    @property
    def is_of_us(self) -> bool:
        """It does not take our credentials: that says nothing of the customer's money."""
        return self.http in (401, 403)

    @property
    def is_unknown(self) -> bool:
        """It does not know what was asked about."""
        return self.http == 404 and self.code in _UNKNOWN


def refusal(reply: HttpReply, good: tuple[int, ...]) -> Refused | None:
    """Why PayU did nothing; None where it did. Raises `ProviderUnclear` for every answer that says neither.

    An error may come with status 200, too: what counts is the status code in the body. (A list of refunds has none.)
    """
    if reply.status in good:
        if reply.body.lstrip()[:1] == b"[":
            return None
    elif reply.status not in _READABLE:
        raise ProviderUnclear(f"PayU answered {reply.status}")
    told = decoded(reply.body, Answer)
    code = told.error if told.status is None else told.status.status_code
    is_good = reply.status in good
    if is_good and told.status is not None and not code.startswith("ERROR"):
        return None
    if code in ("", SUCCESS, *_NOT_FINAL) or (is_good and told.status is None):
        raise ProviderUnclear("PayU says that it failed, and not at what")
    literal = "" if told.status is None else told.status.code_literal
    return Refused(http=reply.status, code=code, literal=literal, order_id=told.order_id)


def declined(refused: Refused) -> Declined | NotExecuted:
    """What a refusal means to a command."""
    if refused.is_of_us:
        return NotExecuted(reason=f"PayU refuses our credentials: {refused.code}"[:200])
    code = refused.literal or refused.code
    if refused.code in _INVALID:
        return Declined(code="invalid_input", provider_code=code)
    return Declined(code="not_allowed", provider_code=code)
