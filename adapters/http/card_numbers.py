"""Finds card numbers where none belongs."""

import re

_RUNS = re.compile(r"(?<![0-9])[0-9](?:[ .\-]?[0-9]){12,18}(?![0-9])")
_PREFIX = re.compile(
    r"4"  # Visa
    r"|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"  # Mastercard
    r"|5[06-9]|6[37]"  # Maestro
    r"|3[47]"  # American Express
    r"|3(?:0[0-5]|[689])"  # Diners Club
    r"|35(?:2[89]|[3-8])"  # JCB
    r"|6(?:011|4[4-9]|5)"  # Discover
    r"|62"  # UnionPay
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def holds_card_number(text: str) -> bool:
    """Whether `text` holds 13 to 19 digits, perhaps in groups, with a card scheme's prefix and a valid Luhn digit
    (ISO/IEC 7812-1, annex B). For free text only: one in ten references would pass."""
    if sum(map(str.isdigit, text)) < 13:
        return False
    return any(_is_card(re.sub(r"[^0-9]", "", run)) for run in _RUNS.findall(text))


def _is_card(digits: str) -> bool:
    return _PREFIX.match(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    backwards = [int(digit) for digit in reversed(digits)]
    return (sum(backwards[0::2]) + sum(_DOUBLED[digit] for digit in backwards[1::2])) % 10 == 0
