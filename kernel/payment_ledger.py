"""Double entry: what movements post, what is put aside, and when a payable is complete. Pure."""

import hashlib

from msgspec.structs import replace

from kassa.kernel.payment_draft import Draft, Policy, allocated, is_refunding, new_operation, posting
from kassa.kernel.payment_fold import fold
from kassa.kernel.payment_lenience import judge, lenience
from kassa.kernel.payment_states import ENDED_WITHOUT_MONEY, in_doubt, refundable, totals
from kassa.kernel.payment_suspense import Raised, release, rows, suspend
from kassa.ports.ids import OperationId
from kassa.ports.money import Money
from kassa.ports.payment import Movement, MovementState
from kassa.ports.payment_records import (
    MarkPaid,
    Operation,
    OperationState,
    PayableState,
    SuspenseState,
)
from kassa.ports.values import Instant


def settle_money(draft: Draft, raised: list[Raised], start_was: OperationState, now: Instant, policy: Policy) -> None:
    """Post what succeeded or was reversed, put aside what is not due, mark the payable paid when it is covered."""
    for step in raised:
        _post_movement(draft, step, now)
    arrived = [s.movement for s in raised if s.movement.kind == "capture" and s.has_succeeded]
    if any(step.movement.kind == "chargeback" and step.has_succeeded for step in raised):
        draft.note(needs_review=True)
    is_late = bool(arrived) and (start_was in ENDED_WITHOUT_MONEY or draft.payable.state is PayableState.CLOSED)
    known = set(draft.suspense)
    if arrived:
        _put_aside(draft, arrived, now, policy, is_late=is_late)
        draft.note(
            late=draft.payment.late or is_late,
            needs_review=draft.payment.needs_review or _is_another_amount(draft, policy),
        )
    fresh = tuple(f"{key}/" for key in draft.suspense if key not in known)
    release(draft, raised, now)
    _put_back(draft, raised, now, policy)
    _be_lenient(draft, raised, now, policy)
    waiting = [row for row in rows(draft, SuspenseState.OPEN, "") if f"{row.key}/".startswith(fresh)]
    aside = sum(row.amount.amount for row in waiting)
    if aside:
        _follow(draft, aside, now, policy, is_late=is_late)


def _is_another_amount(draft: Draft, policy: Policy) -> bool:
    """Whether the provider took another amount than asked, where nobody but the shop names the amount."""
    whole = draft.start.state is OperationState.SUCCEEDED and not any(m.kind == "auth" for m in draft.known())
    return whole and not policy.capabilities.open_amount and _captured(draft) != draft.payment.nominal.amount


def _captured(draft: Draft) -> int:
    return totals(draft.known()).captured


def _post_movement(draft: Draft, step: Raised, now: Instant) -> None:
    movement, payment = step.movement, draft.payment
    if movement.kind == "auth" or movement.state < MovementState.SUCCEEDED:
        return
    incoming = movement.amount if movement.kind == "capture" else -movement.amount
    clearing, payable = f"clearing:{payment.method}", f"payable:{payment.invoice_id}"
    key = f"{payment.id}/{movement.kind}/{movement.id}"
    if step.was < MovementState.SUCCEEDED:
        draft.postings.append(posting(f"{key}/SUCCEEDED", payment.id, (clearing, payable), incoming, now))
    if movement.state is MovementState.REVERSED:
        draft.postings.append(posting(f"{key}/REVERSED", payment.id, (payable, clearing), incoming, now))


