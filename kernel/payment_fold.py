"""After a merge: the payment's derived columns, its rivals, its next checks. Pure."""

import msgspec
from msgspec.structs import replace

from kassa.kernel.payment_draft import MARGIN_S, Draft, Policy
from kassa.kernel.payment_facts import Facts
from kassa.kernel.payment_states import IN_DOUBT, moved, status, totals
from kassa.kernel.payment_time import is_exhausted, later, scheduled
from kassa.ports.ids import PaymentId
from kassa.ports.payment import MovementState, Wait
from kassa.ports.payment_records import OperationState
from kassa.ports.values import Instant

S = OperationState


def fold(draft: Draft) -> None:
    """Compute every derived column of the payment in hand from its operations and movements."""
    payment, start, commands = draft.payment, draft.start, draft.commands()
    sums = totals(draft.known())
    voided = any(o.kind == "void" and o.state is S.SUCCEEDED for o in commands) or (
        not sums.authorized and any(m.kind == "auth" and m.state is MovementState.REVERSED for m in draft.known())
    )
    reserved = start.state is S.SUCCEEDED and sums.authorized > sums.captured and not voided
    strange = bool(sums.excess) or 0 < sums.authorized < sums.captured
    draft.note(
        authorized=sums.authorized,
        captured=sums.captured,
        refunded=sums.refunded,
        needs_review=payment.needs_review or strange,
        conflict=payment.conflict or strange,
        in_doubt=any(o.state in IN_DOUBT for o in commands),
        is_live=payment.is_live and (start.state < S.EXPIRED or reserved),
        status=status(
            start.state,
            sums,
            payment.nominal.amount,
            voided=voided,
            needs_customer=bool(payment.next_action) and payment.next_action != _WAIT,
            let_off=draft.let_off,
        ),
    )


_WAIT = msgspec.json.encode(Wait())
_SHOW_ACCOUNT = b'{"type":"show_account",'
"""How every encoded `ShowAccount` begins: msgspec writes the tag first."""


def is_locally_cancelable(next_action: bytes) -> bool:
    """Whether only the customer can send money, so that nobody else has to be told of a cancel."""
    return next_action.startswith(_SHOW_ACCOUNT)


def end_rivals(draft: Draft) -> None:
    """A payable that is covered now needs no other payment; one that only its customer can pay ends here."""
    if draft.order is None:
        return
    for payment in list(draft.payments.values()):
        if payment.id != draft.payment_id and payment.is_live and is_locally_cancelable(payment.next_action):
            supersede(draft, payment.id)


def supersede(draft: Draft, payment_id: PaymentId) -> bool:
    """Cancel locally a pending payment that only its customer could pay. Whether that was so."""
    rival = Draft(draft.before, payment_id)
    start = rival.start
    if moved(start.state, S.CANCELED, "superseded") is not S.CANCELED:
        return False
    draft.put(replace(start, state=S.CANCELED, checks=0, not_found=0))
    rival.put(draft.operations[start.id])
    fold(rival)
    draft.payments[payment_id] = replace(rival.payment, next_action=b"")
    return True


def schedule(draft: Draft, facts: Facts, now: Instant, policy: Policy) -> None:
    """Set the next check of whatever changed or was asked about."""
    _set_next_action(draft, facts)
    _end_watch(draft)
    before = {o.id: o for o in draft.before.operations}
    for operation in list(draft.operations.values()):
        was = before.get(operation.id)
        if operation.id in draft.send:
            wait_s = max(policy.deadline_s, policy.capabilities.query_consistency_s if was else 0) + MARGIN_S
            draft.put(replace(operation, next_check_at=later(now, wait_s)))
        elif operation != was and operation.state is not S.SENT:
            payment = draft.payments[operation.payment_id]
            draft.put(scheduled(operation, payment, now, policy))
            if is_exhausted(operation, payment, now, policy):
                draft.payments[payment.id] = replace(payment, needs_review=True)


def _end_watch(draft: Draft) -> None:
    """A reservation is asked about while it stands, no longer."""
    start = draft.start
    is_done = start.state is S.SUCCEEDED and start.claim is None and not draft.payment.is_live
    if is_done and start.next_check_at is not None:
        draft.put(replace(start, next_check_at=None))


def _set_next_action(draft: Draft, facts: Facts) -> None:
    """What the customer has to do holds while the START is pending, and is replaced by newer word only."""
    if draft.start.state is not S.PENDING:
        draft.note(next_action=b"")
    elif facts.next_action is not None and _is_of_start(draft, facts):
        draft.note(next_action=msgspec.json.encode(facts.next_action))
    else:
        return
    fold(draft)


def _is_of_start(draft: Draft, facts: Facts) -> bool:
    """Whether it is the START, or its continuation, that waits: a refund that waits changes nothing of what is to be paid."""
    asked = facts.operation_id
    return asked is None or draft.operations[asked].kind in ("start", "resume")


def stamp(draft: Draft, now: Instant) -> None:
    """Whatever changed says when."""
    payments = {p.id: p for p in draft.before.payments}
    for key, payment in draft.payments.items():
        if payments.get(key) != payment:
            draft.payments[key] = replace(payment, last_updated=now)
    operations = {o.id: o for o in draft.before.operations}
    for name, operation in draft.operations.items():
        if operations.get(name) != operation:
            draft.put(replace(operation, last_updated=now))
