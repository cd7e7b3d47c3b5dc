"""What in a line may name a payment: RF references (ISO 11649) and runs of digits that may be a virtual account.

All are candidates: the shop compares them exactly with what it has given out. One too few leaves money unnamed; one too many
could be another customer's by chance, so short numbers are not put together out of pieces.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Literal

from stdnum import iso11649

from kassa.ports.banking import BankReference

from .draft import clean

MAX_REFERENCES = 50
_MAX_TEXT = 4_000
_RF = re.compile(r"(?i)RF[ -]?[0-9][ -]?[0-9]")
_RF_MORE = re.compile(r"(?:[ .-]?[A-Za-z0-9]){1,21}")
_CHAIN = re.compile(r"[0-9]+(?:[ .-][0-9]+){0,11}")
_MAX_STARTS = 20
_NOBODY = frozenset({"", "NOTPROVIDED", "NONREF", "NOREF", "NOREFERENCE", "UNKNOWN", "KREF+", "EREF", "NONE", "N/A"})


def provided(value: str) -> bool:
    """Whether a party's name or account says more than ISO 20022's word for none."""
    return "".join(value.split()).upper() not in ("", "NOTPROVIDED")


def named(value: str) -> str:
    """A reference without spaces, empty where it only says that there is none (`NOTPROVIDED`, `NONREF`, zeros)."""
    squeezed = "".join(value.split())
    return "" if squeezed.upper() in _NOBODY or not squeezed.strip("0") else squeezed


def found_in(
    texts: Iterable[str], *, end_to_end: Iterable[str] = (), numbers: Iterable[str] = ()
) -> tuple[BankReference, ...]:
    """The references of a line: `texts` are searched, `numbers` are fields that hold nothing but a reference or an account."""
    own = [clean(one, 100) for one in end_to_end]
    found: dict[tuple[str, str], None] = {("end_to_end", name): None for one in own if (name := named(one))}
    fields = [*numbers, *own]
    whole = [*fields, *texts]
    found.update(dict.fromkeys(("rf", one) for text in whole for one in rf_in(text[:_MAX_TEXT])))
    found.update(dict.fromkeys(("virtual_account", one) for text in whole for one in digits_in(text[:_MAX_TEXT])))
    return tuple(_reference(kind, value) for kind, value in list(found)[:MAX_REFERENCES])


def rf_in(text: str) -> list[str]:
    """Every valid creditor reference that begins somewhere in the text, spaces removed, in capitals; the longest first."""
    found: list[str] = []
    for start in islice(_RF.finditer(text), _MAX_STARTS):
        more = _RF_MORE.match(text, start.end())
        if more is None:
            continue
        head, tail = iso11649.compact(_squeezed(start[0])), _squeezed(more[0])
        found += [head + tail[:length] for length in _fitting(head, tail) if iso11649.is_valid(head + tail[:length])]
    return found


def _fitting(head: str, tail: str) -> list[int]:
    """How much of the tail the check digits in the head can be of, the longest first (ISO 7064 MOD 97-10, letter by letter)."""
    fitting, rest = [], 0
    for length, sign in enumerate(tail, 1):
        rest = int(f"{rest}{int(sign, 36)}") % 97
        if int(f"{rest}2715{head[2:]}") % 97 == 1:
            fitting.append(length)
    return fitting[::-1]


def digits_in(text: str) -> list[str]:
    """Runs of 8 to 24 digits as written; then those that come of leaving out single spaces, points or dashes between groups, of
    10 digits at least where all groups are taken, else of 12: a date, or a piece of a longer number, is nobody's account."""
    chains = [re.split(r"[ .-]", chain) for chain in _CHAIN.findall(text)]
    single = [group for groups in chains for group in groups if len(group) >= 8]
    whole = ["".join(groups) for groups in chains if len(groups) > 1]
    pieces = [
        "".join(groups[a:b]) for groups in chains for a in range(len(groups)) for b in range(a + 2, len(groups) + 1)
    ]
    found = [*single, *(one for one in whole if len(one) >= 10), *(one for one in pieces if len(one) >= 12)]
    return [one for one in dict.fromkeys(found) if len(one) <= 24][:MAX_REFERENCES]


def _squeezed(text: str) -> str:
    return re.sub(r"[ .-]", "", text).upper()


def _reference(kind: str, value: str) -> BankReference:
    kinds: dict[str, Literal["virtual_account", "rf", "end_to_end"]] = {
        "virtual_account": "virtual_account",
        "rf": "rf",
        "end_to_end": "end_to_end",
    }
    return BankReference(kind=kinds[kind], value=value)
