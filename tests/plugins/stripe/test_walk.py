"""The whole way over HTTP on the embedded pair: orders paid by card at Stripe, a process of localstripe behind the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from kassa.ports.conformance.payment_method.provider import Provider
from tests.plugins.stripe.subject import StripeDouble, StripeSubject
from tests.walks.shop import ServedShop, Shopper

TEA, OPERATOR = 1, "till@example.com"
GOOD, THREE_D, POOR = "pm_card_visa", "pm_card_threeDSecureRequired", "pm_card_visa_chargeDeclinedInsufficientFunds"
_SETTINGS = """
[payments.stripe]
plugin = "card"
driver = "stripe"
mode = "test"
base_url = "{url}"
allow_hosts = ["{host}"]
secret_key = {{ file = "{folder}/key" }}
webhook_secret = {{ file = "{folder}/webhook" }}
"""


class Counter:
    """A shop with Stripe, and Stripe."""

    def __init__(self, shop: ServedShop, stripe: Provider, subject: StripeSubject) -> None:
        self.shop, self.stripe, self.subject = shop, stripe, subject

    async def notify(self, client: httpx.AsyncClient) -> None:
        """Every event so far is delivered, the newest first, each twice."""
        for body in 2 * [*reversed(await self.stripe.notices())]:
            double = self.stripe.double
            assert isinstance(double, StripeDouble)
            headers = dict(double.sign(body, self.subject.webhook_secret, datetime.now(UTC)))
            answer = await client.post("/webhooks/stripe/notices", content=body, headers=headers)
            assert answer.status_code == 200, answer.text

    async def moved(self, invoice_id: str) -> list[tuple[str, int, str]]:
        """What Stripe's books say of an invoice."""
        found = [one for one in await self.stripe.charges() if one.merchant_ref.startswith(invoice_id)]
        return sorted((m.kind, m.amount.amount, m.state.name) for one in found for m in one.movements)


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    folder, subject = tmp_path_factory.mktemp("shop"), StripeSubject()
    subject.begin()
    stripe = Provider(subject)
    asyncio.run(stripe.open())
    (folder / "key").write_text(subject.api_key)
    (folder / "webhook").write_text(subject.webhook_secret)
    url = stripe.proxy.url
    extra = _SETTINGS.format(url=url, host=url.partition("://")[2], folder=folder)
    shop = ServedShop(folder, f"sqlite:///{folder}/shop.db", "memory://", extra=extra)
    shop.add_operator(OPERATOR)
    try:
        yield Counter(shop.start(), stripe, subject)
    finally:
        shop.close()
        asyncio.run(stripe.close())
        subject.end()


@pytest.fixture
async def client(counter: Counter) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=counter.shop.url, timeout=60, trust_env=False) as opened:
        yield opened


async def settled(buyer: Shopper, invoice_id: str) -> str:
    """The order's status once it is paid, or after ten seconds."""
    for _ in range(100):
        status = await buyer.status(invoice_id)
        if status == "paid":
            break
        await asyncio.sleep(0.1)
    return status


async def given_back(operator: Shopper, path: str, wanted: int) -> int:
    """What left a payment again, refunded or disputed, as the operator sees it within ten seconds."""
    for _ in range(100):
        seen: int = (await operator.ask("GET", path)).json()["refunded"]["amount"]
        if seen == wanted:
            break
        await asyncio.sleep(0.1)
    return seen


async def ordered(client: httpx.AsyncClient) -> tuple[Shopper, str, int]:
    buyer = await Shopper.arrive(client, "ada")
    order: dict[str, Any] = await buyer.order(TEA, 2, "order")
    return buyer, order["invoice_id"], order["total"]["amount"]


async def test_a_card_at_stripe_pays_an_order_once(counter: Counter, client: httpx.AsyncClient):
    """The same POST again, and every event twice and in the wrong order, change nothing."""
    buyer, invoice_id, total = await ordered(client)
    first = await buyer.pay(invoice_id, "stripe", "pay", payment_method=GOOD)
    assert (first.status_code, first.json()["status"]) == (201, "paid"), first.text
    again = await buyer.pay(invoice_id, "stripe", "pay", payment_method=GOOD)
    assert again.content == first.content
    await counter.notify(client)
    assert await buyer.status(invoice_id) == "paid"
    assert await counter.moved(invoice_id) == [("capture", total, "SUCCEEDED")]
    assert counter.shop.violations() == ()


