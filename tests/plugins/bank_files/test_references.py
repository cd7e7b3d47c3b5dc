"""What a customer types is found: with spaces, in small letters, broken over lines, between other words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from kassa.plugins.bank_transfer.files.references import digits_in, found_in, rf_in

RF = "RF18539007547034"


@pytest.mark.parametrize(
    "text",
    [
        RF,
        "RF18 5390 0754 7034",
        "rf18-5390-0754-7034",
        "Invoice RF18 5390 0754 7034 thank you",
        "INVOICE:RF18539007547034.",
        "RF 18 5390 0754 7034",
        "RF18539007547034RF18539007547034",
        "RF00 nothing, but RF18 5390 0754 7034 2026 1",
        "ref RF18.5390.0754.7034/2026",
    ],
)
def test_a_creditor_reference_is_found(text: str):
    """However it is written."""
    assert RF in rf_in(text)


@pytest.mark.parametrize("text", ["RF19539007547034", "R F18539007547034", "RF18", "18539007547034", "", "RF"])
def test_what_is_no_creditor_reference_is_not_found(text: str):
    """Its check digits are checked."""
    assert rf_in(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "8808081234567890",
        "8808 0812 3456 7890",
        "VA 8808-0812-3456-7890!",
        "INV 123 8808 0812 3456 7890 2026",
        "x8808081234567890y",
    ],
)
def test_a_virtual_account_is_found(text: str):
    """In groups or not, between other numbers."""
    assert "8808081234567890" in digits_in(text)


@pytest.mark.parametrize("text", ["20.11.2026", "2026-11-20", "030 123 45 67", "12 34 56 78"])
def test_a_date_or_a_short_number_in_pieces_is_no_account(text: str):
    """Put together out of pieces it could be another customer's by chance."""
    assert [one for one in digits_in(text) if len(one) < 10] == []


def test_what_is_too_short_or_too_long_for_an_account_is_passed_over():
    """Eight to twenty-four digits."""
    assert digits_in("1234567") == []
    assert digits_in("1" * 25) == []
    assert digits_in("12345678") == ["12345678"]
    assert digits_in("1" * 24) == ["1" * 24]


@given(
    st.text(max_size=30),
    st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=21),
    st.text(max_size=30),
)
def test_any_creditor_reference_between_any_words_is_found(before: str, body: str, behind: str):
    """Written in groups of four, as invoices print it."""
    reference = next(f"RF{n:02d}{body}" for n in range(2, 99) if iso11649.is_valid(f"RF{n:02d}{body}"))
    printed = " ".join(reference[at : at + 4] for at in range(0, len(reference), 4))
    assert reference in rf_in(f"{before} {printed} {behind}") or "RF" in before.upper()


@given(st.from_regex(r"RF[0-9]{2}[A-Z0-9 ]{1,30}", fullmatch=True))
def test_all_that_is_found_is_valid_and_all_that_is_valid_is_found(text: str):
    """As `python-stdnum` judges every beginning of the text."""
    squeezed = text.replace(" ", "")
    valid = {squeezed[:end] for end in range(5, 26) if iso11649.is_valid(squeezed[:end])}
    first = {one for one in rf_in(text) if squeezed.startswith(one)}
    assert first == valid or "  " in text
    assert all(iso11649.is_valid(one) for one in rf_in(text))


def test_there_is_a_bound_on_what_a_payer_can_make_us_look_at():
    """Fifty references, and no text that takes long."""
    text = "RF18 " * 100 + "12345678 " * 400
    assert len(found_in([text], end_to_end=["OP-1"])) <= 50
    assert found_in([text], end_to_end=["OP-1"])[0].value == "OP-1"
