"""One entry (`Ntry`) of a camt message, with the transactions in it.

Its transactions are lines of their own where each carries an amount in the entry's currency and direction and they sum to the
entry. Otherwise the entry is one line of its total; where its parts say something else about the money, or nothing, with a doubt.
"""

import datetime
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from kassa.ports.banking import LeftOut
from kassa.ports.money import Money

from .camt_words import text_at, words
from .draft import Draft, NotExact, clean, exact
from .references import named
from .refused import Refused

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_AMOUNTS = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt")
_COUNT = re.compile(r"[0-9]{1,9}")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T.*)?")
_DIRECTIONS: dict[str, Literal["credit", "debit"]] = {"CRDT": "credit", "DBIT": "debit"}


class Found(NamedTuple):
    """What an entry comes to; `booked` is the money that it moved, and whether it came in."""

    drafts: list[Draft]
    left_out: list[LeftOut]
    booked: list[tuple[Money, bool]]


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
            self._draft([part], f"{self._place}, transaction {number}", money, refs[number - 1])
            for number, (part, money) in enumerate(zip(self._parts, self._moneys(), strict=True), 1)
        ]

    def _whole(self) -> Draft:
        only = self._parts[0] if len(self._parts) == 1 else None
        ref = self._ref or named(clean(text_at(only, "Refs/AcctSvcrRef"), 200))
        return self._draft(self._parts, self._place, self._amount, ref)

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
        by_bank = [named(clean(text_at(part, "Refs/AcctSvcrRef"), 70)) for part in self._parts]
        own = [
            ref or named(clean(text_at(part, "Refs/TxId"), 70)) for ref, part in zip(by_bank, self._parts, strict=True)
        ]
        distinct = all(own) and len(set(own)) == len(own)
        if not self._ref:
            return by_bank if distinct and all(by_bank) else [""] * len(own)
        return [f"{self._ref}/{one if distinct else number}" for number, one in enumerate(own, 1)]

    def _draft(self, parts: "list[Element]", place: str, amount: Money, ref: str) -> Draft:
        said = words(self._node, parts, self._direction, self._account)
        draft = Draft(
            place=place,
            direction=self._direction,
            amount=amount,
            booked_on=self._day(),
            counterparty=said.counterparty,
            account=said.account,
            text=said.text,
            references=said.references,
            bank_ref=ref,
        )
        return draft.doubted("it is a transfer that came back") if said.returned else draft

    def _day(self) -> str | None:
        written = text_at(self._node, "BookgDt/Dt") or text_at(self._node, "BookgDt/DtTm")
        if not written:
            return None
        found = _DAY.match(written)
        try:
            return datetime.date.fromisoformat(found[1] if found else "").isoformat()
        except ValueError:
            raise Refused(self._place, f"{clean(written, 40)!r} is not a day") from None
