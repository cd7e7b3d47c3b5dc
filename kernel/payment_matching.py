"""Whose money a line of a bank statement is, and why that is thought. Pure: a line, and what is known, give a match or none.

The kinds are tried in the order of `MatchKind`; the first that names anybody decides. A line that names payments of two invoices
belongs to neither by itself: a person divides it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from kassa.kernel.payment_typing import is_nearly_in
from kassa.ports.bank_desk import MatchKind
from kassa.ports.bank_files import OpenBill
from kassa.ports.banking import BankLine
from kassa.ports.ids import AccountId, InvoiceId, PaymentId
from kassa.ports.values import Value

_CREDITOR_REFERENCE: Final = re.compile(r"RF\d{2}[A-Z0-9]{1,21}")
"""ISO 11649."""
_SHORTEST_REFERENCE: Final = 9
"""A creditor reference shorter than this is not looked for inside a text: it may stand there by chance."""
_NOT_PLAIN: Final = re.compile(r"[^A-Z0-9]+")
_INVOICE: Final = re.compile(r"(?=KS([0-9A-Z]{4})([0-9A-Z]{4})([0-9A-Z]))")
_READ_AS: Final = str.maketrans("OIL", "011")
"""Crockford's base 32 has no O, I and L: whoever writes one means a digit."""
MOST_NAMED: Final = 10
MOST_REFERENCES: Final = 100
"""What looks like a number of ours in one line; banks write long digits for many reasons."""


class Match(Value, frozen=True, kw_only=True):
    """How a line was recognised. `bills` are the payments it names, one of each invoice; with more than one it names none for
    certain."""

    kind: MatchKind
    bills: tuple[OpenBill, ...]
    reason: str

    @property
    def payments(self) -> tuple[PaymentId, ...]:
        """The ids of the payments it names."""
        return tuple(bill.payment_id for bill in self.bills)


class Known(Value, frozen=True, kw_only=True):
    """What lines are matched with: payments of the method (open, lately ended, or named by the lines); whose the amounts are that
    are given to one payment alone (minor units); which customers paid from an account before."""

    bills: tuple[OpenBill, ...]
    amounts: Mapping[int, PaymentId]
    payers: Mapping[str, frozenset[AccountId]]


def matched(line: BankLine, known: Known) -> Match | None:
    """The first kind of recognition that names a payment in the line's currency."""
    bills = [bill for bill in known.bills if bill.due.currency == line.amount.currency]
    text = plain(line.text)
    found = _numbers(line, text, bills)
    return (
        found
        or _nearly(text, bills)
        or _by_amount(line, bills, known.amounts)
        or _by_payer(line, bills, known.payers.get(line.account, frozenset()))
    )


def is_foreign(line: BankLine, known: Known) -> bool:
    """Whether the line names a payment, but in another currency than that is in."""
    others = [bill for bill in known.bills if bill.due.currency != line.amount.currency]
    return bool(others) and _numbers(line, plain(line.text), others) is not None


def plain(text: str) -> str:
    """A text as it is searched: capitals and digits, and nothing between them."""
    return _NOT_PLAIN.sub("", text.upper())


def references_in(line: BankLine) -> tuple[str, ...]:
    """What of the line may be a payment's own reference."""
    told = [one.value for one in line.references if one.kind in ("virtual_account", "rf")]
    written = _CREDITOR_REFERENCE.findall(line.text.upper())
    return tuple(dict.fromkeys((*map(plain, told), *told, *written)))[:MOST_REFERENCES]


def invoices_in(line: BankLine) -> tuple[InvoiceId, ...]:
    """What of the line's text may be an invoice number."""
    found = _INVOICE.findall(_as_read(plain(line.text)))
    return tuple(dict.fromkeys(f"KS-{first}-{second}-{check}" for first, second, check in found))[:MOST_NAMED]


# --- by a number ------------------------------------------------------------------------------------------------


