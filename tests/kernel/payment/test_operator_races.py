"""An operator's word against what happens at the same time: a refund under way, a webhook, a twin of the request."""

import asyncio

import pytest

from kassa.ports.errors import Conflict, EvidenceRefused, KassaError, PaymentInDoubt
from kassa.ports.payment_records import PaymentStatus
from kassa.ports.treasury import Confirmation, Resolution
from tests.kernel.payment.provider import notice
from tests.kernel.payment.test_treasury import assign, late_money, send_back
from tests.kernel.payment.till import Till, open_till
from tests.kernel.world import OPERATOR, pence

SEEN = Confirmation(amount=pence(1000), bank_reference="BANK-9", reason="seen on the statement")


@pytest.mark.parametrize("fault", ["pending", "lost_after"])
async def test_money_that_is_being_refunded_pays_for_nothing(fault: str):
    till = await open_till(late="review")
    invoice = await till.order()
    till.provider.script.append("redirect")
    started = await till.start(invoice, "card")
    await till.world.checkout.cancel(7, invoice, OPERATOR)
    till.provider.pay(till.provider.charges["ch_1"])
    await till.settle()
    (row,) = await till.cashier.treasury.suspense(10)
    till.provider.script.append(fault)
    till.provider.asked.extend(["lost"] * 3)
    await till.refund(started.id)
    with pytest.raises((EvidenceRefused, PaymentInDoubt)):
        await assign(till, row, started.id)
    assert await till.status(invoice) == "canceled"
    await till.close()


async def test_no_payment_is_begun_beside_a_refund_of_what_it_counts_on(till: Till):
    """The trap: 400 of 1000 were paid and are on their way back, and a new payment over 600 would pay the order."""
    invoice = await till.order()
    bank = await till.start(invoice, "bank")
    till.provider.script.append("redirect")
    paid = await till.start(invoice, "card")
    charge = till.provider.charges[next(c for c in till.provider.charges if c.startswith("ch"))]
    till.provider.pay(charge, 400)
    charge.status = "canceled"
    await till.notify(notice(charge, "e1", report=charge.report()))
    assert (await till.cashier.treasury.view(paid.id)).captured.amount == 400
    till.provider.script.append("pending")
    await till.refund(paid.id, 400)
    with pytest.raises(PaymentInDoubt):
        await till.start(invoice, "card")
    assert (await till.status(invoice), bank.captured.amount) == ("awaiting_payment", 0)


async def test_what_its_provider_tells_is_not_confirmed_by_hand_as_well(till: Till):
    invoice = await till.order()
    till.provider.script.append("redirect")
    card = await till.start(invoice, "card")
    with pytest.raises(EvidenceRefused):
        await till.cashier.treasury.confirm(card.id, SEEN, OPERATOR)
    assert (await till.cashier.treasury.view(card.id)).status is PaymentStatus.REQUIRES_ACTION


async def test_what_is_in_doubt_is_resolved_not_confirmed(till: Till):
    till.provider.script.append("lost_after")
    till.provider.asked.append("lost")
    bank = await till.start(await till.order(), "bank")
    assert bank.in_doubt
    with pytest.raises(EvidenceRefused):
        await till.cashier.treasury.confirm(bank.id, SEEN, OPERATOR)


async def test_one_transfer_of_ours_written_two_ways_is_booked_once():
    till = await open_till(late="review")
    _, row = await late_money(till)
    ends = await asyncio.gather(send_back(till, row, "OUT-1"), send_back(till, row, "OUT 1"), return_exceptions=True)
    assert sum(not isinstance(end, BaseException) for end in ends) == 1, ends
    assert {type(end) for end in ends if isinstance(end, BaseException)} <= {Conflict, EvidenceRefused}
    payment = (await till.file((await till.cashier.treasury.view(row.payment_id or 0)).invoice_id)).payments[0]
    assert payment.refunded == 1000
    assert not payment.conflict
    await till.assert_sound()
    await till.close()


async def test_evidence_about_one_sending_does_not_cover_the_next(till: Till):
    """A sweep sends the refund again, and that one arrives, while an operator says that nothing was done."""
    paid = await till.start(await till.order())
    till.provider.script.append("lost_before")
    till.provider.asked.append("lost")
    assert (await till.refund(paid.id, 400)).in_doubt
    word = Resolution(command="refund", executed=False, reason="dashboard: nothing")
    till.world.clock.advance(100)
    await till.sweep()
    till.provider.script.append("lost_after")
    till.world.clock.advance(100)

    async def resolve() -> None:
        await till.cashier.treasury.resolve(paid.id, word, OPERATOR)

    ends = await asyncio.gather(till.payment_sweep.run_once(), resolve(), return_exceptions=True)
    assert all(isinstance(end, int | KassaError | None) for end in ends), ends
    await till.settle()
    view = await till.cashier.treasury.view(paid.id)
    assert view.refunded.amount == sum(c.total("refund") for c in till.provider.charges.values())
