"""The contract of `kassa.ports.pricing.Pricing`."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kassa.ports.money import Money
from kassa.ports.pricing import Basket, BasketLine, Pricing

LINES = st.lists(
    st.tuples(st.integers(1, 1000), st.integers(1, 1_000_000), st.integers(0, 1_000_000)),
    min_size=1,
    max_size=20,
    unique_by=lambda line: line[0],
)


class PricingContract:
    """Every clause of `Pricing`. Provide the fixture `pricing`, and `currency` if it is not EUR."""

    @pytest.fixture
    def currency(self) -> str:
        """The currency of the baskets."""
        return "EUR"

    @given(lines=LINES, address=st.none() | st.text(max_size=100))
    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    def test_prices_are_of_the_baskets_currency_repeatable_and_never_below_zero(
        self, pricing: Pricing, currency: str, lines: list[tuple[int, int, int]], address: str | None
    ) -> None:
        basket = Basket(
            lines=tuple(
                BasketLine(product_id=product, quantity=quantity, price=Money(amount=price, currency=currency))
                for product, quantity, price in lines
            ),
            address=address,
        )
        first = asyncio.run(pricing.adjustments(basket))
        assert asyncio.run(pricing.adjustments(basket)) == first
        assert {adjustment.amount.currency for adjustment in first} <= {currency}
        goods = sum(line.price.amount * line.quantity for line in basket.lines)
        assert goods + sum(adjustment.amount.amount for adjustment in first if not adjustment.included) >= 0
