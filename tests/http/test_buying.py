"""The Cart API, checkout and orders."""

import asyncio

import httpx

from tests.http.caller import Caller, arrive, fresh, stock
from tests.http.places import EVERYWHERE

pytestmark = EVERYWHERE


async def test_products_are_found_by_part_of_their_name_or_sku(client: httpx.AsyncClient, operator: Caller) -> None:
    made = [await stock(operator) for _ in range(3)]
    found = (await client.get("/v1/products", params={"q": made[1]["sku"].lower()})).json()
    assert [item["sku"] for item in found["items"]] == [made[1]["sku"]]
    one = await client.get(f"/v1/products/{made[0]['id']}")
    assert one.json() == made[0]


async def test_the_catalogue_comes_in_parts(client: httpx.AsyncClient, operator: Caller) -> None:
    for _ in range(3):
        await stock(operator)
    seen: list[int] = []
    cursor: dict[str, str] = {}
    for _ in range(1000):
        part = (await client.get("/v1/products", params={"limit": 2, **cursor})).json()
        assert len(part["items"]) <= 2
        seen += [item["id"] for item in part["items"]]
        if part["next"] is None:
            break
        cursor = {"cursor": part["next"]}
    assert seen == sorted(set(seen))
    assert len(seen) >= 3


async def test_a_product_that_is_not_for_sale_is_not_there(client: httpx.AsyncClient, operator: Caller) -> None:
    tea = await stock(operator)
    await operator.ask("PATCH", f"/v1/operator/products/{tea['id']}", json={"is_active": False})
    for answer in (await client.get(f"/v1/products/{tea['id']}"), await operator.put(tea["id"], 1)):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_product")


async def test_a_cart_is_filled_changed_and_emptied(ada: Caller, operator: Caller) -> None:
    tea, bowl = await stock(operator, price=255), await stock(operator, price=1200)
    empty = await ada.ask("GET", "/v1/cart")
    assert (empty.headers["etag"], empty.json()["lines"]) == ('"0"', [])
    await ada.put(tea["id"], 2)
    filled = await ada.put(bowl["id"], 1)
    cart = filled.json()
    added = sum(extra["amount"]["amount"] for extra in cart["adjustments"] if not extra["included"])
    assert [line["total"]["amount"] for line in cart["lines"]] == [510, 1200]
    assert cart["total"] == {"amount": 1710 + added, "currency": "GBP"}
    assert filled.headers["etag"] == f'"{filled.json()["version"]}"'
    less = await ada.ask("DELETE", f"/v1/cart/lines/{tea['id']}")
    assert [line["product_id"] for line in less.json()["lines"]] == [bowl["id"]]
    gone = await ada.ask("DELETE", "/v1/cart")
    assert (gone.status_code, gone.json()["lines"]) == (200, [])


async def test_more_than_is_available_is_refused_with_what_is(ada: Caller, operator: Caller) -> None:
    tea = await stock(operator, quantity=5)
    answer = await ada.put(tea["id"], 6)
    assert (answer.status_code, answer.json()["code"]) == (409, "out_of_stock")
    line = answer.json()["lines"][0]
    assert (line["product_id"], line["requested"], line["available"]) == (tea["id"], 6, 5)
    assert (await ada.get("/v1/cart"))["lines"] == []


