"""Money without a name, or without a use: how it is put aside, named, split and given back. Pure."""

import hashlib

from msgspec.structs import replace

from kassa.kernel.payment_draft import Draft, Policy, allocated, posting
from kassa.kernel.payment_lenience import forgive, lenience
from kassa.ports.money import Money
from kassa.ports.payment import Movement, MovementState
from kassa.ports.payment_records import (
    MarkPaid,
    PayableState,
    Posting,
    Suspense,
    SuspenseState,
)
from kassa.ports.values import Instant, Value

SUSPENSE = "suspense"


class Raised(Value, frozen=True, kw_only=True):
    """A movement and the state it had before (0: it was not known)."""

    movement: Movement
    was: int

    @property
    def has_succeeded(self) -> bool:
        """Money that moved just now and stayed."""
        return self.was < MovementState.SUCCEEDED and self.movement.state is MovementState.SUCCEEDED

    @property
    def has_reversed(self) -> bool:
        """Money whose posting has to be taken back."""
        return self.was == MovementState.SUCCEEDED and self.movement.state is MovementState.REVERSED


def suspend(draft: Draft, key: str, amount: Money, reason: str, now: Instant) -> None:
    """Move money of the payment in hand from its payable to suspense, under a name of its own. Twice is once."""
    if key in draft.suspense:
        return
    payment = draft.payment
    row = Suspense(
        key=key,
        method=payment.method,
        amount=amount,
        reason="surplus" if reason == "surplus" else "late",
        state=SuspenseState.OPEN,
        payment_id=payment.id,
        note="",
        at=now,
    )
    draft.suspense[key] = row
    _post_suspense(draft, row, "arrived", (f"payable:{payment.invoice_id}", SUSPENSE), now)


def suspend_foreign(draft: Draft, movement: Movement, now: Instant) -> None:
    """Money in another currency than the payment's: kept under its name, counted for nothing, held for a person."""
    key = f"{draft.payment.id}/capture/{movement.id}"
    if movement.kind != "capture" or movement.state is not MovementState.SUCCEEDED or key in draft.suspense:
        return
    row = Suspense(
        key=key,
        method=draft.payment.method,
        amount=movement.amount,
        reason="conflict",
        state=SuspenseState.OPEN,
        payment_id=draft.payment.id,
        note=f"expected {draft.payment.nominal.currency}",
        at=now,
    )
    draft.suspense[key] = row
    draft.postings.append(unmatched_posting(row))


def unmatched_posting(row: Suspense) -> Posting:
    """The arrival of money that no payable can be credited with."""
    return posting(f"suspense/{row.key}/arrived", None, (f"clearing:{row.method}", SUSPENSE), row.amount, row.at)


def _post_suspense(draft: Draft, row: Suspense, step: str, sides: tuple[str, str], now: Instant) -> None:
    draft.postings.append(posting(f"suspense/{row.key}/{step}", row.payment_id, sides, row.amount, now))


def named(
    draft: Draft, told: tuple[Movement, ...], unnamed: tuple[Suspense, ...], now: Instant
) -> tuple[Movement, ...]:
    """The movements that count: money that waited without a name is assigned to this payment in the same act; money that was
    sent back, or given to another payment, counts for nothing here and a person has to look."""
    waiting = {row.key: row for row in unnamed}
    counted = []
    for movement in told:
        row = waiting.get(unmatched_key(draft.payment.method, movement.id)) if movement.kind == "capture" else None
        if row is None or movement.state < MovementState.SUCCEEDED:
            counted.append(movement)
        elif row.state is SuspenseState.OPEN and row.amount == movement.amount:
            draft.suspense[row.key] = replace(row, state=SuspenseState.ASSIGNED, payment_id=draft.payment_id)
            sides = (SUSPENSE, f"clearing:{row.method}")
            draft.postings.append(posting(f"suspense/{row.key}/settled", None, sides, row.amount, now))
            counted.append(movement)
        elif row.payment_id == draft.payment_id and row.state is SuspenseState.ASSIGNED:
            counted.append(movement)
        else:
            draft.note(conflict=True, needs_review=True)
    return tuple(counted)


