"""Money that is short by little: the shop lets go of it, says so in its books, and takes that back with the money."""

from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import replace

from kassa.adapters.main.configuration import load
from kassa.adapters.main.methods import instances_of
from kassa.ports.cashier import PaymentView
from kassa.ports.errors import AmountRefused, EvidenceRefused, SettingRefused
from kassa.ports.payment import MovementState, ShowAccount
from kassa.ports.payment_records import PayableState, PaymentStatus, Suspense
from kassa.ports.treasury import Assignment
from tests.kernel.payment.accounts import ACCOUNTS
from tests.kernel.payment.provider import Charge, Provider, notice
from tests.kernel.payment.reserving import Reserve
from tests.kernel.payment.test_money import evidence
from tests.kernel.payment.test_treasury import unmatched
from tests.kernel.payment.till import ALICE, BUYER, Till, open_till
from tests.kernel.world import OPERATOR

Q = PaymentStatus


@pytest_asyncio.fixture
async def till() -> AsyncIterator[Till]:
    """A till that lets go of 5."""
    made = await open_till(tolerance=5, also=ACCOUNTS, more=(Reserve,))
    yield made
    await made.assert_sound()
    await made.close()


async def paid(till: Till, payment_id: int, amount: int, reference: str = "BANK-1") -> PaymentView:
    """So much was seen on the bank account."""
    return await till.cashier.treasury.confirm(payment_id, evidence(amount, reference), OPERATOR)


async def forgiven(till: Till, invoice: str) -> int:
    return (await till.file(invoice)).payable.forgiven


async def books(till: Till, invoice: str) -> dict[str, int]:
    """What the ledger says of an order, and of what was forgiven."""
    rows = till.world.database.connection.exec_driver_sql(
        "SELECT account, sum(amount) FROM ledger WHERE account IN ('forgiven', 'suspense', ?) GROUP BY account",
        (f"payable:{invoice}",),
    )
    return {account.partition(":")[0]: amount for account, amount in rows if amount}


@pytest.mark.parametrize("missing", [1, 5])
async def test_an_order_that_is_short_by_little_is_paid(till: Till, missing: int) -> None:
    invoice = await till.order()
    view = await paid(till, (await till.start(invoice, "bank")).id, 1000 - missing)
    assert (view.status, view.forgiven.amount, view.due.amount) == (Q.PAID, missing, 0)
    assert view.next_action is None
    assert await till.status(invoice) == "paid"
    assert await books(till, invoice) == {"forgiven": missing, "payable": -1000}


async def test_an_order_that_is_short_by_more_is_not(till: Till) -> None:
    invoice = await till.order()
    view = await paid(till, (await till.start(invoice, "bank")).id, 994)
    assert (view.status, view.forgiven.amount, view.due.amount) == (Q.PARTIALLY_PAID, 0, 6)
    assert await till.status(invoice) == "awaiting_payment"
    view = await paid(till, view.id, 2, "BANK-2")
    assert (view.status, await forgiven(till, invoice)) == (Q.PAID, 4)
    assert await till.status(invoice) == "paid"


def test_the_shop_says_how_lenient_it_is_and_whether_two_people_have_to_see_money(tmp_path: Path) -> None:
    page = tmp_path / "kassa.toml"
    for lines, expected in (("", 0), ("tolerance = 5", 5)):
        page.write_text(
            f'[treasury]\nsecond_person = true\n[payments.bank]\nplugin = "bank"\n{lines}\n', encoding="utf-8"
        )
        settings = load(page, {})
        (instance,) = instances_of(settings)
        assert (instance.tolerance, settings.treasury.second_person) == (expected, True)
    page.write_text('[payments.bank]\nplugin = "bank"\ntolerance = -1\n', encoding="utf-8")
    with pytest.raises(SettingRefused):
        load(page, {})


async def test_a_shop_without_tolerance_lets_go_of_nothing() -> None:
    till = await open_till()
    invoice = await till.order()
    view = await paid(till, (await till.start(invoice, "bank")).id, 999)
    assert (view.status, view.due.amount) == (Q.PARTIALLY_PAID, 1)
    await till.assert_sound()
    await till.close()


async def test_what_is_forgiven_is_told_and_audited(till: Till) -> None:
    invoice = await till.order()
    await paid(till, (await till.start(invoice, "bank")).id, 997)
    rows = till.world.database.connection.exec_driver_sql("SELECT details FROM audit WHERE action = 'payment.confirm'")
    assert [msgspec.json.decode(row[0])["forgiven"] for row in rows] == [3]
    rows = till.world.database.connection.exec_driver_sql("SELECT payload FROM outbox WHERE kind = 'order.paid'")
    assert [msgspec.json.decode(row[0])["forgiven"]["amount"] for row in rows] == [3]


