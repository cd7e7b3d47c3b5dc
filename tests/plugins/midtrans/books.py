"""Midtrans' books, played from its documentation: transactions, what becomes of them, and the notices of it.

Source: docs.midtrans.com, Core API: Charge, Get Status, Cancel, Direct Refund, HTTP(S) Notification, Code 4xx.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from tests.plugins.qr_codes import code_over

NOW = "2026-11-22 17:00:00"
LATER = "2026-11-22 18:00:00"
FIELDS = ("order_id", "status_code", "gross_amount")


def signature(told: dict[str, Any], server_key: str) -> str:
    """`signature_key`, by the documented rule."""
    covered = "".join(str(told.get(name, "")) for name in FIELDS)
    return hashlib.sha512((covered + server_key).encode()).hexdigest()


class No(Exception):
    """A refusal: nothing was done."""

    def __init__(self, code: str, message: str) -> None:
        self.answer = {"status_code": code, "status_message": message}


class Books:
    """One merchant's transactions, in order."""

    def __init__(self, server_key: str) -> None:
        self.server_key = server_key
        self.transactions: list[dict[str, Any]] = []
        self.notices: list[bytes] = []
        self.declines_next = False
        self.denies_refunds = False
        self.renames_orders = False
        """The status call tells another order id, as for DANA (midtrans-php #113)."""

    def find(self, id: str) -> dict[str, Any]:
        """By either id."""
        for one in self.transactions:
            if id in (one["transaction_id"], one["order_id"]):
                return one
        raise No("404", "Transaction doesn't exist.")

    def charge(self, order: dict[str, Any]) -> dict[str, Any]:
        """A new transaction, unless its order id is taken."""
        details = order["transaction_details"]
        if not isinstance(details["gross_amount"], int):
            raise No("400", "gross_amount is not a number")
        if any(one["order_id"] == details["order_id"] for one in self.transactions):
            raise No("406", "The request could not be completed due to a conflict, order_id has been used")
        one = {
            "status_code": "201",
            "status_message": "transaction is created",
            "transaction_id": str(uuid.uuid4()),
            "order_id": details["order_id"],
            "merchant_id": "G141532850",
            "gross_amount": f"{details['gross_amount']}.00",
            "currency": "IDR",
            "payment_type": order["payment_type"],
            "transaction_time": NOW,
            "transaction_status": "pending",
            "fraud_status": "accept",
            "expiry_time": LATER,
            "custom_field1": order.get("custom_field1"),
        }
        self.transactions.append(one)
        if self.declines_next:
            self.declines_next = False
            one |= {"status_code": "202", "transaction_status": "deny", "fraud_status": "deny"}
        self.notify(one)
        return one | self._shown(order, one)

    def _shown(self, order: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
        kind = order["payment_type"]
        link = {
            "name": "deeplink-redirect",
            "method": "GET",
            "url": f"https://wallet.example/pay/{one['transaction_id']}",
        }
        if kind == "qris":
            amount = order["transaction_details"]["gross_amount"]
            return {"qr_string": code_over(amount), "acquirer": order["qris"]["acquirer"], "actions": []}
        if kind != "bank_transfer":
            return {
                "actions": [{"name": "generate-qr-code", "method": "GET", "url": "https://wallet.example/qr"}, link]
            }
        bank = order["bank_transfer"]["bank"]
        if bank == "permata":
            return {"permata_va_number": "8562000087926752"}
        return {"va_numbers": [{"bank": bank, "va_number": "81279421781"}]}

    def status(self, id: str) -> dict[str, Any]:
        """As the status call tells it: without the actions and codes of the charge."""
        one = self.find(id)
        told = one | {"order_id": one["transaction_id"]} if self.renames_orders else one
        return told | {"signature_key": signature(told, self.server_key)}

    def move(self, one: dict[str, Any], status: str, code: str = "202") -> dict[str, Any]:
        """Something happens to it, and a notice says so."""
        one |= {"transaction_status": status, "status_code": code}
        if status == "settlement":
            one["settlement_time"] = NOW
        self.notify(one)
        return one

    def cancel(self, one: dict[str, Any]) -> dict[str, Any]:
        """Only what is pending."""
        if one["transaction_status"] != "pending":
            raise No("412", "Merchant cannot modify the status of the transaction")
        return self.move(one, "cancel", "200")

    def refund(self, one: dict[str, Any], order: dict[str, Any], *, may_part: bool) -> dict[str, Any]:
        """Each `refund_key` once, never more than is left."""
        done = one.setdefault("refunds", [])
        if any(other["refund_key"] == order["refund_key"] for other in done):
            raise No("406", "Duplicate refund ID")
        whole = int(one["gross_amount"].split(".")[0])
        left = whole - sum(int(other["refund_amount"].split(".")[0]) for other in done)
        if one["transaction_status"] not in ("settlement", "partial_refund"):
            raise No("412", "Merchant cannot modify the status of the transaction")
        if order["amount"] > left or not (may_part or order["amount"] == whole):
            raise No("414", "Refund request is rejected due to invalid amount")
        if self.denies_refunds:
            return one | {"status_code": "202", "refund_chargeback_id": 1, "refund_amount": "0.00"}
        id = 47594 + len(self.transactions) * 100 + len(done)
        refund = {
            "refund_chargeback_id": id,
            "refund_amount": f"{order['amount']}.00",
            "created_at": NOW,
            "reason": order["reason"],
            "refund_key": order["refund_key"],
        }
        done.append(refund)
        self.move(one, "refund" if order["amount"] == left else "partial_refund", "200")
        shown = {name: value for name, value in one.items() if name != "refunds"}
        return shown | {
            "refund_chargeback_id": id,
            "refund_key": order["refund_key"],
            "refund_amount": f"{order['amount']}.00",
        }

    def notify(self, one: dict[str, Any]) -> None:
        """A notice of what it is now."""
        told = one | {"status_message": "midtrans payment notification"}
        self.notices.append(json.dumps(told | {"signature_key": signature(told, self.server_key)}).encode())
