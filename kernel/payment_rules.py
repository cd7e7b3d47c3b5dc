"""What may be asked for: the refusals of the payment API. Pure."""

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Raw, Struct

from kassa.kernel.payment_amounts import amount_refused
from kassa.kernel.payment_draft import GRACE_S, due, is_doubtful, is_refunding
from kassa.kernel.payment_fold import is_locally_cancelable
from kassa.kernel.payment_states import capturable, is_resent, refundable
from kassa.kernel.payment_time import later
from kassa.kernel.payment_views import start_in
from kassa.kernel.plugin_guard import GuardedMethod
from kassa.ports.errors import (
    AmountRefused,
    InvalidValue,
    NotCapable,
    NothingDue,
    PaymentInDoubt,
    TooManyAttempts,
    UnknownMethod,
)
from kassa.ports.money import Money
from kassa.ports.payment import Capabilities
from kassa.ports.payment_records import (
    OperationState,
    Payable,
    PayableState,
    Payment,
    PaymentFile,
)
from kassa.ports.values import Instant

MOST_PAYMENTS = 50
"""Attempts to pay one invoice."""


def amount_due(file: PaymentFile) -> Money:
    """What a new payment would collect. Raises `NothingDue`, `PaymentInDoubt` (a part is being refunded), `TooManyAttempts`."""
    amount = due(file)
    if file.payable.state is not PayableState.OPEN or amount.amount <= 0:
        raise NothingDue(file.payable.invoice_id)
    if is_refunding(file):
        raise PaymentInDoubt("money of this order is being refunded: what is due is known when that has ended")
    if len(file.payments) >= MOST_PAYMENTS:
        raise TooManyAttempts(retry_after_s=3600)
    return amount


def offered(method: GuardedMethod | None, amount: Money) -> GuardedMethod:
    """The method, if it is offered for this amount now. Raises `UnknownMethod`, `AmountRefused`."""
    if method is None or not method.is_healthy:
        raise UnknownMethod(method.name if method is not None else "not configured")
    if not method.takes(amount):
        raise amount_refused(method.name, method.amounts, amount)
    return method


def decoded_input(given: Raw, shape: type[Struct]) -> Struct:
    """What the method wants to know, strictly. Raises `InvalidValue` naming the field, never its value."""
    try:
        return msgspec.json.decode(bytes(given) or b"{}", type=shape, strict=True)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise InvalidValue("input" + path.rstrip("`"), reason) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise InvalidValue("input", "is not JSON") from None


def allowed_return(url: str | None, allowed: Iterable[str]) -> str | None:
    """The address to send the customer to, if an allowed prefix holds it: same scheme, host and port, and its path on a
    segment boundary; in ASCII, as a URL is (RFC 3986 §2) and a Location header has to be. Raises `InvalidValue`."""
    if url is None:
        return None
    wanted = _parts(url)
    if wanted is not None and any(_holds(_parts(prefix), wanted) for prefix in allowed):
        return url
    raise InvalidValue("return_url", "not on the shop's list of return addresses")


def _parts(url: str) -> SplitResult | None:
    if "\\" in url or any(ord(c) <= 32 or ord(c) >= 127 for c in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    ok = parts.scheme in ("http", "https") and parts.hostname and parts.username is None and parts.password is None
    return parts if ok and "/../" not in parts.path + "/" and "%2e" not in parts.path.lower() else None


def _holds(prefix: SplitResult | None, wanted: SplitResult) -> bool:
    if prefix is None or (prefix.scheme, prefix.netloc.lower()) != (wanted.scheme, wanted.netloc.lower()):
        return False
    stem = prefix.path.rstrip("/")
    return wanted.path == stem or wanted.path.startswith(stem + "/") or not stem


def live_payment(file: PaymentFile) -> Payment | None:
    """The payment that may still collect money by itself; at most one (rule a)."""
    return next((payment for payment in file.payments if payment.is_live), None)


def can_be_left(file: PaymentFile, payment: Payment) -> bool:
    """Whether a live payment can be canceled locally: only its customer can send money."""
    is_pending = start_in(file, payment.id).state is OperationState.PENDING
    return is_pending and is_locally_cancelable(payment.next_action)


def expiry(payable: Payable, capabilities: Capabilities, now: Instant) -> Instant:
    """How long a payment begun now can be paid: as long as its order, within what the method can."""
    least, most = capabilities.expiry_s
    left_s = (payable.pay_until - now).total_seconds() - GRACE_S
    return later(now, min(max(left_s, least), most))


def refund_amount(file: PaymentFile, payment: Payment, wanted: Money | None, capabilities: Capabilities) -> Money:
    """How much to refund. Raises `NotCapable`, `AmountRefused` (rule c)."""
    ability = capabilities.refund
    if ability == "none":
        raise NotCapable(f"{payment.method} does not refund")
    movements = [k.movement for k in file.movements if k.payment_id == payment.id]
    commands = [o for o in file.operations if o.payment_id == payment.id]
    amount = _within(wanted, refundable(movements, commands), payment, capabilities, "refunded")
    earlier = any(m.kind == "refund" and m.state >= 3 for m in movements)
    if ability == "full" and amount.amount != payment.captured:
        raise NotCapable(f"{payment.method} refunds a payment whole")
    if ability == "partial" and earlier:
        raise NotCapable(f"{payment.method} refunds a payment once")
    return amount


def capture_amount(file: PaymentFile, payment: Payment, wanted: Money | None, capabilities: Capabilities) -> Money:
    """How much to capture. Raises `NotCapable`, `AmountRefused` (rule d)."""
    if not capabilities.auth_capture:
        raise NotCapable(f"{payment.method} takes money at once")
    movements = [k.movement for k in file.movements if k.payment_id == payment.id]
    commands = [o for o in file.operations if o.payment_id == payment.id]
    left = capturable(movements, commands) if payment.is_live else 0
    amount = _within(wanted, left, payment, capabilities, "captured")
    if amount.amount != left and not capabilities.partial_capture:
        raise NotCapable(f"{payment.method} captures a payment whole")
    return amount


def _within(wanted: Money | None, left: int, payment: Payment, capabilities: Capabilities, what: str) -> Money:
    """What is wanted, or all that is left, if the method can move it. Raises `AmountRefused`."""
    amount = wanted or Money(amount=left, currency=payment.nominal.currency)
    if amount.currency != payment.nominal.currency:
        raise AmountRefused(f"the payment is in {payment.nominal.currency}")
    if not 0 < amount.amount <= left:
        raise AmountRefused(f"at most {max(left, 0)} can be {what}")
    rules = [rule for rule in capabilities.amounts if rule.currency in ("*", amount.currency)]
    if rules and all(amount.amount % rule.step for rule in rules):
        raise AmountRefused(f"{payment.method} moves steps of {rules[0].step}")
    return amount


def has_stale_doubt(file: PaymentFile, now: Instant) -> bool:
    """Whether a doubt is old enough that asking may end it: a call still under way is not asked about."""
    return is_doubtful(file) and not any(
        (o.state is OperationState.SENT and o.next_check_at is not None and o.next_check_at > now) or is_resent(o, now)
        for o in file.operations
    )
