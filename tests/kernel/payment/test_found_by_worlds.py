"""What the random worlds found, each told again as a plain story."""

import contextlib
from datetime import datetime

import pytest

from kassa.kernel.payment_books import Entry
from kassa.kernel.payment_facts import Facts
from kassa.kernel.payment_states import seen
from kassa.ports.audit import Origin
from kassa.ports.errors import KassaError, PaymentInDoubt
from kassa.ports.ids import OperationId
from kassa.ports.payment import Movement, MovementState
from kassa.ports.payment_records import Operation, OperationState, SuspenseState
from kassa.ports.treasury import Resolution, Review
from tests.kernel.machine import NOON
from tests.kernel.payment.provider import notice
from tests.kernel.payment.reserving import Reserve
from tests.kernel.payment.till import ALICE, BUYER, Till, open_till
from tests.kernel.world import pence

SWEEP = Origin(actor="system:sweep", request_id="r")


async def test_a_chargeback_takes_what_waits_in_suspense_first():
    """Else the customer is asked for the order's price and the disputed money on top."""
    till = await open_till(late="review", surplus="review")
    invoice = await till.order()
    await till.start(invoice, "bank")
    await till.start(invoice, "card")  # the card is charged: what comes to the account is surplus
    charge = next(c for c in till.provider.charges.values() if c.id.startswith("va"))
    till.provider.pay(charge)
    await till.notify(notice(charge, "e1", report=charge.report()), "bank")
    disputed = charge.move("chargeback", "cb1", charge.amount)
    await till.notify(notice(charge, "e2", report=charge.report()), "bank")
    file = await till.file(invoice)
    assert [s.state for s in file.suspense] == [SuspenseState.REFUNDED]
    charge.move("chargeback", disputed.id, charge.amount, MovementState.REVERSED)
    await till.notify(notice(charge, "e3", report=charge.report()), "bank")
    assert [s.state for s in (await till.file(invoice)).suspense] == [SuspenseState.OPEN]
    await till.assert_sound()
    await till.close()


async def test_an_attempt_that_did_not_arrive_says_nothing_of_one_that_is_pending(till: Till):
    paid = await till.start(await till.order())
    till.provider.script.append("pending")
    await till.refund(paid.id, 400)
    file = await till.world.payments.file_of_payment(paid.id)
    (refund,) = [o for o in file.operations if o.kind == "refund"]
    assert refund.state is OperationState.PENDING
    late = Facts(word="reply", operation_id=refund.id, said=OperationState.FAILED, executed=False, code="not_executed")
    await till.cashier.books.enter(file, paid.id, late, Entry(origin=SWEEP, action="payment.refund"))
    file = await till.world.payments.file_of_payment(paid.id)
    assert [o.state for o in file.operations if o.kind == "refund"] == [OperationState.PENDING]


async def test_no_void_is_sent_beside_a_command_that_began_meanwhile():
    """A query on the way may bring a newer file, with somebody else's command in it."""
    till = await open_till(more=(Reserve,))
    invoice = await till.order()
    held = await till.start(invoice, "reserve")
    before = await till.file(invoice)
    till.provider.script.append("lost_before")
    till.provider.asked.append("lost")
    with pytest.raises(PaymentInDoubt):
        await till.cashier.cancel(ALICE, held.id, BUYER)
    till.world.clock.advance(hours=48)
    calls = len(till.provider.calls)
    with pytest.raises(PaymentInDoubt):
        await till.cashier.clearing.without_live(before, SWEEP)
    assert len(till.provider.calls) == calls
    await till.close()


def test_a_larger_refund_on_the_list_is_not_taken_for_a_smaller_one():
    at = NOON
    mine = refund_of("a", 100, OperationState.UNKNOWN, at)
    other = refund_of("b", 400, OperationState.PENDING, at)
    done = Movement(kind="refund", id="m", state=MovementState.SUCCEEDED, amount=pence(400))
    assert seen(mine, [mine, other], [done]) is None
    assert seen(other, [mine, other], [done]) is OperationState.SUCCEEDED


def refund_of(name: str, units: int, state: OperationState, at: datetime) -> Operation:
    return Operation(
        id=OperationId(name), payment_id=1, kind="refund", state=state, amount=pence(units), attempt=1, sent_at=at,
        next_check_at=None, checks=0, not_found=0, executed=None, code="", last_updated=at,
    )  # fmt: skip


