"""Cookies, origins and everything else that browsers make necessary."""

from ipaddress import ip_network

import httpx
import pytest

from tests.http.caller import PASSWORD, Caller, arrive, register
from tests.http.served import URL, Served, served
from tests.kernel.world import World

COOKIE = "__Host-kassa"


async def cookie_of(client: httpx.AsyncClient) -> str:
    """Log in as a browser does; the cookie's value."""
    email = await register(client)
    body = {"email": email, "password": PASSWORD, "carrier": "cookie"}
    answer = await client.post("/v1/sessions", json=body, headers={"Origin": URL})
    assert answer.status_code == 201
    assert "token" not in answer.json()
    header = answer.headers["set-cookie"]
    name, _, rest = header.partition("=")
    value, _, attributes = rest.partition("; ")
    assert name == COOKIE
    assert set(attributes.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
    assert int(attributes.split("; ")[0].removeprefix("Max-Age=")) > 3600
    client.cookies.clear()
    return value


async def test_a_browser_logs_in_by_cookie_and_out_again(client: httpx.AsyncClient) -> None:
    cookie = {"Cookie": f"theme=dark; {COOKIE}={await cookie_of(client)}"}
    assert (await client.get("/v1/accounts/me", headers=cookie)).status_code == 200
    out = await client.delete("/v1/sessions/current", headers={**cookie, "Origin": URL})
    assert out.status_code == 204
    assert out.headers["set-cookie"].startswith(f"{COOKIE}=; Max-Age=0")
    assert (await client.get("/v1/accounts/me", headers=cookie)).status_code == 401


@pytest.mark.parametrize(
    "origin",
    [None, "https://evil.test", "null", URL + ".evil.test", URL + "/", "https://shop.test", "http://SHOP.test"],
)
async def test_a_cookie_writes_from_the_shops_own_pages_alone(client: httpx.AsyncClient, origin: str | None) -> None:
    headers = {"Cookie": f"{COOKIE}={await cookie_of(client)}", **({"Origin": origin} if origin else {})}
    for method, path, body in (
        ("PATCH", "/v1/accounts/me", {"address": "elsewhere"}),
        ("DELETE", "/v1/cart", None),
        ("POST", "/v1/checkout", {"expected_total": {"amount": 1, "currency": "GBP"}}),
    ):
        answer = await client.request(method, path, headers={**headers, "Idempotency-Key": "k"}, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")
    assert (await client.get("/v1/cart", headers=headers)).status_code == 200


async def test_nobody_is_logged_in_from_another_site(client: httpx.AsyncClient) -> None:
    email = await register(client)
    body = {"email": email, "password": PASSWORD, "carrier": "cookie"}
    answer = await client.post("/v1/sessions", json=body, headers={"Origin": "https://evil.test"})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")
    assert "set-cookie" not in answer.headers


async def test_a_form_of_another_site_is_not_json(client: httpx.AsyncClient) -> None:
    cookie = {"Cookie": f"{COOKIE}={await cookie_of(client)}", "Origin": URL}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"):
        answer = await client.patch(
            "/v1/accounts/me", headers={**cookie, "Content-Type": kind}, content=b'{"address":"elsewhere"}'
        )
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_content")


async def test_two_credentials_are_refused(client: httpx.AsyncClient) -> None:
    cookie = await cookie_of(client)
    ada = await arrive(client)
    bearer = ("Authorization", f"Bearer {ada.token}")
    for headers in (
        [bearer, ("Cookie", f"{COOKIE}={cookie}")],
        [bearer, bearer],
        [("Cookie", f"{COOKIE}={cookie}; {COOKIE}={cookie}")],
        [("Cookie", f"{COOKIE}={cookie}"), ("Cookie", f"{COOKIE}=x")],
    ):
        answer = await client.get("/v1/cart", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "two_credentials")


@pytest.mark.parametrize(
    "credentials",
    ["Bearer", "Bearer ", "Bearer x", "Basic YWRhOmFkYQ==", "Bearer " + "a" * 43, "Bearer " + "ä" * 43, "Bearer a b"],
)
async def test_what_is_no_session_is_401(client: httpx.AsyncClient, credentials: str) -> None:
    answer = await client.get("/v1/cart", headers=[(b"authorization", credentials.encode("latin-1"))])
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


async def test_no_other_origin_is_told_anything_by_default(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/products", headers={"Origin": "https://app.test"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = await client.options(
        "/v1/cart", headers={"Origin": "https://app.test", "Access-Control-Request-Method": "PUT"}
    )
    assert asked.status_code == 204
    assert not [name for name in asked.headers if name.startswith("access-control")]


async def test_a_listed_origin_may_ask(world: World) -> None:
    async with served(world, cors_origins=("https://app.test",)) as shop, shop.client() as client:
        asked = await client.options(
            "/v1/cart/lines/1", headers={"Origin": "https://app.test", "Access-Control-Request-Method": "PUT"}
        )
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == "https://app.test"
        assert "PUT" in asked.headers["access-control-allow-methods"]
        assert "Idempotency-Key" in asked.headers["access-control-allow-headers"]
        answer = await client.get("/v1/cart", headers={"Origin": "https://app.test"})
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == "https://app.test"
        assert set(answer.headers["vary"].split(", ")) == {"Accept-Language", "Origin"}
        other = await client.get("/v1/cart", headers={"Origin": "https://evil.test"})
        assert "access-control-allow-origin" not in other.headers
        assert "Origin" in other.headers["vary"]


async def test_a_cookie_over_plain_http_has_no_prefix(world: World) -> None:
    async with served(world, cookie_secure=False) as shop, shop.client() as client:
        email = await register(client)
        body = {"email": email, "password": PASSWORD, "carrier": "cookie"}
        header = (await client.post("/v1/sessions", json=body)).headers["set-cookie"]
        assert header.startswith("kassa=")
        assert "Secure" not in header


@pytest.mark.parametrize("path", ["/", "/docs", "/problems", "/problems/out_of_stock", "/returned"])
async def test_pages_need_nothing_from_elsewhere(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    text = answer.text.replace(URL, "").replace("&quot;https://books.example/kassa&quot;", "an example in a text")
    for word in ("https://", "src=", "@import", "url("):
        assert word not in text


async def test_every_answer_may_be_framed_and_sniffed_by_nobody(client: httpx.AsyncClient, ada: Caller) -> None:
    for path, status in (("/v1/cart", 401), ("/nowhere", 404), ("/health/live", 200), ("/v1/products", 200)):
        answer = await client.get(path)
        assert answer.status_code == status
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
    assert (await ada.ask("GET", "/v1/cart")).headers["cache-control"] == "no-store"


async def test_https_stays_https(world: World) -> None:
    async with served(world, public_url="https://shop.test") as shop, shop.client() as client:
        assert "max-age" in (await client.get("/health/live")).headers["strict-transport-security"]


async def test_forwarded_addresses_count_only_from_trusted_proxies(world: World, shop: Served) -> None:
    from kassa.ports.throttle import Limit

    limit = Limit(attempts=2, window_s=60)
    async with served(world, api_limit=limit) as open_shop, open_shop.client(address="198.51.100.1") as client:
        codes = [
            (await client.get("/v1/products", headers={"X-Forwarded-For": f"203.0.113.{n}"})).status_code
            for n in range(4)
        ]
        assert codes == [200, 200, 429, 429]
    trusted = (ip_network("198.51.100.0/24"),)
    async with (
        served(world, api_limit=limit, trusted_proxies=trusted) as proxied,
        proxied.client(address="198.51.100.2") as client,
    ):
        for n in range(4):
            forged = f"198.51.100.9, 10.0.0.{n}, 203.0.113.77, 198.51.100.3"
            answer = await client.get("/v1/products", headers={"X-Forwarded-For": forged})
            assert answer.status_code == (200 if n < 2 else 429)


async def test_two_hosts_are_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/products", headers=[("Host", "a"), ("Host", "b")])
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


async def test_a_limit_is_told_before_and_after_it_is_used_up(world: World) -> None:
    from kassa.ports.throttle import Limit

    async with (
        served(world, api_limit=Limit(attempts=1, window_s=60)) as shop,
        shop.client(address="2001:db8::1") as client,
        shop.client(address="2001:db8::2") as neighbour,
        shop.client(address="2001:db8:0:1::1") as other,
    ):
        first = await client.get("/v1/products")
        assert (first.headers["ratelimit-policy"], first.headers["ratelimit"]) == ('"api";q=1;w=60', '"api";r=0;t=60')
        second = await neighbour.get("/v1/products")
        assert (second.status_code, second.headers["retry-after"]) == (429, "60")
        assert second.headers["ratelimit"] == '"api";r=0;t=60'
        assert (await client.get("/health/live")).status_code == 200
        assert (await other.get("/v1/products")).status_code == 200
        world.clock.advance(61)
        assert (await client.get("/v1/products")).status_code == 200
