"""Refunds, surplus, late and unmatched money, evidence, cancels: the ordinary states of money."""

import asyncio

import pytest

from kassa.kernel.checkout import KernelCheckout
from kassa.ports.errors import (
    AmountRefused,
    EvidenceRefused,
    NotCapable,
    NothingDue,
    PaymentInDoubt,
    PaymentLive,
    PaymentNotCancelable,
    UnknownPayment,
)
from kassa.ports.payment_records import PayableState, PaymentStatus, SuspenseState
from kassa.ports.treasury import Confirmation
from tests.kernel.payment.till import ALICE, BUYER, Till, open_till
from tests.kernel.world import OPERATOR, pence


def evidence(amount: int, reference: str = "BANK-1") -> Confirmation:
    return Confirmation(amount=pence(amount), bank_reference=reference, reason="seen on the statement")


async def test_a_full_refund_gives_all_back_and_leaves_the_order_paid(till: Till):
    invoice = await till.order()
    paid = await till.start(invoice)
    back = await till.refund(paid.id)
    assert (back.status, back.refunded.amount) == (PaymentStatus.REFUNDED, 1000)
    assert (await till.status(invoice), till.provider.kept()) == ("paid", 0)
    with pytest.raises(NothingDue):
        await till.start(invoice)


async def test_refunds_never_exceed_what_was_captured(till: Till):
    paid = await till.start(await till.order())
    assert (await till.refund(paid.id, 400)).status is PaymentStatus.PARTIALLY_REFUNDED
    with pytest.raises(AmountRefused):
        await till.refund(paid.id, 601)
    assert (await till.refund(paid.id)).refunded.amount == 1000
    with pytest.raises(AmountRefused):
        await till.refund(paid.id)


async def test_two_refunds_at_once_are_one_after_the_other(till: Till):
    paid = await till.start(await till.order())
    results = await asyncio.gather(*(till.refund(paid.id, 700) for _ in range(2)), return_exceptions=True)
    assert sum(not isinstance(r, Exception) for r in results) == 1
    assert till.provider.kept() == 300


async def test_one_refund_key_refunds_once(till: Till):
    paid = await till.start(await till.order())
    first = await till.refund(paid.id, 300, key="r")
    assert await till.refund(paid.id, 300, key="r") == first
    assert till.provider.kept() == 700


async def test_a_refund_without_an_answer_blocks_the_next_until_it_is_found(till: Till):
    paid = await till.start(await till.order())
    till.provider.script.append("lost_after")
    till.provider.asked.append("lost")
    assert (await till.refund(paid.id, 600)).in_doubt
    till.provider.asked.append("lost")
    with pytest.raises(PaymentInDoubt):
        await till.refund(paid.id, 600)
    await till.sweep(after_s=70)
    assert (await till.cashier.treasury.view(paid.id)).refunded.amount == 600


async def test_a_refund_that_never_arrived_is_sent_again_with_the_same_key(till: Till):
    paid = await till.start(await till.order())
    till.provider.script.append("lost_before")
    await till.refund(paid.id, 600)
    await till.sweep(6, after_s=100)
    assert (await till.cashier.treasury.view(paid.id)).refunded.amount == 600
    assert len({key for name, key in till.provider.calls if name == "refund"}) == 1


async def test_a_pending_refund_is_counted_when_it_is_done_and_not_before(till: Till):
    invoice = await till.order()
    paid = await till.start(invoice)
    till.provider.script.append("pending")
    assert (await till.refund(paid.id, 400)).refunded.amount == 0
    with pytest.raises(AmountRefused):
        await till.refund(paid.id, 700)
    charge = till.provider.charges["ch_1"]
    name = next(m.id for m in charge.movements.values() if m.kind == "refund")
    charge.move("refund", name, pence(400))
    await till.sweep(after_s=30)
    assert (await till.cashier.treasury.view(paid.id)).refunded.amount == 400


