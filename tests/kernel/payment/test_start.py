"""Beginning a payment."""

import asyncio

import pytest

from kassa.ports.cashier import StartPayment
from kassa.ports.errors import (
    InvalidValue,
    KeyInUse,
    KeyReused,
    NothingDue,
    PaymentInDoubt,
    PaymentLive,
    UnknownMethod,
    UnknownOrder,
)
from kassa.ports.idempotency import AnswerKind
from kassa.ports.payment_records import OperationState, PaymentStatus
from tests.kernel.payment.till import BUYER, Till, raw_input, view


async def test_a_card_that_is_accepted_pays_the_order(till: Till):
    invoice = await till.order(1000)
    answer = await till.start_raw(invoice)
    assert answer.kind is AnswerKind.CREATED
    paid = view(answer)
    assert (paid.status, paid.captured.amount, paid.poll_after_s) == (PaymentStatus.PAID, 1000, 0)
    assert await till.status(invoice) == "paid"


async def test_a_start_takes_three_store_calls(till: Till):
    invoice = await till.order()
    calls = []
    payments = till.world.payments
    for name in ("file", "file_and_prior", "begin", "record", "file_of_payment"):
        real = getattr(payments, name)

        def counted(*args, _real=real, _name=name, **more):
            calls.append(_name)
            return _real(*args, **more)

        setattr(payments, name, counted)
    await till.start(invoice)
    assert calls == ["file_and_prior", "begin", "record"]


async def test_the_same_key_is_answered_byte_for_byte_and_charges_once(till: Till):
    invoice = await till.order()
    first = await till.start_raw(invoice, key="k")
    again = await till.start_raw(invoice, key="k")
    assert again.body == first.body
    assert again.replayed
    assert len(till.provider.calls) == 1


async def test_the_same_key_for_another_request_is_refused(till: Till):
    invoice = await till.order()
    await till.start_raw(invoice, key="k")
    with pytest.raises(KeyReused):
        await till.start_raw(invoice, "wallet", key="k")


async def test_a_declined_card_leaves_the_order_payable(till: Till):
    invoice = await till.order()
    till.provider.script.append("decline")
    declined = await till.start(invoice)
    assert (declined.status, declined.decline_code) == (PaymentStatus.FAILED, "card_declined")
    assert declined.methods_left == ("bank", "card", "wallet")
    assert (await till.start(invoice)).status is PaymentStatus.PAID


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "garbage", "exit"])
async def test_a_start_without_a_usable_answer_is_in_doubt_not_declined(till: Till, fault: str):
    invoice = await till.order()
    till.provider.script.append(fault)
    till.provider.asked.append("lost")
    answer = await till.start_raw(invoice)
    assert answer.kind is AnswerKind.ACCEPTED
    assert (view(answer).in_doubt, view(answer).status) == (True, PaymentStatus.PROCESSING)
    with pytest.raises(PaymentInDoubt):
        till.provider.asked.append("lost")
        await till.start(invoice, "wallet")


async def test_a_reply_lost_after_the_charge_is_found_by_the_immediate_query(till: Till):
    invoice = await till.order()
    till.provider.script.append("lost_after")
    assert (await till.start(invoice)).status is PaymentStatus.PAID
    assert len(till.provider.calls) == 1


async def test_a_doubt_is_ended_by_the_sweep(till: Till):
    invoice = await till.order()
    till.provider.script.append("lost_after")
    till.provider.asked.append("lost")
    await till.start(invoice)
    await till.sweep(after_s=10)
    assert await till.status(invoice) == "paid"


async def test_a_start_that_never_arrived_has_failed_only_after_it_was_not_found_twice(till: Till):
    invoice = await till.order()
    till.provider.script.append("lost_before")
    payment = await till.start(invoice)
    await till.sweep(after_s=10)
    assert (await till.cashier.treasury.view(payment.id)).in_doubt
    await till.sweep(2, after_s=70)
    ended = await till.cashier.treasury.view(payment.id)
    assert (ended.status, ended.in_doubt, ended.decline_code) == (PaymentStatus.FAILED, False, "not_executed")
    assert (await till.start(invoice)).status is PaymentStatus.PAID


async def test_what_provably_did_not_arrive_is_sent_again_with_the_same_key(till: Till):
    invoice = await till.order()
    till.provider.script.extend(["not_executed", "not_executed"])
    assert (await till.start(invoice)).status is PaymentStatus.PAID
    assert len({key for _, key in till.provider.calls}) == 1
    operation = (await till.file(invoice)).operations[0]
    assert (operation.attempt, operation.state) == (3, OperationState.SUCCEEDED)


async def test_after_three_refused_connections_the_payment_has_failed_without_effect(till: Till):
    invoice = await till.order()
    till.provider.script.extend(["not_executed"] * 3)
    assert (await till.start(invoice)).decline_code == "not_executed"
    assert (await till.file(invoice)).operations[0].executed is False


