"""Which amounts a method is offered for: what its plugin takes, in its steps, within what the shop says."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kassa.kernel.payment_amounts import narrowed
from kassa.kernel.payment_rules import offered
from kassa.kernel.payment_views import names_for
from kassa.kernel.plugin_host import Installed, LoadedMethods, load_methods
from kassa.ports.errors import AmountRefused, PluginRefused
from kassa.ports.hooks import API, PaymentMethodFactory, hookimpl
from kassa.ports.money import Money
from kassa.ports.payment import AmountRule
from kassa.ports.plugins import MethodInstance
from tests.kernel.machine import SetClock
from tests.kernel.payment.provider import Bank, Provider
from tests.kernel.payment.till import NoNetwork

RUPIAH = AmountRule(currency="IDR", step=100)
ANY = AmountRule(currency="*")


async def shop(*rules: AmountRule, least: int | None = None, most: int | None = None) -> LoadedMethods:
    """A shop with one method, `till`, whose plugin takes just these."""
    capabilities = replace(Bank.capabilities, amounts=rules)
    kind = type("Till", (Bank,), {"provider": Provider(), "capabilities": capabilities})

    @hookimpl
    def kassa_payment_methods() -> Any:
        return (PaymentMethodFactory(id="till", api=API, method=kind, title="Till"),)

    module = SimpleNamespace(kassa_payment_methods=kassa_payment_methods)
    plugin = Installed(name="till", distribution="tests", version="1", requires=(), load=lambda: module)
    instance = MethodInstance(name="till", plugin="till", slug="notices", min_amount=least, max_amount=most)
    methods = await load_methods([instance], providers=NoNetwork(), clock=SetClock(), installed=[plugin])
    methods.refuse_incomplete()
    return methods


async def refusal(methods: LoadedMethods, amount: Money) -> AmountRefused:
    """Why it is not offered for this amount, in the list and when it is chosen nevertheless."""
    assert names_for(methods, amount) == ()
    with pytest.raises(AmountRefused) as refused:
        offered(methods.get("till"), amount)
    await methods.close()
    return refused.value


async def fits(methods: LoadedMethods, *amounts: Money) -> None:
    for amount in amounts:
        assert names_for(methods, amount) == ("till",)
        assert offered(methods.get("till"), amount).name == "till"
    await methods.close()


def of(currency: str, *amounts: int) -> tuple[Money, ...]:
    return tuple(Money(amount=amount, currency=currency) for amount in amounts)


async def test_a_wallet_that_knows_no_sen_takes_whole_rupiah() -> None:
    await fits(await shop(RUPIAH, least=1_000_000, most=5_000_050), *of("IDR", 1_000_000, 1_000_100, 5_000_000))
    why = await refusal(await shop(RUPIAH, least=1_000_000, most=5_000_050), Money(amount=1_000_050, currency="IDR"))
    assert why.reason == "till takes 10000.00 to 50000.00 IDR in steps of 1.00"
    assert why.takes == (AmountRule(currency="IDR", min=1_000_000, max=5_000_000, step=100),)


async def test_yen_have_no_minor_units() -> None:
    await fits(await shop(ANY, least=50), *of("JPY", 50, 51, 1250))
    why = await refusal(await shop(ANY, least=50, most=9_999_999), Money(amount=49, currency="JPY"))
    assert why.reason == "till takes 50 to 9999999 JPY"


async def test_dinars_have_three_and_a_provider_may_take_two() -> None:
    rule = AmountRule(currency="KWD", step=10)
    await fits(await shop(rule, least=95), *of("KWD", 100, 1250))
    why = await refusal(await shop(rule, least=95), Money(amount=1251, currency="KWD"))
    assert why.reason == "till takes 0.100 KWD or more in steps of 0.010"


async def test_a_currency_that_it_does_not_take_is_said_to_be_one() -> None:
    why = await refusal(await shop(RUPIAH), Money(amount=1000, currency="JPY"))
    assert (why.reason, why.takes) == ("till takes no JPY", ())


async def test_terms_that_leave_nothing_keep_the_method_from_loading() -> None:
    with pytest.raises(PluginRefused, match="leave no amount"):
        await shop(AmountRule(currency="*", max=1000), least=1001)
    with pytest.raises(PluginRefused, match="leave no amount"):
        await shop(RUPIAH, least=101, most=199)


async def test_a_plugin_whose_steps_cannot_be_is_not_loaded() -> None:
    for rule in (AmountRule(currency="*", step=0), AmountRule(currency="*", min=2, max=1)):
        with pytest.raises(PluginRefused, match="amounts that cannot be"):
            await shop(rule)


@given(
    st.integers(1, 500),
    st.integers(1, 5000),
    st.integers(1, 40),
    st.none() | st.integers(1, 6000),
    st.none() | st.integers(1, 6000),
    st.integers(1, 6000),
)
def test_the_told_range_is_the_taken_range(
    low: int, high: int, step: int, least: int | None, most: int | None, amount: int
) -> None:
    plugin = AmountRule(currency="EUR", min=low, max=high, step=step)
    money = Money(amount=amount, currency="EUR")
    wanted = plugin.fits(money) and (least is None or amount >= least) and (most is None or amount <= most)
    told = narrowed((plugin,), least, most)
    assert any(rule.fits(money) for rule in told) == wanted
    for rule in told:
        assert all(plugin.fits(Money(amount=edge, currency="EUR")) for edge in (rule.min, rule.max))
