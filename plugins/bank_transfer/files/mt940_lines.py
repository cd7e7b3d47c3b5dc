"""The lines of MT940 and MT942 statements.

Refused whole: what is no entry to the letter, a balance that cannot be read, a statement that opens and never closes (a file cut
off), entries without a currency. In doubt: all entries of a statement whose balances (MT940) or sums (MT942) say something else
than its entries, since either a line is missing or one is wrong; reversals; returned transfers; a funds code of another currency.
"""

import re

from kassa.ports.banking import LeftOut
from kassa.ports.money import Money

from . import mt940_details, mt940_entry
from .draft import Draft, NotExact, Told, clean, exact
from .mt940_fields import Field, Statement, statements
from .references import named
from .refused import Refused

_BALANCE = re.compile(r"([CD])[0-9]{6}([A-Z]{3})([0-9]{1,15}),([0-9]{0,6})")
_FLOOR = re.compile(r"([A-Z]{3})[CD ]?[0-9]{1,15},?[0-9]{0,6}")
_SUM = re.compile(r"([0-9]{1,5})([A-Z]{3})([0-9]{1,15}),([0-9]{0,6})")
_OPENING = ("60F", "60M", "60")
_CLOSING = ("62F", "62M", "62")
_ONCE = (("25", "25P"), _OPENING, _CLOSING)
_MIN_REF = 8
_RETURNED = frozenset({"RTI"})


def told_by(data: bytes) -> list[Told]:
    """The statements of the file. Raises `Refused`."""
    return [_statement(one) for one in statements(data)]


def _statement(statement: Statement) -> Told:
    for tags in _ONCE:
        if len(again := [field for field in statement.fields if field.tag in tags]) > 1:
            raise Refused(f"line {again[1].line}", f"a second :{again[1].tag}: in one statement")
    account = statement.first("25", "25P")
    if account is None or not account.value.strip():
        raise Refused(f"line {statement.line}", "the statement names no account (:25:)")
    opening, closing = _balance(statement.first(*_OPENING)), _balance(statement.first(*_CLOSING))
    if (opening is None) != (closing is None):
        missing = "closing" if closing is None else "opening"
        raise Refused(f"line {statement.line}", f"the statement has no {missing} balance: it is cut off")
    currency = opening.currency if opening is not None else _floor(statement)
    drafts: list[Draft] = []
    left_out: list[LeftOut] = []
    for entry, details in _entries(statement):
        found = _entry(entry, details, currency)
        if isinstance(found, Draft):
            drafts.append(found)
        else:
            left_out.append(found)
    reason = _contradiction(opening, closing, drafts) or _missum(statement, drafts)
    return Told(
        account=clean(account.value, 50),
        drafts=tuple(draft.doubted(reason) if reason else draft for draft in drafts),
        left_out=tuple(left_out),
    )


def _entries(statement: Statement) -> list[tuple[Field, str]]:
    """Each `:61:` with its `:86:` and `:NS:`; what stands behind a balance is about the statement."""
    found: list[tuple[Field, list[str]]] = []
    behind = False
    for field in statement.fields:
        if field.tag == "61":
            found.append((field, []))
            behind = True
        elif field.tag in ("86", "NS") and behind:
            found[-1][1].append(field.value)
        else:
            behind = False
    return [(field, "\n".join(details)) for field, details in found]


def _entry(field: Field, details: str, currency: str) -> Draft | LeftOut:
    place = f"line {field.line}"
    head = mt940_entry.head(field)
    if head.mark.startswith("E"):
        return LeftOut(place=place, reason="expected, not booked")
    if not currency:
        raise Refused(place, "the statement names no currency: there is neither a balance nor a floor limit")
    try:
        amount = exact(head.amount, currency)
    except NotExact as wrong:
        raise Refused(place, str(wrong)) from None
    if amount.amount == 0:
        return LeftOut(place=place, reason="an amount of zero")
    details = mt940_details.uniform(details)
    read = mt940_entry.by_library(field, details, currency, head)
    explained = mt940_details.explained(read, details)
    credit = head.mark in ("C", "RD")
    draft = Draft(
        place=place,
        direction="credit" if credit else "debit",
        amount=amount,
        booked_on=mt940_entry.day(read),
        counterparty=explained.name,
        account=explained.account,
        text=explained.text,
        references=explained.references,
        bank_ref=_bank_ref(str(read.get("bank_reference") or "")),
    )
    for reason in _doubts(head, currency, str(read.get("id") or ""), explained.code):
        draft = draft.doubted(reason)
    return draft


def _doubts(head: mt940_entry.Head, currency: str, kind: str, code: str) -> list[str]:
    doubts = []
    if not head.comma:
        doubts.append("its amount is written without a comma")
    if head.mark.startswith("R"):
        doubts.append("it reverses another entry")
    if head.funds and head.funds != currency[2]:
        doubts.append(f"its funds code {head.funds} is not of {currency}")
    if head.mark == "C" and (kind[1:] in _RETURNED or code in mt940_details.RETURNED):
        doubts.append("it is a transfer that came back")
    return doubts


def _bank_ref(written: str) -> str:
    """What stands behind `//`, where it is long enough not to be a counter that begins anew every day (`//55555`)."""
    ref = named(clean(written, 40))
    return ref if len(ref) >= _MIN_REF and any(sign.isdigit() for sign in ref) else ""


def _balance(field: Field | None) -> Money | None:
    if field is None:
        return None
    found = _BALANCE.fullmatch(field.value.strip())
    if found is None:
        raise Refused(f"line {field.line}", f"this is no balance: {clean(field.value, 60)!r}")
    try:
        money = exact(f"{found[3]}.{found[4] or '0'}", found[2])
    except NotExact as wrong:
        raise Refused(f"line {field.line}", str(wrong)) from None
    return -money if found[1] == "D" else money


def _floor(statement: Statement) -> str:
    """The currency of an MT942: of its floor limit (`:34F:`)."""
    field = statement.first("34F", "34")
    found = _FLOOR.fullmatch(field.value.strip()) if field is not None else None
    return found[1] if found else ""


def _moved(drafts: list[Draft], direction: str) -> int:
    return sum(draft.amount.amount for draft in drafts if draft.direction == direction)


def _contradiction(opening: Money | None, closing: Money | None, drafts: list[Draft]) -> str:
    if opening is None or closing is None:
        return ""
    if opening.currency != closing.currency:
        return f"the statement opens in {opening.currency} and closes in {closing.currency}"
    if opening.amount + _moved(drafts, "credit") - _moved(drafts, "debit") == closing.amount:
        return ""
    return f"the statement contradicts itself: from {opening} to {closing} is not the sum of its entries"


def _missum(statement: Statement, drafts: list[Draft]) -> str:
    """The sums of an MT942 (`:90C:`, `:90D:`), against its entries."""
    for tag, direction in (("90C", "credit"), ("90D", "debit")):
        field = statement.first(tag)
        found = _SUM.fullmatch(field.value.strip()) if field is not None else None
        if field is None or found is None:
            continue
        count = sum(draft.direction == direction for draft in drafts)
        try:
            total = exact(f"{found[3]}.{found[4] or '0'}", found[2])
        except NotExact as wrong:
            raise Refused(f"line {field.line}", str(wrong)) from None
        if count != int(found[1]) or total.amount != _moved(drafts, direction):
            return f"the statement contradicts itself: its {direction}s are not {found[1]} of {total} together"
    return ""
