"""Notices: verified, kept, answered, processed once, never believed beyond their signature."""

import asyncio

import msgspec
import pytest

from kassa.ports.errors import Unavailable, UnknownWebhook, WebhookRejected
from kassa.ports.payment import Event, Movement, MovementState, RawWebhook, Report
from kassa.ports.payment_records import PaymentStatus
from tests.kernel.machine import NOON
from tests.kernel.payment.provider import notice
from tests.kernel.payment.till import Till
from tests.kernel.world import pence


async def redirected(till: Till, method: str = "card") -> tuple[str, int]:
    invoice = await till.order()
    till.provider.script.append("redirect")
    return invoice, (await till.start(invoice, method)).id


async def inbox(till: Till) -> list[tuple[str, int]]:
    """State and next try (microseconds since 1970) of every notice kept."""
    async with till.world.database.reading() as read:
        return [tuple(row) for row in read.exec_driver_sql("SELECT state, next_try_at FROM inbox").all()]


async def test_a_genuine_notice_pays_the_order(till: Till):
    invoice, _ = await redirected(till)
    charge = till.provider.charges["ch_1"]
    till.provider.pay(charge)
    await till.notify(notice(charge, "e1", report=charge.report()))
    assert await till.status(invoice) == "paid"


async def test_a_notice_a_hundred_times_is_one(till: Till):
    invoice, payment = await redirected(till)
    charge = till.provider.charges["ch_1"]
    till.provider.pay(charge)
    raw = notice(charge, "e1", report=charge.report())
    await asyncio.gather(*(till.cashier.webhook("card", raw) for _ in range(100)))
    await till.cashier.drain()
    assert (await till.cashier.treasury.view(payment)).captured.amount == 1000
    assert await till.status(invoice) == "paid"


async def test_a_forged_notice_writes_nothing(till: Till):
    invoice, _ = await redirected(till)
    charge = till.provider.charges["ch_1"]
    lie = Report(
        found=True,
        status="succeeded",
        movements=(Movement(kind="capture", id="x", state=MovementState.SUCCEEDED, amount=pence(1000)),),
    )
    with pytest.raises(WebhookRejected):
        await till.notify(notice(charge, "e1", report=lie, secret="guess"))
    assert (await till.status(invoice), await inbox(till)) == ("awaiting_payment", [])


async def test_a_plugin_that_crashes_lets_the_provider_try_again(till: Till):
    raw = RawWebhook(slug="notices", headers=(("x-secret", "s3cret"),), body=b"crash", received_at=NOON)
    with pytest.raises(Unavailable):
        await till.notify(raw)


@pytest.mark.parametrize(("instance", "slug"), [("card", "other"), ("cheque", "notices"), ("card", "")])
async def test_only_configured_addresses_listen(till: Till, instance: str, slug: str):
    raw = RawWebhook(slug=slug, headers=(), body=b"{}", received_at=NOON)
    with pytest.raises(UnknownWebhook):
        await till.notify(raw, instance)


async def test_a_notice_whose_signature_covers_little_is_a_hint(till: Till):
    invoice, _ = await redirected(till, "wallet")
    charge = till.provider.charges["ch_1"]
    lie = Report(
        found=True,
        status="succeeded",
        movements=(Movement(kind="capture", id="x", state=MovementState.SUCCEEDED, amount=pence(1000)),),
    )
    await till.notify(notice(charge, "e1", report=lie), "wallet")
    assert await till.status(invoice) == "awaiting_payment"
    till.provider.pay(charge)
    await till.notify(notice(charge, "e2", report=None), "wallet")
    assert await till.status(invoice) == "paid"


async def test_a_notice_of_another_amount_does_not_pay(till: Till):
    invoice, payment = await redirected(till)
    charge = till.provider.charges["ch_1"]
    till.provider.pay(charge, 999)
    charge.status = "succeeded"
    await till.notify(notice(charge, "e1", report=charge.report()))
    assert await till.status(invoice) == "awaiting_payment"
    assert (await till.cashier.treasury.view(payment)).status is PaymentStatus.PARTIALLY_PAID


async def test_a_report_that_names_another_payment_is_not_merged(till: Till):
    invoice, _ = await redirected(till)
    charge = till.provider.charges["ch_1"]
    till.provider.pay(charge)
    told = msgspec.structs.replace(charge.report(), merchant_ref="somebody-elses")
    await till.notify(notice(charge, "e1", report=told))
    assert await till.status(invoice) == "awaiting_payment"
    assert (await till.file(invoice)).payments[0].needs_review


