"""PayPal at a real till: approved there, announced, confirmed here, paid; and the ways in which it does not get so far."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from msgspec import Struct

from kassa.plugins.e_wallet.paypal.config import PaypalConfig
from kassa.plugins.e_wallet.paypal.method import Paypal
from kassa.ports.errors import KassaError
from kassa.ports.secret import Secret
from tests.kernel.payment.till import ALICE, BUYER, raw_input
from tests.plugins.paypal.double import CERTIFICATE_NAME, PaypalDouble
from tests.plugins.wired_till import Counter

METHOD = "paypalhere"


class NoConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The till of the kernel's tests configures nothing."""


class PaypalHere(Paypal):
    """The driver itself, configured."""

    Config = NoConfig

    def __init__(self, _: Any) -> None:
        config = PaypalConfig(
            driver="paypal", mode="test", client_id="x", client_secret=Secret("secret"), webhook_id=Secret("WH1"),
            certificates=(CERTIFICATE_NAME,),
        )  # fmt: skip
        super().__init__(config)


class PaypalCounter(Counter):
    """What a customer of PayPal does."""

    async def announced(self, invoice_id: str) -> None:
        """The customer approves at PayPal, and its notice comes."""
        await self.double.pay(None, await self.merchant_ref(invoice_id))
        await self.notify()

    async def confirm(self, payment_id: int) -> str:
        view = await self.till.cashier.give_input(ALICE, payment_id, {"confirm": "yes"}, BUYER)
        return view.status.value

    def taken(self) -> int:
        """How many captures PayPal has."""
        return sum(len(one["purchase_units"][0]["payments"]["captures"]) for one in self.double.orders.values())


@pytest_asyncio.fixture
async def counter(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PaypalCounter]:
    made = PaypalCounter(PaypalDouble("secret", "WH1"), "WH1", PaypalHere)
    await made.open(monkeypatch)
    yield made
    await made.close()


async def test_an_approval_is_announced_the_customer_confirms_and_the_order_is_paid(counter: PaypalCounter) -> None:
    invoice_id = await counter.till.order()
    payment = await counter.till.start(invoice_id, METHOD)
    assert (payment.status.value, type(payment.next_action).__name__) == ("requires_action", "Redirect")
    await counter.announced(invoice_id)
    seen = await counter.till.cashier.payment(ALICE, payment.id)
    assert (type(seen.next_action).__name__, counter.taken()) == ("Collect", 0)
    assert await counter.confirm(payment.id) == "paid"
    assert (await counter.till.status(invoice_id), counter.taken()) == ("paid", 1)


async def test_an_approval_that_nobody_confirms_expires_and_takes_nothing(counter: PaypalCounter) -> None:
    invoice_id = await counter.till.order()
    payment = await counter.till.start(invoice_id, METHOD)
    await counter.announced(invoice_id)
    await counter.till.settle()
    seen = await counter.till.cashier.payment(ALICE, payment.id)
    assert (seen.status.value, counter.taken()) == ("expired", 0)
    with pytest.raises(KassaError):
        await counter.confirm(payment.id)


async def test_who_chooses_another_method_does_not_pay_twice_by_approving_after_all(counter: PaypalCounter) -> None:
    invoice_id = await counter.till.order()
    payment = await counter.till.start(invoice_id, METHOD)
    assert (await counter.till.start(invoice_id, "card", input=raw_input({"token": "ok"}))).id != payment.id
    await counter.double.pay(None, await counter.merchant_ref(invoice_id))
    await counter.till.settle()
    assert (await counter.till.cashier.payment(ALICE, payment.id)).status.value == "canceled"
    with pytest.raises(KassaError):
        await counter.confirm(payment.id)
    assert counter.taken() == 0


async def test_a_confirmation_whose_answer_is_lost_is_found_out_and_taken_once(counter: PaypalCounter) -> None:
    invoice_id = await counter.till.order()
    payment = await counter.till.start(invoice_id, METHOD)
    await counter.announced(invoice_id)
    counter.wire.loses = "/capture"
    await counter.confirm(payment.id)
    await counter.till.settle()
    assert (await counter.till.status(invoice_id), counter.taken()) == ("paid", 1)


async def test_what_was_paid_is_refunded_through_paypal(counter: PaypalCounter) -> None:
    invoice_id = await counter.till.order(1000)
    payment = await counter.till.start(invoice_id, METHOD)
    await counter.announced(invoice_id)
    await counter.confirm(payment.id)
    assert (await counter.till.refund(payment.id, 400)).status.value == "partially_refunded"
    assert (await counter.till.refund(payment.id)).status.value == "refunded"
