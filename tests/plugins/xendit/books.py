"""Xendit's books, played from its documentation: payment requests, payment methods, refunds, and the notices of them.

Source: Xendit's API reference "Payments API" (2022-07-31) and the models of its official SDKs: PaymentRequest, PaymentMethod,
Refund, PaymentCallback, RefundCallback.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.plugins.qr_codes import code_over

NOW = "2026-11-22T10:00:00.000Z"


class No(Exception):
    """A refusal: nothing was done."""

    def __init__(self, status: int, code: str) -> None:
        self.status, self.answer = status, {"error_code": code, "message": "see the documentation"}


class Books:
    """One account's payments, in order."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.refunds: list[dict[str, Any]] = []
        self.answers: dict[str, tuple[Any, Any]] = {}
        self.notices: list[bytes] = []
        self.declines_next = False
        self.refunds_slowly = False
        self.settles_at_last = False
        """A payment method that is expired turns out to have been paid a moment before."""

    def once(self, key: str, path: str, order: dict[str, Any]) -> Any:
        """One effect for one key; the key with another request is a conflict."""
        if key in self.answers:
            asked, answer = self.answers[key]
            if asked != (path, order):
                raise No(409, "DUPLICATE_ERROR")
            return answer
        answer = self.refund(order) if path == "/refunds" else self.create(order)
        self.answers[key] = (path, order), answer
        return answer

    def find(self, id: str) -> dict[str, Any]:
        """By either id."""
        for one in self.requests:
            if id in (one["id"], one["reference_id"]):
                return one
        raise No(404, "DATA_NOT_FOUND")

    def create(self, order: dict[str, Any]) -> dict[str, Any]:
        """A new payment request, with a payment method of its own."""
        method = order["payment_method"]
        one = {
            "id": f"pr-{uuid.uuid4()}",
            "created": NOW,
            "reference_id": order["reference_id"],
            "business_id": "5f27a14a9bf05c73dd040bc8",
            "currency": order["currency"],
            "country": order["country"],
            "amount": order["amount"],
            "status": "REQUIRES_ACTION",
            "failure_code": None,
            "metadata": order["metadata"],
            "actions": [],
            "payment_method": method | {"id": f"pm-{uuid.uuid4()}", "status": "ACTIVE", "created": NOW},
        }
        self.requests.append(one)
        if self.declines_next:
            self.declines_next = False
            self.move(one, "FAILED", failure_code="INSUFFICIENT_BALANCE")
        else:
            self._lead(one)
        return one

    def _lead(self, one: dict[str, Any]) -> None:
        method = one["payment_method"]
        if method["type"] == "QR_CODE":
            one["status"] = "PENDING"
            method["qr_code"]["channel_properties"]["qr_string"] = code_over(one["amount"])
        elif method["type"] == "VIRTUAL_ACCOUNT":
            one["status"] = "PENDING"
            method["virtual_account"]["channel_properties"]["virtual_account_number"] = "8808999912345678"
        elif method["ewallet"]["channel_code"] != "OVO":
            link = {
                "action": "AUTH",
                "method": "GET",
                "url": f"https://wallet.example/{one['id']}",
                "url_type": "MOBILE",
            }
            web = link | {"url": f"https://wallet.example/web/{one['id']}", "url_type": "WEB"}
            one["actions"] = [link, web]

    def expire(self, method_id: str) -> dict[str, Any]:
        """End a payment method; the payment itself says so only later."""
        for one in self.requests:
            if one["payment_method"]["id"] == method_id:
                if self.settles_at_last:
                    self.move(one, "SUCCEEDED")
                if one["status"] not in ("PENDING", "REQUIRES_ACTION"):
                    raise No(400, "INACTIVE_PAYMENT_METHOD")
                one["payment_method"]["status"] = "EXPIRED"
                return dict(one["payment_method"])
        raise No(404, "DATA_NOT_FOUND")

    def refund(self, order: dict[str, Any]) -> dict[str, Any]:
        """Never more than is left."""
        one = self.find(order["payment_request_id"])
        done = sum(other["amount"] for other in self.of(one["id"]) if other["status"] != "FAILED")
        if one["status"] != "SUCCEEDED":
            raise No(400, "INELIGIBLE_TRANSACTION_STATUS")
        if order["amount"] > one["amount"] - done:
            raise No(400, "REFUND_AMOUNT_EXCEEDED")
        made = {
            "id": f"rfd-{uuid.uuid4()}",
            "payment_request_id": one["id"],
            "reference_id": order["reference_id"],
            "amount": order["amount"],
            "currency": order["currency"],
            "status": "PENDING" if self.refunds_slowly else "SUCCEEDED",
            "failure_code": None,
            "created": NOW,
        }
        self.refunds.append(made)
        self.notify(f"refund.{made['status'].lower()}", made)
        return made

    def of(self, id: str) -> list[dict[str, Any]]:
        """The refunds of a payment."""
        return [one for one in self.refunds if one["payment_request_id"] == id]

    def move(self, one: dict[str, Any], status: str, **more: str) -> None:
        """Something happens to it, and a notice says so."""
        one |= {"status": status, "actions": [], **more}
        told = {name: one[name] for name in ("reference_id", "amount", "currency", "status", "failure_code")}
        payment = told | {"id": f"py-{uuid.uuid4()}", "payment_request_id": one["id"]}
        self.notify("payment.succeeded" if status == "SUCCEEDED" else "payment.failed", payment)

    def notify(self, event: str, data: dict[str, Any]) -> None:
        """A notice."""
        notice = {"event": event, "business_id": "5f27a14a9bf05c73dd040bc8", "created": NOW, "data": data}
        self.notices.append(json.dumps(notice).encode())
