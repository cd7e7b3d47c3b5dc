"""PayPal's Orders v2 and Payments v2, played from their documentation, with notices that are signed as PayPal signs them."""

from __future__ import annotations

import hashlib
import itertools
import zlib
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any

import msgspec

from kassa.ports.conformance.payment_method import Charge, Headers, ProviderDouble
from kassa.ports.money import Money, parse_decimal
from kassa.ports.payment import AnyNextAction, Collect, Movement, MovementState
from tests.plugins.json_app import Asked, JsonApp, Told
from tests.plugins.paypal.signing import CERTIFICATE, MODULUS, PRIVATE_EXPONENT

TOKEN = "A21AAFEpH4PsADK7qSS7pSRsgzfENtu"
CERTIFICATE_NAME = "CERT-360caa42-fca2a594-a5cafa77"
WHOLE = ("HUF", "JPY", "TWD")
STATES = {
    "CREATED": MovementState.SUCCEEDED, "CAPTURED": MovementState.SUCCEEDED, "PARTIALLY_CAPTURED": MovementState.SUCCEEDED,
    "VOIDED": MovementState.REVERSED, "COMPLETED": MovementState.SUCCEEDED, "PARTIALLY_REFUNDED": MovementState.SUCCEEDED,
    "REFUNDED": MovementState.SUCCEEDED,
}  # fmt: skip


def rsa_signature(message: bytes) -> str:
    """RSASSA-PKCS1-v1_5 with SHA-256, by the double's key."""
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()
    padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(digest)) + b"\x00" + digest
    return b64encode(pow(int.from_bytes(padded), PRIVATE_EXPONENT, MODULUS).to_bytes(256)).decode()


def signed(body: bytes, webhook_id: str, at: datetime, **other: str) -> Headers:
    """The five headers of a notice."""
    sent_id, sent_at = "dfb3be50-fd74-11e4-8bf3-77339302725b", at.strftime("%Y-%m-%dT%H:%M:%SZ")
    message = f"{sent_id}|{sent_at}|{webhook_id}|{zlib.crc32(body)}".encode()
    headers = {
        "PAYPAL-TRANSMISSION-ID": sent_id,
        "PAYPAL-TRANSMISSION-TIME": sent_at,
        "PAYPAL-TRANSMISSION-SIG": rsa_signature(message),
        "PAYPAL-CERT-URL": f"https://api.sandbox.paypal.com/v1/notifications/certs/{CERTIFICATE_NAME}",
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    }
    return tuple((headers | other).items())


def money(amount: dict[str, str]) -> Money:
    return parse_decimal(amount["value"], amount["currency_code"])


def failed(status: int, name: str, issue: str = "") -> Told:
    details = [{"issue": issue, "description": issue.lower()}] if issue else []
    body = {"name": name, "message": "no", "debug_id": "90957fca61718", "details": details}
    return Told(status, body, (("paypal-debug-id", "90957fca61718"),))


def refused(issue: str) -> Told:
    return failed(422, "UNPROCESSABLE_ENTITY", issue)


