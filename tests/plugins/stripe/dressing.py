"""localstripe's objects as Stripe is documented to write them, and what localstripe does not keep."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

Json = dict[str, Any]


def refusal(status: int, kind: str, code: str | None, message: str) -> tuple[int, Json]:
    """An error as Stripe writes it."""
    error = {"type": kind, "message": message, **({"code": code} if code else {})}
    return status, {"error": error}


class Dressing:
    """The books beside localstripe's."""

    def __init__(self) -> None:
        self.by_sdk: set[str] = set()
        self.return_urls: dict[str, str] = {}
        self.captured: dict[str, int] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.reasons: dict[str, tuple[str, str | None]] = {}
        self.released: set[str] = set()
        self.failed: set[str] = set()
        self.pending: set[str] = set()
        self.disputes: list[Json] = []
        self.notices: list[bytes] = []
        self.pages = "https://hooks.stripe.test"
        self._numbers = itertools.count(1)

    def intent(self, raw: Json, *, whole: bool) -> Json:
        """A PaymentIntent; `whole`: with its charge, as `expand` asks."""
        charge = raw["latest_charge"]
        shown = {name: value for name, value in raw.items() if name != "charges"}
        shown["metadata"] = raw["metadata"] | self.metadata.get(raw["id"], {})
        shown["amount_received"] = self.received(raw)
        shown["amount_capturable"] = raw["amount"] if raw["status"] == "requires_capture" else 0
        if raw["last_payment_error"] is not None:
            shown["last_payment_error"] = self._failure(raw)
        if raw["next_action"] is not None and raw["id"] not in self.by_sdk:
            page = {"url": f"{self.pages}/3d_secure/{raw['id']}", "return_url": self.return_urls[raw["id"]]}
            shown["next_action"] = {"type": "redirect_to_url", "redirect_to_url": page}
        if charge is not None:
            shown["latest_charge"] = {**charge, "refunds": None} if whole else charge["id"]
        return shown

    def received(self, raw: Json) -> int:
        """What was captured, which localstripe does not tell: all, or what a capture asked for."""
        whole = int(raw["amount"])
        return self.captured.get(raw["id"], whole) if raw["status"] == "succeeded" else 0

    def _failure(self, raw: Json) -> Json:
        failure = {"type": "card_error", **raw["last_payment_error"]}
        if failure["code"] == "card_declined":
            code, decline_code = self.reasons.get(raw["id"], ("card_declined", "generic_decline"))
            failure |= {"code": code, **({"decline_code": decline_code} if decline_code else {})}
        return failure

    def refund(self, raw: Json, intent_id: str) -> Json:
        """A refund; one that localstripe made of what a partial capture let go of moved no money."""
        shown = {**raw, "payment_intent": intent_id, "object": "refund"}
        if raw["id"] in self.released:
            shown["balance_transaction"] = None
        if raw["id"] in self.pending:
            shown["status"] = "pending"
        if raw["id"] in self.failed:
            shown |= {"status": "failed", "failure_balance_transaction": f"txn_back{raw['id'][3:]}"}
        return shown

    def given_back(self, refunds: list[Json]) -> int:
        """What refunds took out of a payment."""
        gone = self.released | self.failed
        return sum(int(one["amount"]) for one in refunds if one["id"] not in gone)

    def dispute(self, intent: Json, status: str = "needs_response") -> Json:
        """The bank takes all of it back. localstripe has no disputes: this is all our own."""
        made = {
            "id": f"du_{next(self._numbers):08d}",
            "object": "dispute",
            "status": status,
            "amount": self.received(intent),
            "currency": intent["currency"],
            "created": int(time.time()),
            "charge": intent["latest_charge"]["id"],
            "payment_intent": intent["id"],
            "metadata": {},
        }
        self.disputes.append(made)
        self.tell("charge.dispute.created", made)
        return made

    def tell(self, kind: str, thing: Json, *, event_id: str = "") -> None:
        """An event."""
        event = {
            "id": event_id or f"evt_double{next(self._numbers):08d}",
            "object": "event",
            "type": kind,
            "api_version": "2026-10-28.endive",
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": thing},
        }
        self.notices.append(json.dumps(event, indent=2).encode())


def metadata_of(form: dict[str, str]) -> dict[str, str]:
    """What a form says in `metadata[…]`."""
    return {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}


def page_of(found: list[Json], query: dict[str, str]) -> Json:
    """A page of a list."""
    ids = [one["id"] for one in found]
    first = ids.index(query["starting_after"]) + 1 if query.get("starting_after") in ids else 0
    last = first + int(query.get("limit", 10))
    return {"object": "list", "data": found[first:last], "has_more": last < len(found)}