async def test_a_method_refunds_only_what_it_declares(till: Till):
    paid = await till.start(await till.order(), "wallet")
    with pytest.raises(NotCapable):
        await till.refund(paid.id, 1)
    bank = await till.start(await till.order(), "bank")
    await till.cashier.treasury.confirm(bank.id, evidence(1000), OPERATOR)
    with pytest.raises(NotCapable):
        await till.refund(bank.id)


async def test_money_seen_on_the_bank_account_pays_the_order_once(till: Till):
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    seen = await till.cashier.treasury.confirm(started.id, evidence(1000), OPERATOR)
    assert (seen.status, await till.status(invoice)) == (PaymentStatus.PAID, "paid")
    assert (await till.cashier.treasury.confirm(started.id, evidence(1000), OPERATOR)).captured.amount == 1000
    with pytest.raises(EvidenceRefused):
        await till.cashier.treasury.confirm(started.id, evidence(900), OPERATOR)


async def test_one_bank_reference_counts_once_across_all_payments(till: Till):
    first = await till.start(await till.order(), "bank")
    second = await till.start(await till.order(), "bank")
    await till.cashier.treasury.confirm(first.id, evidence(1000), OPERATOR)
    with pytest.raises(EvidenceRefused):
        await till.cashier.treasury.confirm(second.id, evidence(1000), OPERATOR)


async def test_one_bank_reference_confirmed_for_two_payments_at_once_counts_once(till: Till):
    payments = [await till.start(await till.order(), "bank") for _ in range(2)]
    words = (evidence(1000, "STMT/1"), evidence(1000, "stmt/1"))
    ends = await asyncio.gather(
        *(till.cashier.treasury.confirm(p.id, word, OPERATOR) for p, word in zip(payments, words, strict=True)),
        return_exceptions=True,
    )
    assert sorted(type(end).__name__ for end in ends) == ["EvidenceRefused", "PaymentView"]


async def test_evidence_of_a_hundred_times_the_amount_is_a_slip(till: Till):
    started = await till.start(await till.order(), "bank")
    with pytest.raises(EvidenceRefused):
        await till.cashier.treasury.confirm(started.id, evidence(100_000), OPERATOR)


async def test_too_little_leaves_the_rest_due(till: Till):
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    part = await till.cashier.treasury.confirm(started.id, evidence(300), OPERATOR)
    assert part.status is PaymentStatus.PARTIALLY_PAID
    rest = await till.start(invoice, "card")
    assert (rest.nominal.amount, await till.status(invoice)) == (700, "paid")


async def test_too_much_is_in_suspense_by_name(till: Till):
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    till.provider.pay(till.provider.charges["va_1"], 1500)
    await till.sweep(after_s=10)
    assert (await till.cashier.treasury.view(started.id)).status is PaymentStatus.OVERPAID
    (row,) = await till.cashier.treasury.suspense(10)
    assert (row.amount.amount, row.reason) == (500, "surplus")
    assert await till.status(invoice) == "paid"


async def test_a_surplus_is_refunded_where_the_policy_says_so():
    till = await open_till(surplus="refund")
    invoice = await till.order()
    till.provider.script.append("wrong_amount")
    await till.start(invoice)
    assert till.provider.kept() == 1000
    assert await till.cashier.treasury.suspense(10) == ()
    assert [s.state for s in (await till.file(invoice)).suspense] == [SuspenseState.REFUNDED]
    await till.assert_sound()
    await till.close()


async def test_late_money_refunded_in_part_makes_no_more_due_than_the_order():
    till = await open_till(late="review", surplus="refund")
    invoice = await till.order()
    till.provider.script.append("redirect")
    late = await till.start(invoice, "card")
    await till.cashier.cancel(ALICE, late.id, BUYER)
    till.provider.pay(till.provider.charges["ch_1"])
    await till.settle()
    assert [row.reason for row in await till.cashier.treasury.suspense(10)] == ["late"]
    await till.refund(late.id, 400)
    assert [row.amount.amount for row in await till.cashier.treasury.suspense(10)] == [600]
    assert (await till.start(invoice)).nominal.amount == 1000
    await till.assert_sound()
    await till.close()


