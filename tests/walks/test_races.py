"""Many customers at once, over HTTP, on both pairs of adapters."""

import asyncio

import httpx

from tests.walks.shop import ServedShop, Shopper

TEA, BOWL, RARE, FEW = 1, 2, 3, 4


async def crowd(client: httpx.AsyncClient, size: int) -> list[Shopper]:
    """`size` customers who have just logged in."""
    return await asyncio.gather(*(Shopper.arrive(client, "crowd") for _ in range(size)))


async def test_200_buyers_of_an_item_with_5_in_stock_get_5_orders(shop: ServedShop, client: httpx.AsyncClient):
    """All fill their carts while five are there; five orders are placed, 195 learn what is available."""
    buyers = await crowd(client, 200)
    for put in await asyncio.gather(*(buyer.put(RARE, 1) for buyer in buyers)):
        assert put.status_code == 200
    answers = await asyncio.gather(*(buyer.checkout(f"race-{number}") for number, buyer in enumerate(buyers)))
    placed = [answer for answer in answers if answer.status_code == 201]
    rejected = [answer.json() for answer in answers if answer.status_code == 409]
    assert (len(placed), len(rejected)) == (5, 195)
    assert {problem["code"] for problem in rejected} == {"out_of_stock"}
    assert {problem["lines"][0]["available"] for problem in rejected} <= {0, 1, 2, 3, 4}
    assert (await client.get(f"/v1/products/{RARE}")).json()["quantity"] == 0
    assert shop.violations() == ()


async def test_more_than_is_in_stock_is_rejected_with_what_is_available(shop: ServedShop, client: httpx.AsyncClient):
    """The *Reject* of the user's diagram, when the line is put."""
    buyer = await Shopper.arrive(client, "greedy")
    answer = await buyer.put(FEW, 6)
    assert (answer.status_code, answer.json()["code"]) == (409, "out_of_stock")
    line = answer.json()["lines"][0]
    assert (line["product_id"], line["reason"], line["available"]) == (FEW, "out_of_stock", 5)
    assert (await buyer.ask("GET", "/v1/cart")).json()["lines"] == []


async def test_eight_tabs_on_one_cart_place_one_order(shop: ServedShop, client: httpx.AsyncClient):
    """Each tab has a key of its own; the cart yields at most one order, ever."""
    buyer = await Shopper.arrive(client, "tabs")
    await buyer.put(TEA, 3)
    total = (await buyer.ask("GET", "/v1/cart")).json()["total"]
    answers = await asyncio.gather(
        *(buyer.ask("POST", "/v1/checkout", key=f"tab-{tab}", json={"expected_total": total}) for tab in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len((await buyer.ask("GET", "/v1/orders")).json()["items"]) == 1
    assert shop.violations() == ()


async def test_one_key_eight_times_at_once_is_one_order_and_one_answer(shop: ServedShop, client: httpx.AsyncClient):
    """A double click, eightfold: the twins wait and get the same bytes."""
    buyer = await Shopper.arrive(client, "double")
    await buyer.put(TEA, 3)
    total = (await buyer.ask("GET", "/v1/cart")).json()["total"]
    answers = await asyncio.gather(
        *(buyer.ask("POST", "/v1/checkout", key="one", json={"expected_total": total}) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum(answer.headers.get("Idempotent-Replayed") == "true" for answer in answers) == 7
    assert len((await buyer.ask("GET", "/v1/orders")).json()["items"]) == 1


async def test_eight_payments_at_once_for_one_invoice_are_one_charge(shop: ServedShop, client: httpx.AsyncClient):
    """Eight tabs press *pay* with keys of their own: the provider's books show one charge over the total."""
    buyer = await Shopper.arrive(client, "payer")
    order = await buyer.order(TEA, 4, "order")
    answers = await asyncio.gather(
        *(buyer.pay(order["invoice_id"], "card", f"pay-{tab}", source="tok_slow") for tab in range(8))
    )
    assert all(answer.status_code in (201, 202, 409) for answer in answers), [answer.text for answer in answers]
    assert await buyer.status(order["invoice_id"]) == "paid"
    assert shop.captured(order["invoice_id"]) == [order["total"]["amount"]]
    assert shop.violations() == ()


async def test_two_carts_locking_the_same_items_in_opposite_order_both_end(shop: ServedShop, client: httpx.AsyncClient):
    """No deadlock: twenty customers with the same two items, put in either order, all get their orders."""
    buyers = await crowd(client, 20)
    for number, buyer in enumerate(buyers):
        for product in (TEA, BOWL) if number % 2 else (BOWL, TEA):
            assert (await buyer.put(product, 1)).status_code == 200
    answers = await asyncio.gather(*(buyer.checkout(f"cross-{number}") for number, buyer in enumerate(buyers)))
    assert {answer.status_code for answer in answers} == {201}
    assert shop.violations() == ()
