"""A process that dies anywhere in a payment, and the sweeps and the worker that come after it."""

import asyncio

import pytest

from kassa.adapters.system import SystemFailpoints
from kassa.adapters.system.failpoints import FailpointReached
from kassa.kernel.recovery import Worker
from kassa.ports.errors import KeyInUse
from kassa.ports.payment_records import OperationState, PaymentStatus
from tests.kernel.machine import SeededIds
from tests.kernel.payment.provider import notice
from tests.kernel.payment.till import Quiet, Till, open_till, view

CHARGED = ("payment.after_call", "payment.before_record")


async def crashing(point: str) -> Till:
    return await open_till(failpoints=SystemFailpoints(f"{point}=raise@1"))


@pytest.mark.parametrize("point", CHARGED)
async def test_a_crash_after_the_charge_is_found_and_its_key_gets_its_answer(point: str):
    till = await crashing(point)
    invoice = await till.order()
    with pytest.raises(FailpointReached):
        await till.start(invoice, key="k")
    with pytest.raises(KeyInUse):
        await till.start(invoice, key="k")
    await till.sweep(after_s=11)
    assert await till.status(invoice) == "paid"
    answer = await till.start_raw(invoice, key="k")
    assert (answer.replayed, view(answer).status) == (True, PaymentStatus.PAID)
    assert len(till.provider.calls) == 1
    await till.assert_sound()
    await till.close()


async def test_a_crash_before_the_call_ends_without_effect_and_the_order_stays_payable():
    till = await crashing("payment.after_begin")
    invoice = await till.order()
    with pytest.raises(FailpointReached):
        await till.start(invoice, key="k")
    await till.sweep(6, after_s=70)
    operation = (await till.file(invoice)).operations[0]
    assert (operation.state, operation.executed) == (OperationState.FAILED, False)
    assert (await till.start_raw(invoice, key="k")).replayed
    assert (await till.start(invoice)).status is PaymentStatus.PAID
    assert len(till.provider.calls) == 1
    await till.assert_sound()
    await till.close()


async def test_a_crash_before_anything_was_written_left_nothing():
    till = await crashing("payment.before_begin")
    invoice = await till.order()
    with pytest.raises(FailpointReached):
        await till.start(invoice, key="k")
    assert (await till.file(invoice)).payments == ()
    assert (await till.start(invoice, key="k")).status is PaymentStatus.PAID
    await till.close()


@pytest.mark.parametrize("point", ["operation.after_begin", "operation.after_call", "operation.after_record"])
async def test_a_refund_that_crashes_is_done_once(point: str):
    till = await crashing(point)
    paid = await till.start(await till.order())
    with pytest.raises(FailpointReached):
        await till.refund(paid.id, 400, key="r")
    await till.sweep(6, after_s=100)
    assert (await till.cashier.treasury.view(paid.id)).refunded.amount == 400
    assert till.provider.kept() == 600
    await till.refund(paid.id, 400, key="r")
    assert till.provider.kept() == 600
    await till.assert_sound()
    await till.close()


@pytest.mark.parametrize("point", ["webhook.after_inbox", "webhook.before_record", "webhook.after_record"])
async def test_a_notice_whose_processing_crashes_is_processed_by_the_sweep(point: str):
    till = await crashing(point)
    invoice = await till.order()
    till.provider.script.append("redirect")
    await till.start(invoice, "wallet")
    charge = till.provider.charges["ch_1"]
    till.provider.pay(charge)
    try:
        await till.notify(notice(charge, "e1"), "wallet")
    except FailpointReached:
        assert point == "webhook.after_inbox"
    till.provider.asked.extend(["not_found"])
    await till.inbox_sweep.run_once()
    till.world.clock.advance(61)
    till.provider.asked.clear()
    await till.inbox_sweep.run_once()
    assert await till.status(invoice) == "paid"
    await till.assert_sound()
    await till.close()


@pytest.mark.parametrize("point", ["sweep.after_claim", "sweep.after_query", "sweep.after_record"])
async def test_a_sweep_that_crashes_is_taken_up_when_its_lease_ends(point: str):
    till = await crashing(point)
    invoice = await till.order()
    till.provider.script.append("lost_after")
    till.provider.asked.append("lost")
    await till.start(invoice)
    till.world.clock.advance(10)
    try:
        await till.payment_sweep.run_once()
    except FailpointReached:
        assert point == "sweep.after_claim"
    await till.sweep(after_s=130)
    assert await till.status(invoice) == "paid"
    await till.assert_sound()
    await till.close()


async def test_two_sweeps_at_once_ask_once(till: Till):
    invoice = await till.order()
    till.provider.script.append("lost_after")
    till.provider.asked.append("lost")
    await till.start(invoice)
    till.world.clock.advance(10)
    done = await asyncio.gather(till.payment_sweep.run_once(), till.payment_sweep.run_once())
    assert sorted(done) == [0, 1]
    assert await till.status(invoice) == "paid"


async def test_a_removed_plugin_leaves_its_payments_readable_and_flagged(till: Till):
    invoice = await till.order()
    till.provider.script.append("redirect")
    started = await till.start(invoice)
    till.cashier._methods._methods.pop("card")
    await till.settle()
    assert (await till.cashier.treasury.view(started.id)).status is PaymentStatus.REQUIRES_ACTION
    assert (await till.file(invoice)).payments[0].needs_review


class Counting:
    """A sweep with so much to do, that breaks now and then."""

    def __init__(self, work: int, breaks: int = 0) -> None:
        self.work, self.breaks, self.rounds = work, breaks, 0

    async def run_once(self) -> int:
        self.rounds += 1
        if self.breaks:
            self.breaks -= 1
            raise RuntimeError("broken")
        done, self.work = min(self.work, 3), max(0, self.work - 3)
        return done


async def test_the_worker_goes_on_after_a_sweep_that_breaks_and_ends_when_canceled(till: Till):
    log, good, bad = Quiet(), Counting(10), Counting(2, breaks=3)
    worker = Worker((good, bad), clock=till.world.clock, ids=SeededIds(), log=log)
    task = asyncio.create_task(worker.run())
    for _ in range(200):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (good.work, bad.work) == (0, 0)
    assert [facts["failures"] for event, facts in log.lines if event == "sweep.broke"] == [1, 2, 3]


async def test_one_round_of_the_worker_is_one_round_of_each(till: Till):
    one, two = Counting(2), Counting(1)
    assert await Worker((one, two), clock=till.world.clock, ids=SeededIds(), log=Quiet()).run_once() == 3
    assert (one.rounds, two.rounds) == (1, 1)
