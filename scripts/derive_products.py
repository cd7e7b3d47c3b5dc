"""Derive the demo catalogue and the invoices for `kassa replay` from the data set *Online Retail*.

    python scripts/derive_products.py online_retail.csv adapters/main/data

Writes into the folder, the same bytes for the same input:
- `products.csv`   one line per stock code that was ever sold: `sku,name,price,currency,quantity`
- `invoices.csv`   every line of every invoice, dirt included: what the replay buys, or refuses with a reason
- `rejected.csv`   the lines left out of the catalogue: the line of the source, what it says, and the reason

A product has one price, the one on most of its lines (of equals, the one that sold more units, then the lower), and one
name, the most frequent (then more units, then the alphabet). Prices are pounds sterling with two decimals. The stock is ten
times what was sold, and at least 100, so that the invoices can be bought again.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

SERVICES = {"POST", "D", "C2", "DOT", "M", "BANK CHARGES", "S", "AMAZONFEE", "B", "CRUK"}
SERVICE_NAMES = {"Next Day Carriage", "High Resolution Image"}
NOTE = re.compile(
    r"\?|damage|smashed|thrown|throw away|mouldy|rusty|crushed|cracked|broken|breakage|wet |missing|\blost\b|\bfound\b"
    r"|adjust|\bcheck\b|wrong|incorrect|sold as|barcode|mailout|unsaleable|put aside|mixed up|mix up|bad debt|\bfaulty\b",
    re.IGNORECASE,
)
LEAST_STOCK = 100
STOCK_PER_UNIT_SOLD = 10


@dataclass(frozen=True)
class Line:
    """One invoice line; `number` is its line in the source file, the header being line 1."""

    number: int
    invoice: str
    sku: str
    description: str
    quantity: int
    unit_price: str

    @property
    def price(self) -> Decimal:
        """Pounds sterling."""
        return Decimal(self.unit_price)

    @property
    def name(self) -> str:
        """The description without stray blanks and the asterisk that marked new goods."""
        return " ".join(self.description.lstrip(" *").split())


@dataclass(frozen=True)
class Product:
    """A line of the catalogue."""

    sku: str
    name: str
    price: Decimal
    quantity: int


def _is_note(line: Line) -> bool:
    """Names are in capitals and have a price: CRACKED GLAZE NECKLACE is for sale, "cracked" at no price is not."""
    return bool(NOTE.search(line.name)) and (line.price <= 0 or not line.name.isupper())


# The first that applies is the line's reason.
REASONS: Sequence[tuple[str, Callable[[Line], bool]]] = (
    ("canceled invoice", lambda line: line.invoice.startswith("C")),
    ("bookkeeping entry, not a sale", lambda line: not line.invoice.isdigit()),
    ("no description", lambda line: not line.name),
    ("note of the warehouse, not a name", _is_note),
    ("no price", lambda line: line.price <= 0),
    ("nothing sold", lambda line: line.quantity <= 0),
    ("service or fee, not a product", lambda line: line.sku.upper() in SERVICES or line.name in SERVICE_NAMES),
    ("price below a penny", lambda line: line.price != line.price.quantize(Decimal("0.01"))),
)


def read(path: Path) -> list[Line]:
    """Every line of the source, in its order."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Line(
                reader_line,
                row["InvoiceNo"].strip(),
                row["StockCode"].strip(),
                row["Description"],
                int(row["Quantity"]),
                row["UnitPrice"],
            )
            for reader_line, row in enumerate(csv.DictReader(file), start=2)
        ]


def reason_against(line: Line) -> str | None:
    """Why a line says nothing about a product that is for sale; None when it does."""
    return next((reason for reason, applies in REASONS if applies(line)), None)


def derive(lines: Iterable[Line]) -> list[Product]:
    """One product per stock code, by code. Codes are taken as written: `15056BL` and `15056bl` have their own prices."""
    by_sku: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_sku[line.sku].append(line)
    return [_product(sku, sold) for sku, sold in sorted(by_sku.items())]


def fits(invoice: Iterable[Line], prices: dict[str, Decimal]) -> bool:
    """Whether the shop could have written this invoice: only sales of products, each at its one price."""
    return all(reason_against(line) is None and prices.get(line.sku) == line.price for line in invoice)


def _product(sku: str, sold: list[Line]) -> Product:
    prices, names = Counter(line.price for line in sold), Counter(line.name for line in sold)
    units_at: Counter[Decimal] = Counter()
    units_as: Counter[str] = Counter()
    for line in sold:
        units_at[line.price] += line.quantity
        units_as[line.name] += line.quantity
    price = min(prices, key=lambda each: (-prices[each], -units_at[each], each))
    name = min(names, key=lambda each: (-names[each], -units_as[each], each))
    return Product(sku, name, price, max(LEAST_STOCK, STOCK_PER_UNIT_SOLD * units_at.total()))


def _write(path: Path, header: str, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def _report(lines: list[Line], rejected: list[tuple[Line, str]], products: list[Product]) -> None:
    prices = {product.sku: product.price for product in products}
    invoices: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        invoices[line.invoice].append(line)
    fitting = sum(fits(invoice, prices) for invoice in invoices.values())
    print(f"{len(lines)} lines, {len(rejected)} left out, {len(products)} products", file=sys.stderr)
    for reason, count in Counter(reason for _, reason in rejected).most_common():
        print(f"  {count:5}  {reason}", file=sys.stderr)
    print(f"{fitting} of {len(invoices)} invoices fit one price per product", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Derive; the exit code is 2 when called wrongly."""
    if len(arguments) != 2:
        print("usage: derive_products.py ONLINE_RETAIL.csv FOLDER", file=sys.stderr)
        return 2
    source, folder = map(Path, arguments)
    lines = read(source)
    rejected = [(line, reason) for line in lines if (reason := reason_against(line))]
    products = derive(line for line in lines if reason_against(line) is None)
    _write(
        folder / "products.csv",
        "sku,name,price,currency,quantity",
        ((each.sku, each.name, f"{each.price:.2f}", "GBP", each.quantity) for each in products),
    )
    _write(
        folder / "invoices.csv",
        "InvoiceNo,StockCode,Description,Quantity,UnitPrice",
        ((line.invoice, line.sku, line.name, line.quantity, line.unit_price) for line in lines),
    )
    _write(
        folder / "rejected.csv",
        "line,InvoiceNo,StockCode,Description,reason",
        ((line.number, line.invoice, line.sku, line.name, reason) for line, reason in rejected),
    )
    _report(lines, rejected, products)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
