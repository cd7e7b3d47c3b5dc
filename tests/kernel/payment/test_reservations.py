"""What a payment has for itself among the open ones: an account number, or an exact amount."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kassa.ports.errors import AmountRefused, NoReferenceLeft
from tests.kernel.payment.accounts import ACCOUNTS, DAY_S, Coded, Numbered
from tests.kernel.payment.till import ALICE, BUYER, Till, open_till


@pytest_asyncio.fixture
async def till() -> AsyncIterator[Till]:
    """A till with both kinds of bank account."""
    Numbered.told.clear()
    made = await open_till(also=ACCOUNTS)
    yield made
    await made.assert_sound()
    await made.close()


async def told_of(till: Till, invoice_id: str) -> list[tuple[int | None, int]]:
    """The number and the amount that the plugin was told, call by call."""
    return [(r.reserved, r.amount.amount) for r in Numbered.told if r.invoice_id == invoice_id]


async def test_a_payment_gets_a_number_that_no_other_open_payment_has(till: Till) -> None:
    numbers = []
    for _ in range(10):
        invoice = await till.order()
        await till.start(invoice, "numbered")
        payment = (await till.file(invoice)).payments[0]
        numbers.append(payment.reserved)
        assert await told_of(till, invoice) == [(payment.reserved, 1000)]
        assert await till.world.payments.reserved("numbered", (str(payment.reserved),)) == {
            str(payment.reserved): payment.id
        }
    assert sorted(numbers) == list(range(1, 11))


async def test_without_a_free_number_nothing_begins_and_the_key_is_not_burnt(till: Till) -> None:
    for _ in range(10):
        await till.start(await till.order(), "numbered")
    invoice = await till.order()
    with pytest.raises(NoReferenceLeft) as refusal:
        await till.start(invoice, "numbered", key="again")
    assert refusal.value.retry_after_s > 0
    assert (await till.file(invoice)).payments == ()
    assert not await told_of(till, invoice)
    till.world.clock.advance(days=45)
    await till.sweep(3)
    assert (await till.start(invoice, "numbered", key="again")).status.value == "requires_action"


async def test_a_number_rests_for_its_quarantine_before_it_is_given_to_another(till: Till) -> None:
    invoices = [await till.order() for _ in range(10)]
    views = [await till.start(invoice, "numbered") for invoice in invoices]
    for view in views:
        await till.cashier.cancel(ALICE, view.id, BUYER)
    with pytest.raises(NoReferenceLeft):
        await till.start(await till.order(), "numbered")
    till.world.clock.advance(29 * DAY_S)
    with pytest.raises(NoReferenceLeft):
        await till.start(await till.order(), "numbered")
    till.world.clock.advance(9 * DAY_S)
    await till.start(await till.order(), "numbered")


async def test_a_payment_that_lives_on_keeps_its_number_however_late_it_is(till: Till) -> None:
    for _ in range(10):
        await till.start(await till.order(), "numbered")
    till.world.clock.advance(days=400)
    with pytest.raises(NoReferenceLeft):
        await till.start(await till.order(), "numbered")


async def test_a_start_that_is_sent_again_has_the_same_number(till: Till) -> None:
    invoice = await till.order()
    till.provider.script.extend(["not_executed", "not_executed"])
    await till.start(invoice, "numbered")
    calls = await told_of(till, invoice)
    assert len(calls) == 3
    assert len(set(calls)) == 1


async def test_a_code_makes_the_amount_unique_and_the_shop_lets_go_of_it(till: Till) -> None:
    amounts = set()
    for _ in range(9):
        invoice = await till.order(1000)
        view = await till.start(invoice, "coded")
        payment = (await till.file(invoice)).payments[0]
        assert payment.nominal.amount + payment.forgives == 1000
        assert await told_of(till, invoice) == [(payment.forgives, payment.nominal.amount)]
        assert view.nominal == payment.nominal
        amounts.add(payment.nominal.amount)
    assert amounts == set(range(991, 1000))
    with pytest.raises(NoReferenceLeft):
        await till.start(await till.order(1000), "coded")
    await till.start(await till.order(1020), "coded")


async def test_a_code_leaves_something_to_pay(till: Till) -> None:
    for expected in (1, 2, 3):
        await till.start(await till.order(4), "coded")
        assert len(Coded.told) == expected
    assert sorted(r.amount.amount for r in Coded.told) == [1, 2, 3]
    with pytest.raises(NoReferenceLeft):
        await till.start(await till.order(4), "coded")


async def test_an_amount_too_small_for_any_code_is_refused(till: Till) -> None:
    with pytest.raises(AmountRefused):
        await till.start(await till.order(1), "coded")


@pytest.mark.parametrize(("method", "size"), [("numbered", 10), ("coded", 9)])
async def test_of_64_starts_at_once_each_number_is_given_once(till: Till, method: str, size: int) -> None:
    invoices = [await till.order() for _ in range(64)]
    ends = await asyncio.gather(*(till.start(i, method) for i in invoices), return_exceptions=True)
    assert sum(1 for end in ends if isinstance(end, NoReferenceLeft)) == 64 - size
    values = [r.reserved for r in Numbered.told]
    assert len(values) == len(set(values)) == size
    begun = [await till.file(invoice) for invoice in invoices]
    assert sum(len(file.payments) for file in begun) == size
