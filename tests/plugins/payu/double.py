"""PayU's REST API 2.1, played from its documentation: token, orders (302), queries, cancels, refunds, signed notices (MD5)."""

from __future__ import annotations

import hashlib
import itertools
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec

from kassa.ports.conformance.payment_method import Charge, Headers, ProviderDouble
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, Movement, MovementState
from tests.plugins.json_app import Asked, JsonApp, Told

REFUND_STATES = {
    "PENDING": MovementState.PENDING,
    "FINALIZED": MovementState.SUCCEEDED,
    "CANCELED": MovementState.FAILED,
}
TOKEN = "3e5cac39-7e38-4139-8fd6-30adc06a61bd"


def signature(body: bytes, key: str, algorithm: str = "MD5") -> str:
    """The header as PayU documents it."""
    digest = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm](body + key.encode()).hexdigest()
    return f"sender=checkout;signature={digest};algorithm={algorithm};content=DOCUMENT"


def charge_of(order: dict[str, Any], refunds: list[dict[str, Any]]) -> Charge:
    """An order and its refunds, as PayU writes them, for the kit."""
    amount = Money(amount=int(order["totalAmount"]), currency=order["currencyCode"])
    movements = [
        Movement(
            kind="refund",
            id=one["refundId"],
            state=REFUND_STATES[one["status"]],
            amount=Money(amount=int(one["amount"]), currency=order["currencyCode"]),
        )
        for one in refunds
    ]
    if order["status"] == "COMPLETED":
        capture = Movement(kind="capture", id=order["orderId"], state=MovementState.SUCCEEDED, amount=amount)
        movements.insert(0, capture)
    return Charge(
        provider_ref=order["orderId"], merchant_ref=order["extOrderId"], amount=amount, movements=tuple(movements)
    )


def failed(status: int, code: str, **more: Any) -> Told:
    return Told(status, {"status": {"statusCode": code, "severity": "ERROR", "statusDesc": code.lower()}, **more})


class PayuDouble(ProviderDouble):
    """A POS that collects automatically, and takes PLN, EUR and so on."""

    def __init__(self, client_secret: str) -> None:
        self.app = JsonApp(self.answer)
        self.client_secret = client_secret
        self.orders: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        self.told: list[bytes] = []
        self.numbers = itertools.count(1)
        self.declines = False

    # --- the provider's side

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/pl/standard/user/oauth/authorize":
            form = parse_qs(asked.body.decode())
            if form.get("client_secret") != [self.client_secret] or form["grant_type"] != ["client_credentials"]:
                return Told(401, {"error": "invalid_client", "error_description": "Bad client credentials"})
            return Told(200, {"access_token": TOKEN, "token_type": "bearer", "expires_in": 43199})
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return failed(401, "UNAUTHORIZED")
        match asked.path.strip("/").split("/")[2:], asked.method:
            case ["orders"], "POST":
                return self.create(asked.json())
            case ["orders", order_id], "GET" if order_id in self.orders:
                return Told(200, {"orders": [self.orders[order_id]], "status": {"statusCode": "SUCCESS"}})
            case ["orders", order_id], "DELETE" if order_id in self.orders:
                return self.cancel(order_id)
            case ["orders", order_id, "refunds"], "GET" if order_id in self.orders:
                return Told(200, self.refunds[order_id])
            case ["orders", order_id, "refunds"], "POST" if order_id in self.orders:
                return self.give_back(order_id, asked.json()["refund"])
        return failed(404, "DATA_NOT_FOUND")

    def create(self, wanted: dict[str, Any]) -> Told:
        for order in self.orders.values():
            if order["extOrderId"] == wanted["extOrderId"]:
                ids = {"orderId": order["orderId"], "extOrderId": order["extOrderId"]}
                return failed(400, "ERROR_ORDER_NOT_UNIQUE", **ids)
        needed = ("customerIp", "merchantPosId", "description", "currencyCode", "totalAmount", "products")
        if self.declines or not all(wanted.get(name) for name in needed):
            self.declines = False
            return failed(400, "ERROR_VALUE_INVALID")
        order_id = f"WZHF5FFDRJ{next(self.numbers):06}GUEST000P01"
        self.orders[order_id] = {**wanted, "orderId": order_id, "status": "NEW"}
        self.refunds[order_id] = []
        uri = f"https://merch-prod.snd.payu.com/pay/?orderId={order_id}"
        body = {
            "status": {"statusCode": "SUCCESS"},
            "redirectUri": uri,
            "orderId": order_id,
            "extOrderId": wanted["extOrderId"],
        }
        return Told(302, body, (("location", uri),))

    def cancel(self, order_id: str) -> Told:
        if self.orders[order_id]["status"] in ("COMPLETED", "CANCELED"):
            return failed(400, "ERROR_VALUE_INVALID")
        self.change(order_id, "CANCELED")
        return Told(200, {"orderId": order_id, "status": {"statusCode": "SUCCESS"}})

    def give_back(self, order_id: str, wanted: dict[str, Any]) -> Told:
        order, made = self.orders[order_id], self.refunds[order_id]
        known = next((one for one in made if one["extRefundId"] == wanted["extRefundId"]), None)
        if known is None:
            total = int(order["totalAmount"]) if order["status"] == "COMPLETED" else 0
            left = total - sum(int(one["amount"]) for one in made)
            if int(wanted["amount"]) > left or wanted["currencyCode"] != order["currencyCode"]:
                return failed(400, "ERROR_VALUE_INVALID")
            known = {**wanted, "refundId": f"50000{next(self.numbers):05}", "status": "FINALIZED"}
            made.append(known)
            self.note({"orderId": order_id, "extOrderId": order["extOrderId"], "refund": known})
        return Told(200, {"orderId": order_id, "refund": known, "status": {"statusCode": "SUCCESS"}})

    def change(self, order_id: str, status: str) -> None:
        self.orders[order_id] = {**self.orders[order_id], "status": status}
        self.note({"order": self.orders[order_id], "properties": [{"name": "PAYMENT_ID", "value": "151471228"}]})

    def note(self, body: dict[str, Any]) -> None:
        stamp = {"localReceiptDateTime": f"2026-03-02T12:58:14.{next(self.numbers):03}+01:00"}
        self.told.append(msgspec.json.encode(body | stamp))

    # --- the kit's side

    def id_of(self, merchant_ref: str) -> str:
        return next(one["orderId"] for one in self.orders.values() if one["extOrderId"] == merchant_ref)

    async def charges(self) -> tuple[Charge, ...]:
        return tuple(charge_of(order, self.refunds[order_id]) for order_id, order in self.orders.items())

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        order_id = self.id_of(merchant_ref)
        if self.orders[order_id]["status"] not in ("NEW", "PENDING"):
            raise RuntimeError("its page is closed")
        self.change(order_id, "PENDING")
        self.change(order_id, "COMPLETED")

    async def refuse(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        self.change(self.id_of(merchant_ref), "CANCELED")

    async def decline_next(self) -> None:
        self.declines = True

    async def notices(self) -> tuple[bytes, ...]:
        return tuple(self.told)

    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        return (("OpenPayu-Signature", signature(body, secret)), ("Content-Type", "application/json;charset=UTF-8"))

    async def unknown_notice(self) -> bytes:
        return b'{"payout":{"payoutId":"7","status":"REALIZED"},"localReceiptDateTime":"2026-03-02T12:58:14.134+01:00"}'
