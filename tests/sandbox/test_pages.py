"""The customer's pages: what is shown, what a click does, and what no text can break."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import httpx
import pytest
from tests.sandbox.client import ShopClient
from tests.sandbox.receiver import Receiver

import kassa.adapters.sandbox
from kassa.adapters.sandbox.currency import written
from kassa.adapters.sandbox.faults import AMOUNTS, FAULTS, TOKENS


@pytest.mark.parametrize(("kind", "title"), [("card", "3-D Secure"), ("wallet", "Approve payment")])
async def test_the_page_shows_who_asks_for_how_much(shop: ShopClient, kind: str, title: str) -> None:
    charge = (await shop.charge("inv-1", "tok_3ds", kind=kind)).json()
    page = await shop.http.get(charge["redirect_url"])
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for text in (title, "12.50 EUR", "shop", "inv-1", "Approve", "Decline"):
        assert text in page.text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123450, "EUR", "1,234.50 EUR"),
        (5, "USD", "0.05 USD"),
        (1234, "JPY", "1,234 JPY"),
        (1234, "KWD", "1.234 KWD"),
        (1500000, "IDR", "15,000.00 IDR"),
    ],
)
def test_amounts_are_written_with_the_minor_unit_of_their_currency(amount: int, currency: str, text: str) -> None:
    assert written(amount, currency) == text


@pytest.mark.parametrize(("choice", "status", "captured"), [("approve", "succeeded", 1250), ("decline", "declined", 0)])
async def test_a_click_decides_tells_the_shop_and_leads_back(
    shop: ShopClient, hook: Receiver, choice: str, status: str, captured: int
) -> None:
    back = "http://shop.example:8000/v1/returns/abc?x=1&y=2"
    charge = (await shop.charge("inv-1", None, kind="wallet", return_url=back)).json()
    for _ in range(3):
        answer = await shop.http.post(f"/pay/{charge['id']}/{choice}")
        assert (answer.status_code, answer.headers["location"]) == (303, back)
    page = await shop.http.get(f"/pay/{charge['id']}")
    assert "<a href='http://shop.example:8000/v1/returns/abc?x=1&amp;y=2'>" in page.text
    (after,) = await shop.by_ref("inv-1")
    assert (after["status"], after["captured"]) == (status, captured)
    events = await hook.events(2)
    assert {event["data"]["status"] for event in events} == {"requires_action", status}


async def test_a_second_thought_changes_nothing(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1", "tok_3ds")).json()
    approved = await shop.http.post(f"/pay/{charge['id']}/approve")
    assert (approved.status_code, "is approved" in approved.text) == (200, True)
    declined = await shop.http.post(f"/pay/{charge['id']}/decline")
    assert "is approved" in declined.text
    assert "<form" not in declined.text
    assert (await shop.books())["inv-1"]["captured"] == 1250


async def test_an_authorisation_with_three_d_secure_is_captured_later(shop: ShopClient) -> None:
    charge = (await shop.charge("inv-1", "tok_3ds", capture=False)).json()
    await shop.http.post(f"/pay/{charge['id']}/approve")
    assert (await shop.by_ref("inv-1"))[0]["status"] == "authorized"
    assert (await shop.post(f"/v1/charges/{charge['id']}/capture")).json()["captured"] == 1250


async def test_no_text_of_a_merchant_becomes_markup(shop: ShopClient) -> None:
    charge = (await shop.charge("<script>alert('x')</script>\"'&", "tok_3ds")).json()
    page = await shop.http.get(charge["redirect_url"])
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_the_policy_allows_nothing_but_the_style_and_the_way_back(shop: ShopClient) -> None:
    back = "http://shop.example:8000/return"
    charge = (await shop.charge("inv-1", "tok_3ds", return_url=back)).json()
    page = await shop.http.get(charge["redirect_url"])
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    style = re.search(r"<style>(.*)</style>", page.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "form-action": "'self' http://shop.example:8000",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert page.headers["x-content-type-options"] == "nosniff"


async def test_an_unknown_charge_has_no_page(shop: ShopClient) -> None:
    assert (await shop.http.get("/pay/ch_000000000000000000000000")).status_code == 404


async def test_the_landing_page_and_the_readme_name_every_token_fault_amount_and_endpoint(shop: ShopClient) -> None:
    page = (await shop.http.get("/")).text
    readme = (Path(kassa.adapters.sandbox.__file__).parent / "README.md").read_text("utf-8")
    for name in (*TOKENS, *FAULTS, *AMOUNTS.values()):
        assert f"<code>{name}</code>" in page or f"<td>{name}</td>" in page
        assert f"`{name}`" in readme, f"README.md does not name {name}"
    endpoints = re.findall(r"<code>((?:GET|POST|PUT) [^<]+)</code>", page)
    assert len(endpoints) >= 12
    for endpoint in endpoints:
        assert f"`{endpoint}`" in readme, f"README.md does not name {endpoint}"
    for digits, name in AMOUNTS.items():
        assert f"| …{digits:02d} | `{name}` |" in readme


async def test_pages_are_never_kept_by_a_browser(shop: ShopClient) -> None:
    answer: httpx.Response = await shop.http.get("/")
    assert answer.headers["cache-control"] == "no-store"
