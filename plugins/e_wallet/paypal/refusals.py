"""PayPal's ways to say no. An answer that gives no reason is none, and raises."""

from typing import Literal

from msgspec import Struct

from kassa.ports.payment import Declined, HttpReply, NotExecuted
from kassa.ports.provider_json import ProviderUnclear, decoded

from .shapes import Code

_READABLE = (400, 401, 403, 404, 409, 422)
UNKNOWN = ("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
DONE_BEFORE = (
    "ORDER_ALREADY_CAPTURED", "ORDER_ALREADY_AUTHORIZED", "ORDER_ALREADY_COMPLETED", "PREVIOUSLY_VOIDED",
    "AUTHORIZATION_VOIDED_PREVIOUSLY",
)  # fmt: skip
"""It is done, perhaps by this very command: a look at the order tells."""
_NOT_KNOWN = ("PREVIOUS_REQUEST_IN_PROGRESS", "DUPLICATE_REQUEST_ID", "RESOURCE_CONFLICT", "INTERNAL_SERVER_ERROR")
"""Nothing follows from these: the same request is under way, or its key is known with another."""
DeclineCode = Literal[
    "insufficient_funds", "card_declined", "expired_card", "limit_exceeded", "fraud_suspected", "canceled_by_customer",
    "invalid_input", "not_allowed", "other",
]  # fmt: skip
_DECLINES: dict[str, DeclineCode] = {
    "INSTRUMENT_DECLINED": "card_declined",
    "TRANSACTION_REFUSED": "card_declined",
    "CARD_EXPIRED": "expired_card",
    "PAYER_ACCOUNT_RESTRICTED": "not_allowed",
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": "not_allowed",
    "PAYER_CANNOT_PAY": "not_allowed",
    "TRANSACTION_LIMIT_EXCEEDED": "limit_exceeded",
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": "limit_exceeded",
    "MAX_VALUE_EXCEEDED": "limit_exceeded",
    "COMPLIANCE_VIOLATION": "fraud_suspected",
    "TRANSACTION_BLOCKED_BY_PAYEE": "fraud_suspected",
    "ORDER_NOT_APPROVED": "canceled_by_customer",
}
_AGAIN = ("INSTRUMENT_DECLINED", "ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED")
"""The customer may go back to PayPal and choose another way to pay, or approve."""


class Detail(Struct, frozen=True):
    """One thing that is wrong."""

    issue: Code


class ErrorAnswer(Struct, frozen=True):
    """The body of a refusal; `error` is what the gate before the API calls it."""

    name: Code = ""
    error: Code = ""
    details: tuple[Detail, ...] = ()

    @property
    def issue(self) -> str:
        """The most exact word for it."""
        return next((one.issue for one in self.details if one.issue), self.name or self.error)


class Refused(Struct, frozen=True):
    """PayPal did nothing, and says why."""

    http: int
    issue: str

    @property
    def is_of_us(self) -> bool:
        """It does not take our credentials: that says nothing of the customer's money."""
        return self.http in (401, 403)


def refusal(reply: HttpReply) -> Refused | None:
    """Why PayPal did nothing; None if it did. Raises `ProviderUnclear` for every answer that says neither."""
    if reply.status in (200, 201, 204):
        return None
    if reply.status not in _READABLE:
        raise ProviderUnclear(f"PayPal answered {reply.status}")
    issue = decoded(reply.body, ErrorAnswer).issue
    if not issue or issue in _NOT_KNOWN:
        raise ProviderUnclear(f"PayPal answered {reply.status} and gives no reason")
    return Refused(http=reply.status, issue=issue)


def declined(refused: Refused) -> Declined | NotExecuted:
    """What a refusal means to a command."""
    if refused.is_of_us:
        return NotExecuted(reason=f"PayPal refuses our credentials: {refused.issue}"[:200])
    otherwise: DeclineCode = "invalid_input" if refused.http == 400 else "not_allowed"
    code = _DECLINES.get(refused.issue, otherwise)
    return Declined(code=code, provider_code=refused.issue, retry=refused.issue in _AGAIN)


def debug_id(reply: HttpReply) -> str:
    """What PayPal's support asks for."""
    found = [value for name, value in reply.headers if name.lower() == "paypal-debug-id"]
    return "".join(letter for letter in (found or [""])[0] if letter.isalnum())[:40]