async def test_three_d_secure_at_stripe_is_finished_by_its_event(counter: Counter, client: httpx.AsyncClient):
    """Nobody comes back to the shop: the signed event alone completes the order."""
    buyer, invoice_id, total = await ordered(client)
    started = (await buyer.pay(invoice_id, "stripe", "pay", payment_method=THREE_D)).json()
    assert (started["status"], started["next_action"]["type"]) == ("requires_action", "redirect")
    ref = next(one.merchant_ref for one in await counter.stripe.charges() if one.merchant_ref.startswith(invoice_id))
    await counter.stripe.pay(None, ref)
    await counter.notify(client)
    assert await settled(buyer, invoice_id) == "paid"
    assert await counter.moved(invoice_id) == [("capture", total, "SUCCEEDED")]
    assert counter.shop.violations() == ()


async def test_stripe_sends_the_browser_back_with_words_of_its_own(counter: Counter, client: httpx.AsyncClient):
    """It adds its parameters to the shop's address; the way back asks Stripe, and the order is paid before any event."""
    buyer, invoice_id, total = await ordered(client)
    started = (await buyer.pay(invoice_id, "stripe", "pay", payment_method=THREE_D)).json()
    assert started["status"] == "requires_action"
    [made] = [one for one in await counter.stripe.charges() if one.merchant_ref.startswith(invoice_id)]
    await counter.stripe.pay(None, made.merchant_ref)
    double = counter.stripe.double
    assert isinstance(double, StripeDouble)
    words = {"payment_intent": made.provider_ref, "payment_intent_client_secret": "x", "redirect_status": "succeeded"}
    back = await client.get(double.gateway.dressing.return_urls[made.provider_ref], params=words)
    assert back.status_code == 303, back.text
    assert await settled(buyer, invoice_id) == "paid"
    assert await counter.moved(invoice_id) == [("capture", total, "SUCCEEDED")]


async def test_a_card_declined_at_stripe_leaves_the_order_to_another(counter: Counter, client: httpx.AsyncClient):
    buyer, invoice_id, total = await ordered(client)
    declined = (await buyer.pay(invoice_id, "stripe", "first", payment_method=POOR)).json()
    assert (declined["status"], declined["decline_code"]) == ("failed", "insufficient_funds")
    second = (await buyer.pay(invoice_id, "stripe", "second", payment_method=GOOD)).json()
    assert second["status"] == "paid"
    await counter.notify(client)
    assert await counter.moved(invoice_id) == [("capture", total, "SUCCEEDED")]
    assert counter.shop.violations() == ()


async def test_a_part_is_refunded_through_stripe_and_a_dispute_is_in_the_books(
    counter: Counter, client: httpx.AsyncClient
):
    buyer, invoice_id, total = await ordered(client)
    paid = (await buyer.pay(invoice_id, "stripe", "pay", payment_method=GOOD)).json()
    operator = await Shopper.log_in(client, OPERATOR)
    part = {"amount": {"amount": 200, "currency": "GBP"}, "reason": "a broken cup"}
    path = f"/v1/operator/payments/{paid['id']}"
    done = await operator.ask("POST", f"{path}/refunds", key="refund", json=part)
    assert (done.status_code, done.json()["status"]) == (201, "partially_refunded"), done.text
    assert await given_back(operator, path, 200) == 200
    ref = next(one.merchant_ref for one in await counter.stripe.charges() if one.merchant_ref.startswith(invoice_id))
    await counter.stripe.dispute(ref)
    await counter.notify(client)
    moved = [("capture", total, "SUCCEEDED"), ("chargeback", total, "SUCCEEDED"), ("refund", 200, "SUCCEEDED")]
    assert await counter.moved(invoice_id) == moved
    assert await given_back(operator, path, total) == total
    assert counter.shop.violations() == ()
