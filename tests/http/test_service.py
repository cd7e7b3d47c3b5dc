"""Health, metrics, logs, ids, deadlines: what operators rely on."""

import asyncio
from typing import Any

import httpx
import pytest
import structlog

from kassa.adapters.http.visit import begin
from kassa.ports.errors import Busy, Unavailable
from tests.http.caller import PASSWORD, Caller, arrive
from tests.http.places import Here
from tests.http.served import Served
from tests.kernel.machine import SeededIds


async def test_it_lives_and_is_ready(client: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_what_is_wrong_is_told(here: Here) -> None:
    async def not_ready() -> dict[str, str]:
        return {"database": "unavailable"}

    async with here.client() as client:
        object.__setattr__(here.shop.shop, "ready", not_ready)
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()) == (
            503,
            {"status": "not_ready", "problems": {"database": "unavailable"}},
        )
        assert (await client.get("/health/live")).status_code == 200


async def test_head_and_options_are_answered(client: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/v1/products", "/openapi.json", "/docs"):
        head, get = await client.head(path), await client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]
    assert (await client.head("/v1/cart")).status_code == 401
    options = await client.options("/v1/cart/lines/1")
    assert (options.status_code, options.headers["allow"]) == (204, "DELETE, OPTIONS, PUT")
    assert (await client.options("/v1/cart")).headers["allow"] == "DELETE, GET, HEAD, OPTIONS"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 2000])
