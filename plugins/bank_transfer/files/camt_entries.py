"""One entry (`Ntry`) of a camt message, with the transactions in it.

Its transactions are lines of their own where each carries an amount in the entry's currency and direction and they sum to the
entry. Otherwise the entry is one line of its total; where its parts say something else about the money, or nothing, with a doubt.
"""

import datetime
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from kassa.ports.banking import LeftOut
from kassa.ports.money import Money

from . import accounts
from .draft import Draft, NotExact, clean, exact
from .references import found_in, named
from .refused import Refused

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_AMOUNTS = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt")
_COUNT = re.compile(r"[0-9]{1,9}")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T.*)?")
_OTHER = {"credit": "Dbtr", "debit": "Cdtr"}
_DIRECTIONS: dict[str, Literal["credit", "debit"]] = {"CRDT": "credit", "DBIT": "debit"}


class Found(NamedTuple):
    """What an entry comes to; `booked` is the money that it moved, and whether it came in."""

    drafts: list[Draft]
    left_out: list[LeftOut]
    booked: list[tuple[Money, bool]]


def text_at(node: "Element | None", path: str) -> str:
    """The text of the first element at this path, stripped; empty where there is none."""
    return "" if node is None else (node.findtext(path) or "").strip()


def amount_of(node: "Element | None") -> Money:
    """An amount with its currency. Raises `NotExact`."""
    if node is None:
        raise NotExact("there is no amount")
    return exact((node.text or "").strip(), node.get("Ccy", ""))


def entry(node: "Element", place: str, account: str, currency: str) -> Found:
    """Read one entry of a statement of this account in this currency (either may be empty). Raises `Refused`."""
    status = text_at(node, "Sts/Cd") or text_at(node, "Sts/Prtry") or text_at(node, "Sts")
    if status != "BOOK":
        return Found([], [LeftOut(place=place, reason=f"not booked: {clean(status, 60) or 'no status'}")], [])
    try:
        amount = amount_of(node.find("Amt"))
    except NotExact as wrong:
        raise Refused(place, str(wrong)) from None
    direction = _DIRECTIONS.get(text_at(node, "CdtDbtInd"))
    if direction is None:
        raise Refused(place, "neither CRDT nor DBIT")
    if amount.amount == 0:
        return Found([], [LeftOut(place=place, reason="an amount of zero")], [])
    whole = _Entry(node, place, account, amount, direction)
    drafts = whole.drafts()
    if currency and amount.currency != currency:
        drafts = [draft.doubted(f"in {amount.currency}, on an account in {currency}") for draft in drafts]
    if text_at(node, "RvslInd") in ("true", "1"):
        drafts = [draft.doubted("it reverses another entry") for draft in drafts]
    return Found(drafts, [], [(amount, direction == "credit")])


