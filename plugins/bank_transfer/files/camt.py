"""camt.052, camt.053 and camt.054 (ISO 20022), every version: the same words under other names.

Refused whole: a message without a statement, an entry whose amount or direction cannot be read. In doubt: all entries of a
statement whose opening and closing balance do not differ by what it booked; more is told in `camt_entries`.
"""

from typing import TYPE_CHECKING

from kassa.ports.banking import MAX_LINES, LeftOut
from kassa.ports.money import Money

from .camt_entries import amount_of, entry
from .camt_words import text_at
from .draft import Draft, NotExact, Told, clean
from .refused import Refused
from .xml_tree import parsed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_STATEMENTS = {"BkToCstmrAcctRpt": "Rpt", "BkToCstmrStmt": "Stmt", "BkToCstmrDbtCdtNtfctn": "Ntfctn"}
_STATEMENTS |= {f"{name}V01": node for name, node in _STATEMENTS.items()}


def told_by(data: bytes) -> list[Told]:
    """The statements of the file. Raises `Refused`."""
    messages = [node for node in parsed(data).iter() if node.tag in _STATEMENTS]
    if not messages:
        raise Refused("file", "this is XML, but no camt.052, camt.053 or camt.054")
    told: list[Told] = []
    for message in messages:
        statements = message.findall(_STATEMENTS[message.tag])
        if not statements:
            raise Refused(message.tag, f"the message holds no {_STATEMENTS[message.tag]}")
        told += [_statement(node, len(told) + number) for number, node in enumerate(statements, 1)]
    return told


def _statement(node: "Element", number: int) -> Told:
    entries = node.findall("Ntry")
    if len(entries) > MAX_LINES:
        raise Refused(f"statement {number}", f"more than {MAX_LINES} entries")
    account = clean(
        text_at(node, "Acct/Id/IBAN") or text_at(node, "Acct/Id/Othr/Id") or text_at(node, "Acct/Id/PrtryAcct/Id"), 50
    )
    drafts: list[Draft] = []
    left_out: list[LeftOut] = []
    booked: list[tuple[Money, bool]] = []
    currency = _currency(node)
    for count, one in enumerate(entries, 1):
        found = entry(one, f"statement {number}, entry {count}", account, currency)
        drafts += found.drafts
        left_out += found.left_out
        booked += found.booked
    reason = _contradiction(node, f"statement {number}", booked)
    return Told(
        account=account,
        drafts=tuple(draft.doubted(reason) if reason else draft for draft in drafts),
        left_out=tuple(left_out),
    )


def _currency(node: "Element") -> str:
    """The account's, where the statement says it: by itself, or by balances that agree."""
    balances = {amount.get("Ccy", "") for amount in node.iterfind("Bal/Amt")}
    return text_at(node, "Acct/Ccy") or (balances.pop() if len(balances) == 1 else "")


def _contradiction(node: "Element", place: str, booked: list[tuple[Money, bool]]) -> str:
    """Why opening balance, entries and closing balance cannot all be true; empty where they agree or cannot be compared."""
    if text_at(node, "StmtPgntn/PgNb").lstrip("0") not in ("", "1") or text_at(node, "StmtPgntn/LastPgInd") == "false":
        return ""
    opening, closing = _balance(node, place, "OPBD", "PRCD"), _balance(node, place, "CLBD")
    if opening is None or closing is None:
        return ""
    if {opening.currency, closing.currency, *(money.currency for money, _ in booked)} != {opening.currency}:
        return ""
    moved = sum(money.amount if credit else -money.amount for money, credit in booked)
    if opening.amount + moved == closing.amount:
        return ""
    return f"the statement contradicts itself: from {opening} to {closing} is not the sum of its entries"


def _balance(node: "Element", place: str, *codes: str) -> Money | None:
    """The one balance of the first of these codes that there is, below zero where it is owed; None where there are several."""
    for code in codes:
        found = [one for one in node.findall("Bal") if text_at(one, "Tp/CdOrPrtry/Cd") == code]
        if len(found) == 1:
            try:
                money = amount_of(found[0].find("Amt"))
            except NotExact as wrong:
                raise Refused(f"{place}, balance {code}", str(wrong)) from None
            return -money if text_at(found[0], "CdtDbtInd") == "DBIT" else money
    return None
