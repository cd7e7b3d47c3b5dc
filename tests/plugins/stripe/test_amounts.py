"""Money on its way to Stripe and back: exact in every currency, and refused where Stripe has no unit for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.plugins.card.stripe.amounts import RULES, read, written
from kassa.plugins.card.stripe.method import StripeCards
from kassa.ports.money import Money, exponent
from kassa.ports.payment import AmountRule, Declined
from kassa.ports.provider_json import ProviderUnclear
from tests.plugins.hostile import HostileProvider
from tests.plugins.stripe.subject import money
from tests.plugins.stripe.till import StripeTill

TAKES = StripeCards.capabilities.takes


def of(amount: int, currency: str) -> Money:
    return Money(amount=amount, currency=currency)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.currency)
def test_every_currency_is_written_as_its_documentation_says(rule: AmountRule):
    """The conversion is written down a second time, by decimals, in the double."""
    for amount in (of(rule.min, rule.currency), of(rule.max, rule.currency)):
        units = written(amount)
        assert 0 < units <= 999_999_999_999
        assert money(units, rule.currency.lower()) == amount == read(units, rule.currency.lower())


@given(rule=st.sampled_from(RULES), steps=st.integers(0, 10**10))
def test_no_amount_changes_on_its_way_there_and_back(rule: AmountRule, steps: int):
    amount = of(min(rule.max, -(-rule.min // rule.step) * rule.step + steps * rule.step), rule.currency)
    assert TAKES(amount)
    assert read(written(amount), rule.currency.lower()) == amount


EXAMPLES = {
    of(1099, "USD"): 1099,
    of(500, "JPY"): 500,
    of(5, "ISK"): 500,
    of(50_000, "MGA"): 500,
    of(5120, "KWD"): 5120,
    of(17_500, "HUF"): 17_500,
    of(80_045, "TWD"): 80_045,
    of(15_000_000, "IDR"): 15_000_000,
}


@pytest.mark.parametrize("amount", EXAMPLES, ids=str)
def test_stripes_own_examples(amount: Money):
    assert TAKES(amount)
    assert written(amount) == EXAMPLES[amount]


NOT_TAKEN = [
    of(5124, "KWD"),
    of(50_050, "MGA"),
    of(49, "USD"),
    of(29, "GBP"),
    of(49, "JPY"),
    of(17_499, "HUF"),
    of(10**12, "EUR"),
    of(10**10, "ISK"),
    of(500, "UGX"),
    of(1000, "IQD"),
]


@pytest.mark.parametrize("amount", NOT_TAKEN, ids=str)
async def test_what_stripe_does_not_take_is_not_sent(deceived: StripeTill, liar: HostileProvider, amount: Money):
    assert not TAKES(amount)
    said = await deceived.start(deceived.request(amount=amount.amount, currency=amount.currency))
    assert isinstance(said, Declined)
    assert liar.asked == []


@pytest.mark.parametrize(("units", "currency"), [(501, "isk"), (0, "eur"), (2**53, "eur"), (5, "ugx"), (5, "xyz")])
def test_what_cannot_be_money_is_unclear(units: int, currency: str):
    with pytest.raises(ProviderUnclear):
        read(units, currency)


def test_a_currency_is_listed_once_and_exists():
    codes = [rule.currency for rule in RULES]
    assert len(codes) == len({*codes}) > 125
    assert all(exponent(code) in (0, 2, 3) for code in codes)
