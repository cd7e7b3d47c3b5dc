"""Midtrans, played: an ASGI application over its books, and the subjects that the kit examines.

It answers HTTP 200 to everything, as Midtrans does: what happened is in `status_code`.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any, ClassVar

from kassa.plugins import e_wallet
from kassa.ports.conformance.payment_method import CANARY, Charge, Headers, ProviderDouble, Subject
from kassa.ports.money import Money, parse_decimal
from kassa.ports.payment import AnyNextAction, Movement, MovementState
from kassa.ports.secret import Secret
from tests.plugins.midtrans.books import Books, No, signature

PAID = ("settlement", "refund", "partial_refund", "chargeback")


class MidtransApp:
    """The API."""

    def __init__(self, books: Books, *, may_part: bool) -> None:
        self.books, self.may_part = books, may_part

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        try:
            answer = self.answer(scope["method"], scope["path"], headers, body)
        except No as no:
            answer = no.answer
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        expected = base64.b64encode(f"{self.books.server_key}:".encode()).decode()
        if headers.get("authorization") != f"Basic {expected}":
            raise No("401", "Transaction cannot be authorized with the current client/server key.")
        told = json.loads(body) if body else {}
        if (method, path) == ("POST", "/v2/charge"):
            return self.books.charge(told)
        _, _, id, command = path.split("/", 3)
        if method == "GET":
            return self.books.status(id)
        one = self.books.find(id)
        if command == "cancel":
            return self.books.cancel(one)
        return self.books.refund(one, told, may_part=self.may_part)


class MidtransDouble(ProviderDouble):
    """Midtrans with empty books."""

    def __init__(self, server_key: str, *, may_part: bool = True) -> None:
        self.books = Books(server_key)
        self.app = MidtransApp(self.books, may_part=may_part)

    async def charges(self) -> tuple[Charge, ...]:
        return tuple(_charge(one) for one in self.books.transactions)

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        one = self.books.find(merchant_ref)
        if one["transaction_status"] == "pending":
            self.books.move(one, "settlement", "200")

    async def refuse(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        self.books.move(self.books.find(merchant_ref), "deny")

    async def expire(self, merchant_ref: str) -> None:
        self.books.move(self.books.find(merchant_ref), "expire", "407")

    async def pay_late(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        self.books.move(self.books.find(merchant_ref), "settlement", "200")

    async def dispute(self, merchant_ref: str) -> None:
        self.books.move(self.books.find(merchant_ref), "chargeback", "200")

    async def decline_next(self) -> None:
        self.books.declines_next = True

    async def notices(self) -> tuple[bytes, ...]:
        return tuple(self.books.notices)

    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        return (("Content-Type", "application/json"),)

    def seal(self, body: bytes, secret: str) -> bytes:
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            return body
        return (
            json.dumps(told | {"signature_key": signature(told, secret)}).encode() if isinstance(told, dict) else body
        )

    async def unknown_notice(self) -> bytes:
        """A signed notice that is of no transaction."""
        told = {"order_id": "ORDER-1", "status_code": "200", "gross_amount": "1.00", "subscription": {"id": "sub-1"}}
        return json.dumps(told).encode()


def _charge(one: dict[str, Any]) -> Charge:
    amount = parse_decimal(one["gross_amount"], "IDR")
    is_paid = one["transaction_status"] in PAID
    moved = [_movement("capture", one["transaction_id"], amount)] if is_paid else []
    if one["transaction_status"] == "chargeback":
        moved.append(_movement("chargeback", one["transaction_id"], amount))
    for refund in one.get("refunds", []):
        part = parse_decimal(refund["refund_amount"], "IDR")
        moved.append(_movement("refund", str(refund["refund_chargeback_id"]), part))
    ids = {"provider_ref": one["transaction_id"], "merchant_ref": one["order_id"]}
    return Charge(**ids, amount=amount, movements=tuple(moved))


def _movement(kind: Any, id: str, amount: Money) -> Movement:
    return Movement(kind=kind, id=id, state=MovementState.SUCCEEDED, amount=amount)


class MidtransSubject(Subject):
    """A driver of Midtrans. The server key is also what notices are signed with."""

    [_offered] = e_wallet.kassa_payment_methods()
    status_fields = ("transaction_status",)
    declined_code = "fraud_suspected"
    api_key = f"SB-Mid-server-{CANARY}"
    webhook_secret = api_key
    previous_webhook_secret = f"SB-Mid-server-before-{CANARY}"
    settings: ClassVar[dict[str, Any]]

    def config(self, base_url: str) -> dict[str, Any]:
        return {"mode": "test", "base_url": base_url, "server_key": Secret(self.api_key)} | self.settings

    def double(self) -> ProviderDouble:
        return MidtransDouble(self.api_key)

    def live_settings(self) -> dict[str, Any]:
        return {"base_url": "https://api.midtrans.com", "server_key": Secret(f"Mid-server-{CANARY}")}

    def rotation(self) -> dict[str, Any]:
        return {"previous_server_key": Secret(self.previous_webhook_secret)}


class GopaySubject(MidtransSubject):
    factory = MidtransSubject._offered.driven("midtrans")
    settings: ClassVar[dict[str, Any]] = {"driver": "midtrans", "channel": "gopay"}


class QrisSubject(MidtransSubject):
    factory = MidtransSubject._offered.driven("midtrans")
    settings: ClassVar[dict[str, Any]] = {"driver": "midtrans", "channel": "qris"}


class ShopeePaySubject(MidtransSubject):
    factory = MidtransSubject._offered.driven("midtrans_shopeepay")
    settings: ClassVar[dict[str, Any]] = {"driver": "midtrans_shopeepay"}

    def double(self) -> ProviderDouble:
        return MidtransDouble(self.api_key, may_part=False)


class VirtualAccountSubject(MidtransSubject):
    factory = MidtransSubject._offered.driven("midtrans_va")
    settings: ClassVar[dict[str, Any]] = {"driver": "midtrans_va", "bank": "bca", "holder": "Toko Kassa"}
