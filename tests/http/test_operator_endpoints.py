"""Outgoing webhooks as an operator manages them over HTTP."""

from typing import Any

import httpx
import pytest

from tests.http.caller import Caller
from tests.http.places import Here
from tests.http.served import RECEIVER

ALL = "/v1/operator/webhook-endpoints"
URL = f"https://{RECEIVER}/kassa"
SOON = "2020-01-01T00:00:00Z"


async def made(operator: Caller, *events: str, url: str = URL) -> dict[str, Any]:
    """A new endpoint and its secret."""
    answer = await operator.ask("POST", ALL, json={"url": url, "events": events or ["*"]})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def written(here: Here) -> dict[str, int]:
    """How many rows there are."""
    async with here.till.world.database.reading() as connection:
        tables = ("endpoints", "deliveries", "audit", "outbox")
        return {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in tables}


async def test_an_endpoint_is_made_with_a_secret_that_is_shown_once(operator: Caller) -> None:
    body = {"url": URL, "events": ["order.*", "payment.succeeded"], "description": "Books"}
    answer = await operator.ask("POST", ALL, json=body)
    assert answer.status_code == 201
    secret, endpoint = answer.json()["secret"], answer.json()["endpoint"]
    assert secret.startswith("whsec_")
    assert {name: endpoint[name] for name in body} == body
    assert (endpoint["is_enabled"], endpoint["disabled"], endpoint["version"]) == (True, None, 1)
    listed = await operator.get(ALL)
    assert listed == {"items": [endpoint], "next": None}
    one = await operator.ask("GET", f"{ALL}/{endpoint['id']}")
    assert (one.json(), one.headers["etag"]) == (endpoint, '"1"')
    trail = await operator.get("/v1/operator/audit", params={"subject": f"endpoint:{endpoint['id']}"})
    assert [line["action"] for line in trail["items"]] == ["endpoint.created"]
    assert secret not in str((listed, one.text, trail))


@pytest.mark.parametrize("path", ["", "/{id}/secret"])
async def test_answers_that_are_secrets_take_no_idempotency_key(operator: Caller, here: Here, path: str) -> None:
    endpoint = (await made(operator))["endpoint"]
    before = await written(here)
    answer = await operator.ask(
        "POST", ALL + path.format(id=endpoint["id"]), key="k", json=None if path else {"url": URL, "events": ["*"]}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_refused")
    assert await written(here) == before


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"url": "http://books.example/", "events": ["*"]}, 422, "invalid_value"),
    ({"url": "https://127.0.0.1/", "events": ["*"]}, 422, "invalid_value"),
    ({"url": "https://169.254.169.254/latest/", "events": ["*"]}, 422, "invalid_value"),
    ({"url": "https://[::1]/", "events": ["*"]}, 422, "invalid_value"),
    ({"url": "https://localhost/", "events": ["*"]}, 422, "invalid_value"),
    ({"url": f"https://me:pw@{RECEIVER}/", "events": ["*"]}, 422, "invalid_value"),
    ({"url": URL, "events": ["order.payed"]}, 422, "invalid_value"),
    ({"url": URL, "events": ["mail.send"]}, 422, "invalid_value"),
    ({"url": URL, "events": ["order.paid", "order.paid"]}, 422, "invalid_value"),
    ({"url": URL, "events": ["Order Paid"]}, 400, "malformed"),
    ({"url": URL, "events": []}, 400, "malformed"),
    ({"url": URL, "events": ["*"] * 41}, 400, "malformed"),
    ({"url": URL, "events": "*"}, 400, "malformed"),
    ({"url": URL}, 400, "malformed"),
    ({"url": "", "events": ["*"]}, 400, "malformed"),
    ({"url": URL + "x" * 500, "events": ["*"]}, 400, "malformed"),
    ({"url": URL, "events": ["*"], "secret": "whsec_mine"}, 400, "malformed"),
    ({"url": URL, "events": ["*"], "description": "4242 4242 4242 4242"}, 422, "card_number_refused"),
    ({"url": URL, "events": ["*"], "description": "x" * 201}, 400, "malformed"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD)
