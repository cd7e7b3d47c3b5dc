"""One payment method at work as the kernel would use it: real context, real HTTP, a sandbox that keeps its own books."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import httpx
import msgspec

from kassa.adapters.provider_http import HttpxProviders
from kassa.adapters.sandbox.model import Merchant
from kassa.adapters.system import SystemClock, SystemIds
from kassa.kernel.plugin_context import GuardedContext
from kassa.kernel.plugin_vetting import configured
from kassa.plugins import bank_transfer, card, e_wallet
from kassa.ports.money import Money
from kassa.ports.payment import (
    AnyOutcome,
    AnyVerdict,
    Movement,
    OperationRequest,
    PaymentMethod,
    QueryRequest,
    RawWebhook,
    Report,
    StartRequest,
)
from kassa.ports.provider import ProviderTools
from kassa.ports.secret import Secret
from tests.sandbox.process import SandboxProcess

PACKAGES: dict[str, ModuleType] = {"card": card, "e_wallet": e_wallet, "bank_transfer": bank_transfer}
CANARY = "canary0c4f3b"
EUR = "EUR"
_NUMBERS = itertools.count(1)


def merchant_of(name: str) -> Merchant:
    """The sandbox's account for one method, its secrets marked by the canary."""
    return Merchant(name, f"sk_test_{CANARY}_{name}", f"whsec_{CANARY}_{name}")


def method_class(name: str) -> type[PaymentMethod[Any]]:
    """What the plugin's hook hands over for the sandbox."""
    [factory] = PACKAGES[name].kassa_payment_methods()
    found: type[PaymentMethod[Any]] = factory.driven("sandbox").method
    return found


def settings(name: str, base_url: str) -> dict[str, object]:
    """A configuration as it comes from `[payments.<name>]`."""
    merchant = merchant_of(name)
    return {
        "driver": "sandbox",
        "mode": "test",
        "base_url": base_url,
        "secret_key": Secret(merchant.secret_key),
        "webhook_secret": Secret(merchant.webhook_secret),
    }


class ShiftedClock(SystemClock):
    """The real clock, some seconds off."""

    shift_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.shift_s)