async def test_money_that_comes_later_for_it_is_surplus(till: Till) -> None:
    invoice = await till.order()
    view = await paid(till, (await till.start(invoice, "bank")).id, 997)
    view = await paid(till, view.id, 3, "BANK-2")
    (row,) = await till.cashier.treasury.suspense(10)
    assert (row.amount.amount, row.reason) == (3, "surplus")
    assert (view.status, await forgiven(till, invoice)) == (Q.PAID, 3)


async def test_money_that_nobody_told_of_is_found_though_the_order_was_paid(till: Till) -> None:
    """The account may still be paid to, and notices get lost."""
    invoice = await till.order()
    await till.start(invoice, "bank")
    (charge,) = till.provider.charges.values()
    till.provider.pay(charge, 997)
    await till.notify(notice(charge, "ev1", report=charge.report()), "bank")
    assert await till.status(invoice) == "paid"
    till.provider.pay(charge, 500)
    await till.settle()
    (row,) = await till.cashier.treasury.suspense(10)
    assert (row.amount.amount, row.reason) == (500, "surplus")
    view = await till.cashier.payment(ALICE, 1)
    assert (view.status, view.captured.amount, view.forgiven.amount) == (Q.OVERPAID, 1497, 3)


async def test_a_customer_who_paid_a_part_sees_what_is_due_and_how_until_it_expires(till: Till) -> None:
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    assert (started.due.amount, started.next_action.amount.amount) == (1000, 1000)
    await paid(till, started.id, 400)
    view = await till.cashier.payment(ALICE, started.id)
    assert (view.status, view.due.amount) == (Q.PARTIALLY_PAID, 600)
    assert isinstance(view.next_action, ShowAccount)
    assert view.next_action == replace(started.next_action, amount=view.due)
    await till.sweep(3, after_s=90_000)
    view = await till.cashier.payment(ALICE, started.id)
    assert (view.status, view.due.amount, view.next_action) == (Q.PARTIALLY_PAID, 600, None)


async def test_the_amount_of_a_code_is_all_that_is_due(till: Till) -> None:
    invoice = await till.order()
    started = await till.start(invoice, "coded")
    asked = started.nominal.amount
    assert 991 <= asked < 1000
    assert started.due.amount == asked
    view = await paid(till, started.id, asked)
    assert (view.status, view.forgiven.amount, await till.status(invoice)) == (Q.PAID, 1000 - asked, "paid")
    assert await books(till, invoice) == {"forgiven": 1000 - asked, "payable": -1000}


async def test_a_code_and_the_tolerance_add_up(till: Till) -> None:
    invoice = await till.order()
    started = await till.start(invoice, "coded")
    asked = started.nominal.amount
    view = await paid(till, started.id, asked - 6)
    assert (view.status, view.due.amount) == (Q.PARTIALLY_PAID, 6)
    view = await paid(till, started.id, 1, "BANK-2")
    assert (view.status, view.forgiven.amount) == (Q.PAID, 1000 - asked + 5)


async def test_more_than_a_code_asked_for_is_less_forgiven(till: Till) -> None:
    invoice = await till.order()
    started = await till.start(invoice, "coded")
    view = await paid(till, started.id, 1000)
    assert (view.status, view.forgiven.amount, await till.status(invoice)) == (Q.OVERPAID, 0, "paid")


async def test_a_refund_gives_back_what_came_and_nothing_forgiven(till: Till) -> None:
    till.provider.script.append("short")
    invoice = await till.order()
    view = await till.start(invoice)
    assert (view.status, view.captured.amount, view.forgiven.amount) == (Q.PAID, 999, 1)
    with pytest.raises(AmountRefused):
        await till.refund(view.id, 1000)
    back = await till.refund(view.id)
    assert (back.status, back.refunded.amount, await forgiven(till, invoice)) == (Q.REFUNDED, 999, 1)
    assert till.provider.kept() == 0


async def test_a_capture_of_all_but_little_completes_the_order(till: Till) -> None:
    invoice = await till.order()
    view = await till.start(invoice, "reserve")
    view = await till.capture(view.id, 997)
    assert (view.status, view.forgiven.amount, await till.status(invoice)) == (Q.PAID, 3, "paid")


# --- money that goes again


async def short(till: Till) -> tuple[str, int, Charge]:
    """An order paid by a card that took 1 too little."""
    till.provider.script.append("short")
    invoice = await till.order()
    view = await till.start(invoice)
    assert await forgiven(till, invoice) == 1
    return invoice, view.id, next(iter(till.provider.charges.values()))


