"""What operators do about doubts, about money in suspense, about dead notices; and money that got its name later."""

import dataclasses

import msgspec
import pytest
from msgspec.structs import replace

from kassa.ports.errors import (
    Conflict,
    EvidenceRefused,
    NotInDoubt,
    OutOfStock,
    PaymentInDoubt,
    UnknownNotice,
    UnknownSuspense,
)
from kassa.ports.money import Money
from kassa.ports.payment import Event, Movement, MovementState, RawWebhook
from kassa.ports.payment_records import InboxState, PaymentStatus, Suspense, SuspenseState
from kassa.ports.treasury import Assignment, Resolution, Return, Review
from tests.kernel.machine import NOON
from tests.kernel.payment.provider import notice
from tests.kernel.payment.till import ALICE, BUYER, Till, open_till
from tests.kernel.world import OPERATOR, pence

NOT_DONE = Resolution(command="refund", executed=False, reason="support, ticket 4711: never received")


def unmatched(event_id: str = "u1", movement_id: str = "mv_77", amount: Money | None = None) -> RawWebhook:
    """A transfer that names nobody."""
    money = Movement(kind="capture", id=movement_id, state=MovementState.SUCCEEDED, amount=amount or pence(1000))
    body = msgspec.json.encode(Event(event_id=event_id, unmatched=money))
    return RawWebhook(slug="notices", headers=(("x-secret", "s3cret"),), body=body, received_at=NOON)


async def the_suspense(till: Till) -> Suspense:
    (row,) = await till.cashier.treasury.suspense(10)
    return row


def assign(till: Till, row: Suspense, payment_id: int):
    word = Assignment(key=row.key, payment_id=payment_id, reason="the customer sent the receipt")
    return till.cashier.treasury.assign(word, OPERATOR)


def send_back(till: Till, row: Suspense, reference: str = "OUT-1"):
    word = Return(key=row.key, bank_reference=reference, reason="nobody claims it")
    return till.cashier.treasury.returned_by_hand(word, OPERATOR)


# --- doubts


async def in_doubt(till: Till, fault: str) -> int:
    """A paid payment with a refund of 400 in doubt, whose call should have ended long ago."""
    paid = await till.start(await till.order())
    till.provider.script.append(fault)
    till.provider.asked.append("lost")
    assert (await till.refund(paid.id, 400)).in_doubt
    till.world.clock.advance(60)
    return paid.id


async def test_a_doubt_is_ended_by_evidence_that_nothing_was_done(till: Till):
    payment = await in_doubt(till, "lost_before")
    view = await till.cashier.treasury.resolve(payment, NOT_DONE, OPERATOR)
    assert (view.in_doubt, view.refunded.amount) == (False, 0)
    assert (await till.refund(payment, 400)).refunded.amount == 400


async def test_a_doubt_is_ended_by_evidence_of_what_was_done(till: Till):
    payment = await in_doubt(till, "lost_after")
    till.provider.asked.append("lost")
    done = replace(NOT_DONE, executed=True, movement_id="rf_3")
    view = await till.cashier.treasury.resolve(payment, done, OPERATOR)
    assert (view.in_doubt, view.refunded.amount) == (False, 400)
    await till.settle()
    assert (await till.cashier.treasury.view(payment)).refunded.amount == 400, (
        "the provider's own word is the same money"
    )


async def test_where_the_provider_knows_its_word_counts(till: Till):
    payment = await in_doubt(till, "lost_after")
    with pytest.raises(NotInDoubt):
        await till.cashier.treasury.resolve(payment, NOT_DONE, OPERATOR)
    assert (await till.cashier.treasury.view(payment)).refunded.amount == 400


async def test_evidence_is_not_taken_for_another_command_or_while_the_call_runs(till: Till):
    payment = await in_doubt(till, "lost_before")
    with pytest.raises(NotInDoubt):
        await till.cashier.treasury.resolve(payment, replace(NOT_DONE, command="start"), OPERATOR)
    till.provider.asked.append("lost")
    with pytest.raises(EvidenceRefused):
        await till.cashier.treasury.resolve(payment, replace(NOT_DONE, executed=True), OPERATOR)
    with pytest.raises(PaymentInDoubt):
        await till.cashier.treasury.reviewed(payment, Review(reason="looked"), OPERATOR)


async def test_a_start_that_was_executed_pays_its_order(till: Till):
    invoice = await till.order()
    till.provider.script.append("lost_before")
    till.provider.asked.extend(["lost", "lost"])
    started = await till.start(invoice)
    till.world.clock.advance(60)
    word = Resolution(command="start", executed=True, movement_id="mv_9", provider_ref="ch_9", reason="dashboard")
    view = await till.cashier.treasury.resolve(started.id, word, OPERATOR)
    assert (view.status, await till.status(invoice)) == (PaymentStatus.PAID, "paid")


