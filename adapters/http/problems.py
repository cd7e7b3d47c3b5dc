"""The one table from errors to answers, and how a problem looks on the wire (RFC 9457)."""

from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from kassa.ports import errors, payment, provider_json
from kassa.ports.cart import PricedCart
from kassa.ports.checkout import LineProblem
from kassa.ports.errors import KassaError
from kassa.ports.payment import AmountRule

from . import refusals
from .route import Reply
from .texts import VARY, Speech

MEDIA: Final = b"application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, for programs and for people (RFC 9457). `code` is permanent; `retryable` says that the same request
    may succeed later. `instance` is the request id, by which the shop's logs know this very answer.

    Facts are there where they are known: `lines` with what is available, `cart` as it is now, `field` or `path` that was
    refused and the `reason`, `retry_after` in seconds, the amounts that the method `takes`.
    """

    type: str
    title: str
    status: int
    detail: str | UnsetType = UNSET
    instance: str
    code: str
    retryable: bool
    lines: tuple[LineProblem, ...] | UnsetType = UNSET
    cart: PricedCart | UnsetType = UNSET
    field: str | UnsetType = UNSET
    path: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    retry_after: int | UnsetType = UNSET
    takes: tuple[AmountRule, ...] | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Row:
    """How an error is answered: the status, a short title, and one or two sentences for its page."""

    status: int
    title: str
    explanation: str


HIDDEN: Final = Row(500, "Something went wrong", "A defect of the shop. It was logged under the request id.")
"""For what no client should ever see: nothing of it is told."""

TABLE: Final[dict[type[KassaError], Row]] = {
    KassaError: HIDDEN,
    # values
    errors.InvalidValue: Row(422, "A value cannot be", "The request is well-formed, but `field` cannot be what it says."),
    errors.InvalidMoney: Row(422, "Not an amount of money", "The currency is not in ISO 4217, or the amount cannot be."),
    errors.CurrencyMismatch: Row(422, "Wrong currency", "This shop sells in one currency, and it is another one."),
    # machinery
    errors.Unavailable: Row(503, "Not available just now", "A part the shop needs is away. Try again after `Retry-After`."),
    errors.Busy: Row(503, "Too busy just now", "Nothing was done. Try again after `Retry-After` seconds."),
    errors.Conflict: Row(409, "Somebody was faster", "What this was decided on has changed. Read again, then try again."),
    errors.SchemaBehind: HIDDEN,
    errors.SettingRefused: HIDDEN,
    errors.PluginRefused: HIDDEN,
    errors.TooManyAttempts: Row(429, "Too many attempts", "Wait for `Retry-After` seconds."),
    # identity
    errors.NotAuthenticated: Row(401, "Not logged in", "There is no session, or it has ended. Log in."),
    errors.LoginRefused: Row(401, "Log-in refused", "Address and password do not belong to an account that may log in."),
    errors.Forbidden: Row(403, "Not allowed", "This needs another role."),
    errors.EmailTaken: HIDDEN,
    errors.UnknownAccount: Row(404, "No such account", "There is no account with this id."),
    errors.PasswordRefused: Row(422, "Password refused", "The new password is too short, too long or too common."),
    # shop
    errors.UnknownProduct: Row(404, "No such product", "There is no such product, or it is not for sale."),
    errors.SkuTaken: Row(409, "SKU taken", "Another product has this SKU."),
    errors.CartChanged: Row(
        409, "The cart has changed", "It is not at the version you saw; `cart` is the current one. With If-Match: 412."
    ),
    errors.CartEmpty: Row(409, "The cart is empty", "There is nothing to check out."),
    errors.CartFull: Row(409, "The cart is full", "A cart holds a bounded number of different products."),
    errors.LinesRefused: Row(409, "Some lines cannot be had", "Nothing was changed; `lines` tells why, one by one."),
    errors.OutOfStock: Row(409, "Out of stock", "Nothing was changed; `lines` tells what is available."),
    errors.PriceChanged: Row(409, "The price has changed", "Nothing was changed; look at the cart again and confirm."),
    errors.UnknownOrder: Row(404, "No such order", "There is no such order of yours."),
    errors.OrderNotCancelable: Row(409, "The order cannot be canceled", "It is paid, or it has ended already."),
    # idempotency
    errors.KeyReused: Row(422, "Idempotency key reused", "This key was used for another request. Nothing was done."),
    errors.KeyInUse: Row(409, "Still running", "A request with this idempotency key is still running. Ask again."),
    errors.AlreadyClaimed: HIDDEN,
    # payment
    errors.UnknownPayment: Row(404, "No such payment", "There is no such payment of yours."),
    errors.NoReceipt: Row(404, "No receipt yet", "Nothing has been paid on this payment."),
    errors.UnknownMethod: Row(422, "No such payment method", "It is not offered, not well just now, or does not fit."),
    errors.NothingDue: Row(409, "Nothing is due", "The invoice is paid, or its order has ended."),
    errors.PaymentInDoubt: Row(
        409, "A payment is in doubt", "Money may have moved and it is not known yet. The shop is asking: try again soon."
    ),
    errors.PaymentLive: Row(409, "A payment is under way", "It cannot be canceled from here. Finish it, or wait."),
    errors.ReferenceTaken: HIDDEN,
    errors.NoReferenceLeft: Row(
        503, "No number is free", "Every number or amount of this method is another payment's. Try again, or another method."
    ),
    errors.PaymentNotCancelable: Row(409, "The payment cannot be canceled", "It is not in a state that allows it."),
    errors.AmountRefused: Row(422, "Amount refused", "It is outside what can be taken, or more than is left."),
    errors.NotCapable: Row(409, "The method cannot do this", "This payment method does not offer what was asked."),
    errors.EvidenceRefused: Row(422, "Evidence refused", "It is incomplete, or contradicts what is known."),
    errors.NotInDoubt: Row(409, "Nothing is in doubt", "There is nothing (any more) that evidence could resolve."),
    errors.UnknownSuspense: Row(404, "No such money", "No money is in suspense under this key."),
    errors.UnknownNotice: Row(404, "No such notice", "There is no notice with this id."),
    errors.WebhookRejected: Row(401, "Notice refused", "The sender could not be proved. Nothing was written."),
    errors.UnknownWebhook: Row(404, "No such address", "No payment method listens here."),
    # bank files
    errors.StatementRefused: Row(422, "Statement refused", "It cannot be read whole; `path` says where, `reason` why."),
    errors.UnknownStatement: Row(404, "No such statement", "No imported statement has this id."),
    errors.UnknownLine: Row(404, "No such line", "No line of an imported statement has this id."),
    # outgoing webhooks
    errors.UnknownEndpoint: Row(404, "No such endpoint", "There is no webhook endpoint with this id."),
    errors.UnknownDelivery: Row(404, "No such delivery", "There is no delivery with this id, or it was long ago."),
    errors.EndpointsFull: Row(409, "Too many endpoints", "A shop has at most twenty. Delete one that is not used."),
    payment.NotSent: HIDDEN,
    provider_json.ProviderUnclear: HIDDEN,
    payment.ReplyLost: HIDDEN,
    # the wire
    refusals.Malformed: Row(400, "Malformed request", "It cannot be read as what this address takes; see `detail`, `path`."),
    refusals.UnsupportedContent: Row(415, "Unsupported content", "Send one of this address's types (JSON), not encoded."),
    refusals.BodyTooLarge: Row(413, "Body too large", "The body has more bytes than this address takes."),
    refusals.BodyTooSlow: Row(408, "Body too slow", "The body did not arrive in time."),
    refusals.CardNumberRefused: Row(
        422, "Looks like a card number", "Card numbers are given to the payment provider alone, never to the shop."
    ),
    refusals.NoSuchPage: Row(404, "Not found", "Nothing is at this address."),
    refusals.MethodRefused: Row(405, "Method not allowed", "The address does not take this method; see `Allow`."),
    refusals.TwoCredentials: Row(400, "Two credentials", "Send a bearer token or the cookie, once, not both."),
    refusals.OriginRefused: Row(403, "Origin refused", "With the session cookie, writes come from the shop's own pages."),
    refusals.KeyRequired: Row(400, "Idempotency-Key required", "A fresh random key for each new wish, the same to repeat it."),
    refusals.KeyMalformed: Row(400, "Idempotency-Key malformed", "1 to 255 visible ASCII characters, once."),
    refusals.KeyNotWelcome: Row(400, "Idempotency-Key refused", "The answers of this address are secrets and are not kept."),
    refusals.Stale: Row(412, "No longer current", "What If-Match names has changed since. Read again."),
    refusals.DeadlineOver: Row(503, "Took too long", "What was begun goes on. Repeat with the same Idempotency-Key."),
}  # fmt: skip
CART_STALE: Final = Row(
    412, "The cart has changed", "It is not at the version If-Match names; `cart` is the current one."
)


def row_of(kind: type[KassaError]) -> Row:
    """The row of the nearest ancestor in the table."""
    return next(TABLE[ancestor] for ancestor in kind.__mro__ if ancestor in TABLE)


def answer(
    error: KassaError,
    instance: str,
    speech: Speech | None = None,
    *,
    if_match: bool = False,
    cart: PricedCart | None = None,
) -> Reply:
    """The problem of `error`, its title in the language of `speech`. `cart` is the current one, priced, for a `CartChanged`."""
    row = row_of(type(error))
    if row is HIDDEN:
        return internal(instance)
    if if_match and isinstance(error, errors.CartChanged):
        row = CART_STALE
    title = speech.words.problem.get(error.code) if speech else None
    problem = Problem(
        type=f"/problems/{error.code}",
        title=title or row.title,
        status=row.status,
        detail=_detail(error) or row.explanation,
        instance=instance,
        code=error.code,
        retryable=error.retryable,
        lines=getattr(error, "lines", UNSET),
        cart=cart or UNSET,
        field=getattr(error, "field", UNSET),
        path=getattr(error, "path", None) or UNSET,
        reason=getattr(error, "reason", UNSET),
        retry_after=_retry_after(error),
        takes=getattr(error, "takes", ()) or UNSET,
    )
    answered = reply(problem)
    if speech:  # details are for those who program, in English
        language = f"{speech.words.language}, en" if title else "en"
        answered.headers.extend([(b"content-language", language.encode()), VARY])
    return answered


def internal(instance: str) -> Reply:
    """The answer to a defect: nothing but the request id, by which the log knows it."""
    return reply(
        Problem(
            type="/problems/internal",
            title=HIDDEN.title,
            status=500,
            instance=instance,
            code="internal",
            retryable=False,
        )
    )


def reply(problem: Problem) -> Reply:
    """A problem as an answer, with the headers that its status asks for (RFC 9110 §11.6.1, §10.2.3)."""
    headers = [(b"content-type", MEDIA)]
    if problem.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="kassa"'))
    if isinstance(problem.retry_after, int):
        headers.append((b"retry-after", b"%d" % problem.retry_after))
    return Reply(problem.status, msgspec.json.encode(problem), headers)


def _detail(error: KassaError) -> str | None:
    match error:
        case refusals.Malformed(detail=text):
            found = text
        case errors.InvalidValue():
            found = str(error)
        case (
            errors.PasswordRefused(reason=text)
            | errors.AmountRefused(reason=text)
            | errors.EvidenceRefused(reason=text)
            | errors.StatementRefused(reason=text)
        ):
            found = text
        case errors.CurrencyMismatch() | errors.OrderNotCancelable() | refusals.BodyTooLarge():
            found = str(error)
        case _:
            return None
    return found


def _retry_after(error: KassaError) -> int | UnsetType:
    match error:
        case errors.TooManyAttempts() | errors.Unavailable():
            return max(1, error.retry_after_s)
        case errors.KeyInUse() | errors.PaymentInDoubt() | refusals.DeadlineOver():
            return 1
        case _:
            return UNSET