def unmatched_key(method: str, movement_id: str) -> str:
    """The name of money that came before its payment was known."""
    return f"unmatched/{method}/{movement_id}"


def take_back(draft: Draft, row: Suspense, now: Instant, policy: Policy) -> None:
    """Count money that was put aside for its payable after all, as far as that needs it; the rest stays in suspense."""
    payable = draft.payable
    missing = payable.amount.amount - allocated(draft.before)
    if row.amount.amount > missing:
        row = split(draft, row, missing, "assigned", now)
    draft.suspense[row.key] = replace(row, state=SuspenseState.ASSIGNED)
    _post_suspense(draft, row, "settled", (SUSPENSE, f"payable:{payable.invoice_id}"), now)
    short = missing - row.amount.amount
    if short <= lenience(draft.payment, policy.tolerance):
        draft.payable = replace(payable, state=PayableState.PAID)
        draft.order = MarkPaid(late=payable.state is PayableState.CLOSED, at=now)
        forgive(draft, max(0, short), now)


def release(draft: Draft, raised: list[Raised], now: Instant) -> None:
    """A refund or a chargeback gives back what waits in suspense first; its reversal, or that of the capture, undoes the
    same."""
    payable = f"payable:{draft.payment.invoice_id}"
    for step in raised:
        movement = step.movement
        mark, is_outgoing = f"{movement.kind} {movement.id}", movement.kind in ("refund", "chargeback")
        if is_outgoing and step.has_succeeded:
            left = movement.amount.amount
            for row in rows(draft, SuspenseState.OPEN, ""):
                fits = row.amount.amount <= left
                given = row if fits or not left else split(draft, row, left, movement.id, now)
                if left:
                    left -= given.amount.amount
                    draft.suspense[given.key] = replace(given, state=SuspenseState.REFUNDED, note=mark)
                    _post_suspense(draft, given, f"refunded/{movement.id}", (SUSPENSE, payable), now)
        elif is_outgoing and step.has_reversed:
            for row in rows(draft, SuspenseState.REFUNDED, mark):
                draft.suspense[row.key] = replace(row, state=SuspenseState.OPEN, note="")
                _post_suspense(draft, row, f"reopened/{movement.id}", (payable, SUSPENSE), now)
        elif movement.kind == "capture" and step.has_reversed:
            draft.note(needs_review=True)
            for row in rows(draft, SuspenseState.OPEN, ""):
                key = f"{draft.payment.id}/capture/{movement.id}"
                if row.key == key or row.key.startswith((f"{key}/part/", f"{key}/rest/")):
                    draft.suspense[row.key] = replace(row, state=SuspenseState.REFUNDED, note="reversed")
                    _post_suspense(draft, row, "reversed", (SUSPENSE, payable), now)


def split(draft: Draft, row: Suspense, first: int, refund: str, now: Instant) -> Suspense:
    """Put two rows in the place of one that a refund gives back in part only: `first` minor units, and the rest. The
    first of them."""
    payable = f"payable:{draft.payment.invoice_id}"
    draft.suspense[row.key] = replace(row, state=SuspenseState.REFUNDED, note=f"split {refund}")
    _post_suspense(draft, row, f"split/{refund}", (SUSPENSE, payable), now)
    parts, mark = (
        [],
        hashlib.sha256(refund.encode()).hexdigest()[:12],
    )  # a part of a part of a part still has a short name
    for name, units in (("part", first), ("rest", row.amount.amount - first)):
        part = replace(row, key=f"{row.key}/{name}/{mark}", amount=replace(row.amount, amount=units))
        draft.suspense[part.key] = part
        _post_suspense(draft, part, "arrived", (payable, SUSPENSE), now)
        parts.append(part)
    return parts[0]


def rows(draft: Draft, state: SuspenseState, note: str) -> list[Suspense]:
    mine = [s for s in draft.suspense.values() if s.payment_id == draft.payment_id and s.reason != "conflict"]
    return sorted((s for s in mine if s.state is state and s.note == note), key=lambda s: s.key)
