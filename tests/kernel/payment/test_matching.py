"""Whose money a line is: every kind of recognition, their order, and what is left to a person."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kassa.kernel.payment_lines import Judgement, OwnRefund, Sight, judged, learned
from kassa.kernel.payment_matching import Known, Match, invoices_in, is_foreign, matched, references_in
from kassa.kernel.payment_shelf import Shelf
from kassa.kernel.payment_typing import is_nearly_in, is_one_slip_away
from kassa.ports.bank_desk import CONFIRMING
from kassa.ports.bank_files import Holder, LineState, OpenBill
from kassa.ports.banking import BankLine, BankReference
from kassa.ports.money import Money
from kassa.ports.payment import Movement, MovementState
from kassa.ports.payment_records import Operation, OperationState
from tests.kernel.machine import NOON
from tests.kernel.payment.banking import credit, debit
from tests.kernel.world import pence

RF = "RF18539007547034"
OTHER_RF = "RF48KS7F3Q9MZDX1"
PAYER = "GB29NWBK60161331926819"
INVOICES = ("KS-7F3Q-9MZD-X", "KS-7F3Q-9MZD-Y", "KS-2222-3333-4", "KS-AB0D-1F2G-H")


def bill(number: int = 1, invoice: int = 0, *, due: int = 1000, **more: object) -> OpenBill:
    """A payment that is waited for."""
    made = OpenBill(
        payment_id=number, invoice_id=INVOICES[invoice], customer_id=70 + number, provider_ref=None, due=pence(due),
        shown=None, is_live=True,
    )  # fmt: skip
    return replace(made, **more)


def known(*bills: OpenBill, amounts: dict[int, int] | None = None, payers: dict[str, set[int]] | None = None) -> Known:
    """What is known."""
    customers = {account: frozenset(ids) for account, ids in (payers or {}).items()}
    return Known(bills=Shelf(bills), amounts=amounts or {}, payers=customers)


def naming(**values: str) -> tuple[BankReference, ...]:
    return tuple(BankReference(kind=kind, value=value) for kind, value in values.items())  # type: ignore[arg-type]


def told(match: Match | None) -> tuple[str, tuple[int, ...]] | None:
    return None if match is None else (match.kind, match.payments)


# --- each kind


@pytest.mark.parametrize("written", ["8808100000042", "88081 00000042", "88081-0000-0042"])
def test_a_virtual_account_names_its_payment(written: str) -> None:
    line = credit(references=naming(virtual_account=written))
    assert told(matched(line, known(bill(1, provider_ref="8808100000042"), bill(2, 2)))) == ("virtual_account", (1,))
    assert matched(line, known(bill(1, provider_ref="880810000004"))) is None


@pytest.mark.parametrize("written", [RF, "RF18 5390 0754 7034", RF.lower()])
def test_a_creditor_reference_names_its_payment_wherever_it_stands(written: str) -> None:
    bills = known(bill(1, provider_ref=RF), bill(2, 2, provider_ref=OTHER_RF))
    assert told(matched(credit(references=naming(rf=written)), bills)) == ("rf", (1,))
    assert told(matched(credit(text=f"thank you {written} for the tea"), bills)) == ("rf", (1,))
    assert told(matched(credit(text=f"RF12{written}RF00"), bills)) == ("rf", (1,))


def test_a_reference_that_is_no_creditor_reference_is_not_looked_for_in_a_text() -> None:
    for reference in ("order-1", "RF18", "8808100000042"):
        line = credit(text=f"order-1 RF18 8808100000042 {reference}")
        assert matched(line, known(bill(1, provider_ref=reference))) is None


@pytest.mark.parametrize(
    "text", ["KS-7F3Q-9MZD-X", "invoice ks7f3q9mzdx", "KS 7F3Q 9MZD X / tea", "IvoiceKS-7F3Q-\n9MZD-Xthanks"]
)
def test_an_invoice_number_names_its_payment_however_it_is_typed(text: str) -> None:
    assert told(matched(credit(text=text), known(bill(1), bill(2, 2)))) == ("invoice", (1,))


def test_letters_that_are_no_digits_are_read_as_those_they_look_like() -> None:
    assert told(matched(credit(text="KS-ABOD-IF2G-H"), known(bill(1, 3)))) == ("invoice", (1,))
    assert told(matched(credit(text="KS-ABOD-lF2G-H"), known(bill(1, 3)))) == ("invoice", (1,))


@pytest.mark.parametrize(
    "text", ["KS-222-3333-4", "KS-22224-3333-4", "KS-2222-3338-4", "KS-2222-3334-3", "S-2222-3333-4", "KS-2222-3333"]
)
def test_one_slip_of_the_pen_is_forgiven_where_no_other_invoice_is_as_near(text: str) -> None:
    assert told(matched(credit(text=text), known(bill(1, 2), bill(2, 3)))) == ("invoice_nearly", (1,))


def test_one_slip_between_two_invoices_is_nobodys() -> None:
    line = credit(text="KS-7F3Q-9MZD-Z")
    assert matched(line, known(bill(1, 0), bill(2, 1))) is None
    assert told(matched(line, known(bill(1, 0)))) == ("invoice_nearly", (1,))
    assert matched(line, known(bill(1, 0, is_live=False))) is None


def test_two_slips_are_too_many() -> None:
    assert matched(credit(text="KS-2222-3338-5"), known(bill(1, 2))) is None


def test_an_amount_given_to_one_payment_names_it() -> None:
    assert told(matched(credit(amount=983), known(bill(1), bill(2, 2), amounts={983: 2}))) == ("amount", (2,))
    assert matched(credit(amount=984), known(bill(1), amounts={983: 1})) is None


def test_a_payer_is_known_by_the_account_and_exactly_what_is_due() -> None:
    payers = {PAYER: {71}}
    assert told(matched(credit(), known(bill(1), bill(2, 2), payers=payers))) == ("payer", (1,))
    assert told(matched(credit(), known(bill(1, due=9, shown=pence(1000)), payers=payers))) == ("payer", (1,))
    for other in (
        known(bill(1, due=999), payers=payers),
        known(bill(1, is_live=False), payers=payers),
        known(bill(1), payers={PAYER: {72}}),
        known(bill(1), bill(2, 2, customer_id=71), payers=payers),
        known(bill(1), payers={"elsewhere": {71}}),
    ):
        assert matched(credit(), other) is None


# --- together

_SIGNS = ("virtual_account", "rf", "invoice", "invoice_nearly", "amount", "payer")


@pytest.mark.parametrize("signs", [s for n in range(len(_SIGNS) + 1) for s in itertools.combinations(_SIGNS, n)])
def test_the_strongest_sign_of_one_payment_decides(signs: tuple[str, ...]) -> None:
    """All 64 combinations of signs that name one and the same payment."""
    reference = "8808100000042" if "virtual_account" in signs else RF
    values = {"virtual_account": "8808100000042"} if "virtual_account" in signs else {}
    values |= {"rf": reference} if "rf" in signs else {}
    text = INVOICES[2] if "invoice" in signs else "KS-2222-3338-4" if "invoice_nearly" in signs else ""
    line = credit(references=naming(**values), text=text)
    seen = known(
        bill(1, 2, provider_ref=reference),
        amounts={1000: 1} if "amount" in signs else {},
        payers={PAYER: {71}} if "payer" in signs else {},
    )
    assert told(matched(line, seen)) == ((signs[0], (1,)) if signs else None)


@pytest.mark.parametrize(
    "line",
    [
        credit(text=f"{INVOICES[0]} and {INVOICES[2]}"),
        credit(references=naming(rf=RF), text=INVOICES[2]),
        credit(references=naming(virtual_account="8808100000042", rf=RF)),
        credit(references=(*naming(rf=RF), *naming(rf=OTHER_RF))),
    ],
)
def test_a_line_that_names_two_invoices_belongs_to_neither_by_itself(line: BankLine) -> None:
    bills = (bill(1, 0, provider_ref=RF), bill(2, 2, provider_ref="8808100000042"), bill(3, 2, provider_ref=OTHER_RF))
    match = matched(line, known(*bills))
    assert match is not None and len(match.payments) == 2
    judgement = judged(line, "bank:1", sight(known(*bills)))
    assert (judgement.verdict, judgement.does) == ("proposed", "suspend")


def test_of_several_payments_of_an_invoice_the_live_one_is_meant_else_the_newest() -> None:
    line = credit(text=INVOICES[0])
    old, live, new = bill(1, is_live=False), bill(2), bill(3, is_live=False)
    assert told(matched(line, known(old, live, new))) == ("invoice", (2,))
    assert told(matched(line, known(new, old))) == ("invoice", (3,))


def test_another_currency_names_nobody_and_says_so() -> None:
    line = credit(money=Money(amount=1000, currency="EUR"), text=INVOICES[0])
    seen = known(bill(1), amounts={1000: 1}, payers={PAYER: {71}})
    assert matched(line, seen) is None
    assert is_foreign(line, seen)
    assert not is_foreign(credit(text="?"), seen)


def test_what_is_looked_up_is_what_the_line_names() -> None:
    line = credit(text=f"{RF} ks 7f3q 9mzd x", references=naming(virtual_account="88081 42"))
    assert references_in(line)[:2] == ("8808142", "88081 42")
    assert {RF, RF[:9]} < set(references_in(line))
    assert invoices_in(line) == ("KS-7F3Q-9MZD-X",)


# --- slips of the pen

_LETTERS = st.text(alphabet="0123456789ABCK", min_size=6, max_size=12)


def distance(one: str, other: str) -> int:
    """Optimal string alignment, by the book."""
    rows = [[i + j if i * j == 0 else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i, j in itertools.product(range(1, len(one) + 1), range(1, len(other) + 1)):
        rows[i][j] = min(
            rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (one[i - 1] != other[j - 1])
        )  # fmt: skip
        if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
            rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@given(st.text(alphabet="AB1", max_size=6), st.text(alphabet="AB1", max_size=6))
def test_one_slip_is_a_distance_of_at_most_one(one: str, other: str) -> None:
    assert is_one_slip_away(one, other) == (distance(one, other) <= 1)


@given(_LETTERS, st.text(alphabet="0123456789ABCK", max_size=20))
def test_a_number_is_nearly_in_a_text_if_a_piece_of_it_is_one_slip_away(number: str, text: str) -> None:
    sizes = range(len(number) - 1, len(number) + 2)
    pieces = [text[start : start + size] for size in sizes for start in range(len(text) - size + 1)]
    assert is_nearly_in(number, text) == any(distance(number, piece) <= 1 for piece in pieces)


@given(_LETTERS, st.data())
def test_every_single_slip_is_forgiven(number: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(number) - 2))
    slips = (
        number[:at] + number[at + 1 :],
        number[:at] + "Z" + number[at:],
        number[:at] + "Z" + number[at + 1 :],
        number[:at] + number[at + 1] + number[at] + number[at + 2 :],
    )
    assert all(is_nearly_in(number, f"PAY{slip}NOW") for slip in slips)


# --- what a line leads to


def sight(seen: Known, *, holders: dict[str, Holder] | None = None, refunds: tuple[OwnRefund, ...] = ()) -> Sight:
    return Sight(
        known=seen,
        holders=holders or {},
        doubles={},
        by_hand={},
        refunds={one.operation.id: one for one in refunds},
        confirms=frozenset(CONFIRMING),
    )


OPERATION_ID = "0123456789abcdef0123456789abcdef"


def own_refund(state: OperationState = OperationState.PENDING, *movements: Movement) -> OwnRefund:
    operation = Operation(
        id=OPERATION_ID, payment_id=5, kind="refund", state=state, amount=pence(300), attempt=1, sent_at=NOON,
        next_check_at=None, checks=0, not_found=0, executed=None, code="", last_updated=NOON,
    )  # fmt: skip
    return OwnRefund(operation=operation, amount=pence(300), pending=movements)


def pending(name: str, amount: int = 300) -> Movement:
    return Movement(kind="refund", id=name, state=MovementState.PENDING, amount=pence(amount))


def paid_out(amount: int = 300, written: str = OPERATION_ID.upper()) -> BankLine:
    return debit(amount=amount, references=naming(end_to_end=written))


def said(judgement: Judgement) -> tuple[str, str, LineState]:
    return judgement.verdict, judgement.does, judgement.state


NOTHING = known()


def test_doubt_comes_before_everything() -> None:
    line = credit(references=naming(rf=RF), doubt="parts without amounts")
    assert said(judged(line, "m", sight(known(bill(1, provider_ref=RF))))) == ("review", "nothing", LineState.REVIEW)
    assert (
        said(judged(replace(paid_out(), doubt="reversed"), "m", sight(NOTHING, refunds=(own_refund(),))))[0] == "review"
    )


def test_money_that_is_counted_is_known_and_another_amount_is_a_doubt() -> None:
    holders = {"m": Holder(movement_id="m", method="bank", payment_id=9, amount=pence(1000))}
    assert said(judged(credit(), "m", sight(NOTHING, holders=holders))) == ("known", "nothing", LineState.DONE)
    assert said(judged(credit(amount=999), "m", sight(NOTHING, holders=holders)))[0] == "review"


@pytest.mark.parametrize("name", [OPERATION_ID, "rf_1"])
def test_the_refund_of_the_plugins_own_movement_is_done(name: str) -> None:
    own = own_refund(OperationState.PENDING, pending("another", 299), pending(name))
    judgement = judged(paid_out(), "m", sight(NOTHING, refunds=(own,)))
    assert said(judgement) == ("refund_done", "refund", LineState.DONE)
    assert judgement.refund == replace(pending(name), state=MovementState.SUCCEEDED)
    assert (judgement.payments, judgement.operation_id) == ((5,), OPERATION_ID)


@pytest.mark.parametrize("state", OperationState)
def test_only_a_refund_under_way_is_done_and_only_once(state: OperationState) -> None:
    open_ = state in (OperationState.SENT, OperationState.UNKNOWN, OperationState.PENDING)
    judgement = judged(paid_out(), "m", sight(NOTHING, refunds=(own_refund(state),)))
    assert judgement.verdict == ("refund_done" if open_ else "review")
    again = judged(paid_out(), "m", sight(NOTHING, refunds=(own_refund(state),)), is_again=True)
    assert again.verdict == ("refund_done" if open_ or state is OperationState.SUCCEEDED else "review")
    assert (again.does == "refund") == open_


def test_a_refund_of_another_amount_or_one_that_came_back_is_a_doubt() -> None:
    refunds = (own_refund(),)
    assert said(judged(paid_out(299), "m", sight(NOTHING, refunds=refunds)))[0] == "review"
    back = credit(amount=300, references=naming(end_to_end=OPERATION_ID))
    assert said(judged(back, "m", sight(NOTHING, refunds=refunds)))[0] == "review"
    assert said(judged(paid_out(written="NOTPROVIDED"), "m", sight(NOTHING, refunds=refunds)))[0] == "not_ours"


def test_an_amount_confirms_only_what_is_waited_for() -> None:
    seen = known(bill(1, is_live=False), amounts={1000: 1})
    bold = replace(sight(seen), confirms=frozenset({"amount"}))
    assert judged(credit(), "m", bold).verdict == "proposed"
    waited = replace(bold, known=known(bill(1), amounts={1000: 1}))
    assert judged(credit(), "m", waited).verdict == "confirmed"


def test_what_was_counted_is_due_no_more_and_its_payer_is_known() -> None:
    line = credit(amount=1000, references=naming(rf=RF))
    before = sight(known(bill(1, provider_ref=RF), bill(2, 2, customer_id=71)))
    after = learned(before, line, judged(line, "m", before))
    assert [(b.due.amount, b.is_live) for b in after.known.bills.all()] == [(0, False), (1000, True)]
    assert told(matched(credit(2), after.known)) == ("payer", (2,))
    unmatched = credit(text="?")
    assert learned(before, unmatched, judged(unmatched, "m", before)) is before
