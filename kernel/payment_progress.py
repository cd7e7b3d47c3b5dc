"""How facts move commands: what was answered, what the provider's list shows, what it does not know. Pure."""

from msgspec.structs import replace

from kassa.kernel.payment_draft import Draft, Policy
from kassa.kernel.payment_facts import Facts
from kassa.kernel.payment_fold import is_locally_cancelable
from kassa.kernel.payment_states import Word, in_doubt, is_resent, moved, seen, totals
from kassa.kernel.payment_time import is_over
from kassa.ports.payment import MovementState
from kassa.ports.payment_records import Operation, OperationState
from kassa.ports.values import Instant

MAX_ATTEMPTS = 3
NOT_FOUND_TWICE = 2
S = OperationState


def progress(draft: Draft, facts: Facts, now: Instant, policy: Policy) -> None:
    command = draft.operations[facts.operation_id] if facts.operation_id is not None else draft.start
    if facts.word == "reply" and facts.executed is False and command.state in (S.UNKNOWN, S.PENDING):
        return  # it did not arrive *this* time; whether it did before is still not known, or known already
    if facts.word == "silence":
        _fall_silent(draft, facts, now)
    elif command.kind == "start":
        if facts.said is not None:
            _move(draft, command, _evidenced(draft, facts.said), facts)
    else:
        _answer_command(draft, command, facts)
    if facts.listed:
        _match_list(draft, facts, now, policy)
    if _captured(draft) >= draft.payment.nominal.amount:
        _move(draft, draft.start, S.SUCCEEDED, facts)
    if facts.word == "query":
        count_checks(draft, facts, now)
        _judge_missing(draft, facts, now, policy)
        _expire(draft, facts, now)


def _move(draft: Draft, operation: Operation, said: OperationState, facts: Facts, word: Word | None = None) -> None:
    state = moved(operation.state, said, word or facts.word)
    if state is operation.state:
        return
    executed, code = operation.executed, operation.code
    if state is S.SUCCEEDED:
        executed, code = True, ""
    elif state in (S.FAILED, S.UNKNOWN):
        executed, code = facts.executed, facts.code or ("declined" if state is S.FAILED else "")
    draft.put(replace(operation, state=state, executed=executed, code=code, checks=0, not_found=0))


def complete(draft: Draft, facts: Facts) -> None:
    """Nothing is left to do for a customer who brought all but what the shop let go of. The account may still be paid to, and the
    provider waits for the rest: it is asked for a while, as of one that was canceled."""
    brought = draft.let_off and _captured(draft) >= draft.payment.nominal.amount - draft.let_off
    if brought and is_locally_cancelable(draft.payment.next_action):
        _move(draft, draft.start, S.CANCELED, facts, "superseded")


def _evidenced(draft: Draft, said: OperationState) -> OperationState:
    """A START has succeeded only when a movement shows money reserved or taken; without one it is pending."""
    if said is not S.SUCCEEDED:
        return said
    shown = any(m.kind in ("auth", "capture") and m.state >= MovementState.SUCCEEDED for m in draft.known())
    return S.SUCCEEDED if shown else S.PENDING


def _captured(draft: Draft) -> int:
    return totals(draft.known()).captured


def _fall_silent(draft: Draft, facts: Facts, now: Instant) -> None:
    """The command that was asked, or any whose call should have ended long ago, is UNKNOWN now."""
    for operation in draft.commands():
        asked = operation.id == facts.operation_id
        if asked or (facts.operation_id is None and _is_overdue(operation, now)):
            _move(draft, operation, S.UNKNOWN, facts)
    if facts.operation_id is None:
        count_checks(draft, facts, now)


def _is_overdue(operation: Operation, now: Instant) -> bool:
    return operation.state is S.SENT and operation.next_check_at is not None and operation.next_check_at <= now


def _answer_command(draft: Draft, command: Operation, facts: Facts) -> None:
    """A reply to a resume, void, refund or capture."""
    assert facts.said is not None
    if command.kind == "resume":
        taken = facts.said in (S.SUCCEEDED, S.PENDING)
        _move(draft, command, S.SUCCEEDED if taken else facts.said, facts)
        if taken:
            _move(draft, draft.start, _evidenced(draft, facts.said), facts)
        elif facts.said is S.FAILED and facts.executed and not facts.retry:
            _move(draft, draft.start, S.FAILED, facts)
    elif command.kind == "void":
        _move(draft, command, facts.said, facts)
        if facts.said is S.SUCCEEDED:
            _move(draft, draft.start, S.CANCELED, facts, "void")
    elif facts.said is S.SUCCEEDED:
        shown = seen(command, draft.commands(), draft.known())
        _move(draft, command, S.PENDING if shown is None else shown, facts)
    else:
        _move(draft, command, facts.said, facts)


