"""A shop that wants a second person: one operator's word about money on the bank account is kept, another's carries it out."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from kassa.ports.approvals import Approval
from kassa.ports.audit import Origin
from kassa.ports.cashier import PaymentView
from kassa.ports.errors import Conflict, EvidenceRefused
from kassa.ports.payment_records import PaymentStatus, Suspense, SuspenseState
from kassa.ports.treasury import Assignment, Confirmation, Return
from tests.kernel.payment.test_treasury import the_suspense, unmatched
from tests.kernel.payment.till import ALICE, Till, open_till
from tests.kernel.world import pence

ANN, BOB = (Origin(actor=f"operator:{number}", request_id=f"r-{number}") for number in (1, 2))
DAY_S = 86_400


@pytest_asyncio.fixture
async def till() -> AsyncIterator[Till]:
    """A till of a shop that wants two."""
    made = await open_till(second_person=True)
    yield made
    await made.assert_sound()
    await made.close()


def confirm(till: Till, payment_id: int, who: Origin, amount: int = 1000, why: str = "seen", reference: str = "BANK-1"):
    word = Confirmation(amount=pence(amount), bank_reference=reference, reason=why)
    return till.cashier.treasury.confirm(payment_id, word, who)


async def trail(till: Till, action: str) -> list[tuple[str, dict[str, object]]]:
    rows = till.world.database.connection.exec_driver_sql(
        "SELECT actor, details FROM audit WHERE action = ? ORDER BY id", (action,)
    )
    return [(actor, msgspec.json.decode(details)) for actor, details in rows]


async def test_a_confirmation_counts_when_a_second_person_says_the_same(till: Till) -> None:
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    kept = await confirm(till, started.id, ANN, why="seen by Ann")
    assert isinstance(kept, Approval)
    assert (kept.actor, kept.deed) == (ANN.actor, "confirm")
    assert (kept.until - kept.at).days == 7
    assert (await till.cashier.payment(ALICE, started.id)).captured.amount == 0
    assert await till.cashier.treasury.approvals(10) == (kept,)
    view = await confirm(till, started.id, BOB, why="seen by Bob", reference="bank-1")
    assert isinstance(view, PaymentView)
    assert (view.status, await till.status(invoice)) == (PaymentStatus.PAID, "paid")
    assert await till.cashier.treasury.approvals(10) == ()


async def test_the_trail_names_both(till: Till) -> None:
    started = await till.start(await till.order(), "bank")
    await confirm(till, started.id, ANN, why="seen by Ann")
    await confirm(till, started.id, BOB, why="seen by Bob")
    ((actor, asked),) = await trail(till, "approval.asked")
    assert (actor, asked["word"]["reason"]) == (ANN.actor, "seen by Ann")
    ((actor, done),) = await trail(till, "payment.confirm")
    assert (actor, done["first_person"], done["note"]) == (BOB.actor, ANN.actor, "seen by Bob")


async def test_the_same_person_twice_changes_nothing(till: Till) -> None:
    started = await till.start(await till.order(), "bank")
    first = await confirm(till, started.id, ANN)
    till.world.clock.advance(60)
    assert await confirm(till, started.id, ANN, why="really, I saw it") == first
    assert (await till.cashier.payment(ALICE, started.id)).captured.amount == 0
    assert len(await trail(till, "approval.asked")) == 1


@pytest.mark.parametrize("other", [{"amount": 999}, {"reference": "BANK-2"}])
async def test_another_word_is_no_second_one(till: Till, other: dict[str, object]) -> None:
    started = await till.start(await till.order(), "bank")
    await confirm(till, started.id, ANN)
    assert isinstance(await confirm(till, started.id, BOB, **other), Approval)
    assert len(await till.cashier.treasury.approvals(10)) == 2
    assert (await till.cashier.payment(ALICE, started.id)).captured.amount == 0


async def test_a_wish_is_over_after_a_week(till: Till) -> None:
    started = await till.start(await till.order(), "bank")
    await confirm(till, started.id, ANN)
    till.world.clock.advance(7 * DAY_S)
    again = await confirm(till, started.id, BOB)
    assert isinstance(again, Approval)
    assert again.actor == BOB.actor
    assert isinstance(await confirm(till, started.id, ANN), PaymentView)


async def test_what_cannot_be_is_refused_before_it_is_kept(till: Till) -> None:
    started = await till.start(await till.order())
    with pytest.raises(EvidenceRefused):
        await confirm(till, started.id, ANN)
    assert await till.cashier.treasury.approvals(10) == ()


async def test_what_was_confirmed_is_shown_to_whoever_says_it_again(till: Till) -> None:
    started = await till.start(await till.order(), "bank")
    for who in (ANN, BOB, ANN):
        last = await confirm(till, started.id, who)
    assert isinstance(last, PaymentView)
    assert last.captured.amount == 1000
    assert await till.cashier.treasury.approvals(10) == ()


async def test_two_who_say_it_at_once_count_it_once(till: Till) -> None:
    started = await till.start(await till.order(), "bank")
    ends = await asyncio.gather(*(confirm(till, started.id, who) for who in (ANN, BOB, ANN, BOB)))
    assert any(isinstance(end, Approval) for end in ends)
    assert (await till.cashier.payment(ALICE, started.id)).captured.amount == 1000
    assert len(await trail(till, "approval.asked")) == 1


async def a_row(till: Till) -> Suspense:
    await till.notify(unmatched(), "bank")
    return await the_suspense(till)


def assign(till: Till, row: Suspense, payment_id: int, who: Origin):
    return till.cashier.treasury.assign(Assignment(key=row.key, payment_id=payment_id, reason="a receipt"), who)


async def test_money_gets_its_name_from_two(till: Till) -> None:
    invoice = await till.order()
    started, row = await till.start(invoice, "bank"), await a_row(till)
    assert isinstance(await assign(till, row, started.id, ANN), Approval)
    assert await the_suspense(till) == row
    view = await assign(till, row, started.id, BOB)
    assert isinstance(view, PaymentView)
    assert await till.status(invoice) == "paid"
    ((actor, done),) = await trail(till, "suspense.assign")
    assert (actor, done["first_person"]) == (BOB.actor, ANN.actor)


async def test_two_names_for_one_sum_are_two_wishes(till: Till) -> None:
    payments = [await till.start(await till.order(), "bank") for _ in range(2)]
    row = await a_row(till)
    assert isinstance(await assign(till, row, payments[0].id, ANN), Approval)
    assert isinstance(await assign(till, row, payments[1].id, BOB), Approval)
    await assign(till, row, payments[1].id, ANN)
    with pytest.raises(Conflict):
        await assign(till, row, payments[0].id, BOB)
    assert (await till.cashier.payment(ALICE, payments[1].id)).captured.amount == 1000


def send_back(till: Till, row: Suspense, who: Origin):
    return till.cashier.treasury.returned_by_hand(Return(key=row.key, bank_reference="OUT-1", reason="nobodys"), who)


async def test_money_is_sent_back_by_two(till: Till) -> None:
    row = await a_row(till)
    assert isinstance(await send_back(till, row, ANN), Approval)
    assert await the_suspense(till) == row
    done = await send_back(till, row, BOB)
    assert isinstance(done, Suspense)
    assert done.state is SuspenseState.REFUNDED
    ((actor, told),) = await trail(till, "suspense.returned")
    assert (actor, told["first_person"]) == (BOB.actor, ANN.actor)


async def test_a_surplus_is_sent_back_by_two(till: Till) -> None:
    started = await till.start(await till.order(), "bank")
    for who in (ANN, BOB):
        await confirm(till, started.id, who, amount=1300)
    row = await the_suspense(till)
    assert isinstance(await send_back(till, row, BOB), Approval)
    done = await send_back(till, row, ANN)
    assert isinstance(done, Suspense)
    assert (done.state, done.amount.amount) == (SuspenseState.REFUNDED, 300)
    ((_, told),) = await trail(till, "suspense.returned")
    assert told["first_person"] == BOB.actor


async def test_one_person_is_enough_where_the_shop_says_nothing() -> None:
    till = await open_till()
    started = await till.start(await till.order(), "bank")
    assert isinstance(await confirm(till, started.id, ANN), PaymentView)
    assert await till.cashier.treasury.approvals(10) == ()
    await till.assert_sound()
    await till.close()