async def tell(till: Till, charge: Charge, number: int) -> None:
    await till.notify(notice(charge, f"ev{number}", report=charge.report()))


async def test_a_reversed_capture_takes_what_was_forgiven_with_it(till: Till) -> None:
    invoice, payment_id, charge = await short(till)
    (name,) = charge.movements
    charge.movements[name] = replace(charge.movements[name], state=MovementState.REVERSED)
    await tell(till, charge, 1)
    file = await till.file(invoice)
    assert (file.payable.forgiven, file.payments[0].captured, file.payments[0].needs_review) == (0, 0, True)
    assert await books(till, invoice) == {}
    assert file.payable.state is PayableState.PAID
    assert payment_id == file.payments[0].id


async def test_a_chargeback_takes_what_was_forgiven_and_losing_it_brings_it_back(till: Till) -> None:
    invoice, _, charge = await short(till)
    back = charge.move("chargeback", "cb_1", replace(charge.amount, amount=999))
    await tell(till, charge, 1)
    assert (await forgiven(till, invoice), await books(till, invoice)) == (0, {})
    charge.movements["cb_1"] = replace(back, state=MovementState.REVERSED)
    await tell(till, charge, 2)
    assert await forgiven(till, invoice) == 1
    assert await books(till, invoice) == {"forgiven": 1, "payable": -1000}


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_same_facts_in_any_order_forgive_the_same(order: tuple[int, ...]) -> None:
    """Two parts of a transfer and a refund that came back, told in every order and twice."""
    till = await open_till(provider=Provider(), tolerance=5)
    invoice = await till.order()
    till.provider.script.append("redirect")
    await till.start(invoice)
    (charge,) = till.provider.charges.values()
    facts = [
        charge.move("capture", "mv_a", replace(charge.amount, amount=400)),
        charge.move("capture", "mv_b", replace(charge.amount, amount=597)),
        charge.move("refund", "rf_a", replace(charge.amount, amount=100), MovementState.REVERSED),
    ]
    for number, place in enumerate((*order, *order)):
        report = replace(charge.report(), movements=(facts[place],))
        await till.notify(notice(charge, f"ev{number}", report=report))
    view = await till.cashier.payment(ALICE, 1)
    assert (view.status, view.forgiven.amount) == (Q.PAID, 3)
    assert await till.status(invoice) == "paid"
    await till.assert_sound()
    await till.close()


# --- late, and without a name


async def test_late_money_that_is_short_by_little_pays_an_order_that_ended(till: Till) -> None:
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    await till.cashier.cancel(ALICE, started.id, BUYER)
    await till.world.checkout.cancel(ALICE, invoice, BUYER)
    view = await paid(till, started.id, 996)
    assert (await till.status(invoice), view.forgiven.amount) == ("paid", 4)


async def test_late_money_put_aside_is_given_to_an_order_short_by_little() -> None:
    till = await open_till(tolerance=5, late="review")
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    await till.cashier.cancel(ALICE, started.id, BUYER)
    await till.world.checkout.cancel(ALICE, invoice, BUYER)
    await paid(till, started.id, 996)
    (row,) = await till.cashier.treasury.suspense(10)
    view = await assigned(till, row, started.id)
    assert (await till.status(invoice), view.forgiven.amount) == ("paid", 4)
    await till.assert_sound()
    await till.close()


async def test_late_money_that_lacks_more_stays_aside() -> None:
    till = await open_till(tolerance=5, late="review")
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    await till.cashier.cancel(ALICE, started.id, BUYER)
    await till.world.checkout.cancel(ALICE, invoice, BUYER)
    await paid(till, started.id, 994)
    (row,) = await till.cashier.treasury.suspense(10)
    with pytest.raises(EvidenceRefused):
        await assigned(till, row, started.id)
    await till.assert_sound()
    await till.close()


async def test_unmatched_money_that_is_short_by_little_pays_what_it_is_given_to(till: Till) -> None:
    invoice = await till.order()
    started = await till.start(invoice, "bank")
    await till.notify(unmatched(amount=replace(started.nominal, amount=995)), "bank")
    (row,) = await till.cashier.treasury.suspense(10)
    view = await assigned(till, row, started.id)
    assert (view.status, view.forgiven.amount, await till.status(invoice)) == (Q.PAID, 5, "paid")


async def assigned(till: Till, row: Suspense, payment_id: int) -> PaymentView:
    word = Assignment(key=row.key, payment_id=payment_id, reason="the customer sent the receipt")
    return await till.cashier.treasury.assign(word, OPERATOR)