async def test_another_amount_than_asked_is_flagged(till: Till):
    invoice = await till.order()
    till.provider.script.append("short")
    short = await till.start(invoice)
    assert (short.status, await till.status(invoice)) == (PaymentStatus.PARTIALLY_PAID, "awaiting_payment")
    assert (await till.file(invoice)).payments[0].needs_review


async def test_another_currency_than_asked_counts_for_nothing(till: Till):
    invoice = await till.order()
    till.provider.script.append("wrong_currency")
    odd = await till.start(invoice)
    assert (odd.captured.amount, await till.status(invoice)) == (0, "awaiting_payment")
    payment = (await till.file(invoice)).payments[0]
    assert (payment.conflict, payment.needs_review) == (True, True)
    (row,) = await till.cashier.treasury.suspense(10)
    assert (row.reason, row.amount.currency) == ("conflict", "USD")


async def test_money_for_a_canceled_payment_is_late_and_fulfils(till: Till):
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    await till.cashier.cancel(ALICE, started.id, BUYER)
    till.provider.pay(till.provider.charges["va_1"])
    await till.settle()
    payment = (await till.file(invoice)).payments[0]
    assert (payment.late, payment.status, await till.status(invoice)) == (True, PaymentStatus.PAID, "paid")


async def test_money_for_an_ended_order_takes_its_stock_again(till: Till):
    invoice = await till.order()
    await till.start(invoice, "bank")
    await till.world.checkout.cancel(ALICE, invoice, BUYER)
    assert await till.status(invoice) == "canceled"
    till.provider.pay(till.provider.charges["va_1"])
    await till.settle()
    assert await till.status(invoice) == "paid"
    assert (await till.world.products.product(1)).quantity == 4


async def test_money_for_an_ended_order_whose_stock_is_gone_is_held_for_a_person(till: Till):
    invoice = await till.order()
    await till.start(invoice, "bank")
    await till.world.checkout.cancel(ALICE, invoice, BUYER)
    await till.world.catalog.correct_stock(1, -5, "broken", OPERATOR)
    till.provider.pay(till.provider.charges["va_1"])
    await till.settle()
    assert await till.status(invoice) == "canceled"
    (row,) = await till.cashier.treasury.suspense(10)
    assert (row.reason, row.amount.amount) == ("late", 1000)
    assert (await till.file(invoice)).payments[0].needs_review


@pytest.mark.parametrize(("late", "kept"), [("refund", 0), ("review", 1000)])
async def test_late_money_is_refunded_or_held_as_the_policy_says(late: str, kept: int):
    till = await open_till(late=late)
    invoice = await till.order()
    till.provider.script.append("redirect")
    await till.start(invoice, "card")
    charge = till.provider.charges["ch_1"]
    till.provider.script.append("ok")
    await till.world.checkout.cancel(ALICE, invoice, BUYER)
    till.provider.pay(charge)
    await till.settle()
    assert (await till.status(invoice), till.provider.kept()) == ("canceled", kept)
    assert len(await till.cashier.treasury.suspense(10)) == (1 if kept else 0)
    await till.assert_sound()
    await till.close()


async def test_a_payment_expires_after_its_time_and_one_last_query(till: Till):
    invoice = await till.order()
    till.provider.script.append("redirect")
    started = await till.start(invoice, "wallet")
    assert (await till.file(invoice)).payable.pay_until >= started.expires_at
    await till.sweep(3, after_s=1000)
    assert (await till.cashier.treasury.view(started.id)).status is PaymentStatus.REQUIRES_ACTION
    for _ in range(12):
        await till.sweep(after_s=400)
    assert (await till.cashier.treasury.view(started.id)).status is PaymentStatus.EXPIRED