def _match_list(draft: Draft, facts: Facts, now: Instant, policy: Policy) -> None:
    """Commands whose end is open are looked up in the provider's list of movements, oldest first."""
    for command in draft.commands():
        if command.kind != "start" and command.state < S.EXPIRED:
            is_fresh = (now - command.sent_at).total_seconds() < policy.capabilities.query_consistency_s
            shown = _shown(draft, command, facts, is_fresh)
            if shown is not None:
                _move(draft, command, shown, replace(facts, executed=True))
                if command.kind == "void" and shown is S.SUCCEEDED:
                    _move(draft, draft.start, S.CANCELED, facts, "void")


def _shown(draft: Draft, command: Operation, facts: Facts, is_fresh: bool) -> OperationState | None:
    if command.kind in ("refund", "capture"):
        return seen(command, draft.commands(), draft.known())
    money = facts.status == "succeeded" or _captured(draft) > 0
    if command.kind == "void":
        return _shown_of_void(draft, facts)
    if money or facts.status == "authorized":
        return S.SUCCEEDED
    if facts.status == "pending":  # so it was before the input, too
        return None if is_fresh else S.SUCCEEDED
    return S.FAILED if facts.status in ("failed", "canceled", "expired") else None


def _shown_of_void(draft: Draft, facts: Facts) -> OperationState | None:
    """Reserved money was let go of when its reservation is gone; there is nothing to let go of once all of it was taken."""
    reserved = [m for m in draft.known() if m.kind == "auth"]
    gone = any(m.state is MovementState.REVERSED for m in reserved)
    if gone or facts.status in ("canceled", "failed", "expired"):
        return S.SUCCEEDED
    sums = totals(draft.known())
    if reserved:
        return S.FAILED if sums.captured >= sums.authorized else None
    return S.FAILED if facts.status == "succeeded" or sums.captured else None


def close_reserve(draft: Draft, policy: Policy) -> None:
    """A method that captures a payment once has let go of what it did not take."""
    sums = totals(draft.known())
    if sums.authorized and sums.captured and not policy.capabilities.multi_capture:
        draft.note(is_live=False)


def count_checks(draft: Draft, facts: Facts, now: Instant) -> None:
    """A query counts for every operation that waits for news; a call that should have ended long ago is UNKNOWN."""
    for operation in draft.commands():
        waits = operation.state is not S.SUCCEEDED or (operation.kind == "start" and draft.payment.is_live)
        if is_resent(operation, now):
            continue
        if operation.next_check_at is not None and operation.state is not S.SENT and waits:
            draft.put(replace(operation, checks=operation.checks + 1))
        elif _is_overdue(operation, now):
            _move(draft, operation, S.UNKNOWN, replace(facts, code="no answer"), "silence")


def _judge_missing(draft: Draft, facts: Facts, now: Instant, policy: Policy) -> None:
    """What the provider does not know, twice and long after it should, was not executed: it is sent again with the same
    key where that is safe, else it has failed without effect."""
    declared = policy.capabilities
    for command in draft.commands():
        missing = command.state is S.UNKNOWN and (command.kind != "start" or not facts.found)
        age_s = (now - command.sent_at).total_seconds()
        if not missing or age_s < declared.query_consistency_s or is_resent(command, now):
            continue
        times = command.not_found + 1
        if times < NOT_FOUND_TWICE:
            draft.put(replace(command, not_found=times))
        elif (
            command.kind not in ("start", "resume")
            and declared.idempotency != "none"
            and age_s < declared.idempotency_ttl_s
            and command.attempt < MAX_ATTEMPTS
        ):
            draft.put(replace(command, attempt=command.attempt + 1, checks=0, not_found=0))
            draft.send.append(command.id)
        else:
            told = replace(facts, executed=False, code="not_executed")
            _move(draft, command, S.FAILED, told, "not_executed")


def _expire(draft: Draft, facts: Facts, now: Instant) -> None:
    """After expiry, grace and this last query nothing was paid."""
    if draft.start.state is S.PENDING and is_over(draft.payment, now) and not in_doubt(draft.commands()):
        _move(draft, draft.start, S.EXPIRED, facts, "expiry")
