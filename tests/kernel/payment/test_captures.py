"""Reserved money: taken whole, in parts, once; let go of; lapsed at the provider; in doubt."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kassa.ports.errors import AmountRefused, NotCapable, PaymentInDoubt, PaymentNotCancelable
from kassa.ports.payment_records import PaymentStatus
from tests.kernel.payment.provider import notice
from tests.kernel.payment.reserving import Reserve, ReserveOnce, ReserveWhole, release
from tests.kernel.payment.till import ALICE, BUYER, Till, open_till


@pytest_asyncio.fixture
async def till() -> AsyncIterator[Till]:
    made = await open_till(more=(Reserve, ReserveOnce, ReserveWhole))
    yield made
    await made.assert_sound()
    await made.close()


async def test_reserved_money_pays_for_nothing_yet(till: Till):
    invoice = await till.order()
    held = await till.start(invoice, "reserve")
    assert (held.status, held.authorized.amount, held.captured.amount) == (PaymentStatus.AUTHORIZED, 1000, 0)
    assert (await till.status(invoice), till.provider.kept()) == ("awaiting_payment", 0)
    with pytest.raises(AmountRefused):
        await till.refund(held.id)


async def test_a_capture_takes_all_and_pays_the_order(till: Till):
    invoice = await till.order()
    held = await till.start(invoice, "reserve")
    taken = await till.capture(held.id)
    assert (taken.status, taken.captured.amount) == (PaymentStatus.PAID, 1000)
    assert (await till.status(invoice), till.provider.kept()) == ("paid", 1000)
    with pytest.raises(AmountRefused):
        await till.capture(held.id, 1)


async def test_captures_in_parts_never_exceed_what_was_reserved(till: Till):
    invoice = await till.order()
    held = await till.start(invoice, "reserve")
    assert (await till.capture(held.id, 300)).status is PaymentStatus.PARTIALLY_PAID
    with pytest.raises(AmountRefused):
        await till.capture(held.id, 701)
    assert await till.status(invoice) == "awaiting_payment"
    assert (await till.capture(held.id, 700)).status is PaymentStatus.PAID
    assert await till.status(invoice) == "paid"


async def test_two_captures_at_once_are_one_after_the_other(till: Till):
    held = await till.start(await till.order(), "reserve")
    ends = await asyncio.gather(*(till.capture(held.id, 700) for _ in range(2)), return_exceptions=True)
    assert sum(not isinstance(end, Exception) for end in ends) == 1
    assert till.provider.kept() == 700


async def test_one_capture_key_captures_once(till: Till):
    held = await till.start(await till.order(), "reserve")
    first = await till.capture(held.id, 300, key="c")
    assert await till.capture(held.id, 300, key="c") == first
    assert till.provider.kept() == 300


async def test_the_rest_of_a_reservation_is_let_go_of(till: Till):
    invoice = await till.order()
    held = await till.start(invoice, "reserve")
    await till.capture(held.id, 300)
    rest = await till.void(held.id)
    assert (rest.status, rest.captured.amount) == (PaymentStatus.PARTIALLY_PAID, 300)
    assert (await till.void(held.id)).status is rest.status
    with pytest.raises(AmountRefused):
        await till.capture(held.id, 100)
    paid = await till.start(invoice, "card")
    assert (paid.nominal.amount, await till.status(invoice)) == (700, "paid")


async def test_a_reservation_is_let_go_of_whole_by_operator_or_customer(till: Till):
    one, other = await till.order(), await till.order()
    held = await till.start(one, "reserve")
    assert (await till.void(held.id)).status is PaymentStatus.CANCELED
    mine = await till.start(other, "reserve")
    canceled = await till.cashier.cancel(ALICE, mine.id, BUYER)
    assert (canceled.status, till.provider.kept()) == (PaymentStatus.CANCELED, 0)


async def test_what_was_taken_whole_cannot_be_let_go_of(till: Till):
    held = await till.start(await till.order(), "reserve")
    await till.capture(held.id)
    with pytest.raises(PaymentNotCancelable):
        await till.void(held.id)


async def test_a_method_that_captures_once_reserves_nothing_after_that(till: Till):
    invoice = await till.order()
    held = await till.start(invoice, "reserveonce")
    await till.capture(held.id, 400)
    with pytest.raises(AmountRefused):
        await till.capture(held.id, 100)
    assert (await till.start(invoice, "card")).nominal.amount == 600


async def test_a_method_without_parts_captures_whole(till: Till):
    held = await till.start(await till.order(), "reservewhole")
    with pytest.raises(NotCapable):
        await till.capture(held.id, 400)
    assert (await till.capture(held.id)).status is PaymentStatus.PAID


async def test_money_that_is_taken_at_once_is_not_captured(till: Till):
    paid = await till.start(await till.order(), "card")
    with pytest.raises(NotCapable):
        await till.capture(paid.id)


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "garbage"])
async def test_a_capture_without_an_answer_is_in_doubt_until_it_is_known(till: Till, fault: str):
    invoice = await till.order()
    held = await till.start(invoice, "reserve")
    till.provider.script.append(fault)
    till.provider.asked.append("lost")
    assert (await till.capture(held.id)).in_doubt
    till.provider.asked.append("lost")
    with pytest.raises(PaymentInDoubt):
        await till.capture(held.id)
    await till.settle()
    assert (await till.status(invoice), till.provider.kept()) == ("paid", 1000)


async def test_an_order_whose_money_is_reserved_does_not_expire(till: Till):
    invoice = await till.order()
    held = await till.start(invoice, "reserve")
    await till.sweep(3, after_s=2 * 86_400)
    assert await till.world.payments.overdue(now=till.world.clock.now(), limit=10) == ()
    assert (await till.cashier.treasury.view(held.id)).status is PaymentStatus.AUTHORIZED
    assert (await till.capture(held.id)).status is PaymentStatus.PAID


async def test_a_reservation_that_lapsed_at_the_provider_is_found_within_days(till: Till):
    invoice = await till.order()
    held = await till.start(invoice, "reserve")
    release(next(iter(till.provider.charges.values())))
    await till.sweep(2, after_s=2 * 86_400)
    view = await till.cashier.treasury.view(held.id)
    assert view.status is PaymentStatus.CANCELED
    assert (await till.start(invoice, "card")).status is PaymentStatus.PAID


async def test_nothing_is_asked_any_more_once_all_was_taken(till: Till):
    held = await till.start(await till.order(), "reserve")
    await till.capture(held.id)
    (start, *_) = [o for o in (await till.file(held.invoice_id)).operations if o.kind == "start"]
    assert start.next_check_at is None


async def test_a_live_payment_of_an_order_that_became_paid_is_let_go_of(till: Till):
    """Late money pays the order while its customer is on the way to pay again: the second way is closed."""
    invoice = await till.order()
    await till.start(invoice, "bank")
    (account,) = till.provider.charges.values()
    till.provider.script.append("redirect")
    second = await till.start(invoice, "card")
    assert second.status is PaymentStatus.REQUIRES_ACTION
    till.provider.pay(account)
    await till.notify(notice(account, "ev-1", report=account.report()), "bank")
    assert await till.status(invoice) == "paid"
    await till.sweep(2, after_s=30)
    assert (await till.cashier.treasury.view(second.id)).status is PaymentStatus.CANCELED


async def test_another_method_lets_go_of_the_reservation_first(till: Till):
    invoice = await till.order()
    await till.start(invoice, "reserve")
    paid = await till.start(invoice, "card")
    assert (paid.status, till.provider.kept()) == (PaymentStatus.PAID, 1000)
    first = (await till.cashier.payments(ALICE, invoice))[0]
    assert first.status is PaymentStatus.CANCELED