async def test_a_client_that_hangs_up_tears_nothing(till: Till):
    invoice = await till.order()
    request = asyncio.create_task(till.start_raw(invoice, key="k"))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await till.cashier.drain()
    assert await till.status(invoice) == "paid"
    assert (await till.start_raw(invoice, key="k")).replayed


async def test_eight_payments_at_once_are_one_charge(till: Till):
    invoice = await till.order()
    results = await asyncio.gather(*(till.start_raw(invoice) for _ in range(8)), return_exceptions=True)
    assert sum(not isinstance(r, Exception) for r in results) == 1
    assert {type(r) for r in results if isinstance(r, Exception)} <= {PaymentInDoubt, NothingDue}
    assert till.provider.kept() == 1000


async def test_one_key_eight_times_at_once_is_one_charge(till: Till):
    invoice = await till.order()
    results = await asyncio.gather(*(till.start_raw(invoice, key="k") for _ in range(8)), return_exceptions=True)
    answers = {r.body for r in results if not isinstance(r, Exception)}
    assert len(answers) == 1
    assert {type(r) for r in results if isinstance(r, Exception)} <= {KeyInUse}
    assert till.provider.kept() == 1000


async def test_what_cannot_be_asked_for_is_refused_before_anything_is_sent(till: Till):
    invoice = await till.order()
    with pytest.raises(UnknownMethod):
        await till.start(invoice, "cheque")
    with pytest.raises(UnknownOrder):
        await till.start("KS-0000-0000-0")
    with pytest.raises(UnknownOrder):
        request = StartPayment(invoice_id=invoice, method="card")
        await till.cashier.start(8, request, till.world.claim(8, request), BUYER)
    for given in ({"token": 1}, {"x": 1}, []):
        with pytest.raises(InvalidValue):
            await till.start(invoice, input=raw_input(given))
    assert till.provider.calls == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/pay",
        "https://app.example.evil.example/pay",
        "https://app.example@evil.example/pay",
        "https://app.example/payment",
        "http://app.example/pay",
        "javascript:alert(1)",
        "https://app.example/pay/../x",
        "https://app.example\\@evil.example/pay",
        "//app.example/pay",
        "https://app.example:444/pay",
        "https://app.example/pay\n",
        "https://app.example/pay/é",
        "https://[",
    ],
)
async def test_the_browser_is_sent_to_listed_addresses_only(till: Till, url: str):
    invoice = await till.order()
    with pytest.raises(InvalidValue):
        await till.start(invoice, return_url=url)


async def test_a_listed_address_is_where_the_customer_comes_back_to(till: Till):
    invoice = await till.order()
    till.provider.script.append("redirect")
    started = await till.start(invoice, return_url="https://app.example/pay/7?x=1")
    assert started.status is PaymentStatus.REQUIRES_ACTION
    till.provider.pay(till.provider.charges["ch_1"])
    token = _token(till)
    assert await till.cashier.returned(token) == "https://app.example/pay/7?x=1"
    assert await till.status(invoice) == "paid"


def _token(till: Till) -> str:
    """The token is only in the address the provider was given: the same seed draws it again."""
    from tests.kernel.machine import SeededIds

    return SeededIds(1).short_token()


async def test_an_open_redirect_cannot_be_canceled_where_the_provider_cannot_be_told(till: Till):
    invoice = await till.order()
    till.provider.script.append("redirect")
    await till.start(invoice, "wallet")
    with pytest.raises(PaymentLive):
        await till.start(invoice, "card")


async def test_another_method_voids_the_live_payment_first(till: Till):
    invoice = await till.order()
    till.provider.script.append("redirect")
    first = await till.start(invoice, "card")
    assert (await till.start(invoice, "wallet")).status is PaymentStatus.PAID
    assert (await till.cashier.treasury.view(first.id)).status is PaymentStatus.CANCELED
    assert [name for name, _ in till.provider.calls] == ["start", "void", "start"]


async def test_an_account_to_pay_to_is_left_locally_in_the_act_that_begins_the_next(till: Till):
    invoice = await till.order()
    first = await till.start(invoice, "bank")
    assert first.next_action is not None
    assert (await till.start(invoice, "card")).status is PaymentStatus.PAID
    left = await till.cashier.treasury.view(first.id)
    assert (left.status, left.next_action) == (PaymentStatus.CANCELED, None)


async def test_a_paid_order_takes_no_more_payments(till: Till):
    invoice = await till.order()
    await till.start(invoice)
    with pytest.raises(NothingDue):
        await till.start(invoice)


async def test_a_one_time_password_is_collected_and_tried_again(till: Till):
    invoice = await till.order()
    till.provider.script.append("otp")
    started = await till.start(invoice)
    from tests.kernel.payment.till import ALICE

    wrong = await till.cashier.give_input(ALICE, started.id, {"otp": "0"}, BUYER)
    assert wrong.status is PaymentStatus.REQUIRES_ACTION
    right = await till.cashier.give_input(ALICE, started.id, {"otp": "123456"}, BUYER)
    assert right.status is PaymentStatus.PAID
    keys = [key for name, key in till.provider.calls]
    assert len(set(keys)) == 3
