"""Damaged files: read or refused, never an exception, and never more money for certain than the bank told of.

The long run: `uv run pytest -n 2 -m soak tests/plugins/bank_files`.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kassa.plugins.bank_transfer.files import read
from kassa.ports.banking import BankFile
from tests.plugins.bank_files.damage import CUTS, Cut, damaged
from tests.plugins.bank_files.reading import certain, checked, good, samples
from tests.plugins.bank_files.test_csv import GERMAN, MARKED, PLAIN, TWO
from tests.plugins.bank_files.written import Transfer, balance, camt, csv_file, mt940

TRANSFERS = [
    Transfer(1_250_00, ref="BANK-00001", text="RF18 5390 0754 7034", parts=(1_000_00, 250_00)),
    Transfer(99_95, text="INVOICE 2026-000002"),
    Transfer(45_10, "debit", ref="BANK-00002", end_to_end="OP-1"),
    Transfer(7_00, name="Zoë Ångström", text="8808 0812 3456 7890"),
]
CREDITED = 1_250_00 + 99_95 + 7_00
BALANCED = {
    "camt": camt(
        TRANSFERS, head=balance("OPBD", 10_00) + balance("CLBD", 10_00 + sum(one.signed for one in TRANSFERS))
    ),
    "mt940": mt940(TRANSFERS),
}
FORMS = {"german": GERMAN, "plain": PLAIN, "two": TWO, "marked": MARKED}
EVERYTHING = {**samples(), "csv": csv_file(TRANSFERS), **BALANCED}
SMALL = {name: data for name, data in EVERYTHING.items() if len(data) < 15_000}
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))


def holds_whatever_happens(name: str, cuts: list[Cut], files: dict[str, bytes]) -> None:
    """Read or refused in every format, and the same way again."""
    data = files[name]
    for cut in cuts:
        data = damaged(data, cut)
    for form in ("auto", "camt", "mt940", *(f"csv:{one}" for one in FORMS)):
        assert checked(data, form, FORMS) == read(data, form, FORMS)


def holds_after_one_accident(name: str, cut: Cut) -> None:
    """Balances tell: an amount that changed, a line lost or doubled puts all in doubt: no more is certain than was told."""
    found = checked(damaged(BALANCED[name], cut), name)
    assert certain(found) <= CREDITED if isinstance(found, BankFile) else found.reason


@pytest.mark.parametrize("name", sorted(BALANCED))
def test_undamaged_files_count_in_full(name: str):
    """Else the tests below would hold for a reader that reads nothing."""
    assert certain(good(BALANCED[name], name)) == CREDITED


@QUICK
@given(st.sampled_from(sorted(SMALL)), st.lists(CUTS, max_size=4))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(name: str, cuts: list[Cut]):
    """Every sample, and files of every format, read as every format."""
    holds_whatever_happens(name, cuts, SMALL)


@QUICK
@given(st.sampled_from(sorted(BALANCED)), CUTS)
def test_one_accident_never_makes_more_money_certain(name: str, cut: Cut):
    """A byte, a piece, a line: changed, lost, doubled or exchanged."""
    holds_after_one_accident(name, cut)


@QUICK
@given(st.binary(max_size=300), st.sampled_from(["auto", "camt", "mt940", "csv:german", "csv:plain", "csv:x", "", ":"]))
def test_any_bytes_are_read_or_refused(data: bytes, form: str):
    """Files that are none, formats that are none."""
    checked(data, form, FORMS)


@pytest.mark.soak
@LONG
@given(st.sampled_from(sorted(EVERYTHING)), st.lists(CUTS, max_size=8))
def test_a_damaged_file_is_read_or_refused_for_a_long_time(name: str, cuts: list[Cut]):
    """Minutes of it."""
    holds_whatever_happens(name, cuts, EVERYTHING)


@pytest.mark.soak
@LONG
@given(st.sampled_from(sorted(BALANCED)), CUTS)
def test_no_accident_makes_more_money_certain_for_a_long_time(name: str, cut: Cut):
    """Minutes of it."""
    holds_after_one_accident(name, cut)
