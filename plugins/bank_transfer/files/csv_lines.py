"""A bank's CSV file by a declared profile: what is not as declared is refused, with its line and column."""

import csv
import datetime
import re
from collections.abc import Iterator
from typing import Literal

from kassa.ports.banking import MAX_LINES, LeftOut
from kassa.ports.money import Money

from .csv_profile import Column, CsvProfile
from .draft import Draft, NotExact, Told, clean, exact
from .references import found_in, named
from .refused import Refused

_AMOUNTS = {
    "1.234,56": re.compile(r"([+-]?)((?:[0-9]{1,3}(?:\.[0-9]{3})+)|[0-9]{1,15})(?:,([0-9]{1,6}))?"),
    "1,234.56": re.compile(r"([+-]?)((?:[0-9]{1,3}(?:,[0-9]{3})+)|[0-9]{1,15})(?:\.([0-9]{1,6}))?"),
    "1234.56": re.compile(r"([+-]?)([0-9]{1,15})(?:\.([0-9]{1,6}))?"),
}


def told_by(data: bytes, profile: CsvProfile) -> list[Told]:
    """The lines of the file, those of each of the shop's accounts together. Raises `Refused`."""
    rows = _rows(_decoded(data, profile), profile)
    if not profile.header:
        reader = _Reader(profile, None)
    else:
        number, header = next(rows, (1, []))
        if not header:
            raise Refused(f"line {number}", "there is no header line")
        reader = _Reader(profile, (number, header))
    drafts: dict[str, list[Draft]] = {}
    left_out: dict[str, list[LeftOut]] = {}
    for count, (number, row) in enumerate(rows, 1):
        if count > MAX_LINES:
            raise Refused(f"line {number}", f"more than {MAX_LINES} lines")
        account, found = reader.read(number, row)
        drafts.setdefault(account, [])
        if isinstance(found, Draft):
            drafts[account].append(found)
        else:
            left_out.setdefault(account, []).append(found)
    return [
        Told(account=account, drafts=tuple(lines), left_out=tuple(left_out.get(account, ())))
        for account, lines in drafts.items()
    ]


def _decoded(data: bytes, profile: CsvProfile) -> str:
    encoding = "utf-8-sig" if profile.encoding == "utf-8" else profile.encoding
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise Refused(f"line {line}", f"this is not {profile.encoding}") from None