async def test_a_payment_whose_provider_is_silent_never_expires_by_itself(till: Till):
    invoice = await till.order()
    till.provider.script.append("redirect")
    started = await till.start(invoice, "wallet")
    till.provider.asked.extend(["lost"] * 1000)
    await till.settle()
    assert (await till.cashier.treasury.view(started.id)).status is PaymentStatus.REQUIRES_ACTION
    assert (await till.file(invoice)).payments[0].needs_review


async def test_an_order_with_a_live_payment_does_not_end(till: Till):
    invoice = await till.order()
    till.provider.script.append("redirect")
    await till.start(invoice, "wallet")
    with pytest.raises(PaymentLive):
        await till.cashier.release(invoice, cancel_live=False, origin=BUYER)


async def test_what_was_paid_in_part_waits_in_suspense_when_the_order_ends(till: Till):
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    await till.cashier.treasury.confirm(started.id, evidence(300), OPERATOR)
    assert isinstance(till.world.checkout, KernelCheckout)
    await till.world.checkout.cancel(ALICE, invoice, BUYER)
    assert (await till.file(invoice)).payable.state is PayableState.CLOSED
    (row,) = await till.cashier.treasury.suspense(10)
    assert (row.amount.amount, row.reason) == (300, "late")


async def test_canceling_is_idempotent_and_refused_when_money_came(till: Till):
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    for _ in range(2):
        assert (await till.cashier.cancel(ALICE, started.id, BUYER)).status is PaymentStatus.CANCELED
    paid = await till.start(invoice, "card")
    with pytest.raises(PaymentNotCancelable):
        await till.cashier.cancel(ALICE, paid.id, BUYER)


async def test_a_void_that_comes_too_late_finds_the_money(till: Till):
    invoice = await till.order()
    till.provider.script.append("redirect")
    started = await till.start(invoice, "card")
    till.provider.pay(till.provider.charges["ch_1"])
    with pytest.raises(PaymentNotCancelable):
        await till.cashier.cancel(ALICE, started.id, BUYER)
    await till.settle()
    assert await till.status(invoice) == "paid"


async def test_a_void_without_an_answer_is_in_doubt_and_then_found(till: Till):
    invoice = await till.order()
    till.provider.script.extend(["redirect", "lost_after"])
    started = await till.start(invoice, "card")
    till.provider.asked.append("lost")
    with pytest.raises(PaymentInDoubt):
        await till.cashier.cancel(ALICE, started.id, BUYER)
    await till.sweep(after_s=30)
    assert (await till.cashier.treasury.view(started.id)).status is PaymentStatus.CANCELED


async def test_a_reversed_capture_is_posted_back_and_a_person_looks(till: Till):
    from kassa.ports.payment import MovementState
    from tests.kernel.payment.provider import notice

    invoice = await till.order()
    paid = await till.start(invoice)
    charge = till.provider.charges["ch_1"]
    charge.move("capture", "mv_2", pence(1000), MovementState.REVERSED)
    await till.notify(notice(charge, "e1", report=charge.report()))
    after = await till.cashier.treasury.view(paid.id)
    assert after.captured.amount == 0
    assert (await till.file(invoice)).payments[0].needs_review


async def test_a_chargeback_counts_as_money_gone(till: Till):
    from tests.kernel.payment.provider import notice

    paid = await till.start(await till.order())
    charge = till.provider.charges["ch_1"]
    charge.move("chargeback", "cb_1", pence(1000))
    await till.notify(notice(charge, "e1", report=charge.report()))
    assert (await till.cashier.treasury.view(paid.id)).status is PaymentStatus.REFUNDED
    with pytest.raises(AmountRefused):
        await till.refund(paid.id)


async def test_nobody_sees_the_payments_of_others(till: Till):
    paid = await till.start(await till.order())
    with pytest.raises(UnknownPayment):
        await till.cashier.payment(8, paid.id)
    with pytest.raises(UnknownPayment):
        await till.cashier.cancel(8, paid.id, BUYER)
    with pytest.raises(UnknownPayment):
        await till.cashier.treasury.view(999)
    with pytest.raises(UnknownPayment):
        await till.cashier.returned("guessed")
