"""What may become of a charge: pure decisions from the charge before to the charge after, or Refused."""

from __future__ import annotations

import time
from typing import Literal, TypeVar

from msgspec.structs import replace

from .faults import Fault
from .model import Charge, ChargeStatus, Movement, MovementKind, MovementStatus, Payable, Refused, new_id, total

P = TypeVar("P", bound=Payable)


def now() -> int:
    """Seconds, UTC."""
    return int(time.time())


def started(charge: Charge, fault: Fault) -> Charge:
    """A new charge after the provider's decision. Wallets always need the customer, unless the fault says otherwise."""
    outcome = fault.outcome
    if outcome == "decline":
        return replace(charge, status="declined", decline_code=fault.decline_code)
    if outcome == "action" or (outcome == "ok" and charge.kind == "wallet"):
        return replace(charge, status="requires_action")
    if outcome in ("pending", "late"):
        waiting = _first_movement(charge, "pending", _due_ms(fault))
        return replace(charge, status="pending", redirect_url=None, movements=(waiting,))
    return paid(replace(charge, redirect_url=None))


def paid(charge: Charge) -> Charge:
    """The money came, now or late: the first movement succeeds."""
    reversed_before = any(m.status == "reversed" for m in charge.movements)
    if charge.status in ("succeeded", "authorized") or reversed_before:
        raise Refused(409, "already_final", f"the charge is {charge.status}")
    status: Literal["succeeded", "authorized"] = "succeeded" if charge.capture else "authorized"
    if charge.movements:
        first, *rest = charge.movements
        movements = (replace(first, status="succeeded", due_ms=None), *rest)
    else:
        movements = (_first_movement(charge, "succeeded", None),)
    return replace(charge, status=status, decline_code=None, movements=movements)


def ended(charge: Charge, status: Literal["declined", "expired", "canceled"], code: str | None) -> Charge:
    """No money will come: allowed only while the charge waits. A reservation may expire too: what was not captured goes."""
    if status == "expired" and _uncaptured(charge):
        return _released(charge, "expired")
    if charge.status not in ("requires_action", "pending"):
        raise Refused(409, "already_final", f"the charge is {charge.status}")
    movements = tuple(replace(m, status="failed", due_ms=None) for m in charge.movements)
    return replace(charge, status=status, decline_code=code, movements=movements)


def captured(charge: Charge, amount: int | None, merchant_ref: str | None, fault: Fault) -> Charge:
    """A capture of an authorised charge; several partial ones are allowed up to the authorised amount."""
    authorized = _reserved(charge)
    if not authorized:
        raise Refused(409, "not_authorized", f"the charge is {charge.status}, nothing can be captured")
    left = authorized - total(charge.movements, "capture", "succeeded", "pending")
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise Refused(409, "capture_exceeds_authorized", f"at most {left} can still be captured")
    movement = _movement(charge, "capture", amount, merchant_ref, fault)
    after = replace(charge, movements=(*charge.movements, movement))
    return replace(after, status=_status(after))


def voided(charge: Charge) -> Charge:
    """Called off: a charge that waits ends, of a reservation what was not captured goes. What is called off already stays as
    it is."""
    if charge.status == "canceled" or any(m.kind == "auth" and m.status == "reversed" for m in charge.movements):
        return charge
    if _uncaptured(charge):
        return _released(charge, "canceled")
    if charge.status in ("requires_action", "pending"):
        return ended(charge, "canceled", None)
    raise Refused(409, "not_voidable", f"the charge is {charge.status}")


def _reserved(charge: Charge) -> int:
    """Minor units that are, or were until they were captured, set aside for the merchant."""
    return total(charge.movements, "auth", "succeeded")


def _uncaptured(charge: Charge) -> int:
    """What is left to be let go of: nothing while a capture is under way, because it may still need all of it."""
    if total(charge.movements, "capture", "pending"):
        return 0
    return max(0, _reserved(charge) - total(charge.movements, "capture", "succeeded"))


def _released(charge: Charge, status: Literal["canceled", "expired"]) -> Charge:
    """The reservation is reversed; where a part was captured the charge stays what that part made it."""
    movements = tuple(replace(m, status="reversed") if m.kind == "auth" else m for m in charge.movements)
    after = replace(charge, movements=movements)
    return after if total(movements, "capture", "succeeded") else replace(after, status=status)


