"""Wallets, QRIS codes and virtual accounts in a shop: from the order to the money, through the real kernel and over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kassa.ports.conformance.payment_method.faults import DROPPED
from kassa.ports.errors import WebhookRejected
from tests.kernel.payment.till import ALICE
from tests.plugins.midtrans import double as midtrans
from tests.plugins.rupiah_shop import METHOD, RupiahShop, open_rupiah_shop
from tests.plugins.xendit import double as xendit

TOTAL = 12_345_00
SUBJECTS = {
    "midtrans gopay": (midtrans.GopaySubject, "redirect"),
    "midtrans qris": (midtrans.QrisSubject, "show_qr"),
    "midtrans shopeepay": (midtrans.ShopeePaySubject, "redirect"),
    "midtrans va": (midtrans.VirtualAccountSubject, "show_account"),
    "xendit shopeepay": (xendit.ShopeePaySubject, "redirect"),
    "xendit qris": (xendit.QrisSubject, "show_qr"),
    "xendit va": (xendit.VirtualAccountSubject, "show_account"),
}


@pytest_asyncio.fixture
async def shop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RupiahShop]:
    """With the driver that the test names."""
    opened = await open_rupiah_shop(monkeypatch, SUBJECTS[request.param][0]())
    yield opened
    await opened.till.assert_sound()
    await opened.close()


every_driver = pytest.mark.parametrize("shop", SUBJECTS, indirect=True)
who_refunds = pytest.mark.parametrize(
    "shop", ["midtrans gopay", "midtrans shopeepay", "xendit shopeepay"], indirect=True
)
one_of_each = pytest.mark.parametrize("shop", ["midtrans qris", "xendit qris"], indirect=True)


@pytest.mark.parametrize(("shop", "action"), [(name, one[1]) for name, one in SUBJECTS.items()], indirect=["shop"])
async def test_the_customer_is_shown_how_to_pay_and_the_notice_of_it_pays_the_order(shop: RupiahShop, action: str):
    """The notice itself proves nothing: it makes the shop ask, and the answer is what counts."""
    invoice = await shop.till.order(TOTAL)
    started = await shop.till.start(invoice, METHOD)
    assert (started.status.value, started.next_action.__struct_config__.tag) == ("requires_action", action)
    await shop.pay(invoice)
    assert await shop.till.status(invoice) == "awaiting_payment"
    assert await shop.notify(await shop.last_notice()) == 200
    assert await shop.till.status(invoice) == "paid"
    [charge] = await shop.double.charges()
    assert (charge.amount.amount, charge.amount.currency) == (TOTAL, "IDR")


@every_driver
async def test_a_payment_of_which_no_notice_comes_is_found_by_asking(shop: RupiahShop):
    """Notices are lost; the sweep is not."""
    invoice = await shop.till.order(TOTAL)
    await shop.till.start(invoice, METHOD)
    await shop.pay(invoice)
    await shop.till.settle()
    assert await shop.till.status(invoice) == "paid"


@every_driver
async def test_what_the_customer_was_shown_is_still_there_after_the_shop_has_asked(shop: RupiahShop):
    """Midtrans tells a link or a code only once: that a query does not repeat it takes nothing away."""
    invoice = await shop.till.order(TOTAL)
    started = await shop.till.start(invoice, METHOD)
    await shop.till.sweep(2, after_s=20)
    now = await shop.till.cashier.payment(ALICE, started.id)
    assert (now.status.value, now.next_action) == ("requires_action", started.next_action)


@every_driver
async def test_a_charge_whose_answer_was_lost_is_made_once(shop: RupiahShop):
    """In doubt, then found under the shop's own reference, then paid."""
    invoice = await shop.till.order(TOTAL)
    shop.proxy.arm(DROPPED)
    assert (await shop.till.start(invoice, METHOD)).in_doubt
    shop.proxy.arm(None)
    await shop.till.sweep(3, after_s=20)
    await shop.pay(invoice)
    await shop.till.settle()
    assert await shop.till.status(invoice) == "paid"
    assert len(await shop.double.charges()) == 1


