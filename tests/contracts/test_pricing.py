"""The contract of pricing on the flat one."""

from __future__ import annotations

import pytest

from kassa.adapters.pricing.flat import FlatPricing
from kassa.ports.conformance.pricing import PricingContract
from kassa.ports.money import Money
from kassa.ports.pricing import Pricing


class TestFlatPricing(PricingContract):
    @pytest.fixture(params=[(0, 0), (490, 1900), (0, 700), (1, 0)])
    def pricing(self, request: pytest.FixtureRequest) -> Pricing:
        shipping, rate = request.param
        return FlatPricing(shipping=Money(amount=shipping, currency="EUR"), tax_rate_bp=rate)
