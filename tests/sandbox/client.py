"""A merchant's hand: the sandbox's API through a plain HTTP client."""

from __future__ import annotations

from typing import Any

import httpx
from tests.sandbox.process import SHOP, SandboxProcess

from kassa.adapters.sandbox.model import Merchant


class ShopClient:
    """Calls with one merchant's key; `control` and `customer` calls need none."""

    def __init__(self, sandbox: SandboxProcess, merchant: Merchant = SHOP, timeout_s: float = 5.0) -> None:
        # Nothing here is https, and reading the machine's certificates would take longer than most tests.
        self.http = httpx.AsyncClient(base_url=sandbox.url, timeout=timeout_s, trust_env=False, verify=False)
        self._bearer = {"authorization": f"Bearer {merchant.secret_key}"}

    async def __aenter__(self) -> ShopClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def post(self, path: str, body: object = None, key: str | None = None) -> httpx.Response:
        headers = self._bearer | ({"idempotency-key": key} if key else {})
        return await self.http.post(path, json={} if body is None else body, headers=headers)

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.http.get(path, params=query, headers=self._bearer)

    async def charge(self, ref: str, source: str | None = "tok_ok", key: str | None = None, **more: Any) -> Any:
        """Create a charge of 12.50 EUR (a card unless said otherwise) and return the response."""
        body = {"amount": 1250, "currency": "EUR", "kind": "card", "merchant_ref": ref} | more
        return await self.post("/v1/charges", body | ({"source": source} if source else {}), key)

    async def by_ref(self, ref: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get("/v1/charges", merchant_ref=ref)).json()["data"]
        return found

    async def control(self, path: str, body: object = None) -> dict[str, Any]:
        answer = await self.http.post(f"/control/{path}", json={} if body is None else body)
        assert answer.status_code == 200, answer.text
        parsed: dict[str, Any] = answer.json()
        return parsed

    async def script(self, *faults: dict[str, Any]) -> None:
        answer = await self.http.put("/control/faults", json={"next": faults})
        assert answer.status_code == 200, answer.text

    async def webhooks_to(self, url: str, merchant: Merchant = SHOP) -> None:
        body = {
            "secret_key": merchant.secret_key,
            "webhook_secret": merchant.webhook_secret,
            "webhook_url": url,
        }
        answer = await self.http.put(f"/control/merchants/{merchant.name}", json=body)
        assert answer.status_code == 200, answer.text

    async def books(self, merchant: Merchant = SHOP) -> dict[str, Any]:
        rows: dict[str, Any] = (await self.http.get("/control/books")).json()[merchant.name]
        return rows

    async def facts(self, fact: str) -> list[dict[str, Any]]:
        """The facts of one kind since the last reset, oldest first."""
        entries = (await self.http.get("/control/journal")).json()["entries"]
        facts = [line["fact"] for line in entries]
        resets = [index for index, one in enumerate(facts) if one["fact"] == "reset"]
        return [one for one in facts[(resets or [0])[-1] :] if one["fact"] == fact]
