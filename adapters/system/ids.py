"""Identifiers, from the operating system's source of randomness."""

import random
import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""
_CHECK_MODULUS = 37


class SystemIds:
    """Unguessable values (`secrets`), and jitter that is not one of them (`random`)."""

    def token(self) -> str:
        """256 random bits, 43 URL-safe characters."""
        return secrets.token_urlsafe(32)

    def short_token(self) -> str:
        """128 random bits, 22 URL-safe characters."""
        return secrets.token_urlsafe(16)

    def operation_id(self) -> str:
        """128 random bits, 32 lower-case hexadecimal digits."""
        return secrets.token_hex(16)

    def invoice_id(self) -> str:
        """An invoice id, such as `KS-7F3Q-9MZD-X`.

        Numbers whose check character would be one of Crockford's five extra symbols (`*~$=U`) are never drawn, so that
        every id passes through addresses and bank statements.
        """
        quotient = secrets.randbelow(2**40 // _CHECK_MODULUS)
        return invoice_id(quotient * _CHECK_MODULUS + secrets.randbelow(len(_ALPHABET)))

    def jitter(self) -> float:
        """Evenly from [0, 1)."""
        return random.random()


def invoice_id(number: int) -> str:
    """Write a number below 2^40 whose remainder by 37 is below 32 as an invoice id with its check character.

    Source: Crockford, "Base 32", check symbol = number mod 37.
    """
    digits = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(35, -1, -5))
    return f"KS-{digits[:4]}-{digits[4:]}-{_ALPHABET[number % _CHECK_MODULUS]}"
