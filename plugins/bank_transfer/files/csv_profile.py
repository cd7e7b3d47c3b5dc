"""How one bank writes its CSV files, declared by the operator: nothing in such a file is guessed."""

import re
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

Column: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)] | Annotated[int, Meta(ge=1, le=200)]
"""A column by the name in the header line, or by its number from 1."""
_DATE = re.compile(r"(YYYY|YY|MM|DD)([-./ ]?)(YYYY|YY|MM|DD)([-./ ]?)(YYYY|YY|MM|DD)")
_MONEY = ("date", "amount", "mark", "credit", "debit", "currency_column")
_SINGLE = (*_MONEY, "name", "account", "reference", "id", "status", "shop_account")
Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=40)]


class CsvProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The columns of a bank's CSV file and how they are written.

    The money stands in one column `amount`, whose `sign` says which way it went, or in two: `credit` and `debit`. The currency is
    fixed (`currency`) or stands in `currency_column`. `date` is the booking day in `date_format` (of YYYY or YY, MM and DD).
    `decimals` shows how 1234.56 is written; separators of thousands may be missing in the file. `text` may be several columns.
    `skip_lines` precede the header (or the first line, where `header` is false), `skip_last_lines` end the file. `status` is a
    column whose words `booked` mean that the money is on the account; other lines are left out. `shop_account` tells whose line
    it is, where a file tells of several accounts. `id` holds the bank's own reference of the transfer.

    Raises `ValueError` for what is missing or cannot be together.
    """

    delimiter: Literal[",", ";", "\t", "|"] = ";"
    encoding: Literal["utf-8", "utf-16", "cp1250", "cp1252", "cp852", "iso-8859-1", "iso-8859-2", "iso-8859-15"] = (
        "utf-8"
    )
    header: bool = True
    skip_lines: Annotated[int, Meta(ge=0, le=100)] = 0
    skip_last_lines: Annotated[int, Meta(ge=0, le=100)] = 0
    date: Column
    date_format: Annotated[str, Meta(max_length=12)] = "YYYY-MM-DD"
    decimals: Literal["1.234,56", "1,234.56", "1234.56"] = "1234.56"
    amount: Column | None = None
    sign: Literal["credit_positive", "credit_negative", "marked"] = "credit_positive"
    mark: Column | None = None
    credit_marks: Annotated[tuple[Word, ...], Meta(max_length=20)] = ()
    debit_marks: Annotated[tuple[Word, ...], Meta(max_length=20)] = ()
    credit: Column | None = None
    debit: Column | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")] | None = None
    currency_column: Column | None = None
    name: Column | None = None
    account: Column | None = None
    text: Annotated[tuple[Column, ...], Meta(max_length=20)] = ()
    reference: Column | None = None
    id: Column | None = None
    status: Column | None = None
    booked: Annotated[tuple[Word, ...], Meta(max_length=20)] = ()
    shop_account: Column | None = None

    def __post_init__(self) -> None:
        form = _DATE.fullmatch(self.date_format)
        if form is None or {part[:2] for part in form.group(1, 3, 5)} != {"YY", "MM", "DD"}:
            raise ValueError("date_format is made of YYYY (or YY), MM and DD, such as DD.MM.YYYY")
        two = (self.credit, self.debit)
        if (None in two) if self.amount is None else (two != (None, None)):
            raise ValueError("either amount, or both credit and debit")
        if (self.currency is None) == (self.currency_column is None):
            raise ValueError("either currency or currency_column")
        self._check_words()
        if not self.header and any(isinstance(column, str) for column in self.columns().values()):
            raise ValueError("without a header line, columns are numbers")

    def _check_words(self) -> None:
        marked = self.amount is not None and self.sign == "marked"
        if marked != (self.mark is not None and bool(self.credit_marks) and bool(self.debit_marks)) or (
            not marked and (self.mark is not None or self.credit_marks or self.debit_marks)
        ):
            raise ValueError('sign = "marked" needs mark, credit_marks and debit_marks, and no other does')
        if set(self.credit_marks) & set(self.debit_marks):
            raise ValueError("a mark is for credits or for debits")
        if (self.status is None) != (not self.booked):
            raise ValueError("status and booked go together")

    def columns(self) -> dict[str, Column]:
        """The columns that the profile names, by what they are for; those of `text` as `text 1`, `text 2` and so on."""
        named: dict[str, Column] = {what: column for what in _SINGLE if (column := getattr(self, what)) is not None}
        return named | {f"text {number}": column for number, column in enumerate(self.text, 1)}

    def day(self, written: str) -> tuple[str, str, str] | None:
        """Year (of four digits), month and day as written, or None where it is not of the declared form."""
        pattern = re.escape(self.date_format).replace("YYYY", "(?P<y>[0-9]{4})").replace("YY", "(?P<y>[0-9]{2})")
        found = re.fullmatch(pattern.replace("MM", "(?P<m>[0-9]{2})").replace("DD", "(?P<d>[0-9]{2})"), written)
        if found is None:
            return None
        year = found["y"]
        return (year if len(year) == 4 else f"20{year}"), found["m"], found["d"]
