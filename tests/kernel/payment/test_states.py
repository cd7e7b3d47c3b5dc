"""The states as data: every state against every word, and every order of the same facts."""

from datetime import timedelta
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kassa.kernel.payment_apply import apply
from kassa.kernel.payment_draft import Applied, Policy, allocated
from kassa.kernel.payment_facts import Facts, Unknown, from_outcome, from_report
from kassa.kernel.payment_states import (
    ENDED_WITHOUT_MONEY,
    IN_DOUBT,
    LEGAL,
    PROVIDER,
    capturable,
    merged,
    moved,
    refundable,
    seen,
    totals,
)
from kassa.kernel.payment_time import is_over, scheduled
from kassa.ports.money import Money
from kassa.ports.payment import (
    AmountRule,
    Capabilities,
    Declined,
    Movement,
    MovementState,
    NotExecuted,
    Pending,
    Redirect,
    Report,
    Succeeded,
)
from kassa.ports.payment_records import (
    Operation,
    OperationState,
    Payable,
    PayableState,
    Payment,
    PaymentFile,
    PaymentStatus,
)
from tests.kernel.machine import NOON

S = OperationState
WORDS = (*sorted(PROVIDER), "silence", "void", "superseded", "expiry", "not_executed")
POLICY = Policy(
    capabilities=Capabilities(
        amounts=(AmountRule(currency="*"),), idempotency="header", refund="multiple", query_by_merchant_ref=True
    ),
    late="fulfil",
    surplus="review",
    deadline_s=10,
    jitter=0.5,
)