async def test_a_stale_etag_is_answered_with_the_current_cart(ada: Caller, operator: Caller) -> None:
    tea = await stock(operator)
    seen = (await ada.put(tea["id"], 1)).headers["etag"]
    current = (await ada.put(tea["id"], 2)).json()
    for method, path, body in (
        ("PUT", f"/v1/cart/lines/{tea['id']}", {"quantity": 3}),
        ("DELETE", f"/v1/cart/lines/{tea['id']}", None),
        ("DELETE", "/v1/cart", None),
    ):
        for tag in (seen, '"no-version-of-ours"', 'W/"' + seen.strip('"') + '"', '"99999999999999999999"'):
            answer = await ada.ask(method, path, json=body, headers={"If-Match": tag})
            assert (answer.status_code, answer.json()["code"]) == (412, "cart_changed"), tag
            assert answer.json()["cart"] == current
            assert answer.headers["etag"] == f'"{current["version"]}"'
        malformed = await ada.ask(method, path, json=body, headers={"If-Match": "3"})
        assert (malformed.status_code, malformed.json()["path"]) == (400, "If-Match")
    rebased = await ada.put(tea["id"], 3, headers={"If-Match": f'"{current["version"]}"'})
    assert rebased.status_code == 200
    assert (await ada.put(tea["id"], 4, headers={"If-Match": "*"})).status_code == 200


async def test_one_checks_out_once_and_the_answer_can_be_had_again(ada: Caller, operator: Caller) -> None:
    tea = await stock(operator, price=255)
    await ada.put(tea["id"], 2)
    key, total = fresh("key"), (await ada.get("/v1/cart"))["total"]
    first = await ada.check_out(key)
    assert first.status_code == 201
    order = first.json()["order"]
    assert (order["status"], order["total"]) == ("awaiting_payment", total)
    assert first.json()["due"] == order["total"]
    assert "idempotent-replayed" not in first.headers
    body = {"address": None, "expected_total": {"currency": "GBP", "amount": total["amount"]}}
    again = await ada.ask("POST", "/v1/checkout", key=f'"{key}"', json=body)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await ada.get("/v1/orders"))["items"]) == 1


async def test_the_same_key_with_another_request_is_refused(ada: Caller, operator: Caller) -> None:
    tea = await stock(operator)
    await ada.put(tea["id"], 2)
    key = fresh("key")
    assert (await ada.check_out(key)).status_code == 201
    other = {"expected_total": {"amount": 1, "currency": "GBP"}}
    answer = await ada.ask("POST", "/v1/checkout", key=key, json=other)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_is_ones_own(client: httpx.AsyncClient, ada: Caller, operator: Caller) -> None:
    tea = await stock(operator)
    bob = await arrive(client)
    key = fresh("key")
    orders = []
    for caller in (ada, bob):
        await caller.put(tea["id"], 1)
        orders.append((await caller.check_out(key)).json()["order"]["invoice_id"])
    assert len(set(orders)) == 2


