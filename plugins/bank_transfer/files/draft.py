"""What a reader finds: lines that have no id yet, and the exact reading of texts and amounts that all formats share."""

import re
import unicodedata
from decimal import Decimal
from typing import Literal

import msgspec

from kassa.ports.banking import BankReference, LeftOut
from kassa.ports.errors import InvalidMoney
from kassa.ports.money import Money, exponent
from kassa.ports.values import MAX_INTEGER, Value

_PLAIN = re.compile(r"([0-9]{1,18})(?:\.([0-9]{0,17}))?")


class Draft(Value, frozen=True, kw_only=True):
    """A `BankLine` before its identity: `bank_ref` is the bank's own reference, empty where it has none that may be trusted."""

    place: str
    direction: Literal["credit", "debit"]
    amount: Money
    booked_on: str | None = None
    doubts: tuple[str, ...] = ()
    counterparty: str = ""
    account: str = ""
    text: str = ""
    references: tuple[BankReference, ...] = ()
    bank_ref: str = ""

    def doubted(self, reason: str) -> "Draft":
        """The same line with one more reason why it must not count by itself."""
        return msgspec.structs.replace(self, doubts=(*self.doubts, reason))


class Told(Value, frozen=True, kw_only=True):
    """One statement of a file: `account` is whose it is, empty where the file does not say."""

    account: str
    drafts: tuple[Draft, ...]
    left_out: tuple[LeftOut, ...] = ()


class NotExact(ValueError):
    """An amount that is no whole number of minor units of a currency of ISO 4217."""


def exact(text: str, currency: str) -> Money:
    """Read plain digits with at most one point, such as `8.850`, as minor units. Raises `NotExact`, with a reason for people."""
    found = _PLAIN.fullmatch(text)
    if found is None:
        raise NotExact(f"{clean(text, 40)!r} is not an amount")
    try:
        digits = exponent(currency)
    except InvalidMoney:
        raise NotExact(f"{clean(currency, 10)!r} is not a currency of ISO 4217") from None
    scaled = Decimal(f"{found[1]}.{found[2] or '0'}") * 10**digits
    if scaled != scaled.to_integral_value():
        raise NotExact(f"{text} is not a whole number of minor units of {currency}")
    if scaled > MAX_INTEGER:
        raise NotExact(f"{text} {currency} is more than can be kept")
    return Money(amount=int(scaled), currency=currency)


def clean(text: str, limit: int) -> str:
    """A text as it may be kept and shown: no control characters, single spaces, at most `limit` characters."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())[:limit].strip()
    kept = []
    for sign in text.replace("\u00ad", "-"):
        category = unicodedata.category(sign)
        if category[0] in "CZ":
            kept.append(" " if category in ("Cc", "Zs", "Zl", "Zp") else "")
        else:
            kept.append(sign)
    return " ".join("".join(kept).split())[:limit].strip()
