"""What operators do, and that nobody else does it."""

import httpx

from kassa.adapters.http.app import SHOP_ROUTES
from kassa.adapters.http.route import Access
from tests.http.caller import PASSWORD, Caller, arrive, fresh, log_in, stock
from tests.http.places import EVERYWHERE, Here, There

pytestmark = EVERYWHERE

OPERATOR_ROUTES = [route for route in SHOP_ROUTES if route.access is Access.OPERATOR]


async def test_a_customer_is_no_operator(client: httpx.AsyncClient, ada: Caller) -> None:
    for route in OPERATOR_ROUTES:
        path = route.path.format(
            product_id=1,
            account_id=1,
            payment_id=1,
            notice_id=1,
            statement_id=1,
            line_id=1,
            instance="bank",
            endpoint_id=1,
            delivery_id=1,
        )
        for body in (route.example, {"nonsense": 1}):
            answer = await ada.ask(route.method, path, key="k", json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            nobody = await client.request(route.method, path, json=body)
            assert (nobody.status_code, nobody.json()["code"]) == (401, "not_authenticated")


async def test_products_are_created_changed_and_found(operator: Caller) -> None:
    tea = await stock(operator, price=255, quantity=10)
    draft = {"sku": tea["sku"], "name": "Again", "price": tea["price"], "quantity": 1}
    taken = await operator.ask("POST", "/v1/operator/products", json=draft)
    assert (taken.status_code, taken.json()["code"]) == (409, "sku_taken")
    path = f"/v1/operator/products/{tea['id']}"
    changed = await operator.ask("PATCH", path, json={"name": "Green tea"}, headers={"If-Match": f'"{tea["version"]}"'})
    assert (changed.status_code, changed.json()["name"]) == (200, "Green tea")
    stale = await operator.ask("PATCH", path, json={"name": "Red tea"}, headers={"If-Match": f'"{tea["version"]}"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    withdrawn = await operator.ask("PATCH", path, json={"is_active": False})
    assert withdrawn.json()["is_active"] is False
    found = await operator.get("/v1/operator/products", params={"q": tea["sku"]})
    assert found["items"] == [withdrawn.json()]


async def test_the_shop_has_one_currency(operator: Caller) -> None:
    draft = {"sku": fresh("SKU"), "name": "Tea", "price": {"amount": 1, "currency": "USD"}, "quantity": 1}
    answer = await operator.ask("POST", "/v1/operator/products", json=draft)
    assert (answer.status_code, answer.json()["code"]) == (422, "currency_mismatch")


async def test_stock_is_corrected_with_a_reason_and_never_below_zero(operator: Caller) -> None:
    tea = await stock(operator, quantity=10)
    path = f"/v1/operator/products/{tea['id']}/stock"
    corrected = await operator.ask("POST", path, json={"delta": -3, "reason": "broken in transit"})
    assert corrected.json()["quantity"] == 7
    below = await operator.ask("POST", path, json={"delta": -8, "reason": "broken in transit"})
    assert (below.status_code, below.json()["code"]) == (409, "out_of_stock")
    by_nothing = await operator.ask("POST", path, json={"delta": 0, "reason": "no reason"})
    assert (by_nothing.status_code, by_nothing.json()["field"]) == (422, "delta")
    card = await operator.ask("POST", path, json={"delta": 1, "reason": "paid with 4242424242424242"})
    assert card.json()["code"] == "card_number_refused"


async def test_orders_are_searched(client: httpx.AsyncClient, ada: Caller, operator: Caller) -> None:
    tea = await stock(operator)
    await ada.put(tea["id"], 1)
    order = (await ada.check_out()).json()["order"]
    for params in ({"q": order["invoice_id"]}, {"q": ada.email}, {"q": ada.email, "status": "awaiting_payment"}):
        found = await operator.get("/v1/operator/orders", params=params)
        assert [item["invoice_id"] for item in found["items"]] == [order["invoice_id"]]
    assert (await operator.get("/v1/operator/orders", params={"q": ada.email, "status": "paid"}))["items"] == []
    wrong = await operator.ask("GET", "/v1/operator/orders", params={"status": "lost"})
    assert (wrong.status_code, wrong.json()["path"]) == (400, "status")


async def test_an_account_is_deactivated_and_activated_again(client: httpx.AsyncClient, operator: Caller) -> None:
    ada = await arrive(client)
    path = f"/v1/operator/accounts/{(await ada.get('/v1/accounts/me'))['id']}"
    off = await operator.ask("PATCH", path, json={"is_active": False})
    assert (off.status_code, off.json()["is_active"]) == (200, False)
    assert (await ada.ask("GET", "/v1/cart")).status_code == 401
    refused = await client.post("/v1/sessions", json={"email": ada.email, "password": PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (401, "login_refused")
    assert (await operator.ask("PATCH", path, json={"is_active": True})).json()["is_active"] is True
    await log_in(client, ada.email)


async def test_an_account_is_logged_out_everywhere(client: httpx.AsyncClient, operator: Caller) -> None:
    ada = await arrive(client)
    path = f"/v1/operator/accounts/{(await ada.get('/v1/accounts/me'))['id']}/sessions"
    assert (await operator.ask("DELETE", path)).status_code == 204
    assert (await ada.ask("GET", "/v1/cart")).status_code == 401
    unknown = await operator.ask("DELETE", "/v1/operator/accounts/987654321/sessions")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_account")


async def test_the_audit_trail_says_who_did_what(operator: Caller, place: Here | There) -> None:
    me = await operator.get("/v1/accounts/me")
    tea = await stock(operator)
    path = f"/v1/operator/products/{tea['id']}/stock"
    answer = await operator.ask(
        "POST", path, json={"delta": 1, "reason": "found"}, headers={"X-Request-Id": "audited-1"}
    )
    assert answer.status_code == 200
    trail, cursor = [], {}
    for _ in range(1000):
        part = await operator.get("/v1/operator/audit", params={"limit": 2, "actor": f"operator:{me['id']}", **cursor})
        trail += part["items"]
        if part["next"] is None:
            break
        cursor = {"cursor": part["next"]}
    ids = [line["id"] for line in trail]
    assert ids == sorted(set(ids))
    line = trail[-1]
    assert line["origin"]["request_id"] == "audited-1"
    assert line["origin"]["address"] == place.address
    assert line["subject"] == f"product:{tea['id']}"
    assert isinstance(line["details"], dict)
    assert PASSWORD not in str(trail)
