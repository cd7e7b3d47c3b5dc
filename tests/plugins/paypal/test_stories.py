"""PayPal's own stories: who takes the money, and when; what becomes of an order that nobody takes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import replace

from kassa.plugins.e_wallet.paypal.amounts import RULES, Amount, read, written
from kassa.ports.conformance.payment_method.bench import Bench, Payment
from kassa.ports.errors import InvalidMoney
from kassa.ports.money import Money
from kassa.ports.payment import (
    Collect,
    Declined,
    MovementState,
    NotExecuted,
    OperationRequest,
    Pending,
    Redirect,
    Succeeded,
)
from kassa.ports.provider_json import ProviderUnclear
from tests.plugins.paypal.double import PaypalDouble
from tests.plugins.paypal.subject import PaypalSubject


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    opened = Bench(PaypalSubject())
    await opened.open()
    yield opened
    await opened.close()


def double(bench: Bench) -> PaypalDouble:
    assert isinstance(bench.provider.double, PaypalDouble)
    return bench.provider.double


def confirmed(bench: Bench, payment: Payment, said: str = "yes") -> OperationRequest:
    """What the customer types, back in the shop."""
    return replace(bench.operation("resume", payment), input={"confirm": said})


async def approved(bench: Bench, *, capture: bool = True) -> Payment:
    """A payment whose customer has approved at PayPal."""
    payment = await bench.started(bench.request(capture=capture))
    assert isinstance(payment.outcome, Pending)
    assert isinstance(payment.outcome.next_action, Redirect)
    await bench.provider.pay(payment.outcome.next_action, payment.request.merchant_ref)
    return payment


async def test_asking_takes_nothing_however_often_and_the_customer_is_asked_to_confirm(bench: Bench) -> None:
    payment = await approved(bench)
    for _ in range(5):
        report = await bench.query(payment)
        assert report.status == "requires_action"
        assert isinstance(report.next_action, Collect)
    assert double(bench).of(payment.request.merchant_ref)["status"] == "APPROVED"


async def test_what_is_confirmed_is_taken_once_even_if_it_is_confirmed_twice(bench: Bench) -> None:
    payment = await approved(bench)
    for _ in range(2):
        said = await bench.operate(confirmed(bench, payment))
        assert isinstance(said, Succeeded)
        assert [(one.kind, one.state) for one in said.movements] == [("capture", MovementState.SUCCEEDED)]
    assert len((await bench.provider.charges())[0].movements) == 1


async def test_who_does_not_say_yes_pays_nothing_and_may_type_again(bench: Bench) -> None:
    payment = await approved(bench)
    said = await bench.operate(confirmed(bench, payment, "no"))
    assert isinstance(said, Declined)
    assert said.retry
    assert (await bench.provider.charges())[0].movements == ()
    assert isinstance(await bench.operate(confirmed(bench, payment, " Yes ")), Succeeded)


async def test_who_confirms_without_having_approved_pays_nothing(bench: Bench) -> None:
    payment = await bench.started(bench.request())
    said = await bench.operate(confirmed(bench, payment))
    assert isinstance(said, Declined)
    assert (said.provider_code, said.retry) == ("ORDER_NOT_APPROVED", True)


async def test_a_declined_instrument_is_a_decline_and_another_may_be_tried(bench: Bench) -> None:
    payment = await approved(bench)
    double(bench).instrument_declines = True
    said = await bench.operate(confirmed(bench, payment))
    assert isinstance(said, Declined)
    assert (said.code, said.provider_code, said.retry) == ("card_declined", "INSTRUMENT_DECLINED", True)
    assert isinstance(await bench.operate(confirmed(bench, payment)), Succeeded)


async def test_an_order_that_was_called_off_is_never_taken_although_its_customer_approves_it(bench: Bench) -> None:
    """PayPal cannot cancel an order; but nobody can take it, except this shop."""
    payment = await bench.started(bench.request())
    said = await bench.operate(bench.operation("void", payment))
    assert isinstance(said, Succeeded)
    payment.learn(said)
    await bench.provider.pay(None, payment.request.merchant_ref)
    report = await bench.query(payment)
    assert (report.status, report.next_action) == ("canceled", None)
    assert isinstance(await bench.operate(confirmed(bench, payment)), Declined)
    assert (await bench.provider.charges())[0].movements == ()


async def test_the_rest_of_a_reservation_is_let_go_after_a_part_was_taken(bench: Bench) -> None:
    payment = await bench.paid(capture=False)
    part = Money(amount=bench.amount.amount // 4, currency=bench.amount.currency)
    assert isinstance(await bench.operate(bench.operation("capture", payment, part)), Succeeded)
    assert isinstance(await bench.operate(bench.operation("void", payment)), Succeeded)
    report = await bench.query(payment)
    assert report.status == "succeeded"
    assert {(one.kind, one.state.name) for one in report.movements} == {("auth", "REVERSED"), ("capture", "SUCCEEDED")}


async def test_refunds_go_back_to_the_captures_that_have_them(bench: Bench) -> None:
    """PayPal refunds a capture, not an order."""
    payment = await bench.paid(capture=False)
    quarter = Money(amount=bench.amount.amount // 4, currency=bench.amount.currency)
    for amount in (quarter, quarter.times(3)):
        payment.learn(await bench.operate(bench.operation("capture", payment, amount)))
        payment.movements = (await bench.query(payment)).movements
    for amount in (quarter.times(2), quarter, quarter):
        assert isinstance(await bench.operate(bench.operation("refund", payment, amount)), Succeeded)
    refunds = [one for one in (await bench.query(payment)).movements if one.kind == "refund"]
    assert sum(one.amount.amount for one in refunds) == bench.amount.amount
    said = await bench.operate(bench.operation("refund", payment, quarter))
    assert isinstance(said, Declined)
    assert said.provider_code == "CAPTURE_FULLY_REFUNDED"


async def test_a_token_that_paypal_takes_back_is_fetched_anew(bench: Bench) -> None:
    """Nothing was executed, and the kernel's second attempt goes through."""
    bench.method._api.token._token = type(bench.method.config.client_secret)("stale")
    request = bench.request()
    assert isinstance(await bench.start(request), NotExecuted)
    assert isinstance(await bench.start(request), Pending)
    assert any("debug_id" in line for line in bench.heard)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1250, "EUR", "12.50"),
        (1200, "JPY", "1200"),
        (120_000, "HUF", "1200"),
        (120_000, "TWD", "1200"),
        (5, "USD", "0.05"),
    ],
)
def test_amounts_are_written_and_read_exactly(amount: int, currency: str, text: str) -> None:
    money = Money(amount=amount, currency=currency)
    assert written(money) == Amount(currency_code=currency, value=text)
    assert read(Amount(currency_code=currency, value=text)) == money


def test_an_amount_that_paypal_cannot_write_is_refused_and_never_rounded() -> None:
    with pytest.raises(InvalidMoney):
        written(Money(amount=120_050, currency="HUF"))
    assert not any(rule.fits(Money(amount=120_050, currency="HUF")) for rule in RULES)


@pytest.mark.parametrize("value", ["", "-1.00", "0.00", "1.005", "1e3", "NaN", "1,00", "9" * 30])
def test_an_amount_that_is_none_is_not_read(value: str) -> None:
    with pytest.raises(ProviderUnclear):
        read(Amount(currency_code="EUR", value=value))


async def test_the_order_tells_paypal_whose_it_is_and_what_the_button_says(bench: Bench) -> None:
    request = bench.request()
    await bench.start(request)
    sent = next(one for one in bench.proxy.sent if one.target == "/v2/checkout/orders")
    told = msgspec.json.decode(sent.body)
    assert told["purchase_units"][0]["custom_id"] == request.merchant_ref
    assert told["payment_source"]["paypal"]["experience_context"]["user_action"] == "CONTINUE"
    assert sent.header("PayPal-Request-Id") == request.operation_id
