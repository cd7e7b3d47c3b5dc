"""What a provider is expected to keep: exact, in minor units, half up."""

from fractions import Fraction
from math import floor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.adapters.main.configuration import load
from kassa.adapters.main.methods import instances_of
from kassa.kernel.payment_fees import expected_fee
from kassa.ports.errors import SettingRefused
from kassa.ports.money import Money
from kassa.ports.plugins import Fee, MethodInstance

AMOUNTS = st.integers(min_value=1, max_value=2**53 - 1)
FEES = st.builds(Fee, ppm=st.integers(0, 1_000_000), fixed=st.integers(0, 10_000))


def euros(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


@given(AMOUNTS, FEES)
def test_a_fee_is_the_exact_share_rounded_half_up_once_and_the_fixed_part(amount: int, fee: Fee) -> None:
    share = Fraction(amount) * fee.ppm / 1_000_000
    assert expected_fee(euros(amount), fee).amount == floor(share + Fraction(1, 2)) + fee.fixed


@given(AMOUNTS, AMOUNTS, FEES)
def test_more_money_never_costs_less(one: int, other: int, fee: Fee) -> None:
    least, most = sorted((one, other))
    assert expected_fee(euros(least), fee).amount <= expected_fee(euros(most), fee).amount


@pytest.mark.parametrize(
    ("amount", "percent", "fixed", "expected"),
    [
        (10_000, "2.9", 30, 320),  # 100.00: 2.90 and 0.30
        (250, "2.9", 30, 37),  # 7.25 is 7
        (50, "1", 0, 1),  # exactly half is up
        (49, "1", 0, 0),
        (1, "0.0001", 0, 0),
        (500_000, "0.0001", 0, 1),
        (1_000_000, "99.9999", 0, 999_999),
        (5, "0", 25, 25),  # a small payment costs more than it brings
        (0, "2.9", 30, 0),  # nothing was taken
    ],
)
def test_fees_as_a_bookkeeper_reckons_them(
    tmp_path: Path, amount: int, percent: str, fixed: int, expected: int
) -> None:
    fee = configured(tmp_path, f'fee = {{ percent = "{percent}", fixed = {fixed} }}').fee
    assert fee is not None
    assert expected_fee(euros(amount), fee) == euros(expected)


@pytest.mark.parametrize(
    "line",
    [
        "fee = { percent = 2.9 }",  # a float
        'fee = { percent = "2,9" }',
        'fee = { percent = "-1" }',
        'fee = { percent = "100" }',
        'fee = { percent = "1.23456" }',
        'fee = { percent = "٣" }',
        "fee = { fixed = -1 }",
        "fee = { fixed = 0.3 }",
        'fee = { percents = "2.9" }',
        'fee = "2.9"',
        "min_amount = 0",
        "max_amount = 1.5",
        "min_amount = 200\nmax_amount = 100",
        'title = ""',
        'title = { de = "Karte" }',
        'title = { english = "Card" }',
    ],
)
def test_terms_that_cannot_be_are_refused_when_the_shop_is_configured(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingRefused):
        configured(tmp_path, line)


def test_terms_are_read_as_they_are_meant(tmp_path: Path) -> None:
    plain = configured(tmp_path, "")
    assert (plain.title, plain.min_amount, plain.max_amount, plain.fee) == ({}, None, None, None)
    one = configured(tmp_path, 'title = "Our card"\nmin_amount = 500\nmax_amount = 100000\nfee = { percent = "0.25" }')
    assert (one.title, one.min_amount, one.max_amount) == ({"en": "Our card"}, 500, 100_000)
    assert one.fee == Fee(ppm=2500, fixed=0)
    assert configured(tmp_path, 'title = { en = "Card", de = "Karte" }').title == {"en": "Card", "de": "Karte"}


def configured(folder: Path, lines: str) -> MethodInstance:
    page = folder / "kassa.toml"
    page.write_text(f'[payments.card]\nplugin = "card"\n{lines}\n', encoding="utf-8")
    (instance,) = instances_of(load(page, {}))
    return instance