async def test_eight_tabs_with_one_key_get_one_order(ada: Caller, operator: Caller) -> None:
    tea = await stock(operator)
    await ada.put(tea["id"], 1)
    key = fresh("key")
    body = {"expected_total": (await ada.get("/v1/cart"))["total"]}
    answers = await asyncio.gather(*(ada.ask("POST", "/v1/checkout", key=key, json=body) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7


async def test_checkout_needs_a_well_formed_key(ada: Caller, operator: Caller) -> None:
    tea = await stock(operator)
    await ada.put(tea["id"], 1)
    body = {"expected_total": (await ada.get("/v1/cart"))["total"]}
    missing = await ada.ask("POST", "/v1/checkout", json=body)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_required")
    for key in ("", '""', "a" * 256, "a b", "schlüssel", '"'):
        headers = [(b"Idempotency-Key", key.encode()), *((k.encode(), v.encode()) for k, v in ada.headers.items())]
        answer = await ada.client.post("/v1/checkout", headers=headers, json=body)
        if key == '"':
            assert answer.status_code == 201
        else:
            assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed"), key
    twice = await ada.client.post(
        "/v1/checkout", headers=[*ada.headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "a")], json=body
    )
    assert twice.json()["code"] == "idempotency_key_malformed"


async def test_secrets_are_never_kept_under_a_key(client: httpx.AsyncClient, ada: Caller) -> None:
    for path, body in (
        ("/v1/accounts", {"email": "a@example.com", "password": "a sentence nobody guesses"}),
        ("/v1/sessions", {"email": "a@example.com", "password": "a sentence nobody guesses"}),
        ("/v1/accounts/me/password", {"current": "x", "new": "a sentence nobody guesses"}),
    ):
        answer = await ada.ask("POST", path, key="k", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_refused")


async def test_a_refused_checkout_does_not_burn_the_key(ada: Caller, operator: Caller) -> None:
    tea = await stock(operator)
    await ada.put(tea["id"], 1)
    key = fresh("key")
    wrong = await ada.ask("POST", "/v1/checkout", key=key, json={"expected_total": {"amount": 1, "currency": "GBP"}})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "cart_changed")
    assert wrong.json()["cart"] == await ada.get("/v1/cart")
    assert (await ada.check_out(key)).status_code == 201


async def test_an_empty_cart_and_another_currency_are_refused(ada: Caller, operator: Caller) -> None:
    empty = await ada.check_out()
    assert (empty.status_code, empty.json()["code"]) == (409, "cart_empty")
    tea = await stock(operator)
    await ada.put(tea["id"], 1)
    body = {"expected_total": {"amount": 255, "currency": "USD"}}
    answer = await ada.ask("POST", "/v1/checkout", key=fresh("key"), json=body)
    assert answer.status_code in (409, 422)


async def test_a_price_that_moved_is_announced_and_refused(ada: Caller, operator: Caller) -> None:
    tea = await stock(operator, price=255)
    await ada.put(tea["id"], 1)
    body = {"expected_total": (await ada.get("/v1/cart"))["total"]}
    dearer = {"price": {"amount": 300, "currency": "GBP"}}
    assert (await operator.ask("PATCH", f"/v1/operator/products/{tea['id']}", json=dearer)).status_code == 200
    answer = await ada.ask("POST", "/v1/checkout", key=fresh("key"), json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "price_changed")
    line = (await ada.get("/v1/cart"))["lines"][0]
    assert (line["price"]["amount"], line["price_was"]["amount"]) == (300, 255)


async def test_a_card_number_as_an_address_is_refused(ada: Caller, operator: Caller) -> None:
    tea = await stock(operator)
    await ada.put(tea["id"], 1)
    answer = await ada.check_out(address="4242-4242-4242-4242")
    assert (answer.status_code, answer.json()["code"]) == (422, "card_number_refused")


async def test_orders_are_listed_read_and_canceled_by_their_owner_alone(
    client: httpx.AsyncClient, ada: Caller, operator: Caller
) -> None:
    tea = await stock(operator, quantity=5)
    bob = await arrive(client)
    ids = []
    for _ in range(3):
        await ada.put(tea["id"], 1)
        ids.append((await ada.check_out()).json()["order"]["invoice_id"])
    first = await ada.get("/v1/orders", params={"limit": 2})
    rest = await ada.get("/v1/orders", params={"limit": 2, "cursor": first["next"]})
    assert [order["invoice_id"] for order in first["items"] + rest["items"]] == ids[::-1]
    for method, path in (("GET", f"/v1/orders/{ids[0]}"), ("POST", f"/v1/orders/{ids[0]}/cancel")):
        foreign = await bob.ask(method, path)
        assert (foreign.status_code, foreign.json()["code"]) == (404, "unknown_order")
    for _ in range(2):
        canceled = await ada.ask("POST", f"/v1/orders/{ids[0]}/cancel")
        assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert (await client.get(f"/v1/products/{tea['id']}")).json()["quantity"] == 3


async def test_cancel_takes_no_body(ada: Caller, operator: Caller) -> None:
    tea = await stock(operator)
    await ada.put(tea["id"], 1)
    invoice_id = (await ada.check_out()).json()["order"]["invoice_id"]
    answer = await ada.ask("POST", f"/v1/orders/{invoice_id}/cancel", json={"refund": True})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert (await ada.get(f"/v1/orders/{invoice_id}"))["status"] == "awaiting_payment"