async def test_a_start_without_effect_makes_room_for_another(till: Till):
    invoice = await till.order()
    till.provider.script.append("lost_before")
    till.provider.asked.extend(["lost", "lost"])
    started = await till.start(invoice)
    till.world.clock.advance(60)
    word = Resolution(command="start", executed=False, reason="dashboard: no such charge")
    assert (await till.cashier.treasury.resolve(started.id, word, OPERATOR)).status is PaymentStatus.FAILED
    assert (await till.start(invoice, "wallet")).status is PaymentStatus.PAID


async def test_what_did_not_arrive_the_second_time_may_have_arrived_the_first(till: Till):
    """The trap: a refund is sent again after silence, and *that* call is refused a connection. It proves nothing."""
    payment = await in_doubt(till, "lost_before")
    till.provider.script.append("not_executed")
    await till.sweep(2, after_s=100)
    file = await till.file((await till.cashier.treasury.view(payment)).invoice_id)
    (refund,) = [operation for operation in file.operations if operation.kind == "refund"]
    assert (refund.attempt, refund.state.name) == (2, "UNKNOWN")
    await till.settle()
    assert (await till.cashier.treasury.view(payment)).refunded.amount == 400


# --- money that waits


async def test_unmatched_money_is_assigned_to_a_payment_and_pays_its_order(till: Till):
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    await till.notify(unmatched(), "bank")
    view = await assign(till, await the_suspense(till), started.id)
    assert (view.status, await till.status(invoice)) == (PaymentStatus.PAID, "paid")
    assert await till.cashier.treasury.suspense(10) == ()
    with pytest.raises(Conflict):
        await assign(till, (await till.file(invoice)).suspense[0], started.id)


async def test_what_is_more_than_is_due_stays_in_suspense(till: Till):
    started = await till.start(await till.order(), "bank")
    await till.notify(unmatched(amount=pence(1300)), "bank")
    await assign(till, await the_suspense(till), started.id)
    row = await the_suspense(till)
    assert (row.reason, row.amount.amount) == ("surplus", 300)


async def test_money_goes_to_no_payment_of_another_method_or_currency(till: Till):
    invoice = await till.order()
    bank = await till.start(invoice, "bank")
    await till.notify(unmatched(amount=Money(amount=1000, currency="EUR")), "bank")
    with pytest.raises(EvidenceRefused):
        await assign(till, await the_suspense(till), bank.id)
    card = await till.start(invoice, "card")
    with pytest.raises(EvidenceRefused):
        await assign(till, await the_suspense(till), card.id)
    with pytest.raises(UnknownSuspense):
        await send_back(till, replace(await the_suspense(till), key="nothing"))


async def test_unmatched_money_that_its_payment_tells_of_later_counts_once(till: Till):
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    (account,) = till.provider.charges.values()
    till.provider.pay(account)
    (movement,) = account.movements
    await till.notify(unmatched(movement_id=movement), "bank")
    assert (await the_suspense(till)).amount.amount == 1000
    await till.settle()
    assert (await till.cashier.treasury.view(started.id)).captured.amount == 1000
    assert await till.cashier.treasury.suspense(10) == ()
    assert await till.status(invoice) == "paid"


async def test_money_its_payment_told_of_before_is_not_unmatched(till: Till):
    invoice = await till.order()
    await till.start(invoice, "bank")
    (account,) = till.provider.charges.values()
    till.provider.pay(account)
    await till.notify(notice(account, "e1", report=account.report()), "bank")
    await till.notify(unmatched(movement_id=next(iter(account.movements))), "bank")
    assert (await till.cashier.treasury.suspense(10), await till.status(invoice)) == ((), "paid")


async def test_unmatched_money_that_was_sent_back_does_not_pay(till: Till):
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    (account,) = till.provider.charges.values()
    till.provider.pay(account)
    await till.notify(unmatched(movement_id=next(iter(account.movements))), "bank")
    back = await send_back(till, await the_suspense(till))
    assert (back.state, "OUT-1" in back.note) == (SuspenseState.REFUNDED, True)
    await till.settle()
    view = await till.cashier.treasury.view(started.id)
    assert (view.captured.amount, await till.status(invoice)) == (0, "awaiting_payment")
    assert [p.id for p in await till.cashier.treasury.to_review(after=0, limit=10)] == [started.id]


