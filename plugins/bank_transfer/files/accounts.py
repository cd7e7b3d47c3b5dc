"""Whether two ways of writing an account number mean the same account."""

import re

from kassa.ports.money import EXPONENTS

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}")
_MIN_NUMBER = 7


def plain(account: str) -> str:
    """Letters and digits only, in capitals, without the currency that some banks write behind (`NL81ASNB9999999999EUR`)."""
    written = "".join(sign for sign in account.upper() if sign.isascii() and sign.isalnum())
    return written[:-3] if written[-3:] in EXPONENTS and written[-4:-3].isdigit() else written


def same(one: str, other: str) -> bool:
    """Equal as written, or one is an IBAN that ends in the other: its national number, or bank code and number
    (`51230800/7055`, the number filled up with zeros)."""
    if plain(one) == plain(other):
        return True
    return any(_ends(plain(iban), number) for iban, number in ((one, other), (other, one)))


def _ends(iban: str, number: str) -> bool:
    if not _IBAN.fullmatch(iban) or _IBAN.fullmatch(plain(number)):
        return False
    national = iban[4:]
    bank, slash, rest = number.strip().partition("/")
    if slash:
        return plain(bank) != "" and national == plain(bank) + plain(rest).zfill(len(national) - len(plain(bank)))
    bare = plain(number).lstrip("0")
    return len(bare) >= _MIN_NUMBER and national.endswith(bare)
