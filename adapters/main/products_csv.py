"""Reads a product file: CSV (RFC 4180) in UTF-8 with the columns sku, name, price, currency, quantity."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kassa.ports.catalog import ProductDraft
from kassa.ports.errors import InvalidMoney
from kassa.ports.money import parse_decimal

COLUMNS = ("sku", "name", "price", "currency", "quantity")
MAX_BYTES = 64 * 1024 * 1024
MAX_PROBLEMS = 20


class ProductFileRefused(Exception):
    """The file cannot be imported; `problems` name line and column, at most twenty of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read(path: Path) -> tuple[ProductDraft, ...]:
    """All products of the file, or `ProductFileRefused` with every problem found, by line and column."""
    text = _text(path)
    problems: list[str] = []
    drafts: dict[str, tuple[int, ProductDraft]] = {}
    for line, row in _rows(path, text):
        draft = _draft(path, line, row, problems)
        if draft is not None:
            first = drafts.setdefault(draft.sku, (line, draft))
            if first[0] != line:
                problems.append(f"{path}:{line}: column sku: {draft.sku!r} stands in line {first[0]} already")
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise ProductFileRefused(problems)
    return tuple(draft for _, draft in drafts.values())


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ProductFileRefused([f"{path}: larger than {MAX_BYTES} bytes"])
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ProductFileRefused([f"{path}: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ProductFileRefused([f"{path}:{line}: is not UTF-8 (byte {error.start})"]) from None


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            raise ProductFileRefused([f"{path}:1: the columns must be {','.join(COLUMNS)}, not {','.join(header)}"])
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise ProductFileRefused([f"{path}:{reader.line_num}: {error}"]) from None


def _draft(path: Path, line: int, row: list[str], problems: list[str]) -> ProductDraft | None:
    if len(row) != len(COLUMNS):
        problems.append(f"{path}:{line}: {len(row)} columns instead of {len(COLUMNS)}")
        return None
    sku, name, price, currency, quantity = (cell.strip() for cell in row)
    column = "price"
    try:
        money = parse_decimal(price, currency)
        column = "quantity"
        if not (quantity.isascii() and quantity.isdigit()):
            raise ValueError(f"{quantity!r} is not a whole number")
        column = "sku, name, price or quantity"
        if money.amount < 0 or "\0" in sku + name:
            raise ValueError("a negative price or a NUL character")
        return msgspec.convert(
            {"sku": sku, "name": name, "price": money, "quantity": int(quantity)}, ProductDraft, from_attributes=True
        )
    except (InvalidMoney, ValueError, msgspec.ValidationError) as error:
        problems.append(f"{path}:{line}: column {_column(error, column)}: {error}")
        return None


def _column(error: Exception, otherwise: str) -> str:
    """The column that msgspec names as `$.quantity`, else the one that was being read."""
    path = str(error).rpartition("`$.")[2].rstrip("`")
    return path if path in COLUMNS else otherwise