async def test_two_reports_that_disagree_on_an_amount_are_a_conflict(till: Till):
    invoice = await till.order()
    await till.start(invoice)
    charge = till.provider.charges["ch_1"]
    charge.move("capture", "mv_2", pence(900))
    await till.notify(notice(charge, "e1", report=charge.report()))
    payment = (await till.file(invoice)).payments[0]
    assert (payment.conflict, payment.needs_review, payment.captured) == (True, True, 1000)


async def test_a_notice_before_our_own_commit_is_tried_again(till: Till):
    event = Event(event_id="e1", merchant_ref="KS-later")
    raw = RawWebhook(
        slug="notices", headers=(("x-secret", "s3cret"),), body=msgspec.json.encode(event), received_at=NOON
    )
    await till.notify(raw)
    ((state, due),) = await inbox(till)
    assert state == "waiting"
    assert due == int((NOON.timestamp() + 1) * 1_000_000)


def unmatched(event_id: str, **names: str) -> RawWebhook:
    money = Movement(kind="capture", id="bank-77", state=MovementState.SUCCEEDED, amount=pence(250))
    event = Event(event_id=event_id, unmatched=money, **names)
    return RawWebhook(
        slug="notices", headers=(("x-secret", "s3cret"),), body=msgspec.json.encode(event), received_at=NOON
    )


async def test_money_that_names_nobody_is_in_suspense_once(till: Till):
    await till.notify(unmatched("e1"), "bank")
    await till.notify(unmatched("e2"), "bank")
    (row,) = await till.cashier.treasury.suspense(10)
    assert (row.reason, row.amount.amount, row.payment_id) == ("unmatched", 250, None)


async def test_money_that_names_somebody_unknown_waits_an_hour_for_him(till: Till):
    await till.notify(unmatched("e1", merchant_ref="KS-nobody"), "bank")
    assert await till.cashier.treasury.suspense(10) == ()
    for wait_s in (2, 6, 40, 400, 4000):
        await till.sweep(after_s=wait_s)
    assert len(await till.cashier.treasury.suspense(10)) == 1


async def test_a_notice_of_nobody_without_money_ends_dead(till: Till):
    event = Event(event_id="e1", merchant_ref="KS-nobody")
    raw = RawWebhook(
        slug="notices", headers=(("x-secret", "s3cret"),), body=msgspec.json.encode(event), received_at=NOON
    )
    await till.notify(raw)
    for wait_s in (2, 6, 40, 400, 4000):
        await till.sweep(after_s=wait_s)
    assert [state for state, _ in await inbox(till)] == ["dead"]


async def test_a_failure_told_after_success_moves_nothing_back(till: Till):
    invoice, payment = await redirected(till)
    charge = till.provider.charges["ch_1"]
    failed = msgspec.structs.replace(charge.report(), status="failed")
    till.provider.pay(charge)
    await till.notify(notice(charge, "e2", report=charge.report()))
    await till.notify(notice(charge, "e1", report=failed))
    assert (await till.cashier.treasury.view(payment)).status is PaymentStatus.PAID
    assert await till.status(invoice) == "paid"


async def test_a_success_told_after_failure_is_late_money(till: Till):
    invoice, payment = await redirected(till)
    charge = till.provider.charges["ch_1"]
    failed = msgspec.structs.replace(charge.report(), status="failed")
    await till.notify(notice(charge, "e1", report=failed))
    assert (await till.cashier.treasury.view(payment)).status is PaymentStatus.FAILED
    till.provider.pay(charge)
    await till.notify(notice(charge, "e2", report=charge.report()))
    stored = (await till.file(invoice)).payments[0]
    assert (stored.status, stored.late, await till.status(invoice)) == (PaymentStatus.PAID, True, "paid")


async def test_a_payment_paid_while_another_succeeds_is_surplus(till: Till):
    """A customer pays twice: the account he left and the card he used then."""
    invoice = await till.order()
    await till.start(invoice, "bank")
    await till.start(invoice, "card")
    bank = till.provider.charges["va_1"]
    till.provider.pay(bank)
    await till.notify(notice(bank, "e1", report=bank.report()), "bank")
    (row,) = await till.cashier.treasury.suspense(10)
    assert (row.reason, row.amount.amount) == ("surplus", 1000)
