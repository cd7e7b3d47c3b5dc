"""Xendit, played: an ASGI application over its books, and the subjects that the kit examines."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs

from kassa.plugins import e_wallet
from kassa.ports.conformance.payment_method import CANARY, Charge, Headers, ProviderDouble, Subject
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, Movement, MovementState
from kassa.ports.secret import Secret
from tests.plugins.xendit.books import Books, No

STATES = {
    "PENDING": MovementState.PENDING,
    "SUCCEEDED": MovementState.SUCCEEDED,
    "FAILED": MovementState.FAILED,
}


class XenditApp:
    """The API."""

    def __init__(self, books: Books, secret_key: str) -> None:
        self.books, self.secret_key = books, secret_key

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
            status, answer = no.status, no.answer
        start = {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        await send(start)
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def answer(self, scope: Any, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        if headers.get("authorization") != f"Basic {base64.b64encode(f'{self.secret_key}:'.encode()).decode()}":
            raise No(401, "INVALID_API_KEY")
        method, path = scope["method"], scope["path"]
        if method == "GET":
            return 200, self._shown(path, parse_qs(scope["query_string"].decode()))
        if path.endswith("/expire"):
            return 200, self.books.expire(path.split("/")[3])
        return 201, self.books.once(headers["idempotency-key"], path, json.loads(body))

    def _shown(self, path: str, asked: dict[str, list[str]]) -> Any:
        if path == "/refunds":
            return {"data": self.books.of(asked["payment_request_id"][0]), "has_more": False}
        if path == "/payment_requests":
            wanted = asked["reference_id"]
            return {"data": [one for one in self.books.requests if one["reference_id"] in wanted], "has_more": False}
        return self.books.find(path.split("/")[2])


class XenditDouble(ProviderDouble):
    """Xendit with empty books."""

    def __init__(self, secret_key: str) -> None:
        self.books = Books()
        self.app = XenditApp(self.books, secret_key)

    async def charges(self) -> tuple[Charge, ...]:
        return tuple(_charge(one, self.books.of(one["id"])) for one in self.books.requests)

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        one = self.books.find(merchant_ref)
        if one["payment_method"]["status"] == "ACTIVE" and one["status"] in ("PENDING", "REQUIRES_ACTION"):
            self.books.move(one, "SUCCEEDED")

    async def refuse(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        self.books.move(self.books.find(merchant_ref), "FAILED", failure_code="USER_DECLINED_PAYMENT")

    async def expire(self, merchant_ref: str) -> None:
        self.books.move(self.books.find(merchant_ref), "EXPIRED")

    async def pay_late(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        self.books.move(self.books.find(merchant_ref), "SUCCEEDED")

    async def decline_next(self) -> None:
        self.books.declines_next = True

    async def notices(self) -> tuple[bytes, ...]:
        return tuple(self.books.notices)

    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        return (("Content-Type", "application/json"), ("X-Callback-Token", secret))

    async def unknown_notice(self) -> bytes:
        return (
            b'{"event": "moon.rose", "business_id": "b", "created": "2026-11-22T10:00:00.000Z", "data": {"phase": 1}}'
        )


def _charge(one: dict[str, Any], refunds: list[dict[str, Any]]) -> Charge:
    amount = Money(amount=one["amount"] * 100, currency="IDR")
    is_paid = one["status"] == "SUCCEEDED"
    moved = [Movement(kind="capture", id=one["id"], state=MovementState.SUCCEEDED, amount=amount)] if is_paid else []
    for refund in refunds:
        part = Money(amount=refund["amount"] * 100, currency="IDR")
        moved.append(Movement(kind="refund", id=refund["id"], state=STATES[refund["status"]], amount=part))
    return Charge(provider_ref=one["id"], merchant_ref=one["reference_id"], amount=amount, movements=tuple(moved))


class XenditSubject(Subject):
    """A driver of Xendit."""

    [_offered] = e_wallet.kassa_payment_methods()
    declined_code = "insufficient_funds"
    api_key = f"xnd_development_{CANARY}"
    settings: ClassVar[dict[str, Any]]

    def config(self, base_url: str) -> dict[str, Any]:
        secrets = {"secret_key": Secret(self.api_key), "callback_token": Secret(self.webhook_secret)}
        return {"mode": "test", "base_url": base_url} | secrets | self.settings

    def double(self) -> ProviderDouble:
        return XenditDouble(self.api_key)

    def live_settings(self) -> dict[str, Any]:
        return {"secret_key": Secret(f"xnd_production_{CANARY}")}

    def rotation(self) -> dict[str, Any]:
        return {"previous_callback_token": Secret(self.previous_webhook_secret)}


class ShopeePaySubject(XenditSubject):
    factory = XenditSubject._offered.driven("xendit")
    settings: ClassVar[dict[str, Any]] = {"driver": "xendit", "channel": "SHOPEEPAY"}


class OvoSubject(XenditSubject):
    factory = XenditSubject._offered.driven("xendit_final")
    settings: ClassVar[dict[str, Any]] = {"driver": "xendit_final", "channel": "OVO"}
    input: Mapping[str, Any] = {"mobile_number": "+6281234567890"}


class DanaSubject(XenditSubject):
    factory = XenditSubject._offered.driven("xendit_final")
    settings: ClassVar[dict[str, Any]] = {"driver": "xendit_final", "channel": "DANA"}


class QrisSubject(XenditSubject):
    factory = XenditSubject._offered.driven("xendit_final")
    settings: ClassVar[dict[str, Any]] = {"driver": "xendit_final", "channel": "QRIS"}


class VirtualAccountSubject(XenditSubject):
    factory = XenditSubject._offered.driven("xendit_va")
    settings: ClassVar[dict[str, Any]] = {"driver": "xendit_va", "bank": "BNI", "holder": "Toko Kassa"}