async def late_money(till: Till, amount: int | None = None) -> tuple[str, Suspense]:
    """An order that was canceled, and the money that came then and waits for a word."""
    invoice = await till.order()
    await till.start(invoice, "bank")
    await till.world.checkout.cancel(ALICE, invoice, BUYER)
    till.provider.pay(next(iter(till.provider.charges.values())), amount)
    await till.settle()
    return invoice, await the_suspense(till)


async def test_late_money_pays_its_order_after_all_and_takes_the_goods():
    till = await open_till(late="review")
    invoice, row = await late_money(till, 1200)
    assert row.payment_id is not None
    await assign(till, row, row.payment_id)
    assert await till.status(invoice) == "paid"
    assert (await till.world.products.product(1)).quantity == 4
    assert (await the_suspense(till)).amount.amount == 200
    await till.assert_sound()
    await till.close()


async def test_late_money_pays_for_no_goods_that_are_gone():
    till = await open_till(late="review")
    _, row = await late_money(till)
    await till.world.catalog.correct_stock(1, -5, "broken", OPERATOR)
    with pytest.raises(OutOfStock):
        await assign(till, row, row.payment_id or 0)
    assert await the_suspense(till) == row
    await till.assert_sound()
    await till.close()


async def test_late_money_is_not_enough_for_an_order_that_ended():
    till = await open_till(late="review")
    _, row = await late_money(till, 400)
    with pytest.raises(EvidenceRefused):
        await assign(till, row, row.payment_id or 0)
    await till.close()


async def test_late_money_that_was_sent_back_by_hand_is_refunded_in_the_books():
    till = await open_till(late="review")
    invoice, row = await late_money(till)
    back = await send_back(till, row)
    payment = (await till.file(invoice)).payments[0]
    assert (back.state, payment.refunded) == (SuspenseState.REFUNDED, 1000)
    with pytest.raises(Conflict):
        await send_back(till, row, "OUT-2")
    await till.assert_sound()
    await till.close()


# --- what a person has to look at


async def test_a_chargeback_is_on_the_list_until_somebody_looked(till: Till):
    paid = await till.start(await till.order())
    charge = till.provider.charges["ch_1"]
    charge.move("chargeback", "cb_1", pence(1000))
    await till.notify(notice(charge, "e1", report=charge.report()))
    (view,) = await till.cashier.treasury.to_review(after=0, limit=10)
    assert (view.id, view.refunded.amount) == (paid.id, 1000)
    assert await till.cashier.treasury.to_review(after=paid.id, limit=10) == ()
    await till.cashier.treasury.reviewed(paid.id, Review(reason="lost the dispute"), OPERATOR)
    assert await till.cashier.treasury.to_review(after=0, limit=10) == ()


# --- notices


async def test_a_dead_notice_is_replayed_and_finds_its_payment_then(till: Till):
    invoice = await till.order()
    await till.start(invoice, "bank")
    (account,) = till.provider.charges.values()
    stranger = dataclasses.replace(account, id="va_404", merchant_ref="KS-NOT-OURS")
    await till.notify(notice(stranger, "e1"), "bank")
    for wait_s in (2, 10, 60, 400, 4000):
        await till.sweep(after_s=wait_s)
    (dead,) = await till.cashier.treasury.notices(InboxState.DEAD, after=0, limit=10)
    assert (await till.inbox.backlog(), dead.event_id) == ((0, 1), "e1")
    await till.cashier.treasury.replay(dead.id, OPERATOR)
    with pytest.raises(Conflict):
        await till.cashier.treasury.replay(dead.id, OPERATOR)
    assert await till.inbox.backlog() == (1, 0)
    with pytest.raises(UnknownNotice):
        await till.cashier.treasury.replay(999, OPERATOR)


async def test_a_hint_about_which_nobody_could_be_asked_is_a_dead_letter_and_works_when_replayed(till: Till):
    invoice = await till.order()
    till.provider.script.append("redirect")
    await till.start(invoice, "card")
    charge = till.provider.charges["ch_1"]
    till.provider.pay(charge)
    till.provider.asked.extend(["lost"] * 40)
    await till.notify(notice(charge, "e1"))
    for wait_s in (2, 10, 60, 400, 4000):
        await till.sweep(after_s=wait_s)
    (dead,) = await till.cashier.treasury.notices(InboxState.DEAD, after=0, limit=10)
    till.provider.asked.clear()
    await till.cashier.treasury.replay(dead.id, OPERATOR)
    await till.sweep(after_s=1)
    assert (await till.status(invoice), await till.inbox.backlog()) == ("paid", (0, 0))
