"""Acme, played: an ASGI application over its books, and the subject that the kit examines."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from kassa.ports.conformance.payment_method import CANARY, Charge, Headers, ProviderDouble, Subject
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, Collect, Movement, MovementState
from kassa.ports.secret import Secret
from tests.conformance_kit import acme
from tests.conformance_kit.acme.books import Books, No, Payment

STATES = {
    "open": MovementState.PENDING,
    "failed": MovementState.FAILED,
    "done": MovementState.SUCCEEDED,
    "back": MovementState.REVERSED,
}


class AcmeApp:
    """Acme's API."""

    def __init__(self, books: Books, api_key: str) -> None:
        self.books, self.api_key = books, api_key

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        try:
            status, answer = self.answer(scope, headers, body)
        except No as no:
            status, answer = no.status, {"error": no.reason}
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def answer(self, scope: Any, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        if headers.get("authorization") != f"Bearer {self.api_key}":
            raise No(401, "who_are_you")
        parts = scope["path"].strip("/").split("/")
        if scope["method"] == "GET":
            if len(parts) > 1:
                return 200, self.books.by_id(parts[1]).shown()
            [ref] = parse_qs(scope["query_string"].decode())["ref"]
            found = self.books.find(ref)
            return 200, [] if found is None else [found.shown()]
        return 201, self.once(headers, parts, body)

    def once(self, headers: dict[str, str], parts: list[str], body: bytes) -> Any:
        """One effect for one key and request. A key with another request is another effect: Acme forgives, the kit must not."""
        key = headers.get("idempotency-key", "")
        asked = f"{key} {parts} {body!r}"
        if key and asked in self.books.answers:
            return self.books.answers[asked]
        if len(parts) == 1:
            payment = self.books.create(json.loads(body), f"http://{headers['host']}")
        else:
            payment = self.books.by_id(parts[1])
            self.books.act(payment, parts[2], json.loads(body))
        self.books.answers[asked] = payment.shown()
        return payment.shown()


class AcmeDouble(ProviderDouble):
    """Acme with empty books."""

    def __init__(self, api_key: str) -> None:
        self.books = Books()
        self.app = AcmeApp(self.books, api_key)

    def payment(self, merchant_ref: str) -> Payment:
        found = self.books.find(merchant_ref)
        assert found is not None
        return found

    async def charges(self) -> tuple[Charge, ...]:
        return tuple(
            Charge(
                provider_ref=one.id,
                merchant_ref=one.ref,
                amount=Money(amount=one.amount, currency=one.currency),
                movements=tuple(
                    Movement(
                        kind=move.kind,  # type: ignore[arg-type]
                        id=move.id,
                        state=STATES[move.status],
                        amount=Money(amount=move.amount, currency=move.currency),
                    )
                    for move in one.movements
                ),
            )
            for one in self.books.payments
        )

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        self.books.pay(self.payment(merchant_ref))

    async def pay_other(self, action: AnyNextAction | None, merchant_ref: str, amount: Money) -> None:
        self.books.receive(self.payment(merchant_ref), amount.amount)

    async def statement(self, format: str) -> bytes:
        lines = ({"line": f"ln_{one.id}", "payment": one.shown()} for one in self.books.payments)
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    async def refuse(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        self.books.refuse(self.payment(merchant_ref))

    async def collect(self, action: Collect, merchant_ref: str) -> dict[str, str]:
        return {action.field: "123456"}

    async def notices(self) -> tuple[bytes, ...]:
        return tuple(self.books.notices)

    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        when = str(int(at.timestamp()))
        mac = hmac.new(secret.encode(), when.encode() + b"." + body, hashlib.sha256).hexdigest()
        return (("Content-Type", "application/json"), ("Acme-Signature", f"{when}.{mac}"))

    async def unknown_notice(self) -> bytes:
        return b'{"event_id": "ev_new", "type": "moon.rose", "moon": {"phase": "full"}}'

    async def reverse(self, movement: Movement, merchant_ref: str) -> None:
        self.books.reverse(self.payment(merchant_ref), movement.id)

    async def expire(self, merchant_ref: str) -> None:
        self.books.expire(self.payment(merchant_ref))

    async def pay_late(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        self.books.pay(self.payment(merchant_ref))

    async def dispute(self, merchant_ref: str) -> None:
        self.books.dispute(self.payment(merchant_ref))


class AcmeSubject(Subject):
    """Acme Pay before the examination."""

    [factory] = acme.kassa_payment_methods()
    waiting_input: Mapping[str, Any] = {"how": "page"}
    collecting_input: Mapping[str, Any] = {"how": "code"}
    declined_input: Mapping[str, Any] = {"how": "refused"}
    declined_code = "insufficient_funds"

    def config(self, base_url: str) -> dict[str, Any]:
        return {
            "mode": "test",
            "base_url": base_url,
            "api_key": Secret(self.api_key),
            "webhook_secret": Secret(self.webhook_secret),
        }

    def double(self) -> ProviderDouble:
        return AcmeDouble(self.api_key)

    def live_settings(self) -> dict[str, Any]:
        return {"api_key": Secret(f"sk_live_{CANARY}")}

    def rotation(self) -> dict[str, Any]:
        return {"previous_webhook_secret": Secret(self.previous_webhook_secret)}