class PaypalDouble(ProviderDouble):
    """One REST app and its books."""

    def __init__(self, client_secret: str, webhook_id: str) -> None:
        self.app = JsonApp(self.answer)
        self.client_secret, self.webhook_id = client_secret, webhook_id
        self.orders: dict[str, dict[str, Any]] = {}
        self.answered: dict[tuple[str, str], tuple[bytes, Told]] = {}
        self.told: list[bytes] = []
        self.numbers = itertools.count(1)
        self.declines = self.instrument_declines = False

    # --- the provider's side

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/v1/oauth2/token":
            _, secret = b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode().split(":", 1)
            if secret != self.client_secret or asked.body != b"grant_type=client_credentials":
                return Told(401, {"error": "invalid_client", "error_description": "Client Authentication failed"})
            return Told(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 32400})
        if asked.path == f"/v1/notifications/certs/{CERTIFICATE_NAME}":
            return Told(200, raw=CERTIFICATE)
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Told(401, {"error": "invalid_token", "error_description": "Token signature verification failed"})
        if asked.method == "GET":
            return self.look(asked.path.strip("/").split("/"))
        return self.once(asked)

    def look(self, path: list[str]) -> Told:
        match path:
            case ["v1", "notifications", "webhooks", self.webhook_id]:
                return Told(200, {"id": self.webhook_id})
            case ["v2", "checkout", "orders", order_id] if order_id in self.orders:
                return Told(200, self.orders[order_id])
        return failed(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")

    def once(self, asked: Asked) -> Told:
        """A repeated PayPal-Request-Id gets the first answer; with another body it is refused."""
        key = asked.path, asked.headers.get("paypal-request-id", "")
        known = self.answered.get(key)
        if known is None:
            known = asked.body, self.do(asked.path.strip("/").split("/"), asked.json())
            if known[1].status < 300 and key[1]:
                self.answered[key] = known
        return known[1] if known[0] == asked.body else refused("DUPLICATE_REQUEST_ID")

    def do(self, path: list[str], wanted: dict[str, Any]) -> Told:
        match path:
            case ["v2", "checkout", "orders"]:
                return self.create(wanted)
            case ["v2", "checkout", "orders", order_id, "capture" | "authorize" as verb] if order_id in self.orders:
                return self.take(self.orders[order_id], verb)
            case ["v2", "payments", "authorizations", auth_id, verb]:
                return self.with_reservation(auth_id, verb, wanted)
            case ["v2", "payments", "captures", capture_id, "refund"]:
                return self.give_back(capture_id, wanted)
        return failed(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")

    def create(self, wanted: dict[str, Any]) -> Told:
        [unit] = wanted["purchase_units"]
        if unit["amount"]["currency_code"] in WHOLE and "." in unit["amount"]["value"]:
            return refused("DECIMALS_NOT_SUPPORTED")
        if self.declines:
            self.declines = False
            return refused("PAYEE_ACCOUNT_RESTRICTED")
        order_id = f"5O190127TN{next(self.numbers):07}"
        link = {
            "href": f"https://www.sandbox.paypal.com/checkoutnow?token={order_id}",
            "rel": "payer-action",
            "method": "GET",
        }
        self.orders[order_id] = {
            "id": order_id, "intent": wanted["intent"], "status": "PAYER_ACTION_REQUIRED", "links": [link],
            "purchase_units": [{**unit, "payments": {"authorizations": [], "captures": [], "refunds": []}}],
        }  # fmt: skip
        return Told(200, self.copy(order_id))

    def copy(self, order_id: str) -> Any:
        return msgspec.json.decode(msgspec.json.encode(self.orders[order_id]))

    def take(self, order: dict[str, Any], verb: str) -> Told:
        kind = {"capture": "captures", "authorize": "authorizations"}[verb]
        if order["status"] == "COMPLETED":
            return refused(f"ORDER_ALREADY_{verb.upper()}D")
        if order["status"] != "APPROVED":
            return refused("ORDER_NOT_APPROVED")
        if self.instrument_declines:
            self.instrument_declines = False
            return refused("INSTRUMENT_DECLINED")
        [unit] = order["purchase_units"]
        status = "COMPLETED" if verb == "capture" else "CREATED"
        unit["payments"][kind].append(self.movement(order, unit["amount"], status))
        order["status"] = "COMPLETED"
        self.note(f"PAYMENT.{verb.upper()}.COMPLETED".replace("AUTHORIZE", "AUTHORIZATION"), unit["payments"][kind][0])
        return Told(201, self.copy(order["id"]))

    def movement(self, order: dict[str, Any], amount: dict[str, str], status: str, **more: Any) -> dict[str, Any]:
        return {
            "id": f"2GG279541U4{next(self.numbers):06}", "status": status, "amount": amount,
            "custom_id": order["purchase_units"][0]["custom_id"], "create_time": "2026-03-02T12:58:14Z",
            "supplementary_data": {"related_ids": {"order_id": order["id"]}}, **more,
        }  # fmt: skip

    def found(self, kind: str, movement_id: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        for order in self.orders.values():
            for one in order["purchase_units"][0]["payments"][kind]:
                if one["id"] == movement_id:
                    return order, one
        return None

    def with_reservation(self, auth_id: str, verb: str, wanted: dict[str, Any]) -> Told:
        place = self.found("authorizations", auth_id)
        if place is None:
            return failed(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
        order, held = place
        if held["status"] in ("VOIDED", "CAPTURED"):
            return refused({"VOIDED": "PREVIOUSLY_VOIDED", "CAPTURED": "PREVIOUSLY_CAPTURED"}[held["status"]])
        if verb == "void":
            held["status"] = "VOIDED"
            self.note("PAYMENT.AUTHORIZATION.VOIDED", held)
            return Told(200, held)
        captures = order["purchase_units"][0]["payments"]["captures"]
        gone = sum(money(one["amount"]).amount for one in captures)
        if gone + money(wanted["amount"]).amount > money(held["amount"]).amount:
            return refused("MAX_CAPTURE_AMOUNT_EXCEEDED")
        captures.append(self.movement(order, wanted["amount"], "COMPLETED", final_capture=wanted["final_capture"]))
        held["status"] = "CAPTURED" if wanted["final_capture"] else "PARTIALLY_CAPTURED"
        self.note("PAYMENT.CAPTURE.COMPLETED", captures[-1])
        return Told(201, captures[-1])

    def give_back(self, capture_id: str, wanted: dict[str, Any]) -> Told:
        place = self.found("captures", capture_id)
        if place is None:
            return failed(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
        order, capture = place
        refunds, up = order["purchase_units"][0]["payments"]["refunds"], f"/v2/payments/captures/{capture_id}"
        gone = sum(money(one["amount"]).amount for one in refunds if one["links"][0]["href"].endswith(up))
        left = money(capture["amount"]).amount - gone
        if money(wanted["amount"]).amount > left:
            return refused("REFUND_AMOUNT_EXCEEDED" if left else "CAPTURE_FULLY_REFUNDED")
        links = [{"href": f"https://api.sandbox.paypal.com{up}", "rel": "up", "method": "GET"}]
        refund = self.movement(order, wanted["amount"], "COMPLETED", links=links)
        del refund["supplementary_data"]
        refunds.append(refund | {"custom_id": wanted["custom_id"]})
        capture["status"] = "PARTIALLY_REFUNDED" if left > money(wanted["amount"]).amount else "REFUNDED"
        self.note("PAYMENT.CAPTURE.REFUNDED", refunds[-1])
        return Told(201, refunds[-1])

    def note(self, event_type: str, resource: dict[str, Any]) -> None:
        event = {"id": f"WH-{next(self.numbers):06}", "event_type": event_type, "resource": resource}
        self.told.append(msgspec.json.encode(event))

    # --- the kit's side

    def of(self, merchant_ref: str) -> dict[str, Any]:
        return next(o for o in self.orders.values() if o["purchase_units"][0]["custom_id"] == merchant_ref)

    async def charges(self) -> tuple[Charge, ...]:
        return tuple(self.charge(order) for order in self.orders.values())

    def charge(self, order: dict[str, Any]) -> Charge:
        [unit] = order["purchase_units"]
        kinds = (("authorizations", "auth"), ("captures", "capture"), ("refunds", "refund"))
        movements = [
            Movement(kind=kind, id=one["id"], state=STATES[one["status"]], amount=money(one["amount"]))
            for name, kind in kinds
            for one in unit["payments"][name]
        ]
        return Charge(
            provider_ref=order["id"], merchant_ref=unit["custom_id"], amount=money(unit["amount"]),
            movements=tuple(movements),
        )  # fmt: skip

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        order = self.of(merchant_ref)
        order["status"] = "APPROVED"
        self.note("CHECKOUT.ORDER.APPROVED", self.copy(order["id"]))

    async def collect(self, action: Collect, merchant_ref: str) -> dict[str, str]:
        return {action.field: "yes"}

    async def decline_next(self) -> None:
        self.declines = True

    async def notices(self) -> tuple[bytes, ...]:
        return tuple(self.told)

    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        return signed(body, secret, at)

    async def unknown_notice(self) -> bytes:
        return b'{"id":"WH-7","event_type":"BILLING.PLAN.CREATED","resource":{"id":"P-7","name":"x"}}'
