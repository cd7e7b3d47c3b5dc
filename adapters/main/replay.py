"""`kassa replay`: buys real invoices over HTTP, concurrently, and compares every total with the invoice to the penny."""

import asyncio
import csv
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx

from kassa.adapters.system import SystemIds
from kassa.ports.errors import SettingRefused

CURRENCY = "GBP"


@dataclass
class Invoice:
    """A real invoice: units per stock code, and what was paid for them, in pence."""

    number: str
    units: dict[str, int] = field(default_factory=dict)
    total: int = 0
    refused: str = ""


@dataclass
class Outcome:
    """What a replay found. `right`: every invoice that fits was bought, paid and equal."""

    bought: int = 0
    pence: int = 0
    wrong: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def right(self) -> bool:
        """Whether nothing was wrong."""
        return self.bought > 0 and not self.wrong

    def text(self) -> str:
        """For a person."""
        lines = [f"{self.bought} invoices bought and paid, {self.pence / 100:.2f} {CURRENCY}, every total compared"]
        lines += [f"left out: {count} invoices: {reason}" for reason, count in self.left_out.most_common()]
        return "\n".join([*lines, *(f"WRONG {problem}" for problem in self.wrong[:20])])


async def replay(url: str, file: Path | None, *, concurrency: int, limit: int | None) -> Outcome:
    """Buy the invoices of `file` (default: those shipped) that fit one price per product."""
    limits = httpx.Limits(max_connections=concurrency)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        products = await _products(client)
        outcome = Outcome()
        waiting = []
        for invoice in _invoices(file, products):
            if invoice.refused:
                outcome.left_out[invoice.refused] += 1
            else:
                waiting.append(invoice)
        waiting = list(reversed(waiting[:limit]))
        shoppers = [
            asyncio.create_task(_shopper(client, number, waiting, products, outcome)) for number in range(concurrency)
        ]
        try:
            await asyncio.gather(*shoppers)
        finally:
            for shopper in shoppers:
                shopper.cancel()
            await asyncio.gather(*shoppers, return_exceptions=True)
    return outcome


async def _products(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "100", **({"cursor": cursor} if cursor else {})}
        page = (await _asked(client, "GET", "/v1/products", params=query)).json()
        found.update({product["sku"]: product for product in page["items"]})
        cursor = page["next"]
    return found


def _invoices(file: Path | None, products: dict[str, dict[str, Any]]) -> list[Invoice]:
    path = file or Path(str(files("kassa.adapters.main").joinpath("data/invoices.csv")))
    invoices: dict[str, Invoice] = defaultdict(lambda: Invoice(""))
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                invoice = invoices[row["InvoiceNo"]]
                invoice.number = row["InvoiceNo"]
                _add(invoice, row, products)
    except OSError as error:
        raise SettingRefused(f"{path}: {error.strerror}") from None
    except (KeyError, ValueError, ArithmeticError, UnicodeDecodeError) as error:
        raise SettingRefused(f"{path}: not an invoice file ({error!r})") from None
    return list(invoices.values())


def _add(invoice: Invoice, row: dict[str, str], products: dict[str, dict[str, Any]]) -> None:
    quantity, pence = int(row["Quantity"]), Decimal(row["UnitPrice"]) * 100
    product = products.get(row["StockCode"])
    if quantity <= 0:
        invoice.refused = invoice.refused or "a return or a correction (quantity not positive)"
    elif product is None:
        invoice.refused = invoice.refused or "a product that is not in the catalogue"
    elif product["price"]["amount"] != pence:
        invoice.refused = invoice.refused or "a price that is not the product's one price"
    else:
        invoice.units[row["StockCode"]] = invoice.units.get(row["StockCode"], 0) + quantity
        invoice.total += quantity * int(pence)


async def _shopper(
    client: httpx.AsyncClient, number: int, waiting: list[Invoice], products: dict[str, Any], outcome: Outcome
) -> None:
    run = SystemIds().short_token()
    email, password = f"shopper-{number}-{run}@example.com".lower(), f"replay {run}"
    body = {"email": email, "password": password, "address": "1 Loop Road, London"}
    await _asked(client, "POST", "/v1/accounts", json=body)
    opened = await _asked(client, "POST", "/v1/sessions", json={"email": email, "password": password})
    headers = {"Authorization": f"Bearer {opened.json()['token']}"}
    while waiting:
        invoice = waiting.pop()
        try:
            await _buy(client, headers, f"{run}-{invoice.number}", invoice, products)
        except _Wrong as error:
            outcome.wrong.append(f"invoice {invoice.number}: {error}")
            await client.delete("/v1/cart", headers=headers)
        else:
            outcome.bought += 1
            outcome.pence += invoice.total


class _Wrong(Exception):
    """Something did not come out as the invoice says."""


async def _buy(
    client: httpx.AsyncClient, headers: dict[str, str], key: str, invoice: Invoice, products: dict[str, Any]
) -> None:
    for sku, quantity in invoice.units.items():
        path = f"/v1/cart/lines/{products[sku]['id']}"
        cart = (await _asked(client, "PUT", path, headers=headers, json={"quantity": quantity})).json()
    extra = sum(item["amount"]["amount"] for item in cart["adjustments"] if not item["included"])
    if cart["total"]["amount"] - extra != invoice.total:
        raise _Wrong(f"the cart says {cart['total']['amount'] - extra}, the invoice {invoice.total}")
    keyed = {**headers, "Idempotency-Key": key}
    placed = await _asked(client, "POST", "/v1/checkout", headers=keyed, json={"expected_total": cart["total"]})
    order = placed.json()["order"]
    if order["total"]["amount"] - extra != invoice.total:
        raise _Wrong(f"the order says {order['total']['amount'] - extra}, the invoice {invoice.total}")
    wanted = {"invoice_id": order["invoice_id"], "method": "card", "input": {"source": "tok_ok"}}
    paid = (await _asked(client, "POST", "/v1/payments", headers=keyed, json=wanted)).json()
    if paid["status"] != "paid" or paid["captured"] != order["total"]:
        raise _Wrong(f"the payment is {paid['status']} over {paid['captured']}")


async def _asked(client: httpx.AsyncClient, method: str, path: str, **given: Any) -> httpx.Response:
    try:
        answer = await client.request(method, path, **given)
    except httpx.TransportError as error:
        raise SettingRefused(f"{client.base_url}: {type(error).__name__}: is the shop running?") from None
    if answer.status_code >= 400:
        raise _Wrong(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
    return answer
