"""`kill -9` of the server at every failpoint of checkout, payment and webhook, then a restart.

Whatever was acknowledged is there; the order ends paid or payable; the provider charged at most once, and exactly once
where the order is paid; every invariant holds.
"""

import asyncio
import signal

import httpx
import pytest

from tests.walks.shop import ServedShop, Shopper

TEA = 1
AT_CHECKOUT = ("checkout.before_commit", "checkout.after_commit")
AT_PAYMENT = (
    "payment.before_begin",
    "payment.after_begin",
    "payment.after_call",
    "payment.before_record",
    "payment.after_record",
)
AT_WEBHOOK = ("webhook.before_inbox", "webhook.after_inbox", "webhook.before_record", "webhook.after_record")


def browser(shop: ServedShop) -> httpx.AsyncClient:
    """A client that does not mind a server that dies."""
    return httpx.AsyncClient(base_url=shop.url, timeout=30, trust_env=False)


async def died(shop: ServedShop) -> bool:
    """Whether the server's process ends by itself within ten seconds."""
    for _ in range(200):
        if shop.server.poll() is not None:
            return True
        await asyncio.sleep(0.05)
    return False


async def revive(shop: ServedShop) -> None:
    """Clear away what is left, and start again without failpoints."""
    assert await died(shop), f"the failpoint was not reached: {shop.log()}"
    shop.kill()
    await asyncio.to_thread(shop.start)


async def without_doubt(buyer: Shopper, invoice_id: str, within_s: float = 40) -> bool:
    """Whether every payment of the invoice is known for what it is within `within_s` seconds."""
    for _ in range(int(within_s / 0.25)):
        payments = (await buyer.ask("GET", f"/v1/payments?invoice_id={invoice_id}")).json()["items"]
        if not any(payment["in_doubt"] for payment in payments):
            return True
        await asyncio.sleep(0.25)
    return False


async def settled(buyer: Shopper, invoice_id: str, wanted: str = "paid", within_s: float = 25) -> str:
    """The order's status once it is `wanted`, or what it is after `within_s` seconds."""
    status = ""
    for _ in range(int(within_s / 0.25)):
        status = await buyer.status(invoice_id)
        if status == wanted:
            break
        await asyncio.sleep(0.25)
    return status


@pytest.mark.parametrize("point", AT_CHECKOUT)
async def test_killed_in_checkout_there_is_one_order_or_none(sleeping_shop: ServedShop, point: str):
    """The same POST with the same key after the restart gives one order, whether the first one was written or not."""
    shop = await asyncio.to_thread(sleeping_shop.start, failpoints=f"{point}=kill")
    async with browser(shop) as client:
        buyer = await Shopper.arrive(client, "ada")
        await buyer.put(TEA, 2)
        total = (await buyer.ask("GET", "/v1/cart")).json()["total"]
        with pytest.raises(httpx.TransportError):
            await buyer.ask("POST", "/v1/checkout", key="order", json={"expected_total": total})
        await revive(shop)
        orders = (await buyer.ask("GET", "/v1/orders")).json()["items"]
        assert len(orders) == (1 if point == "checkout.after_commit" else 0)
        again = await buyer.ask("POST", "/v1/checkout", key="order", json={"expected_total": total})
        assert again.status_code == 201, again.text
        assert len((await buyer.ask("GET", "/v1/orders")).json()["items"]) == 1
        invoice = again.json()["order"]["invoice_id"]
        paid = await buyer.pay(invoice, "card", "pay", source="tok_ok")
        assert paid.json()["status"] == "paid"
    assert shop.captured(invoice) == [total["amount"]]
    assert shop.violations() == ()


@pytest.mark.parametrize("point", AT_PAYMENT)
async def test_killed_in_payment_the_order_ends_paid_and_charged_once(sleeping_shop: ServedShop, point: str):
    """Before the provider was asked: payable, nothing charged (the sweep finds out that the provider knows of nothing).
    Anywhere after: paid without anybody's help, and nothing more can be paid."""
    shop = await asyncio.to_thread(sleeping_shop.start, failpoints=f"{point}=kill")
    async with browser(shop) as client:
        buyer = await Shopper.arrive(client, "ada")
        order = await buyer.order(TEA, 2, "order")
        invoice = order["invoice_id"]
        with pytest.raises(httpx.TransportError):
            await buyer.pay(invoice, "card", "pay", source="tok_ok")
        await revive(shop)
        if point in ("payment.before_begin", "payment.after_begin"):
            assert await without_doubt(buyer, invoice), shop.log()
            assert shop.captured(invoice) == []
            assert await buyer.status(invoice) == "awaiting_payment"
            assert (await buyer.pay(invoice, "card", "then", source="tok_ok")).json()["status"] == "paid"
        assert await settled(buyer, invoice) == "paid", shop.log()
        again = await buyer.pay(invoice, "card", "another", source="tok_ok")
        assert again.json()["code"] == "nothing_due"
    assert shop.captured(invoice) == [order["total"]["amount"]]
    assert shop.violations() == ()


@pytest.mark.parametrize("point", AT_WEBHOOK)
async def test_killed_in_a_webhook_the_notice_is_not_lost(sleeping_shop: ServedShop, point: str):
    """The provider repeats what was not acknowledged; what was acknowledged is in the inbox."""
    shop = await asyncio.to_thread(sleeping_shop.start)
    async with browser(shop) as client:
        buyer = await Shopper.arrive(client, "ada")
        order = await buyer.order(TEA, 2, "order")
        started = (await buyer.pay(order["invoice_id"], "e_wallet", "pay")).json()
        shop.stop()
        try:
            await asyncio.to_thread(shop.start, failpoints=f"{point}=kill", sweeping=False)
        except (
            AssertionError
        ):  # a notice of the payment's beginning came again first, and died of the point as it should
            assert shop.server.returncode == -signal.SIGKILL, shop.log()
        async with httpx.AsyncClient(trust_env=False, timeout=30) as provider:
            await provider.post(started["next_action"]["url"] + "/approve")
        await revive(shop)
        assert await settled(buyer, order["invoice_id"]) == "paid", shop.log()
    assert shop.captured(order["invoice_id"]) == [order["total"]["amount"]]
    assert shop.violations() == ()
