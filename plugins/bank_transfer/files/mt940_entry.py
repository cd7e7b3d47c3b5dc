"""One entry of an MT940 statement (`:61:` with its `:86:`), read twice: strictly here, and by the library `mt-940`.

The library knows banks' dialects and forgives much; it also guesses. What decides about money (direction, amount) is read here to
the letter of the field, and an entry that the library reads otherwise is refused.
"""

import datetime
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import mt940

from .draft import clean
from .mt940_fields import Field
from .refused import Refused

_HEAD = re.compile(
    r"(?P<date>[0-9]{6})(?P<entry>[0-9]{4}|[ ]{4})?(?P<mark>[RE]?[CD])(?P<funds>[A-Z])?[\n ]?"
    r"(?P<whole>[0-9]{1,15})(?:(?P<comma>,)(?P<part>[0-9]{0,6}))?(?=[A-Z\n]|\Z)"
)
STRUCTURED = re.compile(r"[0-9]{3}\?[0-9]{2}")
"""How a `:86:` of subfields begins: with the code of the business transaction."""
_QUIET = 100  # above CRITICAL: the library logs what it cannot read, and that is somebody's bank statement


class Head(NamedTuple):
    """What decides about money: `mark` is C, D, RC, RD, EC or ED; `amount` a plain decimal; `funds` a letter of the currency;
    `comma` whether the amount has the comma that it must have."""

    mark: str
    funds: str
    amount: str
    comma: bool


def head(field: Field) -> Head:
    """The beginning of a `:61:`, to the letter. Raises `Refused`."""
    found = _HEAD.match(field.value)
    if found is None:
        raise Refused(f"line {field.line}", f"this is no entry: {clean(field.value, 60)!r}")
    return Head(found["mark"], found["funds"] or "", f"{found['whole']}.{found['part'] or '0'}", bool(found["comma"]))


def by_library(field: Field, details: str, currency: str, read: Head) -> Mapping[str, Any]:
    """The entry as the library reads it. Raises `Refused` where it cannot, or reads another amount or direction."""
    opening = f":60F:C000101{currency}0,\n"
    for kind in _kinds():
        found = _parsed(f"{opening}:61:{_untagged(field.value)}", kind)
        if len(found) == 1 and _signed(found[0]) == _expected(read):
            return {**_explained(details, opening), **found[0]}
    raise Refused(f"line {field.line}", f"this entry cannot be read for certain: {clean(field.value, 60)!r}")


def day(entry: Mapping[str, Any]) -> str | None:
    """The booking day, or the value day where there is no other."""
    found = entry.get("entry_date") or entry.get("date")
    return found.isoformat() if isinstance(found, datetime.date) else None


def _explained(details: str, opening: str) -> Mapping[str, Any]:
    """What the library finds in a structured `:86:`, told behind an entry that holds nothing else."""
    if not STRUCTURED.match("".join(details.split("\n")).strip()):
        return {}
    found = _parsed(f"{opening}:61:000101C1,NTRFNONREF\n:86:{_untagged(details)}", _kinds()[0])
    return {key: value for key, value in found[0].items() if value is not None} if len(found) == 1 else {}


def _untagged(value: str) -> str:
    """No line in a field begins another field: that has been decided."""
    return value.replace("\n:", "\n :")


def _parsed(text: str, kind: Any) -> list[dict[str, Any]]:
    """What the library makes of it; nothing where it gives up, in any of its ways."""
    whole = mt940.models.Transactions(tags={61: kind}, options=_options())
    try:
        return [transaction.data for transaction in whole.parse(text)]
    except (RuntimeError, ValueError, ArithmeticError, TypeError, LookupError, AttributeError):
        return []


def _signed(entry: Mapping[str, Any]) -> Decimal | None:
    amount = getattr(entry.get("amount"), "amount", None)
    return amount if isinstance(amount, Decimal) else None


def _expected(read: Head) -> Decimal:
    """C comes in, D goes out; a reversed (R) one the other way; an expected one (E) never gets here."""
    return Decimal(read.amount) * (1 if read.mark in ("C", "RD") else -1)


@cache
def _options() -> Any:
    return mt940.Options.all()


@cache
def _kinds() -> tuple[Any, ...]:
    """The library's dialects of `:61:`, the standard first."""
    import logging

    logging.getLogger("mt940").setLevel(_QUIET)
    return (mt940.tags.Statement(), mt940.tags.StatementGLS(), mt940.tags.StatementASNB())
