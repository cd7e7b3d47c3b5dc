"""Acme's own books: payments, movements, keys it has seen, and a notice for every change. No HTTP."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any


class No(Exception):
    """Acme refuses: status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(reason)


@dataclass
class Move:
    id: str
    kind: str
    status: str
    amount: int
    currency: str
    key: str = ""


@dataclass
class Payment:
    id: str
    ref: str
    amount: int
    currency: str
    capture: bool
    status: str
    reason: str = ""
    url: str = ""
    movements: list[Move] = field(default_factory=list)

    def total(self, kind: str) -> int:
        return sum(m.amount for m in self.movements if m.kind == kind and m.status == "done")

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id, "ref": self.ref, "status": self.status, "reason": self.reason, "url": self.url,
            "movements": [vars(move) for move in self.movements],
        }  # fmt: skip


class Books:
    """Everything Acme knows."""

    def __init__(self) -> None:
        self.payments: list[Payment] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.notices: list[bytes] = []
        self._ids = itertools.count(1)

    def find(self, ref: str) -> Payment | None:
        return next((one for one in self.payments if one.ref == ref), None)

    def by_id(self, id: str) -> Payment:
        found = next((one for one in self.payments if one.id == id), None)
        if found is None:
            raise No(404, "unknown_payment")
        return found

    def create(self, told: dict[str, Any], url: str) -> Payment:
        if self.find(told["ref"]) is not None:
            raise No(409, "ref_exists")
        if told["amount"] <= 0:
            raise No(400, "bad_amount")
        made = Payment(
            f"pay_{next(self._ids)}", told["ref"], told["amount"], told["currency"], told["capture"], "waiting"
        )
        self.payments.append(made)
        how = told["how"]
        if how == "refused":
            made.status, made.reason = "refused", "no_money"
        elif how == "code":
            made.status = "needs_code"
        elif how == "page":
            made.url = f"{url}/page/{made.id}"
            self.note(made)
            return made
        if how == "now":
            self.pay(made)
        else:
            self.note(made)
        return made

    def pay(self, payment: Payment) -> None:
        """The customer's money is there."""
        if payment.status not in ("waiting", "needs_code", "expired"):
            return
        payment.status, payment.url = ("paid" if payment.capture else "reserved"), ""
        self.move(payment, "capture" if payment.capture else "auth", payment.amount)

    def receive(self, payment: Payment, amount: int) -> None:
        """Money arrives, as much as the customer sent."""
        if payment.total("capture") + amount >= payment.amount:
            payment.status, payment.url = "paid", ""
        self.move(payment, "capture", amount)

    def refuse(self, payment: Payment) -> None:
        payment.status, payment.reason, payment.url = "refused", "customer_said_no", ""
        self.note(payment)

    def act(self, payment: Payment, verb: str, told: dict[str, Any]) -> None:
        """capture, refund, void or resume."""
        if verb == "resume":
            if payment.status != "needs_code" or told.get("code") != "123456":
                raise No(409, "wrong_code")
            self.pay(payment)
        elif verb == "void":
            if payment.total("capture"):
                raise No(409, "already_captured")
            payment.status = "voided"
            self.note(payment)
        else:
            held = "auth" if verb == "capture" else "capture"
            if told["amount"] + payment.total(verb) > payment.total(held) or payment.status == "voided":
                raise No(409, f"{verb}_too_much")
            if verb == "capture":
                payment.status = "paid"
            self.move(payment, verb, told["amount"], told["key"])

    def move(self, payment: Payment, kind: str, amount: int, key: str = "") -> None:
        payment.movements.append(Move(f"mv_{next(self._ids)}", kind, "done", amount, payment.currency, key))
        self.note(payment)

    def reverse(self, payment: Payment, id: str) -> None:
        next(move for move in payment.movements if move.id == id).status = "back"
        self.note(payment)

    def expire(self, payment: Payment) -> None:
        payment.status, payment.url = "expired", ""
        self.note(payment)

    def dispute(self, payment: Payment) -> None:
        self.move(payment, "chargeback", payment.total("capture"))

    def note(self, payment: Payment) -> None:
        notice = {"event_id": f"ev_{next(self._ids)}", "type": "payment.changed", "payment": payment.shown()}
        self.notices.append(json.dumps(notice).encode())