def _status(charge: Charge) -> ChargeStatus:
    """A reserved charge has succeeded as soon as any part of it is captured."""
    if charge.status not in ("authorized", "succeeded") or not _reserved(charge):
        return charge.status
    return "succeeded" if total(charge.movements, "capture", "succeeded") else "authorized"


def check_unused(payable: Payable, merchant_ref: str | None) -> None:
    """Raises Refused if a movement has this name already."""
    if merchant_ref is not None and any(m.merchant_ref == merchant_ref for m in payable.movements):
        raise Refused(409, "duplicate_reference", "a movement with this merchant_ref exists")


def refund_movement(payable: Payable, amount: int | None, merchant_ref: str | None, fault: Fault) -> Movement:
    """A refund as its own movement; raises Refused if succeeded, pending and this one exceed what was captured."""
    left = (
        total(payable.movements, "capture", "succeeded")
        - total(payable.movements, "refund", "succeeded", "pending")
        - total(payable.movements, "chargeback", "succeeded")
    )
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise Refused(409, "refund_exceeds_captured", f"at most {left} can still be refunded")
    if payable.plan.refunds != "ok" and fault.outcome == "ok":
        fault = replace(fault, outcome=payable.plan.refunds)
    return _movement(payable, "refund", amount, merchant_ref, fault)


def disputed(charge: Charge) -> Charge:
    """The customer's bank takes back all that is still captured."""
    left = total(charge.movements, "capture", "succeeded") - total(charge.movements, "refund", "succeeded", "pending")
    left -= total(charge.movements, "chargeback", "succeeded")
    if left <= 0:
        raise Refused(409, "nothing_to_dispute", "no captured money is left on this charge")
    movement = Movement(new_id("mv"), "chargeback", "succeeded", left, charge.currency, now())
    return replace(charge, movements=(*charge.movements, movement))


def movement_settled(payable: P, movement_id: str, status: MovementStatus) -> P:
    """One movement moves on: pending to any end, succeeded to reversed, failed to succeeded."""
    found = next((m for m in payable.movements if m.id == movement_id), None)
    if found is None:
        raise Refused(404, "not_found", "there is no such movement")
    if (found.status, status) not in _STEPS:
        raise Refused(409, "already_final", f"the movement is {found.status}")
    movements = tuple(replace(m, status=status, due_ms=None) if m.id == movement_id else m for m in payable.movements)
    after = replace(payable, movements=movements)
    if isinstance(after, Charge):
        after = replace(after, status=_status(after))
    return after


_STEPS = {
    ("pending", "succeeded"),
    ("pending", "failed"),
    ("succeeded", "reversed"),
    ("failed", "succeeded"),
}


def _first_movement(charge: Charge, status: MovementStatus, due_ms: int | None) -> Movement:
    kind: MovementKind = "capture" if charge.capture else "auth"
    return Movement(
        id=new_id("mv"),
        kind=kind,
        status=status,
        amount=charge.amount + charge.plan.extra,
        currency=reported_currency(charge),
        created=now(),
        due_ms=due_ms,
    )


def _movement(payable: Payable, kind: MovementKind, amount: int, merchant_ref: str | None, fault: Fault) -> Movement:
    statuses: dict[str, MovementStatus] = {"decline": "failed", "pending": "pending", "late": "pending"}
    return Movement(
        id=new_id("mv"),
        kind=kind,
        status=statuses.get(fault.outcome, "succeeded"),
        amount=amount + fault.extra,
        currency=_other(payable.currency) if fault.wrong_currency else payable.currency,
        created=now(),
        merchant_ref=merchant_ref,
        due_ms=_due_ms(fault),
    )


def _due_ms(fault: Fault) -> int | None:
    return time.time_ns() // 1_000_000 + (fault.delay_ms or 0) if fault.outcome == "late" else None


def reported_currency(payable: Payable) -> str:
    """The currency of its movements; another one if the script says so."""
    return _other(payable.currency) if payable.plan.wrong_currency else payable.currency


def _other(currency: str) -> str:
    return "XTS" if currency != "XTS" else "XXX"
