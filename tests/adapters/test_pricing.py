"""Flat shipping and included tax."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.adapters.pricing import FlatPricing
from kassa.adapters.pricing.flat import included_tax
from kassa.ports.errors import CurrencyMismatch, SettingRefused
from kassa.ports.money import Money
from kassa.ports.pricing import Basket, BasketLine


def _euro(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


def _basket(*lines: tuple[int, int]) -> Basket:
    return Basket(
        lines=tuple(
            BasketLine(product_id=number, quantity=quantity, price=_euro(price))
            for number, (price, quantity) in enumerate(lines)
        ),
        address=None,
    )


async def test_shipping_is_added_and_tax_is_told_of_goods_and_shipping_together() -> None:
    pricing = FlatPricing(shipping=_euro(490), tax_rate_bp=1900)
    shipping, tax = await pricing.adjustments(_basket((1000, 2), (333, 1)))
    assert (shipping.kind, shipping.amount, shipping.included) == ("shipping", _euro(490), False)
    assert (tax.kind, tax.amount, tax.included) == ("tax", _euro(451), True)  # 2823 * 19 / 119 = 450.73


async def test_free_shipping_and_no_tax_are_no_adjustments() -> None:
    assert await FlatPricing(shipping=_euro(0), tax_rate_bp=0).adjustments(_basket((1000, 1))) == ()


@given(gross=st.integers(0, 2**53), rate_bp=st.integers(0, 10_000))
def test_included_tax_is_rounded_half_up_from_the_exact_fraction(gross: int, rate_bp: int) -> None:
    exact = Fraction(gross * rate_bp, 10_000 + rate_bp)
    assert included_tax(gross, rate_bp) == floor(exact + Fraction(1, 2))


async def test_a_basket_in_another_currency_is_refused() -> None:
    pricing = FlatPricing(shipping=Money(amount=0, currency="GBP"), tax_rate_bp=1900)
    with pytest.raises(CurrencyMismatch):
        await pricing.adjustments(_basket((1000, 1)))


@pytest.mark.parametrize(("shipping", "rate_bp"), [(-1, 0), (0, -1), (0, 10_001)])
def test_a_fee_below_zero_and_a_rate_that_cannot_be_are_refused(shipping: int, rate_bp: int) -> None:
    with pytest.raises(SettingRefused):
        FlatPricing(shipping=_euro(shipping), tax_rate_bp=rate_bp)
