"""Bank statements at the desk: kept whole or not at all, matched, counted once, whatever falls over meanwhile."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from kassa.adapters.system.failpoints import FailpointReached, SystemFailpoints
from kassa.kernel.payment_lines_work import LEASE_S
from kassa.ports.bank_desk import BankStatement
from kassa.ports.bank_files import LineState
from kassa.ports.banking import BankLine, BankReference, Reserving
from kassa.ports.errors import Conflict, NotCapable, StatementRefused, UnknownMethod
from kassa.ports.money import Money
from kassa.ports.payment import AnyOutcome, Context, Movement, MovementState, OperationRequest, Pending, Wait
from kassa.ports.treasury import Assignment, Confirmation, Review
from kassa.ports.values import Page
from tests.kernel.payment.banking import Desk, bank_desk, credit, debit, to_account, written
from tests.kernel.payment.provider import Bank
from tests.kernel.payment.till import Till, open_till
from tests.kernel.world import OPERATOR, pence


@pytest.fixture
def desk(till: Till) -> Desk:
    return bank_desk(till)


async def account_of(till: Till, payment_id: int) -> str:
    file = await till.world.payments.file_of_payment(payment_id)
    return next(p.provider_ref for p in file.payments if p.id == payment_id) or ""


async def a_bill(till: Till, total: int = 1000) -> tuple[str, int, str]:
    """An order to be paid by bank: its invoice id, its payment, its virtual account."""
    invoice_id = await till.order(total)
    payment = await till.start(invoice_id, "bank")
    return invoice_id, payment.id, await account_of(till, payment.id)


async def waiting_money(till: Till) -> list[tuple[str, int]]:
    return [(row.reason, row.amount.amount) for row in await till.cashier.treasury.suspense(100)]


# --- money that names its payment


async def test_money_on_a_virtual_account_pays_its_order(till: Till, desk: Desk) -> None:
    invoice_id, payment_id, number = await a_bill(till)
    report = await desk.bring(credit(references=to_account(number)))
    (line,) = report.lines
    assert (line.verdict, line.payments, line.state) == ("confirmed", (payment_id,), LineState.DONE)
    assert invoice_id in line.reason
    assert await till.status(invoice_id) == "paid"
    assert report.verdicts == {"confirmed": 1}


async def test_less_money_leaves_the_rest_due_and_the_rest_pays_it(till: Till, desk: Desk) -> None:
    invoice_id, payment_id, number = await a_bill(till)
    await desk.bring(credit(1, 400, references=to_account(number)))
    assert (await till.cashier.treasury.view(payment_id)).status.value == "partially_paid"
    assert await till.status(invoice_id) == "awaiting_payment"
    await desk.bring(credit(2, 600, references=to_account(number)))
    assert await till.status(invoice_id) == "paid"


async def test_more_money_and_a_second_payment_are_surplus(till: Till, desk: Desk) -> None:
    invoice_id, _, number = await a_bill(till)
    report = await desk.bring(credit(1, 1200, references=to_account(number)), credit(2, references=to_account(number)))
    assert report.verdicts == {"confirmed": 2}
    assert await till.status(invoice_id) == "paid"
    assert sorted(await waiting_money(till)) == [("surplus", 200), ("surplus", 1000)]


async def test_late_money_is_late_money(till: Till, desk: Desk) -> None:
    invoice_id, payment_id, number = await a_bill(till)
    await till.cashier.cancel(7, payment_id, OPERATOR)
    report = await desk.bring(credit(references=to_account(number)))
    assert report.verdicts == {"confirmed": 1}
    assert await till.status(invoice_id) == "paid"
    file = await till.file(invoice_id)
    assert file.payments[0].late


# --- money that does not


async def test_money_that_names_nobody_waits_with_its_payer_and_text(till: Till, desk: Desk) -> None:
    report = await desk.bring(credit(text="for the tea"))
    assert report.verdicts == {"unmatched": 1}
    (row,) = await till.cashier.treasury.suspense(10)
    assert (row.key, row.reason) == ("unmatched/bank/bank:REF1", "unmatched")
    assert row.note == "Ada Payer / GB29NWBK60161331926819 / for the tea"
    assert (await desk.desk.proposed((row,)))[0].proposals == ()


async def test_an_invoice_number_only_proposes_and_the_operator_assigns(till: Till, desk: Desk) -> None:
    invoice_id, payment_id, _ = await a_bill(till)
    report = await desk.bring(credit(text=f"Invoice {invoice_id.lower().replace('-', ' ')} thanks"))
    assert report.verdicts == {"proposed": 1}
    assert report.lines[0].payments == (payment_id,)
    (row,) = await desk.desk.proposed(await till.cashier.treasury.suspense(10))
    assert [(one.payment_id, one.invoice_id) for one in row.proposals] == [(payment_id, invoice_id)]
    await till.cashier.treasury.assign(Assignment(key=row.key, payment_id=payment_id, reason="as proposed"), OPERATOR)
    assert await till.status(invoice_id) == "paid"


async def test_a_shop_may_let_the_invoice_number_confirm(till: Till) -> None:
    invoice_id, _, _ = await a_bill(till)
    report = await bank_desk(till, confirms=("invoice",)).bring(credit(text=invoice_id))
    assert report.verdicts == {"confirmed": 1}
    assert await till.status(invoice_id) == "paid"


async def test_a_customer_is_known_by_the_account_of_an_earlier_payment(till: Till, desk: Desk) -> None:
    _, _, number = await a_bill(till)
    _, second, _ = await a_bill(till, 700)
    report = await desk.bring(credit(1, references=to_account(number)), credit(2, 700, text="tea"))
    assert [line.verdict for line in report.lines] == ["confirmed", "proposed"]
    assert report.lines[1].payments == (second,)


async def test_money_in_another_currency_is_nobodys(till: Till, desk: Desk) -> None:
    invoice_id, _, number = await a_bill(till)
    foreign = credit(references=to_account(number), money=Money(amount=1000, currency="EUR"))
    report = await desk.bring(foreign)
    assert [line.verdict for line in report.lines] == ["unmatched"]
    assert "not in EUR" in report.lines[0].reason
    assert await till.status(invoice_id) == "awaiting_payment"


async def test_a_doubtful_line_books_nothing_and_waits_for_a_person(till: Till, desk: Desk) -> None:
    _, _, number = await a_bill(till)
    report = await desk.bring(credit(references=to_account(number), doubt="its parts have no amounts"))
    assert [(line.verdict, line.reason) for line in report.lines] == [("review", "its parts have no amounts")]
    assert await waiting_money(till) == []
    assert report.statement is not None and report.statement.review == 1
    (line,) = (await desk.files.lines(report.statement.id, Page())).items
    looked = await desk.desk.reviewed(line.id, Review(reason="a charge of the bank's"), OPERATOR)
    assert (looked.state, looked.verdict, looked.reviewed) == (LineState.DONE, "review", "a charge of the bank's")
    with pytest.raises(Conflict):
        await desk.desk.reviewed(line.id, Review(reason="once more"), OPERATOR)


async def test_money_that_went_out_is_not_ours(till: Till, desk: Desk) -> None:
    report = await desk.bring(debit(text="rent"))
    assert report.verdicts == {"not_ours": 1}
    assert await waiting_money(till) == []


# --- once


async def test_the_same_file_again_changes_nothing(till: Till, desk: Desk) -> None:
    invoice_id, _, number = await a_bill(till)
    lines = (credit(1, references=to_account(number)), credit(2, 300, text="?"), debit())
    first = await desk.bring(*lines)
    before = (await till.file(invoice_id), await waiting_money(till))
    for salt in ("", "x"):
        again = await desk.bring(*lines, salt=salt)
        assert again.verdicts == {"known": 3}
    assert (await till.file(invoice_id), await waiting_money(till)) == before
    assert first.statement is not None
    assert len((await desk.desk.statements(Page())).items) == 1


async def test_a_file_that_tells_more_adds_only_what_is_new(till: Till, desk: Desk) -> None:
    await desk.bring(credit(1, 300))
    report = await desk.bring(credit(1, 300), credit(2, 400))
    assert report.verdicts == {"known": 1, "unmatched": 1}
    assert await waiting_money(till) == [("unmatched", 300), ("unmatched", 400)]


async def test_a_reference_with_another_amount_than_before_is_doubtful(till: Till, desk: Desk) -> None:
    await desk.bring(credit(1, 300))
    report = await desk.bring(credit(1, 900))
    assert report.verdicts == {"review": 1}
    assert "was told before" in report.lines[0].reason
    assert await waiting_money(till) == [("unmatched", 300)]
    assert (await desk.bring(credit(1, 900), salt="x")).verdicts == {"known": 1}


async def test_money_confirmed_by_hand_counts_once(till: Till, desk: Desk) -> None:
    invoice_id, payment_id, number = await a_bill(till)
    seen = Confirmation(amount=pence(1000), bank_reference="ref1", reason="seen on the screen")
    await till.cashier.treasury.confirm(payment_id, seen, OPERATOR)
    report = await desk.bring(credit(references=to_account(number)))
    assert [(line.verdict, line.payments) for line in report.lines] == [("known", (payment_id,))]
    assert (await till.file(invoice_id)).payments[0].captured == 1000


async def test_money_confirmed_by_hand_with_another_amount_is_reviewed(till: Till, desk: Desk) -> None:
    _, payment_id, number = await a_bill(till)
    seen = Confirmation(amount=pence(900), bank_reference="ref1", reason="seen on the screen")
    await till.cashier.treasury.confirm(payment_id, seen, OPERATOR)
    report = await desk.bring(credit(references=to_account(number)))
    assert report.verdicts == {"review": 1}


async def test_money_confirmed_by_hand_in_another_spelling_is_reviewed(till: Till, desk: Desk) -> None:
    _, payment_id, number = await a_bill(till)
    seen = Confirmation(amount=pence(400), bank_reference="ref 1", reason="seen on the screen")
    await till.cashier.treasury.confirm(payment_id, seen, OPERATOR)
    line = credit(1, 400, references=to_account(number))
    assert (await desk.bring(line, dry_run=True)).verdicts == (await desk.bring(line)).verdicts == {"review": 1}
    assert (await till.cashier.treasury.view(payment_id)).captured == pence(400)
    assert (await desk.bring(credit(2, 600, references=to_account(number)))).verdicts == {"confirmed": 1}


async def test_money_that_a_line_told_of_after_a_person_is_no_reason_to_doubt_the_next(till: Till, desk: Desk) -> None:
    _, payment_id, number = await a_bill(till)
    seen = Confirmation(amount=pence(400), bank_reference="ref1", reason="seen on the screen")
    await till.cashier.treasury.confirm(payment_id, seen, OPERATOR)
    lines = tuple(credit(n, 400, references=to_account(number)) for n in (1, 2))
    for dry_run in (True, False):
        report = await desk.bring(*lines, dry_run=dry_run)
        assert [line.verdict for line in report.lines] == ["known", "confirmed"]


async def test_a_reference_that_the_bank_gives_again_months_later_is_reviewed(till: Till, desk: Desk) -> None:
    await desk.bring(credit(1, 300))
    assert (await desk.bring(credit(1, 300, booked_on="2026-03-04"))).verdicts == {"known": 1}
    later = credit(1, 300, booked_on="2026-09-01")
    assert (await desk.bring(later)).verdicts == {"review": 1}
    assert (await desk.bring(later, salt="x")).verdicts == {"known": 1}
    assert await waiting_money(till) == [("unmatched", 300)]


async def test_two_imports_at_once_count_once(till: Till, desk: Desk) -> None:
    invoice_id, _, number = await a_bill(till)
    lines = (credit(1, references=to_account(number)), credit(2, 300))
    reports = await asyncio.gather(*(desk.bring(*lines) for _ in range(4)))
    told = [line.verdict for report in reports for line in report.lines]
    assert sorted(told) == ["confirmed", *["known"] * 6, "unmatched"]
    assert (await till.file(invoice_id)).payments[0].captured == 1000
    assert await waiting_money(till) == [("unmatched", 300)]


def part(number: int, amount: int, **more: Any) -> BankLine:
    """A transaction of the batch REF1, as a file with details tells of it."""
    return replace(credit(1, amount, **more), id=f"REF1/{number}")


@pytest.mark.parametrize("is_whole_first", [True, False])
async def test_a_batch_and_its_parts_are_the_same_money(till: Till, desk: Desk, is_whole_first: bool) -> None:
    _, payment_id, number = await a_bill(till)
    files = [(credit(1, 1300),), (part(1, 1000, references=to_account(number)), part(2, 300))]
    first, second = files if is_whole_first else reversed(files)
    await desk.bring(*first)
    before = (await till.cashier.treasury.view(payment_id), await waiting_money(till))
    foreseen = await desk.bring(*second, dry_run=True)
    report = await desk.bring(*second)
    assert {line.verdict for line in report.lines} == {line.verdict for line in foreseen.lines} == {"review"}
    assert "the same money" in report.lines[0].reason
    assert (await till.cashier.treasury.view(payment_id), await waiting_money(till)) == before


async def test_the_parts_of_a_batch_that_was_in_doubt_count(till: Till, desk: Desk) -> None:
    _, _, number = await a_bill(till)
    await desk.bring(credit(1, 1300, doubt="a batch of 2, with the details of 0"))
    report = await desk.bring(part(1, 1000, references=to_account(number)), part(2, 300))
    assert report.verdicts == {"confirmed": 1, "unmatched": 1}


async def test_a_part_of_money_that_was_confirmed_by_hand_is_reviewed(till: Till, desk: Desk) -> None:
    _, payment_id, number = await a_bill(till)
    seen = Confirmation(amount=pence(1000), bank_reference="ref1", reason="seen on the screen")
    await till.cashier.treasury.confirm(payment_id, seen, OPERATOR)
    assert (await desk.bring(part(1, 1000, references=to_account(number)))).verdicts == {"review": 1}


async def test_files_of_one_account_for_two_methods_count_once() -> None:
    till = await open_till(also=(Payer,))
    one, other = bank_desk(till), bank_desk(till, "payer")
    _, _, number = await a_bill(till)
    lines = (credit(1, references=to_account(number)), credit(2, 300))
    await one.bring(*lines)
    assert (await other.bring(*lines)).verdicts == {"review": 2}
    assert await waiting_money(till) == [("unmatched", 300)]
    await till.close()


# --- a dry run


async def test_a_dry_run_reports_the_same_and_writes_nothing(till: Till) -> None:
    desk = bank_desk(till, confirms=("virtual_account", "payer"))
    invoice_id, _, number = await a_bill(till)
    await a_bill(till, 700)
    lines = (
        credit(1, references=to_account(number)),
        credit(2, 700),  # its payer is known by the line before it
        credit(3, 700),  # and owes nothing any more
        credit(4, text=invoice_id),
        credit(5, doubt="?"),
        debit(6),
    )
    told = await desk.bring(*lines, dry_run=True)
    assert (told.statement, await desk.files.statements(Page())) == (None, await desk.files.statements(Page()))
    assert (await desk.files.statements(Page())).items == ()
    assert await till.status(invoice_id) == "awaiting_payment"
    done = await desk.bring(*lines)
    assert replace(done, dry_run=True, statement=None) == told
    assert [line.verdict for line in told.lines] == [
        "confirmed", "confirmed", "unmatched", "proposed", "review", "not_ours",
    ]  # fmt: skip
    assert (await desk.bring(*lines, dry_run=True)).verdicts == {"known": 6}


# --- what cannot be read


async def test_a_file_that_cannot_be_read_is_refused_with_its_place(till: Till, desk: Desk) -> None:
    with pytest.raises(StatementRefused) as refused:
        await desk.desk.bring(BankStatement(method="bank", data=b"{"), OPERATOR, dry_run=False)
    assert refused.value.path == "byte 1"
    for method, form, error in (
        ("card", "auto", NotCapable),
        ("none", "auto", UnknownMethod),
        ("bank", "x", NotCapable),
    ):
        with pytest.raises(error):
            await desk.desk.bring(BankStatement(method=method, form=form, data=written()), OPERATOR, dry_run=False)
    with pytest.raises(StatementRefused):
        await desk.desk.bring(BankStatement(method="", data=b" " * (2**24 + 1)), OPERATOR, dry_run=False)
    assert (await desk.files.statements(Page())).items == ()


async def test_control_characters_are_not_kept(till: Till, desk: Desk) -> None:
    report = await desk.bring(credit(text="a\x00b\nc"))
    assert report.lines[0].text == "a b c"


# --- whatever falls over


def dying(till: Till, *points: str) -> None:
    """From now on the process dies at these points, until it is `revived`."""
    till.world.failpoints._points.update(SystemFailpoints(",".join(f"{point}=raise" for point in points))._points)


def revived(till: Till) -> None:
    till.world.failpoints._points.clear()


async def swept(till: Till, desk: Desk) -> None:
    """Everything that waits is processed once its lease has run out."""
    till.world.clock.advance(LEASE_S + 1)
    while await desk.sweep.run_once():
        pass


@pytest.mark.parametrize(
    "point",
    ["statement.before_keep", "statement.after_keep", "statement.after_record", "statement.before_settle",
     "statement.after_settle"],
)  # fmt: skip
async def test_who_dies_in_the_middle_loses_nothing_and_counts_nothing_twice(
    till: Till, desk: Desk, point: str
) -> None:
    invoice_id, payment_id, number = await a_bill(till)
    lines = (credit(1, references=to_account(number)), credit(2, 300, text="?"), debit(3))
    dying(till, point)
    with pytest.raises(FailpointReached):
        await desk.bring(*lines)
    revived(till)
    await swept(till, desk)
    report = await desk.bring(*lines)
    fresh = point == "statement.before_keep"
    assert report.verdicts == ({"confirmed": 1, "not_ours": 1, "unmatched": 1} if fresh else {"known": 3})
    assert await desk.files.backlog() == (0, 0)
    assert await till.status(invoice_id) == "paid"
    assert (await till.cashier.treasury.view(payment_id)).captured == pence(1000)
    assert await waiting_money(till) == [("unmatched", 300)]


async def test_what_an_import_has_no_time_for_is_the_sweeps(till: Till, desk: Desk) -> None:
    lines = tuple(credit(number, 100 + number, text="?") for number in range(60))

    def hurry(name: str) -> None:
        if name == "statement.after_settle":
            till.world.clock.advance(1)

    till.world.failpoints._on_reach = hurry
    report = await desk.bring(*lines)
    assert report.verdicts == {"unmatched": 60}
    assert [line.state for line in report.lines].count(LineState.WAITING) == 10
    assert report.statement is not None and report.statement.waiting == 10
    await swept(till, desk)
    assert len(await waiting_money(till)) == 60


async def test_a_reference_that_another_methods_payment_has_is_reviewed(till: Till, desk: Desk) -> None:
    _, payment_id, number = await a_bill(till)
    wallet = await till.start(await till.order(400), "bank")
    seen = Confirmation(amount=pence(400), bank_reference="ref1", reason="seen on the screen")
    await till.cashier.treasury.confirm(wallet.id, seen, OPERATOR)
    async with till.world.database.act() as write:  # another method's account has a transfer of this reference
        write.connection.exec_driver_sql("UPDATE payments SET method = 'card' WHERE id = ?", (wallet.id,))
    assert (await desk.bring(credit(references=to_account(number)))).verdicts == {"review": 1}
    assert (await till.cashier.treasury.view(payment_id)).captured == pence(0)


async def test_a_line_that_is_refused_again_and_again_is_at_last_a_persons(till: Till, desk: Desk) -> None:
    _, payment_id, number = await a_bill(till)
    async with till.world.database.act() as write:  # nothing is recorded of this payment any more
        write.connection.exec_driver_sql(
            "CREATE TRIGGER busy BEFORE UPDATE ON payables BEGIN SELECT RAISE(IGNORE); END"
        )
    report = await desk.bring(credit(references=to_account(number)))
    assert report.lines[0].state is LineState.WAITING
    for _ in range(6):
        await swept(till, desk)
    (line,) = await desk.files.lines_named("bank", ("REF1",))
    assert (line.state, line.verdict) == (LineState.REVIEW, "review")
    assert (await till.cashier.treasury.view(payment_id)).captured == pence(0)


@pytest.mark.parametrize("day", ["2026-02-30", "0000-01-01", "٢٠٢٦-٠١-٠١"])
async def test_a_day_that_is_none_is_refused_with_its_file(till: Till, desk: Desk, day: str) -> None:
    with pytest.raises(StatementRefused, match="a day that is none"):
        await desk.bring(credit(booked_on=day))
    assert (await desk.files.statements(Page())).items == ()


async def test_a_line_that_nobody_foresaw_holds_up_no_other_and_is_at_last_a_persons(till: Till, desk: Desk) -> None:
    _, _, number = await a_bill(till)
    dying(till, "statement.after_keep")
    with pytest.raises(FailpointReached):
        await desk.bring(credit(1, references=to_account(number)), credit(2, 300, text="?"))
    revived(till)
    async with till.world.database.act() as write:  # kept by a release that looked less closely
        write.connection.exec_driver_sql(
            "UPDATE bank_lines SET told = replace(CAST(told AS TEXT), '2026-03-02', '2026-02-30') WHERE line_id = 'REF1'"
        )
    for _ in range(6):
        await swept(till, desk)
    assert await waiting_money(till) == [("unmatched", 300)]
    assert await desk.files.backlog() == (0, 1)


# --- refunds


class Payer(Bank):
    """A bank account that sends refunds by a person: they are pending until a statement tells of them."""

    capabilities = replace(Bank.capabilities, refund="multiple")

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        assert request.amount is not None
        money = Movement(
            kind="refund", id=f"out-{request.operation_id}", state=MovementState.PENDING, amount=request.amount
        )
        return Pending(next_action=Wait(), movements=(money,))


async def test_a_refund_is_done_by_the_debit_that_names_it_once() -> None:
    till = await open_till(also=(Payer,))
    desk = bank_desk(till, "payer")
    invoice_id = await till.order()
    payment = await till.start(invoice_id, "payer")
    number = await account_of(till, payment.id)
    await desk.bring(credit(references=to_account(number)))
    assert (await till.refund(payment.id, 300)).refunded == pence(0)
    operation = next(o for o in (await till.file(invoice_id)).operations if o.kind == "refund")
    named = (BankReference(kind="end_to_end", value=operation.id.upper()),)
    assert (await desk.bring(debit(1, 299, references=named))).verdicts == {"review": 1}
    dying(till, "statement.before_settle")
    with pytest.raises(FailpointReached):
        await desk.bring(debit(2, 300, references=named))
    revived(till)
    await swept(till, desk)
    (line,) = await desk.files.lines_named("payer", ("OUT2",))
    assert (line.verdict, line.payments) == ("refund_done", (payment.id,))
    file = await till.file(invoice_id)
    (refund,) = [k.movement for k in file.movements if k.movement.kind == "refund"]
    assert (refund.id, refund.state) == (f"out-{operation.id}", MovementState.SUCCEEDED)
    assert (await till.cashier.treasury.view(payment.id)).refunded == pence(300)
    assert (await desk.bring(debit(3, 300, references=named))).verdicts == {"review": 1}
    await till.assert_sound()
    await till.close()


async def test_a_refund_that_left_twice_in_one_file_is_done_once_and_reviewed() -> None:
    till = await open_till(also=(Payer,))
    desk = bank_desk(till, "payer")
    invoice_id = await till.order()
    payment = await till.start(invoice_id, "payer")
    await desk.bring(credit(references=to_account(await account_of(till, payment.id))))
    await till.refund(payment.id, 300)
    operation = next(o for o in (await till.file(invoice_id)).operations if o.kind == "refund")
    named = (BankReference(kind="end_to_end", value=operation.id),)
    twice = (debit(1, 300, references=named), debit(2, 300, references=named))
    told = await desk.bring(*twice, dry_run=True)
    done = await desk.bring(*twice)
    assert [line.verdict for line in done.lines] == [line.verdict for line in told.lines] == ["refund_done", "review"]
    assert (await till.cashier.treasury.view(payment.id)).refunded == pence(300)
    await till.close()


# --- what is looked up


async def test_a_payer_is_known_from_another_file(till: Till, desk: Desk) -> None:
    _, _, number = await a_bill(till)
    await desk.bring(credit(1, references=to_account(number)))
    _, second, _ = await a_bill(till, 700)
    report = await desk.bring(credit(2, 700, text="tea"))
    assert [(line.verdict, line.payments) for line in report.lines] == [("proposed", (second,))]


async def test_money_for_a_payment_of_long_ago_is_found_by_its_number(till: Till, desk: Desk) -> None:
    invoice_id, payment_id, number = await a_bill(till)
    await till.settle()
    till.world.clock.advance(days=100)
    assert await desk.files.open_bills("bank", ended_since=till.world.clock.now(), limit=9) == ()
    report = await desk.bring(credit(references=to_account(number)))
    assert [(line.verdict, line.payments) for line in report.lines] == [("confirmed", (payment_id,))]
    assert (await till.file(invoice_id)).payments[0].late


class Kode(Bank):
    """A bank account on which every payment has an amount of its own."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.reserving = Reserving(what="amount", first=1, last=99)


async def test_an_amount_of_its_own_names_a_payment_and_confirms_where_the_shop_says_so() -> None:
    till = await open_till(also=(Kode,))
    for confirms, verdict in (((), "proposed"), (("amount",), "confirmed")):
        invoice_id = await till.order(1000)
        payment = await till.start(invoice_id, "kode")
        assert payment.nominal.amount < 1000
        line = credit(payment.id, payment.nominal.amount, text="tea", account="")
        report = await bank_desk(till, "kode", confirms).bring(line)
        assert [(told.verdict, told.payments) for told in report.lines] == [(verdict, (payment.id,))]
    assert await till.status(invoice_id) == "paid"
    await till.assert_sound()
    await till.close()