def _rows(text: str, profile: CsvProfile) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line; blank lines are nothing."""
    lines = re.split("\r\n|\n|\r", text)
    while lines and not lines[-1].strip():
        lines.pop()
    body = lines[profile.skip_lines : len(lines) - profile.skip_last_lines]
    reader = csv.reader((line + "\n" for line in body), delimiter=profile.delimiter, strict=True)
    before = 0
    try:
        for row in reader:
            number, before = profile.skip_lines + before + 1, reader.line_num
            if any(cell.strip() for cell in row):
                yield number, [cell.strip() for cell in row]
    except csv.Error as wrong:
        raise Refused(f"line {profile.skip_lines + reader.line_num}", f"not CSV: {clean(str(wrong), 100)}") from None


class _Reader:
    """Reads rows by the profile: knows where its columns are."""

    def __init__(self, profile: CsvProfile, header: tuple[int, list[str]] | None) -> None:
        self._profile = profile
        self._width = None if header is None else len(header[1])
        self._at = {what: _index(column, header) for what, column in profile.columns().items()}

    def read(self, number: int, row: list[str]) -> tuple[str, Draft | LeftOut]:
        """The account that a row is of, and what it says."""
        if self._width is None:
            self._width = len(row)
        if len(row) != self._width:
            raise Refused(f"line {number}", f"{len(row)} columns where there are {self._width}")
        missing = [at + 1 for at in self._at.values() if at >= len(row)]
        if missing:
            raise Refused(f"line {number}, column {min(missing)}", "there is no such column")
        return _Row(self._profile, self._at, number, row).read()


class _Row:
    """One row: every cell is asked for by what it is for."""

    def __init__(self, profile: CsvProfile, at: dict[str, int], number: int, row: list[str]) -> None:
        self._profile = profile
        self._at = at
        self._number = number
        self._row = row

    def read(self) -> tuple[str, Draft | LeftOut]:
        place = f"line {self._number}"
        account = clean(self._cell("shop_account"), 50)
        if self._profile.status is not None and self._cell("status") not in self._profile.booked:
            return account, LeftOut(place=place, reason=f"not booked: {clean(self._cell('status'), 100)}")
        direction, amount = self._money()
        if amount.amount == 0:
            return account, LeftOut(place=place, reason="an amount of zero")
        texts = [cell for number in range(1, len(self._profile.text) + 1) if (cell := self._cell(f"text {number}"))]
        reference = self._cell("reference")
        draft = Draft(
            place=place,
            direction=direction,
            amount=amount,
            booked_on=self._day(),
            counterparty=clean(self._cell("name"), 140),
            account=clean(self._cell("account"), 50),
            text=clean(" ".join(texts), 1000),
            references=found_in([" ".join(texts), "".join(texts)], end_to_end=[reference]),
            bank_ref=named(clean(self._cell("id"), 140)),
        )
        return account, draft

    def _cell(self, what: str) -> str:
        return self._row[self._at[what]] if what in self._at else ""

    def _wrong(self, what: str, reason: str) -> Refused:
        return Refused(f"line {self._number}, column {self._at[what] + 1}", reason)

    def _day(self) -> str:
        written = self._cell("date")
        parts = self._profile.day(written)
        try:
            if parts is None:
                raise ValueError
            return datetime.date(*(int(part) for part in parts)).isoformat()
        except ValueError:
            raise self._wrong("date", f"{clean(written, 40)!r} is not a day as {self._profile.date_format}") from None

    def _money(self) -> tuple[Literal["credit", "debit"], Money]:
        if self._profile.amount is None:
            return self._of_two()
        amount, negative = self._amount("amount")
        if self._profile.sign == "marked":
            if negative:
                raise self._wrong("amount", "a sign, where a mark says which way the money went")
            return self._marked(), amount
        credit = negative == (self._profile.sign == "credit_negative")
        return ("credit" if credit else "debit"), amount

    def _of_two(self) -> tuple[Literal["credit", "debit"], Money]:
        filled = [what for what in ("credit", "debit") if self._cell(what)]
        some = [what for what in filled if self._amount(what)[0].amount] or filled[:1]
        if len(some) != 1:
            raise self._wrong("credit", "one of credit and debit must hold an amount, and only one")
        amount, negative = self._amount(some[0])
        if negative and some[0] == "credit":
            raise self._wrong("credit", "a credit below zero")
        return ("credit" if some[0] == "credit" else "debit"), amount

    def _marked(self) -> Literal["credit", "debit"]:
        mark = self._cell("mark")
        if mark in self._profile.credit_marks:
            return "credit"
        if mark in self._profile.debit_marks:
            return "debit"
        raise self._wrong("mark", f"{clean(mark, 40)!r} is none of the declared marks")

    def _amount(self, what: str) -> tuple[Money, bool]:
        written = self._cell(what)
        found = _AMOUNTS[self._profile.decimals].fullmatch(written)
        if found is None:
            raise self._wrong(what, f"{clean(written, 40)!r} is not an amount as {self._profile.decimals}")
        digits = found[2].replace(".", "").replace(",", "")
        try:
            return exact(f"{digits}.{found[3] or '0'}", self._currency()), found[1] == "-"
        except NotExact as wrong:
            raise self._wrong(what, str(wrong)) from None

    def _currency(self) -> str:
        return self._profile.currency or self._cell("currency_column")


def _index(column: Column, header: tuple[int, list[str]] | None) -> int:
    if isinstance(column, int):
        return column - 1
    number, names = header if header is not None else (1, [])
    if names.count(column) != 1:
        how = "no" if column not in names else "more than one"
        raise Refused(f"line {number}", f"there is {how} column {clean(column, 60)!r}")
    return names.index(column)
