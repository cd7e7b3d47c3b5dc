"""The shipped catalogue and invoices: clean, consistent with each other, and what the shipped script derives."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path

import pytest
from scripts import derive_products

DATA = Path(__file__).parents[2] / "adapters" / "main" / "data"


@pytest.fixture(scope="module")
def products() -> list[dict[str, str]]:
    with (DATA / "products.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_product_has_a_code_of_its_own_a_name_and_a_price_in_pence(products: list[dict[str, str]]) -> None:
    assert len(products) > 3_000
    assert len({product["sku"] for product in products}) == len(products)
    for product in products:
        assert list(product) == ["sku", "name", "price", "currency", "quantity"]
        assert re.fullmatch(r"\S{1,64}", product["sku"]), product
        assert product["name"], product
        assert product["name"] == " ".join(product["name"].split()), product
        assert re.fullmatch(r"\d+\.\d\d", product["price"]), product
        assert Decimal(product["price"]) > 0, product
        assert product["currency"] == "GBP"
        assert int(product["quantity"]) >= 100, product


@pytest.mark.parametrize(
    "dirt", ["smashed", "?", "damaged", "thrown away", "missing", "wrong", "adjust", "mailout", "POSTAGE", "Manual"]
)
def test_no_note_of_the_warehouse_is_for_sale(products: list[dict[str, str]], dirt: str) -> None:
    assert [product for product in products if dirt.lower() in product["name"].lower()] == []


def test_capitals_and_a_price_make_a_name_of_a_word_that_is_elsewhere_a_note(products: list[dict[str, str]]) -> None:
    """The filter for notes must not eat real goods."""
    assert {"CRACKED GLAZE NECKLACE RED", "SUNSET CHECK HAMMOCK"} <= {product["name"] for product in products}


def test_the_shipped_files_are_what_the_script_derives_from_the_shipped_invoices(tmp_path: Path) -> None:
    assert derive_products.main([str(DATA / "invoices.csv"), str(tmp_path)]) == 0
    for name in ("products.csv", "invoices.csv", "rejected.csv"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes(), name


def test_over_a_thousand_real_invoices_can_be_bought_from_the_stock_ten_times_over(
    products: list[dict[str, str]],
) -> None:
    lines = derive_products.read(DATA / "invoices.csv")
    prices = {product["sku"]: Decimal(product["price"]) for product in products}
    invoices: dict[str, list[derive_products.Line]] = {}
    for line in lines:
        invoices.setdefault(line.invoice, []).append(line)
    fitting = [each for each in invoices.values() if derive_products.fits(each, prices)]
    assert (len(fitting), len(invoices)) == (1_350, 2_093)
    stock = {product["sku"]: int(product["quantity"]) for product in products}
    for invoice in fitting:
        for line in invoice:
            stock[line.sku] -= 10 * line.quantity
    assert min(stock.values()) >= 0


def test_every_line_left_out_has_a_reason_and_every_reason_is_met(products: list[dict[str, str]]) -> None:
    with (DATA / "rejected.csv").open(encoding="utf-8", newline="") as file:
        rejected = list(csv.DictReader(file))
    # None of the shipped lines reaches the two guards that stand behind the others.
    unmet = {"no description", "nothing sold"}
    assert {line["reason"] for line in rejected} == {reason for reason, _ in derive_products.REASONS} - unmet
    known = {product["sku"] for product in products}
    assert len({line["StockCode"] for line in rejected} - known) > 50
