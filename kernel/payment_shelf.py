"""Payments as lines find them: by reference, by invoice number, and by pieces of it. Made once for many lines. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from kassa.kernel.payment_typing import is_nearly_in, parts_of
from kassa.ports.bank_files import OpenBill
from kassa.ports.ids import PaymentId

_NOT_PLAIN: Final = re.compile(r"[^A-Z0-9]+")
_READ_AS: Final = str.maketrans("OIL", "011")
"""Crockford's base 32 has no O, I and L: whoever writes one means a digit."""


def plain(text: str) -> str:
    """A text as it is searched: capitals and digits, and nothing between them."""
    return _NOT_PLAIN.sub("", text.upper())


def as_read(text: str) -> str:
    """A plain text as an invoice number is read in it."""
    return text.translate(_READ_AS)


class Shelf:
    """The payments of one method. A changed one takes its place in a shelf that shares the rest."""

    def __init__(self, bills: Iterable[OpenBill]) -> None:
        self._bills: dict[PaymentId, OpenBill] = {bill.payment_id: bill for bill in bills}
        self._references: dict[str, list[PaymentId]] = {}
        self._invoices: dict[str, list[PaymentId]] = {}
        self._parts: dict[str, list[str]] = {}
        for bill in self._bills.values():
            if bill.provider_ref is not None:
                self._references.setdefault(plain(bill.provider_ref), []).append(bill.payment_id)
            self._invoices.setdefault(as_read(plain(bill.invoice_id)), []).append(bill.payment_id)
        for number in self._invoices:
            for part in parts_of(number):
                self._parts.setdefault(part, []).append(number)
        self._sizes = sorted({len(part) for part in self._parts})

    def with_changed(self, bill: OpenBill) -> "Shelf":
        """With this payment in the place of what it was."""
        other = Shelf.__new__(Shelf)
        other.__dict__.update(self.__dict__)
        other._bills = {**self._bills, bill.payment_id: bill}
        return other

    def all(self) -> tuple[OpenBill, ...]:
        """Every payment."""
        return tuple(self._bills.values())

    def get(self, payment_id: PaymentId | None) -> tuple[OpenBill, ...]:
        """The payment of this id, if it is here."""
        found = self._bills.get(payment_id) if payment_id is not None else None
        return () if found is None else (found,)

    def referred(self, references: Iterable[str]) -> list[OpenBill]:
        """Those with one of these references, plain."""
        return self._named(self._references, references)

    def invoiced(self, text: str) -> list[OpenBill]:
        """Those whose invoice number stands in a text as it is read."""
        return self._named(self._invoices, self._about(text, exactly=True))

    def nearly_invoiced(self, text: str) -> list[OpenBill]:
        """Those whose invoice number stands there but for one slip of the pen."""
        return self._named(self._invoices, self._about(text, exactly=False))

    def _about(self, text: str, *, exactly: bool) -> list[str]:
        """The numbers of which a part stands in the text, and that stand there themselves, or nearly."""
        pieces = {text[at : at + size] for size in self._sizes for at in range(len(text) - size + 1)}
        near = {number for piece in pieces for number in self._parts.get(piece, ())}
        return [number for number in sorted(near) if (number in text if exactly else is_nearly_in(number, text))]

    def _named(self, index: dict[str, list[PaymentId]], names: Iterable[str]) -> list[OpenBill]:
        return [self._bills[payment_id] for name in names for payment_id in index.get(name, ())]
