"""Somebody who uses the shop over HTTP."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

PASSWORD = "a sentence nobody guesses"
_NUMBERS = count(1)


@dataclass
class Caller:
    """A client with a session."""

    client: httpx.AsyncClient
    token: str
    email: str
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"Authorization": f"Bearer {self.token}"}

    async def ask(self, method: str, path: str, *, key: str | None = None, **given: Any) -> httpx.Response:
        """Any request, with the session and perhaps an idempotency key."""
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {}), **given.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **given)

    async def get(self, path: str, **given: Any) -> Any:
        """The JSON at an address."""
        answer = await self.ask("GET", path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def put(self, product_id: int, quantity: int, **given: Any) -> httpx.Response:
        """Set a cart line."""
        return await self.ask("PUT", f"/v1/cart/lines/{product_id}", json={"quantity": quantity}, **given)

    async def check_out(self, key: str | None = None, **given: Any) -> httpx.Response:
        """Check out for what the cart says."""
        total = (await self.get("/v1/cart"))["total"]
        body = {"expected_total": total, **given}
        return await self.ask("POST", "/v1/checkout", key=key or fresh("key"), json=body)


def fresh(word: str) -> str:
    """A name that no test used before, also on a shop that many tests share."""
    return f"{word}-{next(_NUMBERS)}"


async def register(client: httpx.AsyncClient, **given: Any) -> str:
    """A new account; its e-mail address."""
    email = given.pop("email", None) or f"{fresh('ada')}@example.com"
    body = {"email": email, "password": PASSWORD, "address": "1 Analytical Row", **given}
    answer = await client.post("/v1/accounts", json=body)
    assert (answer.status_code, answer.content) == (202, b""), answer.text
    return email


async def log_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> Caller:
    """A session for an account."""
    answer = await client.post("/v1/sessions", json={"email": email, "password": password})
    assert answer.status_code == 201, answer.text
    return Caller(client, answer.json()["token"], email)


async def arrive(client: httpx.AsyncClient) -> Caller:
    """Register and log in."""
    return await log_in(client, await register(client))


async def stock(operator: Caller, *, price: int = 255, quantity: int = 5) -> dict[str, Any]:
    """A new product, made by the operator."""
    draft = {
        "sku": fresh("SKU"),
        "name": "Tea",
        "price": {"amount": price, "currency": "GBP"},
        "quantity": quantity,
    }
    answer = await operator.ask("POST", "/v1/operator/products", json=draft)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
