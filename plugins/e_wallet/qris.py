"""QRIS, Indonesia's payment QR code: read, checked, and refused where it is not what was asked for.

Source: EMV QR Code Specification for Payment Systems, Merchant-Presented Mode, 1.1 §3 and §4; QRIS profiles it with the currency
360 and the country ID. Lengths count characters, the checksum counts UTF-8 bytes.
"""

import re
from typing import Final

from msgspec import Struct

from kassa.ports.errors import InvalidMoney, KassaError
from kassa.ports.money import Money, parse_decimal

MAX_LENGTH: Final = 512
_DIGITS: Final = re.compile(r"[0-9]{4}")
_AMOUNT: Final = re.compile(r"([0-9]{1,13})(\.[0-9]{0,11})?")
_CHECKSUM: Final = re.compile(r"6304[0-9A-F]{4}")
_ACCOUNTS: Final = tuple(f"{number:02}" for number in range(2, 52))
_TEMPLATES: Final = (*(f"{number:02}" for number in range(26, 52)), "62", "64")
_MANDATORY: Final = ("52", "53", "58", "59", "60")
_TIPS: Final = ("55", "56", "57")
_RUPIAH: Final = "360"


class QrRefused(KassaError):
    """The text is no payment code, or not for this payment. The message says which rule it breaks, and nothing of the text."""

    code = "qr_refused"


class PaymentCode(Struct, frozen=True):
    """What a merchant-presented code says: every data object by its id, and those within the templates 26 to 51, 62 and 64."""

    objects: dict[str, str]
    templates: dict[str, dict[str, str]]

    @property
    def merchant(self) -> str:
        """Who is paid, as the customer's app shows it."""
        return self.objects["59"]


def checksum(text: str) -> str:
    """CRC-16/CCITT-FALSE of the UTF-8 bytes, as four upper-case hexadecimal digits (§4.7.3, ISO/IEC 13239)."""
    crc = 0xFFFF
    for byte in text.encode():
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return f"{crc:04X}"


def parsed(text: str) -> PaymentCode:
    """The code in `text`, whole and with a checksum that fits. Raises `QrRefused`, nothing else."""
    if len(text) > MAX_LENGTH or not text.isprintable():  # a lone surrogate is not printable either
        raise QrRefused("too long, or with characters that no code has")
    if _CHECKSUM.fullmatch(text[-8:]) is None or text[-4:] != checksum(text[:-4]):
        raise QrRefused("its checksum does not fit")
    objects = _objects(text)
    if next(iter(objects)) != "00" or objects["00"] != "01" or [*objects][-1] != "63":
        raise QrRefused("it does not begin and end as a code does")
    if not objects.keys() >= {*_MANDATORY} or not objects.keys() & {*_ACCOUNTS}:
        raise QrRefused("something mandatory is missing")
    templates = {id: _objects(objects[id]) for id in _TEMPLATES if id in objects}
    if any("00" not in inner for id, inner in templates.items() if id in _ACCOUNTS):
        raise QrRefused("an account of nobody's scheme")
    return PaymentCode(objects=objects, templates=templates)


def payable(text: str, amount: Money) -> str:
    """`text` itself, if paying it pays exactly `amount` in Indonesia. Raises `QrRefused`."""
    objects = parsed(text).objects
    if amount.currency != "IDR" or objects["53"] != _RUPIAH or objects["58"] != "ID":
        raise QrRefused("not for rupiah in Indonesia")
    if objects.get("01", "12") != "12":
        raise QrRefused("a code that can be paid again and again")
    if any(id in objects for id in _TIPS):
        raise QrRefused("it adds a tip or a fee to what was asked")
    if _amount(objects.get("54", "")) != amount:
        raise QrRefused("for another amount than was asked")
    return text


def _objects(text: str) -> dict[str, str]:
    """Two digits of id, two of length, and a value of so many characters, again and again, each id once."""
    found: dict[str, str] = {}
    while text:
        head = text[:4]
        if _DIGITS.fullmatch(head) is None:
            raise QrRefused("an id or a length that is no number")
        id, length = head[:2], int(head[2:])
        value, text = text[4 : 4 + length], text[4 + length :]
        if len(value) != length or not length:
            raise QrRefused("a length that does not fit")
        if id in found:
            raise QrRefused("something is said twice")
        found[id] = value
    return found


def _amount(text: str) -> Money | None:
    """Object 54 as rupiah; None where it is not one whole amount. A decimal mark may stand at the end (§4.7.6)."""
    if len(text) > 13 or _AMOUNT.fullmatch(text) is None:
        return None
    try:
        return parse_decimal(text.removesuffix("."), "IDR")
    except InvalidMoney:
        return None