async def test_other_methods_are_refused_with_those_that_are_not(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/v1/products")
    if answer.status_code == 200:
        assert method == "get"  # httpx writes it in capitals
        return
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "path",
    [
        "/v1", "/v2/cart", "/v1/products/x", "/v1/products/0", "/v1/products/-1", "/v1/products/1.0", "/v1/products/1e3",
        "/v1/products/99999999999999999", "/v1/products/%D9%A1", "/v1/products/1%00", "/v1/products/1_0", "/v1/products/+1",
        "/v1/products/%2e%2e/cart", "/problems/nonsense", "/problems/%3Cscript%3E", "/.git/config",
        "/v1/returns/" + "a" * 3000, "/v1/products/1;x", "//evil.test/",
    ],
)  # fmt: skip
async def test_what_is_nowhere_is_404(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(httpx.URL(f"http://shop.test{path}"))
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=101", "limit=x", "limit=1.0", "limit=1e1", "limit=01", "limit=%2B1", "limit=", "limit=1&limit=1",
        "q=a&q=b", "page=2", "q=%00", "q=%FF", "q=%ED%A0%80", "q", "&&", "=", "q=" + "a" * 201, "cursor=" + "a" * 201,
        "limit=" + "9" * 5000, "&".join(f"a{n}=1" for n in range(50)),
    ],
)  # fmt: skip
async def test_a_query_that_makes_no_sense_is_400(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/products?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize("cursor", ["x", "'; DROP TABLE products;--", "-1", "9" * 30, "é", "{}", "../.."])
async def test_a_cursor_that_is_none_is_the_beginning(client: httpx.AsyncClient, ada: Caller, cursor: str) -> None:
    assert (await client.get("/v1/products", params={"cursor": cursor})).status_code == 200
    assert (await ada.ask("GET", "/v1/orders", params={"cursor": cursor})).status_code == 200


async def test_text_that_is_code_elsewhere_is_only_text(client: httpx.AsyncClient) -> None:
    for text in ("' OR 1=1 --", "%", "_", "\\", "%%%", '"', "$(id)", "{{7*7}}", "é😀"):
        answer = await client.get("/v1/products", params={"q": text})
        assert (answer.status_code, answer.json()["items"]) == (200, [])


async def test_a_request_id_is_taken_if_it_is_one(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live", headers={"X-Request-Id": "a.B-9_"})).headers["x-request-id"] == "a.B-9_"
    for bad in ("", "a b", "a" * 65, "ü", "a\tb", "<script>"):
        answer = await client.get("/nowhere", headers=[(b"x-request-id", bad.encode("latin-1"))])
        assert len(answer.headers["x-request-id"]) == 22
        assert answer.json()["instance"] == answer.headers["x-request-id"]


async def test_a_trace_is_carried_on_if_it_is_one(client: httpx.AsyncClient) -> None:
    good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert (await client.get("/health/live", headers={"traceparent": good})).headers["traceparent"] == good
    for bad in ("", "00-0-0-0", good.upper(), "00-" + "0" * 32 + "-b7ad6b7169203331-01", good + "x"):
        assert "traceparent" not in (await client.get("/health/live", headers={"traceparent": bad})).headers


async def test_metrics_count_by_route_and_never_by_path(client: httpx.AsyncClient, ada: Caller) -> None:
    await client.get("/v1/products/987654")
    await client.get("/nowhere/secret-path")
    await client.request("PROPFIND", "/v1/products")
    text = (await client.get("/metrics")).text
    assert 'kassa_http_requests_total{method="GET",route="/v1/products/{product_id}",status="404"} 1.0' in text
    assert 'method="other"' in text
    for leaked in ("987654", "secret-path", "PROPFIND", ada.token, ada.email):
        assert leaked not in text


async def test_the_log_has_one_line_per_request_and_no_secret(client: httpx.AsyncClient) -> None:
    lines: list[dict[str, Any]] = []

    def keep(logger: object, name: str, event: dict[str, Any]) -> dict[str, Any]:
        lines.append(event)
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    ada = await arrive(client)
    await ada.ask("POST", "/v1/sessions", json={"email": ada.email, "password": "canary-password"})
    await client.get("/v1/returns/canary-token-canary-token")
    await client.get("/canary-path?canary=query", headers={"X-Canary": "canary", "Cookie": "canary=canary"})
    await ada.ask("PATCH", "/v1/accounts/me", json={"address": "canary-address"})
    assert [line["route"] for line in lines] == [
        "/v1/accounts", "/v1/sessions", "/v1/sessions", "/v1/returns/{token}", "unmatched", "/v1/accounts/me",
    ]  # fmt: skip
    assert [line["status"] for line in lines] == [202, 201, 401, 404, 404, 200]
    assert lines[-1]["account"] is not None
    for secret in ("canary", PASSWORD, ada.token, ada.email):
        assert secret not in str(lines)


async def test_a_defect_is_a_bare_500_and_a_log_line_without_its_message(here: Here) -> None:
    lines: list[dict[str, Any]] = []

    def keep(logger: object, name: str, event: dict[str, Any]) -> dict[str, Any]:
        lines.append(event)
        raise structlog.DropEvent

    structlog.configure(processors=[keep])

    async def broken() -> dict[str, str]:
        raise RuntimeError("canary-in-the-message")

    object.__setattr__(here.shop.shop, "ready", broken)
    async with here.client() as client:
        answer = await client.get("/health/ready")
    assert answer.status_code == 500
    assert set(answer.json()) == {"type", "title", "status", "instance", "code", "retryable"}
    assert "canary" not in answer.text + str(lines)
    defect = next(line for line in lines if line["event"] == "defect")
    assert defect["error"] == "builtins.RuntimeError"
    assert defect["request_id"] == answer.headers["x-request-id"]
    assert any("test_service.py" in frame and "broken" in frame for frame in defect["where"])


async def test_what_is_away_or_busy_says_when_to_come_back(here: Here) -> None:
    for error in (Unavailable("database", 7), Busy("hashing", 7)):

        async def away(error: Exception = error) -> dict[str, str]:
            raise error

        object.__setattr__(here.shop.shop, "ready", away)
        answer = await httpx.AsyncClient(transport=httpx.ASGITransport(here.shop.app), base_url="http://shop.test").get(
            "/health/ready"
        )
        assert (answer.status_code, answer.json()["code"]) == (503, error.code)
        assert answer.headers["retry-after"] == "7"


async def test_a_deadline_ends_the_wait_and_not_the_work() -> None:
    async with Here.opened(request_deadline_s=0.05) as here, here.client() as client:
        begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def slow() -> dict[str, str]:
            begun.set()
            await go_on.wait()
            ended.set()
            return {}

        object.__setattr__(here.shop.shop, "ready", slow)
        answer = await asyncio.wait_for(client.get("/health/ready"), 5)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert answer.json()["code"] == "deadline_over"
        assert answer.json()["retryable"] is True
        go_on.set()
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_client_that_hangs_up_tears_nothing(here: Here) -> None:
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow() -> dict[str, str]:
        begun.set()
        await go_on.wait()
        ended.set()
        return {}

    object.__setattr__(here.shop.shop, "ready", slow)
    async with here.client() as client:
        request = asyncio.create_task(client.get("/health/ready"))
        await begun.wait()
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
    go_on.set()
    await asyncio.wait_for(ended.wait(), 5)


async def test_more_than_a_bounded_number_at_once_is_busy() -> None:
    async with Here.opened(in_flight=2) as here, here.client() as client:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow() -> dict[str, str]:
            begun.set()
            await go_on.wait()
            return {}

        object.__setattr__(here.shop.shop, "ready", slow)
        waiting = [asyncio.create_task(client.get("/health/ready")) for _ in range(2)]
        await begun.wait()
        await asyncio.sleep(0)
        third = await client.get("/v1/products")
        assert (third.status_code, third.json()["code"]) == (503, "busy")
        go_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_a_body_that_drips_is_408(here: Here) -> None:
    async with Here.opened(body_deadline_s=0.05) as slow:
        status = await _raw(slow.shop, more_body=True)
        assert status == 408
    assert await _raw(here.shop, more_body=False) == 400


async def _raw(shop: Served, *, more_body: bool) -> int:
    """A POST whose body begins and, perhaps, never ends."""
    sent: list[dict[str, Any]] = []
    parts = [{"type": "http.request", "body": b'{"', "more_body": more_body}]

    async def receive() -> Any:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()
        return None

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": "/v1/accounts",
        "raw_path": b"/v1/accounts", "root_path": "", "scheme": "http", "query_string": b"",
        "headers": [(b"host", b"shop.test"), (b"content-type", b"application/json")],
        "client": ("192.0.2.7", 1), "server": ("shop.test", 80),
    }  # fmt: skip
    await asyncio.wait_for(shop.app(scope, receive, send), 5)  # type: ignore[arg-type]
    return int(sent[0]["status"])


def test_addresses_are_read_as_they_are_meant() -> None:
    from ipaddress import ip_network

    def seen(peer: str | None, forwarded: str | None, *trusted: str) -> str | None:
        headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded is not None else []
        scope = {"headers": headers, "client": (peer, 1) if peer else None}
        return begin(scope, SeededIds(), tuple(ip_network(network) for network in trusted)).address

    assert seen("192.0.2.7", "203.0.113.1") == "192.0.2.7"
    assert seen(None, "203.0.113.1") is None
    assert seen("::ffff:192.0.2.7", None) == "192.0.2.7"
    assert seen("10.0.0.1", "203.0.113.1", "10.0.0.0/8") == "203.0.113.1"
    assert seen("10.0.0.1", "1.1.1.1, 203.0.113.1, 10.0.0.2", "10.0.0.0/8") == "203.0.113.1"
    assert seen("10.0.0.1", "203.0.113.1, nonsense", "10.0.0.0/8") == "10.0.0.1"
    assert seen("10.0.0.1", "", "10.0.0.0/8") == "10.0.0.1"
    assert seen("10.0.0.1", "10.0.0.3", "10.0.0.0/8") == "10.0.0.3"
    assert seen("::1", "2001:db8::1", "::1/128") == "2001:db8::1"
