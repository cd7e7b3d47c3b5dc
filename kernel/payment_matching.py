"""Whose money a line of a bank statement is, and why that is thought. Pure: a line, and what is known, give a match or none.

The kinds are tried in the order of `MatchKind`; the first that names anybody decides. A line that names payments of two invoices
belongs to neither by itself: a person divides it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from kassa.kernel.payment_shelf import Shelf, as_read, plain
from kassa.ports.bank_desk import MatchKind
from kassa.ports.bank_files import OpenBill
from kassa.ports.banking import BankLine
from kassa.ports.ids import AccountId, InvoiceId, PaymentId
from kassa.ports.values import Value

_CREDITOR_REFERENCE: Final = re.compile(r"RF(?=\d{2}[A-Z0-9])")
"""Where an ISO 11649 reference may begin."""
_SHORTEST_REFERENCE, _LONGEST_REFERENCE = 9, 25
"""A creditor reference shorter than this is not looked for inside a text: it may stand there by chance."""
_INVOICE: Final = re.compile(r"(?=KS([0-9A-Z]{4})([0-9A-Z]{4})([0-9A-Z]))")
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

    bills: Shelf
    amounts: Mapping[int, PaymentId]
    payers: Mapping[str, frozenset[AccountId]]


def matched(line: BankLine, known: Known) -> Match | None:
    """The first kind of recognition that names a payment in the line's currency."""
    text = plain(line.text)
    return (
        _numbers(line, text, known.bills, is_ours=True)
        or _nearly(line, text, known.bills)
        or _by_amount(line, known)
        or _by_payer(line, known)
    )


def is_foreign(line: BankLine, known: Known) -> bool:
    """Whether the line names a payment, but in another currency than that is in."""
    return _numbers(line, plain(line.text), known.bills, is_ours=False) is not None


def references_in(line: BankLine) -> tuple[str, ...]:
    """What of the line may be a payment's own reference."""
    told = [one.value for one in line.references if one.kind in ("virtual_account", "rf")]
    return tuple(dict.fromkeys((*map(plain, told), *told, *_written(plain(line.text)))))[:MOST_REFERENCES]


def invoices_in(line: BankLine) -> tuple[InvoiceId, ...]:
    """What of the line's text may be an invoice number."""
    found = _INVOICE.findall(as_read(plain(line.text)))
    return tuple(dict.fromkeys(f"KS-{first}-{second}-{check}" for first, second, check in found))[:MOST_NAMED]


# --- by a number ------------------------------------------------------------------------------------------------


def _numbers(line: BankLine, text: str, bills: Shelf, *, is_ours: bool) -> Match | None:
    """By virtual account, creditor reference, invoice number, of payments in the line's currency or (not `is_ours`) in others; a
    contradiction between them is a doubt."""

    def chosen(found: Iterable[OpenBill]) -> tuple[OpenBill, ...]:
        return _chosen(bill for bill in found if (bill.due.currency == line.amount.currency) is is_ours)

    accounts = [plain(one.value) for one in line.references if one.kind == "virtual_account"]
    told = [plain(one.value) for one in line.references if one.kind == "rf"]
    matches = (
        _match("virtual_account", chosen(bills.referred(accounts)), "sent to the virtual account of {}"),
        _match("rf", chosen(bills.referred([*told, *_written(text)])), "the creditor reference is that of {}"),
        _match("invoice", chosen(bills.invoiced(as_read(text))), "the text has the invoice number of {}"),
    )
    found = [match for match in matches if match is not None]
    if len(found) < 2:
        return found[0] if found else None
    named = {bill.invoice_id: bill for match in reversed(found) for bill in match.bills}
    first = found[0]
    if len(named) == len(first.bills):
        return first
    bills_named = tuple(sorted(named.values(), key=lambda bill: bill.payment_id))
    return Match(kind=first.kind, bills=bills_named, reason=f"it names {_several(bills_named)}")


def _written(text: str) -> list[str]:
    """What in a plain text may be a creditor reference: where one begins, nobody knows where it ends."""
    begins = [found.start() for found in _CREDITOR_REFERENCE.finditer(text)][:MOST_NAMED]
    lengths = range(_SHORTEST_REFERENCE, _LONGEST_REFERENCE + 1)
    return [text[start : start + length] for start in begins for length in lengths if start + length <= len(text)]


def _nearly(line: BankLine, text: str, bills: Shelf) -> Match | None:
    found = [bill for bill in bills.nearly_invoiced(as_read(text)) if bill.is_live]
    near = _chosen(bill for bill in found if bill.due.currency == line.amount.currency)
    if len(near) != 1:
        return None
    return _match(
        "invoice_nearly", near, "the text is one slip of the pen from the invoice number of {}, and of no other"
    )


# --- by what a customer does ------------------------------------------------------------------------------------


def _by_amount(line: BankLine, known: Known) -> Match | None:
    owner = known.amounts.get(line.amount.amount)
    chosen = _chosen(bill for bill in known.bills.get(owner) if bill.due.currency == line.amount.currency)
    return _match("amount", chosen, "the amount was given to {} alone")


def _by_payer(line: BankLine, known: Known) -> Match | None:
    customers = known.payers.get(line.account, frozenset())
    if not customers:
        return None
    theirs = (b for b in known.bills.all() if b.is_live and b.customer_id in customers)
    mine = _chosen(bill for bill in theirs if line.amount in (bill.due, bill.shown))
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