def _numbers(line: BankLine, text: str, bills: list[OpenBill]) -> Match | None:
    """By virtual account, creditor reference, invoice number; a contradiction between them is a doubt."""
    found = [match for match in (_account(line, bills), _creditor(line, text, bills), _invoice(text, bills)) if match]
    if len(found) < 2:
        return found[0] if found else None
    named = {bill.invoice_id: bill for match in reversed(found) for bill in match.bills}
    first = found[0]
    if len(named) == len(first.bills):
        return first
    bills_named = tuple(sorted(named.values(), key=lambda bill: bill.payment_id))
    return Match(kind=first.kind, bills=bills_named, reason=f"it names {_several(bills_named)}")


def _account(line: BankLine, bills: list[OpenBill]) -> Match | None:
    numbers = {plain(one.value) for one in line.references if one.kind == "virtual_account"}
    chosen = _chosen(bill for bill in bills if bill.provider_ref is not None and plain(bill.provider_ref) in numbers)
    return _match("virtual_account", chosen, "sent to the virtual account of {}")


def _creditor(line: BankLine, text: str, bills: list[OpenBill]) -> Match | None:
    told = {plain(one.value) for one in line.references if one.kind == "rf"}
    owned = [(plain(bill.provider_ref), bill) for bill in bills if bill.provider_ref is not None]
    chosen = _chosen(bill for reference, bill in owned if reference in told)
    if not chosen:
        chosen = _chosen(bill for reference, bill in owned if _is_written(reference, text))
    return _match("rf", chosen, "the creditor reference is that of {}")


def _is_written(reference: str, text: str) -> bool:
    is_one = len(reference) >= _SHORTEST_REFERENCE and _CREDITOR_REFERENCE.fullmatch(reference) is not None
    return is_one and reference in text


def _invoice(text: str, bills: list[OpenBill]) -> Match | None:
    read = _as_read(text)
    chosen = _chosen(bill for bill in bills if _as_read(plain(bill.invoice_id)) in read) if read else ()
    return _match("invoice", chosen, "the text has the invoice number of {}")


def _nearly(text: str, bills: list[OpenBill]) -> Match | None:
    read = _as_read(text)
    near = _chosen(bill for bill in bills if bill.is_live and is_nearly_in(_as_read(plain(bill.invoice_id)), read))
    if len(near) != 1:
        return None
    return _match(
        "invoice_nearly", near, "the text is one slip of the pen from the invoice number of {}, and of no other"
    )


# --- by what a customer does ------------------------------------------------------------------------------------


def _by_amount(line: BankLine, bills: list[OpenBill], amounts: Mapping[int, PaymentId]) -> Match | None:
    owner = amounts.get(line.amount.amount)
    chosen = _chosen(bill for bill in bills if bill.payment_id == owner)
    return _match("amount", chosen, "the amount was given to {} alone")


def _by_payer(line: BankLine, bills: list[OpenBill], customers: frozenset[AccountId]) -> Match | None:
    mine = _chosen(b for b in bills if b.is_live and b.customer_id in customers and line.amount in (b.due, b.shown))
    if len(mine) != 1:
        return None
    return _match("payer", mine, "a customer who paid from this account before owes exactly this for {}")


# --- together ---------------------------------------------------------------------------------------------------


def _chosen(bills: Iterable[OpenBill]) -> tuple[OpenBill, ...]:
    """One payment of each invoice: the live one, else the newest."""
    best: dict[InvoiceId, OpenBill] = {}
    for bill in bills:
        rival = best.get(bill.invoice_id)
        if rival is None or (bill.is_live, bill.payment_id) > (rival.is_live, rival.payment_id):
            best[bill.invoice_id] = bill
    return tuple(sorted(best.values(), key=lambda bill: bill.payment_id))


def _match(kind: MatchKind, bills: tuple[OpenBill, ...], reason: str) -> Match | None:
    if not bills:
        return None
    if len(bills) > 1:
        return Match(kind=kind, bills=bills, reason=f"it names {_several(bills)}")
    return Match(kind=kind, bills=bills, reason=reason.format(f"invoice {bills[0].invoice_id}"))


def _several(bills: tuple[OpenBill, ...]) -> str:
    names = ", ".join(bill.invoice_id for bill in bills[:MOST_NAMED])
    return f"{len(bills)} invoices: {names}"


def _as_read(text: str) -> str:
    return text.translate(_READ_AS)
