"""The whole way, over HTTP, on both pairs of adapters: log in, fill a cart, check out, pay."""

import asyncio

import httpx

from tests.walks.shop import ServedShop, Shopper

TEA = 1


async def paid(buyer: Shopper, invoice_id: str) -> str:
    """The order's status once it is paid, or after ten seconds."""
    for _ in range(100):
        status = await buyer.status(invoice_id)
        if status == "paid":
            return status
        await asyncio.sleep(0.1)
    return status


async def test_a_card_is_charged_once_and_the_order_is_paid(shop: ServedShop, client: httpx.AsyncClient):
    """The simplest purchase; then the same POST again changes nothing and answers byte for byte the same."""
    buyer = await Shopper.arrive(client, "ada")
    order = await buyer.order(TEA, 2, "order")
    assert order["total"] == {"amount": 2 * 255 + 395, "currency": "GBP"}
    first = await buyer.pay(order["invoice_id"], "card", "pay", source="tok_ok")
    assert (first.status_code, first.json()["status"]) == (201, "paid")
    again = await buyer.pay(order["invoice_id"], "card", "pay", source="tok_ok")
    assert (again.content, again.status_code) == (first.content, first.status_code)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await buyer.status(order["invoice_id"]) == "paid"
    assert shop.captured(order["invoice_id"]) == [order["total"]["amount"]]
    assert shop.violations() == ()


async def test_the_same_key_with_another_body_is_refused(shop: ServedShop, client: httpx.AsyncClient):
    """422, and nothing is charged."""
    buyer = await Shopper.arrive(client, "ada")
    order = await buyer.order(TEA, 2, "order")
    await buyer.pay(order["invoice_id"], "card", "pay", source="tok_ok")
    other = await buyer.pay(order["invoice_id"], "card", "pay", source="tok_3ds")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(shop.captured(order["invoice_id"])) == 1


async def test_three_d_secure_is_approved_on_the_providers_page(shop: ServedShop, client: httpx.AsyncClient):
    """The customer is sent to the provider, approves, and comes back; the order is paid without a further request."""
    buyer = await Shopper.arrive(client, "ada")
    order = await buyer.order(TEA, 2, "order")
    started = (await buyer.pay(order["invoice_id"], "card", "pay", source="tok_3ds")).json()
    assert (started["status"], started["next_action"]["type"]) == ("requires_action", "redirect")
    async with httpx.AsyncClient(trust_env=False) as browser:
        approved = await browser.post(started["next_action"]["url"] + "/approve")
        assert approved.status_code == 303
        assert approved.headers["location"].startswith(f"{shop.url}/v1/returns/")
        back = await browser.get(approved.headers["location"])
        assert back.status_code == 303
    assert await paid(buyer, order["invoice_id"]) == "paid"
    assert shop.captured(order["invoice_id"]) == [order["total"]["amount"]]


async def test_a_declined_card_leaves_the_order_payable_by_another(shop: ServedShop, client: httpx.AsyncClient):
    """Declined is final for the payment, not for the order."""
    buyer = await Shopper.arrive(client, "ada")
    order = await buyer.order(TEA, 2, "order")
    declined = (await buyer.pay(order["invoice_id"], "card", "first", source="tok_decline")).json()
    assert declined["status"] == "failed"
    assert declined["decline_code"]
    assert await buyer.status(order["invoice_id"]) == "awaiting_payment"
    second = (await buyer.pay(order["invoice_id"], "card", "second", source="tok_ok")).json()
    assert second["status"] == "paid"
    assert sorted(shop.captured(order["invoice_id"])) == [0, order["total"]["amount"]]
    assert shop.violations() == ()


async def test_a_wallet_is_approved_and_its_webhook_pays_the_order(shop: ServedShop, client: httpx.AsyncClient):
    """Nobody comes back to the shop: the provider's notice alone completes it."""
    buyer = await Shopper.arrive(client, "ada")
    order = await buyer.order(TEA, 2, "order")
    started = (await buyer.pay(order["invoice_id"], "e_wallet", "pay")).json()
    async with httpx.AsyncClient(trust_env=False) as browser:
        await browser.post(started["next_action"]["url"] + "/approve")
    assert await paid(buyer, order["invoice_id"]) == "paid"
    assert shop.captured(order["invoice_id"]) == [order["total"]["amount"]]
    assert shop.violations() == ()