async def test_a_word_on_a_doubt_does_not_count_for_an_attempt_sent_while_it_was_given(till: Till):
    """The operator looked before; asking the provider once more led to another attempt, and that one was executed."""
    paid = await till.start(await till.order())
    till.provider.script.extend(("lost_before", "lost_after"))
    with contextlib.suppress(KassaError):
        await till.refund(paid.id, 400)
    till.world.clock.advance(70)
    file = await till.world.payments.file_of_payment(paid.id)
    file = await till.cashier.clearing.ask(file, file.payments[0], SWEEP)  # not found, once
    word = Resolution(command="refund", executed=False, reason="the dashboard shows none")
    with pytest.raises(PaymentInDoubt):
        await till.cashier.treasury.resolve(paid.id, word, SWEEP)
    assert till.provider.kept() == 600
    file = await till.world.payments.file_of_payment(paid.id)
    assert [o.state for o in file.operations if o.kind == "refund"] != [OperationState.FAILED]


async def test_an_input_in_doubt_is_not_taken_for_done_because_the_payment_still_waits(till: Till):
    """Else the payment expires while its input is on the way, and the customer pays twice."""
    till.provider.script.append("otp")
    started = await till.start(await till.order())
    till.provider.script.append("lost_before")
    await till.cashier.give_input(ALICE, started.id, {"otp": "123456"}, BUYER)
    file = await till.world.payments.file_of_payment(started.id)
    assert [o.state for o in file.operations if o.kind == "resume"] == [OperationState.UNKNOWN]
    await till.sweep(3, after_s=100)
    file = await till.world.payments.file_of_payment(started.id)
    assert not any(o.state is OperationState.UNKNOWN for o in file.operations)


async def test_a_review_does_not_hide_that_more_went_out_than_came_in(till: Till):
    """The shop's audit would raise an alarm about a payment that is on nobody's list."""
    invoice = await till.order()
    paid = await till.start(invoice)
    await till.refund(paid.id, 400)
    (charge,) = till.provider.charges.values()
    charge.move("chargeback", "cb1", charge.amount)
    await till.notify(notice(charge, "e1", report=charge.report()))
    await till.cashier.treasury.reviewed(paid.id, Review(reason="the bank takes its time"), SWEEP)
    assert (await till.file(invoice)).payments[0].needs_review
    await till.assert_sound()


async def test_what_was_sent_again_is_not_given_up_before_its_time(till: Till):
    """ "Not found" counts against an attempt only when it is old enough, not when the first attempt is; and an operator's word
    does not count while one is on its way."""
    paid = await till.start(await till.order())
    till.provider.script.extend(("lost_before", "lost_after"))
    with contextlib.suppress(KassaError):
        await till.refund(paid.id, 400)
    till.world.clock.advance(70)
    file = await till.world.payments.file_of_payment(paid.id)
    for _ in range(2):
        file = await till.cashier.clearing.ask(file, file.payments[0], SWEEP)
    (refund,) = [o for o in file.operations if o.kind == "refund"]
    assert (refund.attempt, refund.state) == (2, OperationState.UNKNOWN)
    (charge,) = till.provider.charges.values()
    executed = {name: m for name, m in charge.movements.items() if m.kind == "refund"}
    for name in executed:  # the provider's list lags behind what it has just done
        del charge.movements[name]
    for _ in range(6):
        file = await till.cashier.clearing.ask(file, file.payments[0], SWEEP)
    word = Resolution(command="refund", executed=False, reason="the dashboard shows none")
    with pytest.raises(PaymentInDoubt):
        await till.cashier.treasury.resolve(paid.id, word, SWEEP)
    charge.movements |= executed
    await till.sweep(2, after_s=70)
    file = await till.world.payments.file_of_payment(paid.id)
    assert [(o.attempt, o.state) for o in file.operations if o.kind == "refund"] == [(2, OperationState.SUCCEEDED)]


@pytest.mark.parametrize(("units", "state"), [(999, "surplus"), (500, "late")])
async def test_money_that_comes_back_has_a_place(till: Till, units: int, state: str):
    """A refund fails after success: meanwhile the order was paid otherwise, or has ended."""
    invoice = await till.order()
    await till.start(invoice, "bank")
    (charge,) = till.provider.charges.values()
    till.provider.pay(charge, units)
    await till.notify(notice(charge, "e1", report=charge.report()), "bank")
    given_back = charge.move("refund", "rf1", pence(units))
    await till.notify(notice(charge, "e2", report=charge.report()), "bank")
    if state == "surplus":
        await till.start(invoice, "card")
    else:
        await till.world.checkout.cancel(ALICE, invoice, BUYER)
    charge.move("refund", given_back.id, pence(units), MovementState.REVERSED)
    await till.notify(notice(charge, "e3", report=charge.report()), "bank")
    (row,) = (await till.file(invoice)).suspense
    assert (row.reason, row.state) == (state, SuspenseState.OPEN)
    await till.assert_sound()
