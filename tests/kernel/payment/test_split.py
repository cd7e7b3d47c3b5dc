"""One transfer for two invoices: money without a name is split, and each part gets its own."""

import asyncio

import pytest

from kassa.ports.errors import Conflict, EvidenceRefused, KassaError, UnknownSuspense
from kassa.ports.money import Money
from kassa.ports.payment_records import PaymentStatus, Suspense, SuspenseState
from kassa.ports.treasury import Split
from tests.kernel.payment.provider import notice
from tests.kernel.payment.test_money import evidence
from tests.kernel.payment.test_treasury import assign, send_back, the_suspense, unmatched
from tests.kernel.payment.till import ALICE, Till
from tests.kernel.world import OPERATOR, pence

KEY = "unmatched/bank/mv_77"


async def a_transfer(till: Till, amount: int = 1500) -> Suspense:
    """Money for two invoices, of which it names none."""
    await till.notify(unmatched(amount=pence(amount)), "bank")
    return await the_suspense(till)


def split(till: Till, *amounts: int | Money, key: str = KEY):
    parts = tuple(pence(amount) if isinstance(amount, int) else amount for amount in amounts)
    return till.cashier.treasury.split(Split(key=key, amounts=parts, reason="two invoices at once"), OPERATOR)


async def test_one_transfer_pays_two_invoices(till: Till) -> None:
    first, second = await till.order(1000), await till.order(500)
    payments = [await till.start(invoice, "bank") for invoice in (first, second)]
    await a_transfer(till)
    parts = await split(till, 1000, 500)
    assert [(part.key, part.amount.amount) for part in parts] == [(f"{KEY}/1", 1000), (f"{KEY}/2", 500)]
    for part, payment in zip(parts, payments, strict=True):
        assert (await assign(till, part, payment.id)).status is PaymentStatus.PAID
    assert (await till.status(first), await till.status(second)) == ("paid", "paid")
    assert await till.cashier.treasury.suspense(10) == ()


async def test_what_tells_of_the_whole_transfer_again_counts_nothing(till: Till) -> None:
    invoice = await till.order(1000)
    started = await till.start(invoice, "bank")
    await a_transfer(till)
    parts = await split(till, 1000, 500)
    await till.notify(unmatched("u2", amount=pence(1500)), "bank")
    assert len(await till.cashier.treasury.suspense(10)) == 2
    await assign(till, parts[0], started.id)
    charge = till.provider.by_merchant_ref((await till.file(invoice)).payments[0].merchant_ref)
    charge.move("capture", "mv_77", pence(1500))
    await till.notify(notice(charge, "ev9", report=charge.report()), "bank")
    view = await till.cashier.payment(ALICE, started.id)
    assert view.captured.amount == 1000
    assert (await till.file(invoice)).payments[0].needs_review


async def test_a_part_is_sent_back_like_any_money_without_a_name(till: Till) -> None:
    await a_transfer(till)
    _, second = await split(till, 1000, 500)
    back = await send_back(till, second)
    assert (back.state, back.key) == (SuspenseState.REFUNDED, f"{KEY}/2")


async def test_a_part_is_split_again(till: Till) -> None:
    await a_transfer(till)
    first, second = await split(till, 1000, 500)
    again = await split(till, 200, 300, key=second.key)
    assert [part.key for part in again] == [f"{KEY}/2/1", f"{KEY}/2/2"]
    assert {row.key for row in await till.cashier.treasury.suspense(10)} == {first.key, *(part.key for part in again)}


@pytest.mark.parametrize(
    "amounts",
    [(1000,), (1000, 499), (1000, 501), (1500, 0), (2000, -500), (1000, Money(amount=500, currency="USD"))],
)
async def test_parts_that_are_not_the_whole_are_refused(till: Till, amounts: tuple[int, ...]) -> None:
    row = await a_transfer(till)
    with pytest.raises(EvidenceRefused):
        await split(till, *amounts)
    assert await the_suspense(till) == row


async def test_money_of_a_payment_is_not_split(till: Till) -> None:
    started = await till.start(await till.order(), "bank")
    await till.cashier.treasury.confirm(started.id, evidence(1500), OPERATOR)
    row = await the_suspense(till)
    with pytest.raises(EvidenceRefused):
        await split(till, 250, 250, key=row.key)


async def test_only_money_that_waits_is_split_and_once(till: Till) -> None:
    with pytest.raises(UnknownSuspense):
        await split(till, 1000, 500)
    await a_transfer(till)
    await split(till, 1000, 500)
    with pytest.raises(Conflict):
        await split(till, 1000, 500)


@pytest.mark.parametrize("first", ["split", "assign"])
async def test_money_is_split_or_assigned_at_once_not_both(till: Till, first: str) -> None:
    invoice = await till.order(1500)
    started = await till.start(invoice, "bank")
    row = await a_transfer(till)
    works = [split(till, 1000, 500), assign(till, row, started.id)]
    ends = await asyncio.gather(*(works if first == "split" else works[::-1]), return_exceptions=True)
    assert sum(isinstance(end, KassaError) for end in ends) == 1
    kept = (await till.cashier.payment(ALICE, started.id)).captured.amount
    aside = sum(part.amount.amount for part in await till.cashier.treasury.suspense(10))
    assert (kept, aside) in ((1500, 0), (0, 1500))


async def test_who_split_it_and_why_is_in_the_trail(till: Till) -> None:
    await a_transfer(till)
    await split(till, 1000, 500)
    rows = till.world.database.connection.exec_driver_sql(
        "SELECT actor, subject, details FROM audit WHERE action = 'suspense.split'"
    )
    (row,) = rows.all()
    assert (row.actor, row.subject) == (OPERATOR.actor, f"suspense:{KEY}")
    assert b"two invoices at once" in row.details