async def test_a_bank_transfer_arrives_and_pays_the_order(shop: ServedShop, client: httpx.AsyncClient):
    """The customer sends the exact amount to the account that was shown."""
    buyer = await Shopper.arrive(client, "ada")
    order = await buyer.order(TEA, 2, "order")
    started = (await buyer.pay(order["invoice_id"], "bank_transfer", "pay")).json()
    action = started["next_action"]
    assert (action["type"], action["amount"]) == ("show_account", order["total"])
    transfer = {"account_number": action["account_number"], **order["total"]}
    async with httpx.AsyncClient(base_url=shop.sandbox.url, trust_env=False) as bank:
        assert (await bank.post("/bank/transfers", json=transfer)).status_code == 201
    assert await paid(buyer, order["invoice_id"]) == "paid"
    assert shop.violations() == ()


async def test_a_provider_that_times_out_leaves_the_payment_unknown_not_declined(
    shop: ServedShop, client: httpx.AsyncClient
):
    """The reply is lost after the charge: in doubt or found out at once, never declined, and charged once."""
    buyer = await Shopper.arrive(client, "ada")
    order = await buyer.order(TEA, 2, "order")
    answer = await buyer.pay(order["invoice_id"], "card", "pay", source="tok_timeout_after")
    payment = answer.json()
    assert payment["status"] == "paid" or payment["in_doubt"]
    another = await buyer.pay(order["invoice_id"], "card", "again", source="tok_ok")
    assert another.status_code == 409
    assert await paid(buyer, order["invoice_id"]) == "paid"
    assert shop.captured(order["invoice_id"]) == [order["total"]["amount"]]
    assert shop.violations() == ()


async def test_a_canceled_order_gives_its_stock_back_once(shop: ServedShop, client: httpx.AsyncClient):
    """Canceling twice is answered the same; the stock is as it was; nothing can be paid any more."""
    buyer = await Shopper.arrive(client, "ada")
    before = (await client.get(f"/v1/products/{TEA}")).json()["quantity"]
    order = await buyer.order(TEA, 7, "order")
    assert (await client.get(f"/v1/products/{TEA}")).json()["quantity"] == before - 7
    for _ in range(2):
        canceled = await buyer.ask("POST", f"/v1/orders/{order['invoice_id']}/cancel")
        assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert (await client.get(f"/v1/products/{TEA}")).json()["quantity"] == before
    refused = await buyer.pay(order["invoice_id"], "card", "pay", source="tok_ok")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_due")
    assert shop.violations() == ()


async def test_somebody_elses_order_does_not_exist(shop: ServedShop, client: httpx.AsyncClient):
    """404 for every way to reach it, not 403."""
    owner = await Shopper.arrive(client, "owner")
    stranger = await Shopper.arrive(client, "stranger")
    order = await owner.order(TEA, 1, "order")
    payment = (await owner.pay(order["invoice_id"], "card", "pay", source="tok_3ds")).json()
    for method, path in (
        ("GET", f"/v1/orders/{order['invoice_id']}"),
        ("POST", f"/v1/orders/{order['invoice_id']}/cancel"),
        ("GET", f"/v1/payments/{payment['id']}"),
        ("POST", f"/v1/payments/{payment['id']}/cancel"),
        ("GET", f"/v1/payments?invoice_id={order['invoice_id']}"),
    ):
        answer = await stranger.ask(method, path)
        assert answer.status_code == 404, (method, path, answer.text)
    assert (await stranger.pay(order["invoice_id"], "card", "steal", source="tok_ok")).status_code == 404


async def test_after_a_restart_everybody_is_still_logged_in(shop: ServedShop, client: httpx.AsyncClient):
    """Sessions are durable: a power cut ends none."""
    buyer = await Shopper.arrive(client, "ada")
    order = await buyer.order(TEA, 2, "order")
    shop.kill()
    shop.start()
    assert await buyer.status(order["invoice_id"]) == "awaiting_payment"
    paid_now = await buyer.pay(order["invoice_id"], "card", "pay", source="tok_ok")
    assert paid_now.json()["status"] == "paid"
