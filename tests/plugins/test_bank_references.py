"""References as the standards print them: ISO 11649, EPC069-12."""

from decimal import Decimal

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from segno import helpers
from stdnum import iso11649

from kassa.plugins.bank_transfer.account.config import VirtualAccount
from kassa.plugins.bank_transfer.account.epc import epc_payload, epc_picture
from kassa.plugins.bank_transfer.account.references import creditor_reference, printed_reference, virtual_number
from kassa.ports.money import Money

PUBLISHED = ("RF18539007547034", "RF185390075470Y", "RF332348236")
"""Of the documentation of `python-stdnum`, and the Finnish banks' example of a national reference made international."""


@pytest.mark.parametrize("published", PUBLISHED)
def test_check_digits_are_those_of_published_references(published: str) -> None:
    assert creditor_reference(published[4:]) == published


def test_a_reference_is_printed_in_groups_of_four() -> None:
    assert printed_reference(PUBLISHED[0]) == "RF18 5390 0754 7034"


@given(st.text(min_size=1, max_size=200))
def test_whatever_a_payment_is_called_its_reference_is_valid_and_stable(merchant_ref: str) -> None:
    made = creditor_reference(merchant_ref)
    assert iso11649.is_valid(made)
    assert len(made) <= 25
    assert made.isascii()
    assert made == creditor_reference(merchant_ref)


def test_different_payments_have_different_references() -> None:
    refs = [f"KS-7F3Q-9MZD-X-{n:08x}" for n in range(50)] + ["é" * 200] + ["A" * n for n in range(17, 40)]
    assert len({creditor_reference(ref) for ref in refs}) == len(refs)


def test_a_long_name_gives_a_digest_of_it() -> None:
    assert creditor_reference("KS-7F3Q-9MZD-X-1a2b3c4d")[4:] == "KS7F3Q9MZDX1A2B3C4D"
    assert len(creditor_reference("x" * 22)) == 25


def test_a_virtual_account_has_always_all_its_digits() -> None:
    told = VirtualAccount(prefix="088608", digits=6)
    assert [virtual_number(told, n) for n in (1, 999_999)] == ["088608000001", "088608999999"]


# --- the code for banking apps


def payload(amount: int = 100, **changed: str) -> str:
    told = {
        "holder": "Red Cross of Belgium",
        "iban": "BE72000000001616",
        "bic": "BPOTBEB1",
        "reference": "",
        "text": "Urgency fund",
    }
    currency = changed.pop("currency", "EUR")
    return epc_payload(amount=Money(amount=amount, currency=currency), **(told | changed))


def test_the_code_of_the_guideline_s_example() -> None:
    """EPC069-12 version 2.1, in its version 002, without purpose and without a note to the payer."""
    assert payload() == "\n".join(
        [
            "BCD",
            "002",
            "1",
            "SCT",
            "BPOTBEB1",
            "Red Cross of Belgium",
            "BE72000000001616",
            "EUR1",
            "",
            "",
            "Urgency fund",
        ]
    )


def _drawn(picture: str) -> str:
    return picture.partition(' d="')[2].partition('"')[0]


@pytest.mark.parametrize("amount", [1, 1234, 100, 99_999_999_999])
def test_it_is_the_code_that_an_independent_library_draws(amount: int) -> None:
    """segno's own: the same words, the same picture, module by module."""
    text = payload(amount)
    theirs = helpers.make_epc_qr(
        name="Red Cross of Belgium", iban="BE72000000001616", amount=Decimal(amount) / 100,
        text="Urgency fund", bic="BPOTBEB1", encoding="utf-8",
    )  # fmt: skip
    ours = segno.make_qr(text.encode(), error="m", boost_error=False)
    assert ours.matrix == theirs.matrix
    assert _drawn(epc_picture(text)) == _drawn(theirs.svg_inline(omitsize=True))


def test_a_creditor_reference_takes_the_place_of_the_text() -> None:
    lines = payload(reference="RF18539007547034").split("\n")
    assert lines[9:] == ["RF18539007547034"]


@pytest.mark.parametrize(
    "changed",
    [
        {"currency": "CHF"},
        {"amount": 0},
        {"amount": 100_000_000_000},
        {"iban": "SA0380000000608010167519"},
        {"iban": "GB33BUKB20201555555555", "bic": ""},
    ],
)
def test_where_no_sepa_transfer_goes_there_is_no_code(changed: dict[str, object]) -> None:
    assert payload(**changed) == ""  # type: ignore[arg-type]
    assert epc_picture("") == ""


def test_an_account_in_the_eea_needs_no_bic() -> None:
    assert payload(bic="").split("\n")[4] == ""


def test_the_largest_code_fits_what_is_shown() -> None:
    text = payload(99_999_999_999, holder="O" * 70, text="x" * 140)
    assert 250 < len(text) <= 400
    assert 0 < len(epc_picture(text)) < 20_000
    assert payload(holder="Ö" * 70, text="ä" * 140) == "", "331 bytes are the most"
