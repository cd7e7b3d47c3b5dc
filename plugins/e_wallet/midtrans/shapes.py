"""What Midtrans writes, and what it means here.

Every answer has `status_code`, a text of three digits, and that is what counts: HTTP may say 200 to a refusal. Unknown fields are
tolerated, amounts are texts in whole rupiah with two decimals, times are those of Jakarta (GMT+7).
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Final

from msgspec import Meta, Struct

from kassa.ports.errors import InvalidMoney
from kassa.ports.money import Money, parse_decimal
from kassa.ports.payment import Movement, MovementState, ProviderStatus, Reference, Report
from kassa.ports.provider_json import ProviderUnclear

JAKARTA: Final = timezone(timedelta(hours=7))
_TIME: Final = "%Y-%m-%d %H:%M:%S"
Code = Annotated[str, Meta(pattern=r"^[1-9][0-9]{2}\Z")]
Word = Annotated[str, Meta(max_length=100)]
TransactionId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}\Z")]
"""What may stand in a path: a provider's id never leads to another address."""


RefundId = Annotated[int, Meta(ge=0, le=2**63 - 1)] | Annotated[str, Meta(min_length=1, max_length=100)]


class Action(Struct, frozen=True):
    """Something that can be done with a transaction: `deeplink-redirect` opens the wallet."""

    name: Word
    url: Annotated[str, Meta(max_length=2000)]


class VirtualAccount(Struct, frozen=True):
    """An account number at a bank."""

    bank: Word
    va_number: Annotated[str, Meta(pattern=r"^[0-9]{4,40}\Z")]


class Refund(Struct, frozen=True):
    """One refund of a transaction. `refund_key` is what we called it."""

    refund_chargeback_id: RefundId
    refund_amount: Word
    refund_key: Word = ""
    refund_method: Word | None = None
    bank_confirmed_at: Word | None = None
    created_at: Word | None = None


class Answer(Struct, frozen=True):
    """Any answer: a transaction, a refund of one, or only why nothing was done."""

    status_code: Code
    transaction_id: TransactionId | None = None
    order_id: Word | None = None
    custom_field1: Annotated[str, Meta(max_length=255)] | None = None
    gross_amount: Word | None = None
    currency: Word = "IDR"
    transaction_status: Word | None = None
    fraud_status: Word | None = None
    actions: tuple[Action, ...] = ()
    qr_string: Annotated[str, Meta(max_length=1000)] | None = None
    va_numbers: tuple[VirtualAccount, ...] = ()
    permata_va_number: Annotated[str, Meta(pattern=r"^[0-9]{4,40}\Z")] | None = None
    expiry_time: Word | None = None
    settlement_time: Word | None = None
    refunds: tuple[Refund, ...] = ()
    refund_chargeback_id: RefundId | None = None
    refund_key: Word | None = None


class Transaction(Struct, frozen=True):
    """A transaction that is ours: known to be of the payment that was asked about."""

    id: Reference
    merchant_ref: Reference
    amount: Money
    status: str
    fraud: str
    answer: Answer


STATUSES: Final[dict[str, ProviderStatus]] = {
    "pending": "requires_action",
    "authorize": "authorized",
    "capture": "succeeded",
    "settlement": "succeeded",
    "refund": "succeeded",
    "partial_refund": "succeeded",
    "chargeback": "succeeded",
    "partial_chargeback": "succeeded",
    "deny": "failed",
    "failure": "failed",
    "cancel": "canceled",
    "expire": "expired",
}
"""Every `transaction_status` of the documentation; what is not here was added since, and is pending."""
ENDED: Final = ("deny", "failure", "cancel", "expire")


def of_payment(answer: Answer, merchant_ref: str, transaction_id: str | None) -> Transaction:
    """The transaction in an answer, which must be the one asked about: by Midtrans' own id where it is known, else by ours.

    For some channels the status call tells an order id of its own (DANA, midtrans-php #113): then `custom_field1`, which every
    charge of ours carries, must say whose it is. Raises `ProviderUnclear` for another payment's, and for half a one.
    """
    if answer.transaction_id is None or answer.transaction_status is None or answer.gross_amount is None:
        raise ProviderUnclear("an answer without a transaction")
    if transaction_id is not None:
        is_ours = answer.transaction_id == transaction_id
    else:
        is_ours = merchant_ref in (answer.order_id, answer.custom_field1)
    if not is_ours:
        raise ProviderUnclear("the provider answered about another payment")
    return Transaction(
        id=answer.transaction_id,
        merchant_ref=merchant_ref,
        amount=rupiah(answer.gross_amount, answer.currency),
        status=answer.transaction_status.lower(),  # "PENDING" for some channels
        fraud=(answer.fraud_status or "accept").lower(),
        answer=answer,
    )


def status_of(of: Transaction) -> ProviderStatus:
    """`transaction_status` and `fraud_status` together: what is questioned is not decided, what is denied failed."""
    if of.status == "capture" and of.fraud != "accept":
        return "failed" if of.fraud == "deny" else "pending"
    if of.status in ("pending", "authorize", "settlement") and of.fraud != "accept":
        return "pending"
    return STATUSES.get(of.status, "pending")


def movements_of(of: Transaction) -> tuple[Movement, ...]:
    """All money that moved. A transaction is captured once, so its id is the capture's; a refund has an id of its own."""
    if of.status == "authorize" and of.fraud == "accept":
        return (Movement(kind="auth", id=of.id, state=MovementState.SUCCEEDED, amount=of.amount),)
    if status_of(of) != "succeeded":
        return ()
    paid_at = instant(of.answer.settlement_time)
    found = [Movement(kind="capture", id=of.id, state=MovementState.SUCCEEDED, amount=of.amount, at=paid_at)]
    if of.status == "chargeback":
        found.append(Movement(kind="chargeback", id=of.id, state=MovementState.SUCCEEDED, amount=of.amount))
    elif of.status in ("refund", "partial_refund"):
        found += [_refund(one) for one in of.answer.refunds]
    return tuple(found)


def report(of: Transaction) -> Report:
    """The transaction as it is."""
    status = status_of(of)
    return Report(
        found=True,
        status=status,
        provider_ref=of.id,
        merchant_ref=of.merchant_ref,
        movements=movements_of(of),
        decline_code=of.status if status == "failed" else "",
    )


def rupiah(text: str, currency: str = "IDR") -> Money:
    """An amount as Midtrans writes it, such as `10000.00`. Raises `ProviderUnclear`."""
    try:
        amount = parse_decimal(text, "IDR")
    except InvalidMoney:
        raise ProviderUnclear("an amount that cannot be read") from None
    if currency != "IDR" or amount.amount <= 0:
        raise ProviderUnclear("an amount that is not of rupiah")
    return amount


def instant(text: str | None) -> datetime | None:
    """A time of Jakarta as UTC; None where there is none to be read."""
    try:
        return None if text is None else datetime.strptime(text, _TIME).replace(tzinfo=JAKARTA).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def written(moment: datetime) -> str:
    """A moment as Midtrans reads it."""
    return moment.astimezone(JAKARTA).strftime(f"{_TIME} %z")


def _refund(one: Refund) -> Movement:
    """What an operator asked for in the dashboard (`offline`) is done when the bank has confirmed it; else at once."""
    is_open = one.refund_method == "offline" and one.bank_confirmed_at is None
    return Movement(
        kind="refund",
        id=str(one.refund_chargeback_id),
        state=MovementState.PENDING if is_open else MovementState.SUCCEEDED,
        amount=rupiah(one.refund_amount),
        at=instant(one.created_at),
    )