def gbp(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def operation(kind: str = "start", state: OperationState = S.SENT, **more: object) -> Operation:
    fields = {
        "id": f"{kind}-1", "payment_id": 1, "kind": kind, "state": state, "amount": gbp(100), "attempt": 1,
        "sent_at": NOON, "next_check_at": NOON + timedelta(seconds=15), "checks": 0, "not_found": 0, "executed": None,
        "code": "", "last_updated": NOON,
    } | more  # fmt: skip
    return Operation(**fields)


def a_file(*operations: Operation, payable: PayableState = PayableState.OPEN) -> PaymentFile:
    return PaymentFile(
        payable=Payable(
            invoice_id="KS-1", customer_id=7, amount=gbp(100), state=payable, pay_until=NOON + timedelta(hours=1), version=2
        ),
        payments=(
            Payment(
                id=1, invoice_id="KS-1", method="card", merchant_ref="KS-1-a", nominal=gbp(100),
                status=PaymentStatus.PROCESSING, is_live=True, in_doubt=True, late=False, conflict=False, needs_review=False,
                authorized=0, captured=0, refunded=0, expires_at=NOON + timedelta(minutes=10), provider_ref=None,
                plugin_state=b"", next_action=b"", return_token_hash=b"t" * 32, return_url=None, created_date=NOON,
                last_updated=NOON,
            ),
        ),
        operations=operations or (operation(),),
        movements=(),
    )  # fmt: skip


def movement(kind: str = "capture", state: MovementState = MovementState.SUCCEEDED, name: str = "m", amount: int = 100):
    return Movement(kind=kind, id=name, state=state, amount=gbp(amount))


@pytest.mark.parametrize(("current", "said", "word"), list(product(S, S, WORDS)))
def test_every_state_against_every_word(current: OperationState, said: OperationState, word: str):
    """Nothing ever falls in rank; a step is taken exactly when the table allows this word."""
    after = moved(current, said, word)
    allowed = word in LEGAL[current].get(said, frozenset())
    assert after is (said if allowed else current)
    assert after >= current


def test_the_table_is_the_page():
    """The rows of the design, one by one."""
    assert set(LEGAL) == set(S)
    assert LEGAL[S.SUCCEEDED] == {}
    assert {to for to, words in LEGAL[S.SENT].items() if "silence" in words} == {S.UNKNOWN}
    assert all("expiry" not in words for state in S if state is not S.PENDING for words in LEGAL[state].values())
    assert all("not_executed" not in words for state in S if state is not S.UNKNOWN for words in LEGAL[state].values())
    for ended in ENDED_WITHOUT_MONEY:
        assert LEGAL[ended][S.SUCCEEDED] == PROVIDER
    for state in S:
        for to in LEGAL[state]:
            assert to > state


@pytest.mark.parametrize("word", ["silence", "expiry", "superseded"])
def test_no_clock_ends_a_doubt(word: str):
    """UNKNOWN is left by somebody's word only."""
    assert all(word not in words for words in LEGAL[S.UNKNOWN].values())


def test_movements_merge_by_maximum_in_any_order():
    for states in permutations(MovementState):
        known = movement(state=states[0])
        for state in states[1:]:
            known = merged(known, movement(state=state)).movement
        assert known.state is MovementState.REVERSED


OUTCOMES = {
    "succeeded": (Succeeded(provider_ref="r", movements=(movement(),)), S.SUCCEEDED, PaymentStatus.PAID),
    "succeeded without money": (Succeeded(provider_ref="r"), S.PENDING, PaymentStatus.PROCESSING),
    "authorized": (Succeeded(movements=(movement("auth"),)), S.SUCCEEDED, PaymentStatus.AUTHORIZED),
    "pending": (Pending(next_action=Redirect(url="https://x")), S.PENDING, PaymentStatus.REQUIRES_ACTION),
    "declined": (Declined(code="other"), S.FAILED, PaymentStatus.FAILED),
    "not executed": (NotExecuted(reason="refused"), S.FAILED, PaymentStatus.FAILED),
    "unknown": (Unknown(reason="time-out"), S.UNKNOWN, PaymentStatus.PROCESSING),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_what_a_start_answers(name: str):
    outcome, state, status = OUTCOMES[name]
    after = apply(a_file(), 1, from_outcome("start-1", outcome), NOON, POLICY)
    assert after.file.operations[0].state is state
    payment = after.file.payments[0]
    assert (payment.status, payment.in_doubt) == (status, state in IN_DOUBT)
    assert payment.is_live == (state not in (S.FAILED,) and status is not PaymentStatus.PAID)
    assert (after.order is not None) == (status is PaymentStatus.PAID)


def test_an_authorisation_posts_nothing_and_a_capture_once():
    reserved = apply(a_file(), 1, from_outcome("start-1", OUTCOMES["authorized"][0]), NOON, POLICY)
    assert reserved.postings == ()
    facts = from_outcome("start-1", OUTCOMES["succeeded"][0])
    taken = apply(reserved.file, 1, facts, NOON, POLICY)
    assert [p.key for p in taken.postings] == ["1/capture/m/SUCCEEDED"]
    assert sum(e.amount.amount for p in taken.postings for e in p.entries) == 0
    again = apply(taken.file, 1, facts, NOON, POLICY)
    assert not again.is_news


def told(applied: Applied) -> tuple[object, ...]:
    """What must not depend on order: states, money, what is posted."""
    file = applied.file
    payment = file.payments[0]
    return (
        file.operations[0].state,
        payment.status,
        (payment.authorized, payment.captured, payment.refunded, payment.conflict),
        sorted((k.movement.kind, k.movement.id, k.movement.state) for k in file.movements),
        allocated(file),
    )


HISTORY = st.lists(
    st.sampled_from(
        ["auth", "capture", "capture_rest", "refund_pending", "refund", "reverse_refund", "chargeback", "reverse"]
    ),
    unique=True,
    max_size=6,
)


def reports(history: list[str]) -> list[Report]:
    """What the provider would say after each step of a history."""
    known: dict[str, Movement] = {}
    said = [Report(found=True, status="requires_action", provider_ref="r")]
    for step in history:
        if step == "auth":
            known["a"] = movement("auth", name="a")
        elif step == "capture":
            known["c"] = movement("capture", name="c", amount=60)
        elif step == "capture_rest":
            known["d"] = movement("capture", name="d", amount=40)
        elif step == "refund_pending" and "c" in known and "f" not in known:
            known["f"] = movement("refund", MovementState.PENDING, "f", 60)
        elif step == "refund" and "c" in known:
            known["f"] = movement("refund", MovementState.SUCCEEDED, "f", 60)
        elif step == "reverse_refund" and "f" in known:
            known["f"] = movement("refund", MovementState.REVERSED, "f", 60)
        elif step == "chargeback" and "d" in known:
            known["b"] = movement("chargeback", name="b", amount=40)
        elif step == "reverse" and "a" in known:
            known["a"] = movement("auth", MovementState.REVERSED, "a")
        status = "succeeded" if "c" in known or "d" in known else "authorized" if "a" in known else "requires_action"
        said.append(Report(found=True, status=status, provider_ref="r", movements=tuple(known.values())))
    return said


def folded(facts: list[Facts], file: PaymentFile) -> tuple[object, ...]:
    posted: list[str] = []
    for one in facts:
        applied = apply(file, 1, one, NOON, POLICY)
        posted += [p.key for p in applied.postings if not p.key.startswith("suspense/")]
        file = applied.file
    assert len(posted) == len(set(posted))
    return (*told(apply(file, 1, facts[-1], NOON, POLICY)), sorted(posted))


@settings(max_examples=400, deadline=None)
@given(history=HISTORY, data=st.data())
def test_every_order_and_repetition_of_the_same_facts_ends_alike(history: list[str], data: st.DataObject):
    """Duplicates, reordering and replays are harmless by construction."""
    said = [from_report(report, "webhook") for report in reports(history)]
    shuffled = data.draw(st.permutations(said + data.draw(st.lists(st.sampled_from(said), max_size=4))))
    assert folded(shuffled, a_file()) == folded(said, a_file())


@pytest.mark.parametrize("status", ["failed", "canceled", "expired"])
def test_an_end_without_money_and_its_success_fold_alike_in_every_order(status: str):
    """Only the mark `late` tells which came first."""
    ended = from_report(Report(found=True, status=status, provider_ref="r"), "webhook")
    paid = from_report(Report(found=True, status="succeeded", provider_ref="r", movements=(movement(),)), "webhook")
    one, other = folded([ended, paid], a_file()), folded([paid, ended], a_file())
    assert one == other
    first = apply(apply(a_file(), 1, ended, NOON, POLICY).file, 1, paid, NOON, POLICY)
    assert first.file.payments[0].late


def test_refunds_and_captures_are_bounded_by_what_is_done_pending_and_in_flight():
    movements = [movement("auth", name="a", amount=100), movement("capture", name="c", amount=80)]
    assert (refundable(movements, []), capturable(movements, [])) == (80, 20)
    for state, left in ((S.SENT, 50), (S.UNKNOWN, 50), (S.PENDING, 50), (S.FAILED, 80)):
        assert refundable(movements, [operation("refund", state, amount=gbp(30))]) == left
        assert capturable(movements, [operation("capture", state, amount=gbp(15))]) == (20 if left == 80 else 5)
    back = movement("refund", MovementState.PENDING, "r", 30)
    assert refundable([*movements, back], [operation("refund", S.PENDING, amount=gbp(30))]) == 50


def test_a_command_is_found_in_a_list_by_what_others_do_not_account_for():
    mine, other = operation("refund", S.UNKNOWN, id="a"), operation("refund", S.SUCCEEDED, id="b")
    one = movement("refund", name="1")
    two = movement("refund", name="2")
    assert seen(mine, [mine, other], [one]) is None
    assert seen(mine, [mine, other], [one, two]) is S.SUCCEEDED
    assert seen(mine, [mine], [movement("refund", MovementState.PENDING, "1")]) is S.PENDING
    assert seen(mine, [mine], [movement("refund", MovementState.FAILED, "1")]) is S.FAILED


def test_a_movement_with_the_commands_own_id_is_that_commands():
    """Two transfers of one amount wait at the bank, and the second is carried out first."""
    first, second = operation("refund", S.PENDING, id="a"), operation("refund", S.PENDING, id="b")
    movements = [movement("refund", MovementState.PENDING, "a"), movement("refund", name="b")]
    assert seen(first, [first, second], movements) is S.PENDING
    assert seen(second, [first, second], movements) is S.SUCCEEDED


def test_sums_never_show_more_gone_than_came():
    sums = totals(
        [movement(name="c", amount=10), movement("refund", name="r", amount=10), movement("chargeback", name="b")]
    )
    assert (sums.captured, sums.refunded, sums.excess) == (10, 10, 100)


def test_an_open_payment_is_asked_about_along_the_list_and_at_its_end():
    payment = a_file().payments[0]
    waits = []
    for checks in range(9):
        start = scheduled(operation(state=S.UNKNOWN, checks=checks), payment, NOON, POLICY)
        assert start.next_check_at is not None
        waits.append((start.next_check_at - NOON).total_seconds())
    assert waits == [5, 15, 60, 300, 1800, 7200, 21600, 86400, 86400]
    pending = scheduled(operation(state=S.PENDING, checks=5), payment, NOON, POLICY)
    assert pending.next_check_at == payment.expires_at + timedelta(seconds=120)


def test_an_open_payment_expires_after_grace_by_a_query_and_by_nothing_else():
    file = apply(a_file(), 1, from_outcome("start-1", OUTCOMES["pending"][0]), NOON, POLICY).file
    over = file.payments[0].expires_at + timedelta(seconds=121)
    assert is_over(file.payments[0], over)
    silent = apply(file, 1, Facts(word="silence"), over, POLICY)
    assert silent.file.operations[0].state is S.PENDING
    hint = from_report(Report(found=True, status="pending"), "webhook")
    assert apply(file, 1, hint, over, POLICY).file.operations[0].state is S.PENDING
    asked = from_report(Report(found=True, status="pending"), "query")
    assert apply(file, 1, asked, over, POLICY).file.operations[0].state is S.EXPIRED
    assert apply(file, 1, asked, NOON, POLICY).file.operations[0].state is S.PENDING


def test_not_found_counts_only_when_it_is_old_and_seen_twice():
    file = a_file(operation(state=S.UNKNOWN))
    nowhere = from_report(Report(found=False), "query")
    early = apply(file, 1, nowhere, NOON + timedelta(seconds=30), POLICY).file
    assert early.operations[0].not_found == 0
    once = apply(early, 1, nowhere, NOON + timedelta(seconds=90), POLICY).file
    assert (once.operations[0].not_found, once.operations[0].state) == (1, S.UNKNOWN)
    twice = apply(once, 1, nowhere, NOON + timedelta(seconds=190), POLICY).file.operations[0]
    assert (twice.state, twice.executed) == (S.FAILED, False)


def test_a_refund_not_found_twice_is_sent_again_within_the_window_of_its_key():
    start = operation(state=S.SUCCEEDED, next_check_at=None)
    file = a_file(start, operation("refund", S.UNKNOWN, not_found=1))
    listed = from_report(Report(found=True, status="succeeded", movements=(movement(),)), "query")
    again = apply(file, 1, listed, NOON + timedelta(seconds=200), POLICY)
    refund = next(o for o in again.file.operations if o.kind == "refund")
    assert (again.send, refund.attempt, refund.state) == (("refund-1",), 2, S.UNKNOWN)
    too_old = apply(file, 1, listed, NOON + timedelta(days=2), POLICY)
    refund = next(o for o in too_old.file.operations if o.kind == "refund")
    assert (too_old.send, refund.state, refund.executed) == ((), S.FAILED, False)


def test_after_the_list_a_person_looks_and_nothing_fails_by_itself():
    file = a_file(operation(state=S.UNKNOWN, checks=7))
    after = apply(file, 1, Facts(word="silence"), NOON + timedelta(days=3), POLICY)
    assert after.file.payments[0].needs_review
    assert after.file.operations[0].state is S.UNKNOWN
    assert after.file.operations[0].next_check_at is not None