def _put_aside(draft: Draft, arrived: list[Movement], now: Instant, policy: Policy, *, is_late: bool) -> None:
    """Cover what is due with the money that arrived; what is not due (any more) goes to suspense."""
    missing = max(0, draft.payable.amount.amount - allocated(draft.before))
    total = sum(m.amount.amount for m in arrived)
    is_closed = draft.payable.state is PayableState.CLOSED
    refused = is_late and policy.late != "fulfil"
    enough = missing - total <= lenience(draft.payment, policy.tolerance)
    if draft.payable.state is PayableState.PAID:
        room, reason = 0, "surplus"
    elif refused or (is_closed and not enough):
        room, reason = 0, "late"
    else:
        room, reason = missing, "surplus"
    if room and enough:
        draft.payable = replace(draft.payable, state=PayableState.PAID)
        draft.order = MarkPaid(late=is_closed, at=now)
        if is_refunding(draft.before):  # paid with money that is on its way back: a person has to look
            draft.note(needs_review=True)
    for movement in sorted(arrived, key=lambda m: m.id):
        kept = min(room, movement.amount.amount)
        room -= kept
        rest = movement.amount.amount - kept
        if rest:
            money = Money(amount=rest, currency=movement.amount.currency)
            suspend(draft, f"{draft.payment.id}/capture/{movement.id}", money, reason, now)


def _be_lenient(draft: Draft, raised: list[Raised], now: Instant, policy: Policy) -> None:
    """What is forgiven follows the money: it goes with money that is lost, and comes with money that is there (again)."""
    outgoing = ("refund", "chargeback")
    lost = any(
        (s.movement.kind == "chargeback" and s.has_succeeded) or (s.movement.kind == "capture" and s.has_reversed)
        for s in raised
    )
    back = draft.order is not None or any(s.movement.kind in outgoing and s.has_reversed for s in raised)
    if lost or back:
        fold(draft)
        judge(draft, policy.tolerance, now, is_lost=lost, is_back=back)


def _put_back(draft: Draft, raised: list[Raised], now: Instant, policy: Policy) -> None:
    """Money that had gone out and came back counts for its payable again. What that does not need any more, because
    another payment covered it or it has ended, goes to suspense and a person looks: a refund of it has just failed."""
    back = [s.movement for s in raised if s.movement.kind in ("refund", "chargeback") and s.has_reversed]
    if not back:
        return
    fold(draft)
    payable, is_closed = draft.payable, draft.payable.state is PayableState.CLOSED
    covered = allocated(draft.outcome().file)
    short = payable.amount.amount - covered
    if payable.state is PayableState.OPEN and short <= lenience(draft.payment, policy.tolerance):
        draft.payable = replace(payable, state=PayableState.PAID)
        draft.order = MarkPaid(late=False, at=now)
    over = covered - (0 if is_closed else payable.amount.amount)
    if over > 0:
        money = Money(amount=over, currency=payable.amount.currency)
        suspend(
            draft, f"{draft.payment.id}/{back[0].kind}/{back[0].id}", money, "late" if is_closed else "surplus", now
        )
        draft.note(needs_review=True)


def _follow(draft: Draft, aside: int, now: Instant, policy: Policy, *, is_late: bool) -> None:
    """Money that was put aside is refunded where the policy says so and the method can; else a person looks. What a person saw on
    the bank account may be the same money that the provider tells of: nothing is sent back by itself then."""
    wish = policy.late if is_late and policy.late != "fulfil" else policy.surplus
    ability = policy.capabilities.refund
    able = ability in ("partial", "multiple") or (ability == "full" and aside == _captured(draft))
    free = not in_doubt(draft.operations.values()) and refundable(draft.known(), draft.commands()) >= aside
    by_hand = any(m.kind == "capture" and m.id.startswith("bank:") for m in draft.known())
    if wish != "refund" or not able or not free or by_hand:
        draft.note(needs_review=True)
        return
    amount = Money(amount=aside, currency=draft.payable.amount.currency)
    operation = refund_of(draft, amount, now, policy)
    if operation.id not in draft.operations:
        draft.put(operation)
        draft.send.append(operation.id)


def refund_of(draft: Draft, amount: Money, now: Instant, policy: Policy) -> Operation:
    """The refund that a policy orders, written ahead as SENT. Its id follows from what it refunds: the same twice is one."""
    put_aside = ",".join(row.key for row in rows(draft, SuspenseState.OPEN, ""))
    digest = hashlib.sha256(f"refund/{draft.payment.merchant_ref}/{put_aside}/{amount.amount}".encode())
    return new_operation(
        draft.payment_id, OperationId(digest.hexdigest()[:32]), amount, now, policy.deadline_s, kind="refund"
    )