@every_driver
async def test_a_decline_leaves_the_order_payable_again(shop: RupiahShop):
    """With a new payment, under a reference of its own."""
    invoice = await shop.till.order(TOTAL)
    await shop.double.decline_next()
    assert (await shop.till.start(invoice, METHOD)).status.value == "failed"
    await shop.till.start(invoice, METHOD)
    await shop.pay(invoice)
    await shop.notify(await shop.last_notice())
    assert await shop.till.status(invoice) == "paid"
    assert len({one.merchant_ref for one in await shop.double.charges()}) == 2


@one_of_each
async def test_what_nobody_pays_expires_and_what_comes_late_is_taken(shop: RupiahShop):
    """The provider says so, and says so again when the money arrives after all."""
    invoice = await shop.till.order(TOTAL)
    await shop.till.start(invoice, METHOD)
    reference = await shop.reference(invoice)
    await shop.double.expire(reference)
    await shop.till.settle()
    assert await shop.statuses(invoice) == ["expired"]
    await shop.double.pay_late(None, reference)
    await shop.notify(await shop.last_notice())
    assert await shop.till.status(invoice) == "paid"


@who_refunds
async def test_a_refund_gives_the_money_back_once(shop: RupiahShop):
    """Also where its answer is lost."""
    invoice = await shop.till.order(TOTAL)
    started = await shop.till.start(invoice, METHOD)
    await shop.pay(invoice)
    await shop.notify(await shop.last_notice())
    shop.proxy.arm(DROPPED, at=0)
    await shop.till.refund(started.id)
    shop.proxy.arm(None)
    await shop.till.settle()
    [charge] = await shop.double.charges()
    assert [one.amount.amount for one in charge.movements if one.kind == "refund"] == [TOTAL]
    assert await shop.statuses(invoice) == ["refunded"]


@pytest.mark.parametrize("shop", ["midtrans gopay"], indirect=True)
async def test_parts_are_given_back_one_after_the_other(shop: RupiahShop):
    """Each a refund of its own."""
    invoice = await shop.till.order(TOTAL)
    started = await shop.till.start(invoice, METHOD)
    await shop.pay(invoice)
    await shop.notify(await shop.last_notice())
    for part, status in ((2_345_00, "partially_refunded"), (10_000_00, "refunded")):
        assert (await shop.till.refund(started.id, part)).status.value == status
    [charge] = await shop.double.charges()
    assert [one.amount.amount for one in charge.movements if one.kind == "refund"] == [2_345_00, 10_000_00]


@one_of_each
async def test_what_is_called_off_cannot_be_paid_any_more(shop: RupiahShop):
    """Nobody pays twice because two codes are on the screen."""
    invoice = await shop.till.order(TOTAL)
    first = await shop.till.start(invoice, METHOD)
    reference = await shop.reference(invoice)
    await shop.till.void(first.id)
    await shop.double.pay(None, reference)
    [charge] = await shop.double.charges()
    assert charge.movements == ()
    assert await shop.statuses(invoice) == ["canceled"]


@one_of_each
async def test_a_forged_notice_pays_nothing(shop: RupiahShop):
    """Neither one that is not signed, nor a genuine one in which somebody wrote that it is paid."""
    invoice = await shop.till.order(TOTAL)
    await shop.till.start(invoice, METHOD)
    await shop.pay(invoice)
    paid = await shop.last_notice()
    other = await shop.till.order(TOTAL)
    await shop.till.start(other, METHOD)
    unsigned = shop.double.seal(paid, "somebody else's")
    with pytest.raises(WebhookRejected):
        await shop.notify(unsigned, secret="somebody else's")
    assert await shop.till.status(invoice) == "awaiting_payment"
    told = json.loads(paid)
    for part in (told, told.get("data", {})):  # "paid", and signed by one who has the secret, but of the other order
        named = {name: await shop.reference(other) for name in ("order_id", "reference_id") if name in part}
        part.update(named | {name: None for name in ("payment_request_id",) if name in part})
    await shop.notify(shop.double.seal(json.dumps(told).encode(), shop.subject.webhook_secret))
    assert await shop.till.status(other) == "awaiting_payment"
