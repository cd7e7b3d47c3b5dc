"""PayU at a real till: paid by its notice, or by asking; refused, refunded, and in doubt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from msgspec import Struct

from kassa.plugins.e_wallet.payu.config import PayuConfig
from kassa.plugins.e_wallet.payu.method import Payu
from kassa.ports.secret import Secret
from tests.kernel.payment.till import ALICE, raw_input
from tests.plugins.payu.double import PayuDouble
from tests.plugins.wired_till import Counter


class NoConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The till of the kernel's tests configures nothing."""


class PayuHere(Payu):
    """The driver itself, configured."""

    Config = NoConfig

    def __init__(self, _: Any) -> None:
        config = PayuConfig(
            driver="payu", mode="test", pos_id="1", client_id="1", client_secret=Secret("s"), second_key=Secret("k")
        )
        super().__init__(config)


@pytest_asyncio.fixture
async def counter(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counter]:
    made = Counter(PayuDouble("s"), "k", PayuHere)
    await made.open(monkeypatch)
    yield made
    await made.close()


async def test_a_notice_pays_the_order_without_asking(counter: Counter) -> None:
    """Its signature covers the whole body."""
    invoice_id = await counter.till.order()
    payment = await counter.till.start(invoice_id, counter.name)
    assert (payment.status.value, type(payment.next_action).__name__) == ("requires_action", "Redirect")
    await counter.double.pay(None, await counter.merchant_ref(invoice_id))
    await counter.notify()
    assert await counter.till.status(invoice_id) == "paid"


async def test_without_any_notice_the_payment_is_found_by_asking(counter: Counter) -> None:
    invoice_id = await counter.till.order()
    await counter.till.start(invoice_id, counter.name)
    await counter.double.pay(None, await counter.merchant_ref(invoice_id))
    await counter.till.sweep(3, after_s=20)
    assert await counter.till.status(invoice_id) == "paid"


async def test_who_cancels_at_payu_can_pay_in_another_way(counter: Counter) -> None:
    invoice_id = await counter.till.order()
    payment = await counter.till.start(invoice_id, counter.name)
    await counter.double.refuse(None, await counter.merchant_ref(invoice_id))
    await counter.notify()
    assert (await counter.till.cashier.payment(ALICE, payment.id)).status.value == "canceled"
    await counter.till.start(invoice_id, "card", input=raw_input({"token": "ok"}))
    assert await counter.till.status(invoice_id) == "paid"


async def test_who_chooses_another_method_has_the_order_at_payu_canceled(counter: Counter) -> None:
    invoice_id = await counter.till.order()
    await counter.till.start(invoice_id, counter.name)
    await counter.till.start(invoice_id, "card", input=raw_input({"token": "ok"}))
    assert [one["status"] for one in counter.double.orders.values()] == ["CANCELED"]


async def test_a_refund_whose_answer_is_lost_is_found_and_made_once(counter: Counter) -> None:
    invoice_id = await counter.till.order(1000)
    payment = await counter.till.start(invoice_id, counter.name)
    await counter.double.pay(None, await counter.merchant_ref(invoice_id))
    await counter.notify()
    order_id = counter.double.id_of(await counter.merchant_ref(invoice_id))
    answer, counter.double.give_back = counter.double.give_back, lambda *told: lost(counter, answer(*told))
    await counter.till.refund(payment.id, 400)
    await counter.till.settle()
    assert [one["amount"] for one in counter.double.refunds[order_id]] == ["400"]
    assert (await counter.till.cashier.payment(ALICE, payment.id)).status.value == "partially_refunded"


def lost(counter: Counter, told: Any) -> Any:
    """It is done, and nobody hears of it."""
    counter.wire.loses = "/refunds"
    return told


async def test_an_order_whose_answer_is_lost_charges_nobody_and_waits_for_a_person(counter: Counter) -> None:
    """PayU finds an order by its own id only. Nobody was told its page, so nobody can pay it."""
    invoice_id = await counter.till.order()
    counter.wire.loses = "/orders"
    payment = await counter.till.start(invoice_id, counter.name)
    assert payment.in_doubt
    await counter.till.settle()
    [kept] = (await counter.till.file(invoice_id)).payments
    assert (kept.in_doubt, kept.needs_review, kept.captured) == (True, True, 0)
    assert len(counter.double.orders) == 1
