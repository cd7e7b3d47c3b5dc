"""Bank accounts as payment methods: what a bank's file says, what must be unique among open payments, what is paid out.

A plugin reads files and writes them; it matches nothing. Whose money a line is, is decided by the shop, which knows its payments.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from kassa.ports.money import Money
from kassa.ports.values import Value

MAX_LINES = 20_000
"""A file with more lines is refused whole."""
Day: TypeAlias = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}\Z")]
"""A bank's booking day, ISO 8601: banks know no hour and no time zone."""

# --- what must be unique among open payments -----------------------------------------------------------------


class Reserving(Value, frozen=True, kw_only=True):
    """What a configured method needs to be unique for each of its payments, drawn and kept by the shop: `number` is any number
    from `first` to `last` (a virtual account); `amount` is one too, in steps of `step` minor units, taken *off* the amount, so
    that the amount itself is unique among open payments (*kode unik*; the shop forgives the difference): `StartRequest.amount`
    has it off already. It is handed over as `StartRequest.reserved`, and given to nobody else before `quarantine_s` seconds
    after the payment's expiry."""

    what: Literal["number", "amount"]
    first: Annotated[int, Meta(ge=0)]
    last: Annotated[int, Meta(ge=0, le=10**15)]
    step: Annotated[int, Meta(ge=1)] = 1
    quarantine_s: Annotated[int, Meta(ge=0, le=10 * 366 * 86_400)] = 90 * 86_400


# --- what a bank's file says ---------------------------------------------------------------------------------


class BankReference(Value, frozen=True, kw_only=True):
    """Something in a line that may name a payment, as the bank wrote it, spaces removed: a virtual account number; an ISO 11649
    creditor reference (`rf`); the end-to-end id of a transfer of our own (`end_to_end`)."""

    kind: Literal["virtual_account", "rf", "end_to_end"]
    value: Annotated[str, Meta(min_length=1, max_length=100)]


class BankLine(Value, frozen=True, kw_only=True):
    """One transfer on the account. `amount` is positive; `direction` says which way it went.

    `id` is the bank's own reference of this entry (with the number of the transaction in it, where one entry holds several), else
    `h-` and a digest of all that the line says with an ordinal among identical lines of the file: the same transfer has the same
    id in every file that tells of it. `place` is where it stands, for people ("line 14", "statement 1, entry 3").

    `doubt`, where it is not empty, is why it must not count by itself (parts that do not sum to the entry, a part without an
    amount, another currency): a person decides. A line that is not booked yet is no line: see `BankFile.left_out`.
    """

    id: Annotated[str, Meta(min_length=1, max_length=140)]
    place: Annotated[str, Meta(max_length=100)]
    direction: Literal["credit", "debit"]
    amount: Money
    booked_on: Day | None = None
    doubt: Annotated[str, Meta(max_length=300)] = ""
    counterparty: Annotated[str, Meta(max_length=140)] = ""
    account: Annotated[str, Meta(max_length=50)] = ""
    text: Annotated[str, Meta(max_length=1000)] = ""
    references: Annotated[tuple[BankReference, ...], Meta(max_length=50)] = ()


class LeftOut(Value, frozen=True, kw_only=True):
    """Something in the file that is no money on the account (an entry not booked yet, an information), and why."""

    place: Annotated[str, Meta(max_length=100)]
    reason: Annotated[str, Meta(max_length=300)]


class BankFile(Value, frozen=True, kw_only=True):
    """A bank's file, read whole. `account` is the shop's account that it tells of, empty where it does not say."""

    account: Annotated[str, Meta(max_length=50)]
    lines: Annotated[tuple[BankLine, ...], Meta(max_length=MAX_LINES)]
    left_out: Annotated[tuple[LeftOut, ...], Meta(max_length=MAX_LINES)] = ()


class Unreadable(Value, frozen=True, kw_only=True):
    """A file that cannot be read whole: half a statement is worse than none. `place` as in a line ("line 14, column 3")."""

    place: Annotated[str, Meta(max_length=100)]
    reason: Annotated[str, Meta(max_length=300)]


# --- what is paid out ----------------------------------------------------------------------------------------


class Payout(Value, frozen=True, kw_only=True):
    """A refund for the shop's bank to carry out. `end_to_end` comes back in the debit line that proves it (at most 35 characters,
    ISO 20022 `Max35Text`); `account` is where the money came from."""

    end_to_end: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,35}\Z")]
    amount: Money
    name: Annotated[str, Meta(min_length=1, max_length=70)]
    account: Annotated[str, Meta(min_length=1, max_length=50)]
    text: Annotated[str, Meta(max_length=140)]


class PayoutFile(Value, frozen=True, kw_only=True):
    """An order for the bank, to be uploaded there by a person: `name` is a file name."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,100}\Z")]
    content_type: str
    data: bytes