async def test_what_cannot_be_is_refused_and_nothing_written(
    operator: Caller, here: Here, body: dict[str, Any], status: int, code: str
) -> None:
    endpoint = (await made(operator))["endpoint"]
    before = await written(here)
    answer = await operator.ask("POST", ALL, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if "events" in body:
        changed = await operator.ask("PATCH", f"{ALL}/{endpoint['id']}", json=body)
        assert (changed.status_code, changed.json()["code"]) == (status, code), changed.text
    assert await written(here) == before
    assert await operator.get(f"{ALL}/{endpoint['id']}") == endpoint


async def test_an_endpoint_is_changed_where_it_is_as_it_was_seen(operator: Caller) -> None:
    path = f"{ALL}/{(await made(operator))['endpoint']['id']}"
    changed = await operator.ask("PATCH", path, json={"is_enabled": False}, headers={"If-Match": '"1"'})
    assert (changed.json()["disabled"], changed.headers["etag"]) == ("operator", '"2"')
    stale = await operator.ask("PATCH", path, json={"is_enabled": True}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    on = await operator.ask("PATCH", path, json={"is_enabled": True, "events": ["suspense.*"]})
    assert (on.json()["is_enabled"], on.json()["events"], on.json()["version"]) == (True, ["suspense.*"], 3)


async def test_a_secret_is_replaced(operator: Caller) -> None:
    first = await made(operator)
    answer = await operator.ask("POST", f"{ALL}/{first['endpoint']['id']}/secret")
    assert answer.status_code == 200
    assert answer.json()["secret"] != first["secret"]
    assert answer.json()["endpoint"]["old_secret_until"] is not None


async def test_a_deleted_endpoint_is_gone(operator: Caller) -> None:
    endpoint_id = (await made(operator))["endpoint"]["id"]
    assert (await operator.ask("DELETE", f"{ALL}/{endpoint_id}")).status_code == 204
    assert (await operator.get(ALL))["items"] == []
    await nowhere(operator, endpoint_id)


async def test_what_is_not_there_is_404(operator: Caller) -> None:
    await nowhere(operator, "ep_nobody")
    for path in ("/v1/operator/webhook-deliveries/7", "/v1/operator/webhook-deliveries/7/redeliver"):
        answer = await operator.ask("POST" if path.endswith("redeliver") else "GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_delivery")
    odd = await operator.ask("GET", "/v1/operator/webhook-deliveries/seven")
    assert (odd.status_code, odd.json()["code"]) == (404, "not_found")


async def nowhere(operator: Caller, endpoint_id: str) -> None:
    """Every address of this endpoint says that there is none."""
    path = f"{ALL}/{endpoint_id}"
    asked: list[httpx.Response] = [
        await operator.ask("GET", path),
        await operator.ask("PATCH", path, json={"is_enabled": False}),
        await operator.ask("DELETE", path),
        await operator.ask("POST", f"{path}/secret"),
        await operator.ask("POST", f"{path}/test"),
        await operator.ask("GET", f"{path}/deliveries"),
        await operator.ask("POST", f"{path}/redeliver", json={"since": SOON}),
    ]
    assert [(one.status_code, one.json()["code"]) for one in asked] == [(404, "unknown_endpoint")] * len(asked)


async def test_twenty_endpoints_are_enough(operator: Caller) -> None:
    for _ in range(20):
        await made(operator)
    answer = await operator.ask("POST", ALL, json={"url": URL, "events": ["*"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "endpoints_full")


async def test_deliveries_are_looked_at_and_sent_again(operator: Caller) -> None:
    path = f"{ALL}/{(await made(operator))['endpoint']['id']}"
    tests = [(await operator.ask("POST", f"{path}/test")).json() for _ in range(3)]
    assert {test["type"] for test in tests} == {"webhook.test"}
    part = await operator.get(f"{path}/deliveries", params={"limit": 2})
    assert [one["id"] for one in part["items"]] == [tests[2]["id"], tests[1]["id"]]
    rest = await operator.get(f"{path}/deliveries", params={"limit": 2, "cursor": part["next"]})
    assert (rest["items"], rest["next"]) == ([tests[0]], None)
    assert (await operator.get(f"{path}/deliveries", params={"state": "dead"}))["items"] == []
    log = await operator.get(f"/v1/operator/webhook-deliveries/{tests[0]['id']}")
    assert (log["delivery"], log["attempts"]) == (tests[0], [])
    assert (log["message"]["type"], log["message"]["version"]) == ("webhook.test", 1)
    again = await operator.ask("POST", f"/v1/operator/webhook-deliveries/{tests[0]['id']}/redeliver")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    none = await operator.ask("POST", f"{path}/redeliver", json={"since": SOON})
    assert (none.status_code, none.json()) == (202, {"redelivered": 0, "more": False})
    for wrong in ({"since": "yesterday"}, {"since": "2026-03-02T00:00:00"}, {}, {"since": 7}):
        answer = await operator.ask("POST", f"{path}/redeliver", json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    odd = await operator.ask("GET", f"{path}/deliveries", params={"state": "lost"})
    assert (odd.status_code, odd.json()["path"]) == (400, "state")
