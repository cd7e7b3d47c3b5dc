"""What the sandbox provider knows: merchants, charges, virtual accounts, movements of money, and the facts of its journal.

All amounts are integers of minor units beside an ISO 4217 code; all times are seconds, UTC, unless named `_ms`.
Values are never changed in place: a change is a new value, written to the journal and then folded in.
"""

from __future__ import annotations

import secrets
from typing import Any, Literal

import msgspec

MovementKind = Literal["auth", "capture", "refund", "chargeback"]
MovementStatus = Literal["pending", "succeeded", "failed", "reversed"]
ChargeStatus = Literal["requires_action", "pending", "succeeded", "authorized", "declined", "canceled", "expired"]
AccountStatus = Literal["open", "partially_paid", "paid", "closed", "expired"]
RefundOutcome = Literal["ok", "pending", "decline"]
Notify = Literal["once", "five_times", "newest_first", "never"]
Recognises = Literal["both", "header", "merchant_ref", "none"]
ODD_STATUS = "under_review"


class Refused(Exception):
    """A request the provider will not carry out; nothing was changed."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Merchant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One merchant account; `webhook_url` None means that nothing is sent. `idempotency`: by what a repeated command is
    recognised, which differs from provider to provider."""

    name: str
    secret_key: str
    webhook_secret: str
    webhook_url: str | None = None
    idempotency: Recognises = "both"

    @property
    def keeps_keys(self) -> bool:
        """Whether a repeated Idempotency-Key gets the stored answer; else the header is not read."""
        return self.idempotency in ("both", "header")

    @property
    def refuses_used_references(self) -> bool:
        """Whether a merchant_ref that was used is a 409; else it may name several things."""
        return self.idempotency in ("both", "merchant_ref")

    def __repr__(self) -> str:
        return f"Merchant({self.name!r}, secrets hidden)"


class Movement(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact about money; `due_ms` (never shown) is when a pending one succeeds by itself."""

    id: str
    kind: MovementKind
    status: MovementStatus
    amount: int
    currency: str
    created: int
    merchant_ref: str | None = None
    reference: str | None = None
    payer_name: str | None = None
    due_ms: int | None = None


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an object misbehaves for the rest of its life; never shown to the merchant."""

    extra: int = 0
    wrong_currency: bool = False
    notify: Notify = "once"
    refunds: RefundOutcome = "ok"
    odd_status: bool = False


class Charge(msgspec.Struct, frozen=True):
    """A card or wallet payment."""

    id: str
    merchant: str
    merchant_ref: str
    kind: Literal["card", "wallet"]
    amount: int
    currency: str
    status: ChargeStatus
    capture: bool
    created: int
    decline_code: str | None = None
    redirect_url: str | None = None
    return_url: str | None = None
    metadata: dict[str, str] = {}
    movements: tuple[Movement, ...] = ()
    plan: Plan = Plan()


class VirtualAccount(msgspec.Struct, frozen=True):
    """A bank account number that belongs to one invoice of one merchant."""

    id: str
    merchant: str
    merchant_ref: str
    account_number: str
    bank_name: str
    holder: str
    reference: str
    amount: int
    currency: str
    status: AccountStatus
    created: int
    expires_at: int | None = None
    movements: tuple[Movement, ...] = ()
    plan: Plan = Plan()


Payable = Charge | VirtualAccount


class Transfer(msgspec.Struct, frozen=True):
    """What a customer sent through the bank; `account_id` None: it belongs to no account."""

    id: str
    account_number: str
    amount: int
    currency: str
    created: int
    account_id: str | None = None
    movement_id: str | None = None
    reference: str | None = None
    payer_name: str | None = None


class Event(msgspec.Struct, frozen=True):
    """One webhook: a snapshot of the object as it was when the event happened."""

    event_id: str
    type: str
    created: int
    merchant: str
    data: dict[str, Any]
    object_id: str
    notify: Notify = "once"


class Stored(msgspec.Struct, frozen=True):
    """The final answer kept under an Idempotency-Key."""

    key: str
    fingerprint: str
    status: int
    body: str


class NextFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One scripted fault waiting for the next call of its kind."""

    op: Literal["charge", "capture", "void", "refund", "query", "va"]
    fault: str
    decline_code: str | None = None
    delay_ms: int | None = None


class MerchantSet(msgspec.Struct, frozen=True, tag="merchant_set", tag_field="fact"):
    merchant: Merchant


class FaultsSet(msgspec.Struct, frozen=True, tag="faults_set", tag_field="fact"):
    merchant: str
    next: tuple[NextFault, ...]


class Called(msgspec.Struct, frozen=True, tag="called", tag_field="fact"):
    """A merchant's call arrived: the witness of calls never answered. `queued`: it used up a scripted fault."""

    merchant: str
    op: str
    method: str
    path: str
    key: str | None = None
    fault: str = "ok"
    queued: bool = False
    replay: bool = False


class Changed(msgspec.Struct, frozen=True, omit_defaults=True, tag="changed", tag_field="fact"):
    """One atomic change: the object after it, the event it causes and the answer it stores."""

    cause: str
    charge: Charge | None = None
    account: VirtualAccount | None = None
    transfer: Transfer | None = None
    event: Event | None = None
    stored: Stored | None = None
    merchant: str | None = None


class Delivered(msgspec.Struct, frozen=True, tag="delivered", tag_field="fact"):
    """One attempt to deliver a webhook; `final`: no further attempt follows."""

    event_id: str
    attempt: int
    final: bool
    status: int | None = None
    error: str | None = None


class WasReset(msgspec.Struct, frozen=True, tag="reset", tag_field="fact"):
    """Everything but the merchants was forgotten."""


Fact = MerchantSet | FaultsSet | Called | Changed | Delivered | WasReset


def new_id(prefix: str) -> str:
    """A random, unguessable id (96 bits) that says what it names."""
    return f"{prefix}_{secrets.token_hex(12)}"


def total(movements: tuple[Movement, ...], kind: MovementKind, *statuses: MovementStatus) -> int:
    """The sum of one kind of movement in the given states, minor units."""
    return sum(m.amount for m in movements if m.kind == kind and m.status in statuses)


def shown(payable: Payable) -> dict[str, Any]:
    """The object as the merchant sees it: without the script of its faults, with its totals."""
    view: dict[str, Any] = msgspec.to_builtins(payable)
    del view["plan"]
    view["movements"] = [shown_movement(m) for m in payable.movements]
    if payable.plan.odd_status:
        for told in (view, *view["movements"]):
            told["status"] = ODD_STATUS if told["status"] in ("pending", "open") else told["status"]
    view["captured"] = total(payable.movements, "capture", "succeeded")
    view["refunded"] = total(payable.movements, "refund", "succeeded")
    return view


def shown_movement(movement: Movement) -> dict[str, Any]:
    view: dict[str, Any] = msgspec.to_builtins(movement)
    view.pop("due_ms", None)
    return view