class _Entry:
    def __init__(
        self, node: "Element", place: str, account: str, amount: Money, direction: Literal["credit", "debit"]
    ) -> None:
        self._node = node
        self._place = place
        self._account = account
        self._amount = amount
        self._direction = direction
        self._ref = named(clean(text_at(node, "AcctSvcrRef"), 200))
        self._parts = [*node.findall("NtryDtls/TxDtls"), *node.findall("TxDtls")]

    def drafts(self) -> list[Draft]:
        """The lines of the entry."""
        doubt = self._doubt()
        if doubt or len(self._parts) <= 1:
            whole = self._whole()
            return [whole.doubted(doubt)] if doubt else [whole]
        refs = self._part_refs()
        return [
            self._draft(part, f"{self._place}, transaction {number}", money, refs[number - 1])
            for number, (part, money) in enumerate(zip(self._parts, self._moneys(), strict=True), 1)
        ]

    def _whole(self) -> Draft:
        part = self._parts[0] if len(self._parts) == 1 else None
        ref = self._ref or named(clean(text_at(part, "Refs/AcctSvcrRef"), 200))
        return self._draft(part, self._place, self._amount, ref)

    def _doubt(self) -> str:
        """Why the transactions do not explain the entry; empty where they do, or where a single one says nothing about money."""
        promised = self._promised()
        if promised not in (0, len(self._parts)) and (self._parts or promised > 1):
            return f"a batch of {promised}, with the details of {len(self._parts)}"
        if any(_DIRECTIONS.get(text_at(part, "CdtDbtInd"), self._direction) != self._direction for part in self._parts):
            return "a transaction in it goes the other way"
        silent = [part for part in self._parts if not any(part.find(path) is not None for path in _AMOUNTS)]
        if len(self._parts) <= 1 and len(silent) == len(self._parts):
            return ""
        if silent:
            return f"{len(silent)} of its {len(self._parts)} transactions carry no amount"
        moneys = self._moneys()
        if len(moneys) != len(self._parts):
            return f"a transaction in it carries no amount in {self._amount.currency}"
        total = sum(money.amount for money in moneys)
        return "" if total == self._amount.amount else "its transactions do not sum to it"

    def _promised(self) -> int:
        """How many transactions the bank says there are; 0 where it does not say."""
        blocks = self._node.findall("NtryDtls") or [self._node]
        words = [text_at(block, "Btch/NbOfTxs") for block in blocks]
        return sum(map(int, words)) if all(_COUNT.fullmatch(word) for word in words) else 0

    def _moneys(self) -> list[Money]:
        """The amounts of the transactions, of those that carry one above zero in the entry's currency."""
        return [money for part in self._parts if (money := self._money(part)) is not None]

    def _money(self, part: "Element") -> Money | None:
        for path in _AMOUNTS:
            node = part.find(path)
            if node is not None and node.get("Ccy") == self._amount.currency:
                try:
                    money = amount_of(node)
                except NotExact:
                    return None
                return money if money.amount > 0 else None
        return None

    def _part_refs(self) -> list[str]:
        """The bank's reference of each transaction: its own behind the entry's, or its number where they do not differ."""
        own = [
            named(clean(text_at(part, "Refs/AcctSvcrRef"), 70) or clean(text_at(part, "Refs/TxId"), 70))
            for part in self._parts
        ]
        distinct = all(own) and len(set(own)) == len(own)
        if not self._ref:
            return (
                own if distinct and all(text_at(part, "Refs/AcctSvcrRef") for part in self._parts) else [""] * len(own)
            )
        return [f"{self._ref}/{one if distinct else number}" for number, one in enumerate(own, 1)]

    def _draft(self, part: "Element | None", place: str, amount: Money, ref: str) -> Draft:
        name, account = self._other(part)
        texts = [clean(one.text or "", 500) for one in (part.findall("RmtInf/Ustrd") if part is not None else [])]
        texts += [
            clean(one.text or "", 500) for one in (part.findall("RmtInf/Strd/AddtlRmtInf") if part is not None else [])
        ]
        fields = [
            clean(one.text or "", 100)
            for one in (part.findall("RmtInf/Strd/CdtrRefInf/Ref") if part is not None else [])
        ]
        notes = [text_at(part, "AddtlTxInf"), text_at(self._node, "AddtlNtryInf")]
        shown = texts or [clean(note, 500) for note in notes if note][:1]
        returned = part is not None and part.find("RtrInf") is not None
        draft = Draft(
            place=place,
            direction=self._direction,
            amount=amount,
            booked_on=self._day(),
            counterparty=name,
            account=account,
            text=clean(" ".join([*shown, *fields]), 1000),
            references=found_in(
                [" ".join(texts), "".join(texts), *shown],
                end_to_end=[text_at(part, "Refs/EndToEndId")],
                numbers=[*fields, *self._credited(part)],
            ),
            bank_ref=ref,
        )
        return draft.doubted("it is a transfer that came back") if returned else draft

    def _other(self, part: "Element | None") -> tuple[str, str]:
        """The other side: its name and its account."""
        who = _OTHER[self._direction]
        parties = "RltdPties/"
        name = text_at(part, f"{parties}{who}/Nm") or text_at(part, f"{parties}{who}/Pty/Nm")
        ultimate = text_at(part, f"{parties}Ultmt{who}/Nm") or text_at(part, f"{parties}Ultmt{who}/Pty/Nm")
        return clean(name if named(name) else ultimate, 140), clean(_number(part, f"{parties}{who}Acct"), 50)

    def _credited(self, part: "Element | None") -> list[str]:
        """The account that the customer wrote, where it is not the statement's own: a virtual account."""
        number = _number(part, "RltdPties/CdtrAcct") if self._direction == "credit" else ""
        return [number] if number and self._account and not accounts.same(number, self._account) else []

    def _day(self) -> str | None:
        written = text_at(self._node, "BookgDt/Dt") or text_at(self._node, "BookgDt/DtTm")
        if not written:
            return None
        found = _DAY.match(written)
        try:
            return datetime.date.fromisoformat(found[1] if found else "").isoformat()
        except ValueError:
            raise Refused(self._place, f"{clean(written, 40)!r} is not a day") from None


def _number(part: "Element | None", path: str) -> str:
    number = text_at(part, f"{path}/Id/IBAN") or text_at(part, f"{path}/Id/Othr/Id")
    return number if named(number) else ""