@dataclass
class Till:
    """A configured method. `deadline_s` is that of every call."""

    name: str
    method: PaymentMethod[Any]
    tools: ProviderTools
    browser: httpx.AsyncClient
    sandbox: SandboxProcess
    clock: ShiftedClock
    deadline_s: float = 5.0

    def context(self, key: str = "") -> GuardedContext:
        ends_at = self.clock.monotonic() + self.deadline_s
        return GuardedContext(key=key, step="", ends_at=ends_at, tools=self.tools, clock=self.clock)

    def request(
        self, amount: int = 1200, currency: str = EUR, source: str = "tok_ok", *, capture: bool = True
    ) -> StartRequest:
        """A START with a merchant_ref and an operation of its own."""
        number = next(_NUMBERS)
        given = {"source": source} if self.name == "card" else {}
        return StartRequest(
            operation_id=SystemIds().operation_id(),
            merchant_ref=f"KS-TEST-{number:04d}-X-1",
            invoice_id=f"KS-TEST-{number:04d}-X",
            amount=Money(amount=amount, currency=currency),
            capture=capture,
            input=msgspec.convert(given, type(self.method).Input),
            return_url="http://127.0.0.1:1/v1/returns/abc",
            webhook_url="http://127.0.0.1:1/webhooks/x/notices",
            expires_at=self.clock.now() + timedelta(days=2),
        )

    async def start(self, request: StartRequest) -> AnyOutcome:
        return await self.method.start(self.context(request.operation_id), request)

    async def query(self, request: StartRequest, provider_ref: str | None = None) -> Report:
        asked = QueryRequest(
            merchant_ref=request.merchant_ref, provider_ref=provider_ref, amount=request.amount, state=b""
        )
        return await self.method.query(self.context(), asked)

    def operation(
        self, kind: Any, request: StartRequest, *, amount: int | None = None, provider_ref: str | None = None
    ) -> OperationRequest:
        return OperationRequest(
            operation_id=SystemIds().operation_id(),
            kind=kind,
            merchant_ref=request.merchant_ref,
            provider_ref=provider_ref,
            amount=None if amount is None else Money(amount=amount, currency=request.amount.currency),
            movements=(),
            input={},
            state=b"",
        )

    async def void(self, operation: OperationRequest) -> AnyOutcome:
        return await self.method.void(self.context(operation.operation_id), operation)

    async def capture(self, operation: OperationRequest) -> AnyOutcome:
        return await self.method.capture(self.context(operation.operation_id), operation)

    async def refund(self, operation: OperationRequest) -> AnyOutcome:
        return await self.method.refund(self.context(operation.operation_id), operation)

    async def judge(self, body: bytes, *headers: tuple[str, str], at_s: float = 0.0) -> AnyVerdict:
        self.clock.shift_s = at_s
        try:
            raw = RawWebhook(slug="notices", headers=headers, body=body, received_at=self.clock.now())
            return await self.method.webhook(self.context(), raw)
        finally:
            self.clock.shift_s = 0.0

    async def paid(self, amount: int = 1200) -> tuple[StartRequest, str]:
        """A payment that its customer has completed: its request and the provider's id."""
        request = self.request(amount)
        provider_ref = (await self.start(request)).provider_ref
        assert provider_ref is not None
        await self.complete(request, provider_ref)
        return request, provider_ref

    async def complete(self, request: StartRequest, provider_ref: str) -> None:
        """What the customer does: nothing with a good card, a click at the wallet, a transfer at the bank."""
        if self.name == "e_wallet":
            await self.browser.post(f"/pay/{provider_ref}/approve")
        elif self.name == "bank_transfer":
            await self.send_money(request, request.amount.amount)

    async def send_money(self, request: StartRequest, amount: int) -> None:
        """A transfer of `amount` to the account of this payment."""
        shown = (await self.query(request)).next_action
        number = shown.account_number if shown is not None else ""  # type: ignore[union-attr]
        transfer = {"account_number": number, "amount": amount, "currency": request.amount.currency}
        answer = await self.browser.post("/bank/transfers", json=transfer)
        assert answer.status_code == 201, answer.text

    async def script(self, op: str, fault: str, **more: object) -> None:
        """The next call of a kind meets a fault."""
        answer = await self.browser.put(
            "/control/faults", json={"merchant": self.name, "next": [{"op": op, "fault": fault, **more}]}
        )
        assert answer.status_code == 200, answer.text

    async def manners(self, idempotency: str) -> None:
        """From now on the sandbox recognises a repeated command of this account so (see its README)."""
        merchant = merchant_of(self.name)
        body = {"secret_key": merchant.secret_key, "webhook_secret": merchant.webhook_secret}
        path = f"/control/merchants/{self.name}"
        answer = await self.browser.put(path, json=body | {"idempotency": idempotency})
        assert answer.status_code == 200, answer.text

    @property
    def start_op(self) -> str:
        """What the sandbox calls this method's START."""
        return "va" if self.name == "bank_transfer" else "charge"

    async def books(self, request: StartRequest) -> dict[str, Any]:
        """What the sandbox really did for a merchant_ref; empty if nothing."""
        rows = (await self.browser.get("/control/books")).json().get(self.name, {})
        found: dict[str, Any] = rows.get(request.merchant_ref, {})
        return found

    async def calls(self, op: str) -> list[dict[str, Any]]:
        """The commands of one kind that arrived since the last reset, with key and path."""
        entries = (await self.browser.get("/control/journal")).json()["entries"]
        facts = [line["fact"] for line in entries]
        resets = [index for index, one in enumerate(facts) if one["fact"] == "reset"]
        since = facts[(resets or [0])[-1] :]
        return [one for one in since if one["fact"] == "called" and (one["op"], one["merchant"]) == (op, self.name)]

    def with_settings(self, **changes: object) -> Till:
        """The same, configured otherwise."""
        return replace(self, method=built(self.name, settings(self.name, self.sandbox.url) | changes))


def built(name: str, given: dict[str, object]) -> PaymentMethod[Any]:
    """The method, configured as the kernel does it. Raises `Refused`."""
    kind = method_class(name)
    return kind(configured(kind.Config, given))


def open_till(name: str, sandbox: SandboxProcess, browser: httpx.AsyncClient) -> Till:
    """A method that may call the sandbox."""
    host = sandbox.url.partition("://")[2]
    tools = HttpxProviders().tools(name, allow_hosts=(host,), secrets=())
    return Till(
        name=name,
        method=built(name, settings(name, sandbox.url)),
        tools=tools,
        browser=browser,
        sandbox=sandbox,
        clock=ShiftedClock(),
    )


def captures(movements: tuple[Movement, ...]) -> int:
    """Minor units of succeeded captures."""
    return sum(m.amount.amount for m in movements if m.kind == "capture" and m.state == 3)
