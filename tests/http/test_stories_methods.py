"""How a payment may go, by each method, on both pairs of adapters: what the customer does, and what becomes of payment, order
and stock. `tests/walks` tells of those that go well at once."""

import asyncio

import pytest

from tests.http.caller import Caller, fresh
from tests.http.places import There
from tests.http.provider_hand import Story

METHODS = ("card", "e_wallet", "bank_transfer")
pytestmark = pytest.mark.parametrize("place", ["embedded", "production"], indirect=True)
by_each = pytest.mark.parametrize("method", METHODS)


async def refund(operator: Caller, story: Story, amount: int | None) -> None:
    """The operator gives back a part, or all that is left."""
    part = None if amount is None else {"amount": amount, "currency": story.total["currency"]}
    body = {"amount": part, "reason": "returned by the customer"}
    path = f"/v1/operator/payments/{story.payment_id}/refunds"
    answer = await operator.ask("POST", path, key=fresh("refund"), json=body)
    assert answer.status_code in (201, 202), answer.text


@pytest.mark.parametrize("method", ["card", "e_wallet"])
async def test_a_customer_who_declines_keeps_the_order_and_pays_in_another_way(
    place: There, ada: Caller, operator: Caller, method: str
) -> None:
    """A no is final for the payment and nothing to the order: its stock stays held, and another method pays it."""
    story = await Story.begun(place.shop, ada, operator, method)
    await story.declines()
    await story.becomes("failed", "awaiting_payment", 3)
    declined = await story.payment(headers={"Accept-Language": "id"})
    assert (declined["decline_code"], declined["captured"]["amount"]) == ("canceled_by_customer", 0)
    assert declined["words"]["decline"] == "Anda menghentikan pembayaran."
    assert (await story.start("card", source="tok_ok"))["status"] == "paid"
    await story.becomes("paid", "paid", 3)
    assert place.shop.captured(story.invoice_id).count(story.total["amount"]) == 1
    assert place.shop.violations() == ()


async def test_an_abandoned_payment_ends_with_its_order_and_gives_the_stock_back(
    place: There, ada: Caller, operator: Caller
) -> None:
    """The customer never comes back and the provider says nothing: when its time is over the payment is asked about once more
    and expires, then the order, and all of it can be bought again. By all three methods at once."""
    stories = [await Story.begun(place.shop, ada, operator, method) for method in METHODS]
    for story in stories:
        await story.waits_in_vain()
    await asyncio.gather(*(story.becomes("expired", "expired", 5) for story in stories))
    for story in stories:
        again = await ada.ask(
            "POST", "/v1/payments", key=fresh("pay"), json={"invoice_id": story.invoice_id, "method": "card"}
        )
        assert (again.status_code, again.json()["code"]) == (409, "nothing_due")
        assert story.books()["captured"] == 0
    assert place.shop.violations() == ()


@by_each
async def test_a_payment_that_expires_at_its_provider_leaves_the_order_to_be_paid(
    place: There, ada: Caller, operator: Caller, method: str
) -> None:
    """The provider waits no longer and says so; the order still does, its stock is held, and a new payment pays it."""
    story = await Story.begun(place.shop, ada, operator, method)
    await story.expires()
    await story.becomes("expired", "awaiting_payment", 3)
    expired = await story.payment(headers={"Accept-Language": "de"})
    assert expired["words"]["status"].startswith("Die Zeit zum Bezahlen ist abgelaufen.")
    assert method in expired["methods_left"]
    assert (await story.start("card", source="tok_ok"))["status"] == "paid"
    await story.becomes("paid", "paid", 3)
    assert place.shop.violations() == ()


@by_each
async def test_money_that_comes_after_the_end_of_its_order_takes_the_goods_again(
    place: There, ada: Caller, operator: Caller, method: str
) -> None:
    """The payment expires, the customer cancels the order, its stock is back; then the money arrives: the order is paid."""
    story = await Story.begun(place.shop, ada, operator, method)
    await story.expires()
    await story.becomes("expired", "awaiting_payment", 3)
    assert (await ada.ask("POST", f"/v1/orders/{story.invoice_id}/cancel")).status_code == 200
    await story.becomes("expired", "canceled", 5)
    await story.pays_late()
    await story.becomes("paid", "paid", 3)
    assert (await story.payment())["captured"] == story.total
    assert story.books()["captured"] == story.total["amount"]
    assert place.shop.violations() == ()


@by_each
async def test_what_was_paid_is_refunded_in_part_and_then_whole(
    place: There, ada: Caller, operator: Caller, method: str
) -> None:
    """A part goes back, then all that is left, never more; the order stays paid, its goods are another matter."""
    story = await Story.begun(place.shop, ada, operator, method)
    await story.pays()
    await story.becomes("paid", "paid", 3)
    await refund(operator, story, 1000)
    await story.becomes("partially_refunded", "paid", 3)
    receipt = await ada.get(f"/v1/payments/{story.payment_id}/receipt")
    assert [(line["kind"], line["amount"]["amount"]) for line in receipt["lines"]] == [
        ("paid", story.total["amount"]),
        ("refund", 1000),
    ]
    assert receipt["kept"]["amount"] == story.total["amount"] - 1000
    await refund(operator, story, None)
    await story.becomes("refunded", "paid", 3)
    body = {"reason": "once more"}
    path = f"/v1/operator/payments/{story.payment_id}/refunds"
    more = await operator.ask("POST", path, key=fresh("refund"), json=body)
    assert (more.status_code, more.json()["code"]) == (422, "amount_refused")
    rows = story.books()
    assert (rows["captured"], rows["refunded"]) == (story.total["amount"], story.total["amount"])
    page = (await ada.ask("GET", f"/v1/payments/{story.payment_id}/receipt.html")).text
    assert [amount in page for amount in ("33.95 GBP", "-10.00 GBP", "-23.95 GBP", ">0.00 GBP")] == [True] * 4
    assert place.shop.violations() == ()
