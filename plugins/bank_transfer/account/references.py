"""References that a customer can type, and that are known again on a statement. Pure: the same payment, the same reference."""

import base64
import hashlib
import re

from stdnum import iso11649
from stdnum.iso7064 import mod_97_10

from .config import VirtualAccount

MAX_BODY = 21
"""Characters after `RF` and its check digits (ISO 11649)."""
_PLAIN = re.compile(r"[A-Za-z0-9]{1,21}\Z")


def creditor_reference(merchant_ref: str) -> str:
    """The ISO 11649 creditor reference of a payment, as machines write it.

    Its body is the merchant_ref without hyphens, or, where that is too long or holds something else, 105 bits of its SHA-256 in
    base 32. Two of the shop's merchant_refs never give one reference.
    """
    body = merchant_ref.replace("-", "").upper()
    if not _PLAIN.match(body):
        body = base64.b32encode(hashlib.sha256(merchant_ref.encode()).digest()).decode()[:MAX_BODY]
    return iso11649.validate(f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}")


def printed_reference(reference: str) -> str:
    """A creditor reference as it is printed: groups of four."""
    return iso11649.format(reference)


def virtual_number(told: VirtualAccount, reserved: int) -> str:
    """The account number that this payment alone is paid to."""
    return f"{told.prefix}{reserved:0{told.digits}d}"
