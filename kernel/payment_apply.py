"""ONE function turns what is told of a payment into what is written: for replies, queries, notices, bank files, operators."""

from msgspec.structs import replace

from kassa.kernel.payment_draft import GRACE_S, Applied, Draft, Policy
from kassa.kernel.payment_facts import Facts
from kassa.kernel.payment_fold import end_rivals, fold, schedule, stamp
from kassa.kernel.payment_ledger import settle_money
from kassa.kernel.payment_progress import close_reserve, complete, count_checks, progress
from kassa.kernel.payment_states import IN_DOUBT, merged
from kassa.kernel.payment_suspense import Raised, named, suspend, suspend_foreign, take_back
from kassa.kernel.payment_time import later
from kassa.ports.ids import OperationId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import Movement
from kassa.ports.payment_records import (
    KnownMovement,
    Operation,
    OperationState,
    PayableState,
    PaymentFile,
    Suspense,
    SuspenseState,
)
from kassa.ports.values import Instant


def apply(
    file: PaymentFile,
    payment_id: PaymentId,
    facts: Facts,
    now: Instant,
    policy: Policy,
    *,
    finish: OperationId | None = None,
    unnamed: tuple[Suspense, ...] = (),
) -> Applied:
    """Merge facts about one payment into its file. Pure: the same facts twice, or in another order, end alike.

    `finish` names an operation whose claim gets its answer with this act. `unnamed` is money that came before it had a name:
    where the facts name it, it is assigned, not counted twice.
    """
    draft = Draft(file, payment_id)
    if finish is not None:
        draft.put(replace(draft.operations[finish], claim=None))
    start_was = draft.start.state
    if _is_of_another(draft, facts):
        draft.note(needs_review=True, conflict=True)
        count_checks(draft, facts, now)
    else:
        _keep(draft, facts, policy)
        raised = _merge_movements(draft, named(draft, facts.movements, unnamed, now), now)
        progress(draft, facts, now, policy)
        close_reserve(draft, policy)
        settle_money(draft, raised, start_was, now, policy)
        complete(draft, facts)
    fold(draft)
    end_rivals(draft)
    schedule(draft, facts, now, policy)
    stamp(draft, now)
    return draft.outcome()


def begun(file: PaymentFile, operation: Operation, now: Instant) -> Applied:
    """Write a command ahead: as SENT, or once more with the same key."""
    draft = Draft(file, operation.payment_id)
    draft.put(operation)
    fold(draft)
    stamp(draft, now)
    return draft.outcome()


def assigned(file: PaymentFile, key: str, now: Instant, policy: Policy) -> Applied:
    """Count money that was put aside of a payment for its payable after all: an operator's word."""
    row = next(s for s in file.suspense if s.key == key)
    assert row.payment_id is not None
    draft = Draft(file, row.payment_id)
    take_back(draft, row, now, policy)
    fold(draft)
    end_rivals(draft)
    stamp(draft, now)
    return draft.outcome()


def looked_at(file: PaymentFile, payment_id: PaymentId, now: Instant) -> Applied:
    """A person has reviewed the payment. One of which more went out than came in stays on the list while that is so."""
    draft = Draft(file, payment_id)
    draft.note(needs_review=False)
    fold(draft)
    stamp(draft, now)
    return draft.outcome()


def released(file: PaymentFile, payment_id: PaymentId, now: Instant) -> Applied | None:
    """Put aside what this payment brought of a payable that ends unpaid; None when it brought nothing."""
    draft = Draft(file, payment_id)
    payment = draft.payment
    waiting = [s for s in file.suspense if s.payment_id == payment_id and s.state is SuspenseState.OPEN]
    kept = payment.captured - payment.refunded
    kept -= sum(s.amount.amount for s in waiting if s.amount.currency == payment.nominal.currency)
    if kept <= 0:
        return None
    money = Money(amount=kept, currency=payment.nominal.currency)
    suspend(draft, f"{payment_id}/released/{file.payable.version}", money, "late", now)
    draft.note(needs_review=True)
    stamp(draft, now)
    return draft.outcome()


def _is_of_another(draft: Draft, facts: Facts) -> bool:
    """A report that names another payment must not touch this one (a status call may answer with another order's id)."""
    payment = draft.payment
    other_ours = facts.merchant_ref is not None and facts.merchant_ref != payment.merchant_ref
    other_theirs = (
        facts.provider_ref is not None
        and payment.provider_ref is not None
        and facts.provider_ref != payment.provider_ref
    )
    return other_ours or (other_theirs and facts.merchant_ref is None)


def _keep(draft: Draft, facts: Facts, policy: Policy) -> None:
    """What the plugin hands over for later: references, its private state, the expiry (within what it declared)."""
    payment = draft.payment
    if facts.provider_ref is not None and payment.provider_ref is None:
        draft.note(provider_ref=facts.provider_ref)
    if facts.plugin_state is not None:
        draft.note(plugin_state=facts.plugin_state)
    if facts.expires_at is not None and draft.start.state in (*IN_DOUBT, OperationState.PENDING):
        latest = later(payment.created_date, policy.capabilities.expiry_s[1])
        expires_at = min(facts.expires_at, max(latest, payment.expires_at))
        draft.note(expires_at=expires_at)
        if draft.payable.state is PayableState.OPEN:
            draft.payable = replace(draft.payable, pay_until=max(draft.payable.pay_until, later(expires_at, GRACE_S)))


# --- movements ------------------------------------------------------------------------------------------------


def _merge_movements(draft: Draft, told: tuple[Movement, ...], now: Instant) -> list[Raised]:
    """Merge by `max()`; currency and amount are compared before anything counts. What rose, in a stable order."""
    raised = []
    for movement in sorted(told, key=lambda m: (m.kind, m.id)):
        if movement.amount.currency != draft.payment.nominal.currency:
            draft.note(conflict=True, needs_review=True)
            suspend_foreign(draft, movement, now)
            continue
        key = (draft.payment_id, movement.kind, movement.id)
        known = draft.movements.get(key)
        if known is None:
            was, kept = 0, KnownMovement(payment_id=draft.payment_id, movement=movement, first_seen_at=now)
        else:
            was, both = int(known.movement.state), merged(known.movement, movement)
            kept = replace(known, movement=both.movement)
            if both.conflict:
                draft.note(conflict=True, needs_review=True)
        draft.movements[key] = kept
        if kept.movement.state > was:
            raised.append(Raised(movement=kept.movement, was=was))
    return raised
