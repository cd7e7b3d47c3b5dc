"""The sandbox provider as the double of a conformance run: one process for all checks of a subject, forgotten between them."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from kassa.adapters.sandbox.model import Merchant
from kassa.adapters.sandbox.webhooks import signature
from kassa.ports.conformance.payment_method import CANARY, Charge, Headers, ProviderDouble, Subject
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, Movement, MovementState
from kassa.ports.secret import Secret
from tests.sandbox.process import SandboxProcess, start_sandbox

STATES = {
    "pending": MovementState.PENDING,
    "failed": MovementState.FAILED,
    "succeeded": MovementState.SUCCEEDED,
    "reversed": MovementState.REVERSED,
}


class SandboxDouble(ProviderDouble):
    """One merchant's view of a running sandbox. `things` is where its payments are: `charges` or `virtual-accounts`."""

    def __init__(self, url: str, merchant: Merchant, things: str = "charges") -> None:
        self.url, self.merchant, self.things = url, merchant, things

    async def open(self) -> None:
        self.hand = httpx.AsyncClient(base_url=self.url, trust_env=False, verify=False)
        await self.told("POST", "/control/reset", {})

    async def close(self) -> None:
        await self.hand.aclose()

    async def told(self, method: str, path: str, body: Any = None) -> Any:
        """What the sandbox answers to one who may ask everything; None for a redirect. Raises if it refuses."""
        headers = {"Authorization": f"Bearer {self.merchant.secret_key}"}
        answer = await self.hand.request(method, path, json=body, headers=headers, follow_redirects=False)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content and answer.is_success else None

    async def id_of(self, merchant_ref: str) -> str:
        return str((await self.told("GET", f"/v1/{self.things}?merchant_ref={merchant_ref}"))["data"][0]["id"])

    async def charges(self) -> tuple[Charge, ...]:
        books = (await self.told("GET", "/control/books")).get(self.merchant.name, {})
        found = []
        for ref in books:
            listed = (await self.told("GET", f"/v1/{self.things}?merchant_ref={ref}"))["data"]
            found += [_charge(one) for one in listed]
        return tuple(found)

    async def refuse(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        await self.told("POST", f"/pay/{await self.id_of(merchant_ref)}/decline")

    async def notices(self) -> tuple[bytes, ...]:
        facts = [line["fact"] for line in (await self.told("GET", "/control/journal"))["entries"]]
        since = max(index for index, fact in enumerate(facts) if fact["fact"] == "reset")
        events = [fact["event"] for fact in facts[since:] if fact.get("event")]
        names = ("event_id", "type", "created", "merchant", "data")
        return tuple(msgspec.json.encode({name: event[name] for name in names}) for event in events)

    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        return (("Sandbox-Signature", signature(secret, body, int(at.timestamp()))),)

    async def unknown_notice(self) -> bytes:
        return b'{"event_id":"evt_new","type":"charge.renamed","created":1,"merchant":"x","data":{"name":"y"}}'

    async def reverse(self, movement: Movement, merchant_ref: str) -> None:
        await self.told("POST", f"/control/movements/{movement.id}/settle", {"status": "reversed"})


class ChargeDouble(SandboxDouble):
    """Cards and wallets."""

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        await self.told("POST", f"/pay/{await self.id_of(merchant_ref)}/approve")

    async def expire(self, merchant_ref: str) -> None:
        await self.settle(merchant_ref, "expired")

    async def pay_late(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        await self.settle(merchant_ref, "succeeded")

    async def settle(self, merchant_ref: str, status: str) -> None:
        await self.told("POST", f"/control/charges/{await self.id_of(merchant_ref)}/settle", {"status": status})

    async def dispute(self, merchant_ref: str) -> None:
        await self.told("POST", f"/control/charges/{await self.id_of(merchant_ref)}/dispute")


class SandboxSubject(Subject):
    """A shipped method with `driver = "sandbox"`. `name` is its merchant's there."""

    name: str
    sandbox: SandboxProcess | None = None
    directory: str = ""

    @property
    def merchant(self) -> Merchant:
        return Merchant(self.name, self.api_key, self.webhook_secret)

    def begin(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="kassa-conformance-")
        self.sandbox = start_sandbox(Path(self.directory), [self.merchant], ["--hang-ms", "3000"])

    def end(self) -> None:
        if self.sandbox is not None:
            self.sandbox.stop()
        shutil.rmtree(self.directory)

    @property
    def url(self) -> str:
        assert self.sandbox is not None, "begin() comes first"
        return self.sandbox.url

    def config(self, base_url: str) -> dict[str, Any]:
        return {
            "driver": "sandbox",
            "mode": "test",
            "base_url": base_url,
            "secret_key": Secret(self.api_key),
            "webhook_secret": Secret(self.webhook_secret),
        }

    def live_settings(self) -> dict[str, Any]:
        return {"secret_key": Secret(f"sk_live_{CANARY}")}

    def rotation(self) -> dict[str, Any]:
        return {"previous_webhook_secret": Secret(self.previous_webhook_secret)}


def _charge(shown: dict[str, Any]) -> Charge:
    return Charge(
        provider_ref=shown["id"],
        merchant_ref=shown["merchant_ref"],
        amount=Money(amount=shown["amount"], currency=shown["currency"]),
        movements=tuple(
            Movement(
                kind=one["kind"],
                id=one["id"],
                state=STATES[one["status"]],
                amount=Money(amount=one["amount"], currency=one["currency"]),
                at=datetime.fromtimestamp(one["created"], UTC),
            )
            for one in shown["movements"]
        ),
    )
