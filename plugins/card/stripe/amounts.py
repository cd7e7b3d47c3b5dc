"""Money as Stripe writes it: mostly ISO 4217 minor units, and where not, exactly converted or refused.

Source: docs.stripe.com/currencies. Two of its currencies have other minor units than ISO 4217: ISK is written with two decimals
that are always zero, MGA without any. Currencies of three decimals must end in a zero. UGX is not taken: that page lists it among
those without decimals and, a table further down, among those with two, and a mistake would be a hundredfold.
"""

from typing import Final

from kassa.ports.money import EXPONENTS, Money
from kassa.ports.payment import AmountRule
from kassa.ports.provider_json import ProviderUnclear
from kassa.ports.values import MAX_INTEGER

_CURRENCIES: Final = (
    "EUR USD AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP"
    " CRC CVE CZK DJF DKK DOP DZD EGP ETB FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JPY"
    " KES KGS KHR KMF KRW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO"
    " NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TOP"
    " TRY TTD TWD TZS UAH UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW BHD JOD KWD OMR TND"
)
_MOST: Final = 999_999_999_999
"""Twelve digits, the most that Stripe takes of any card; where a card takes less, Stripe refuses."""
_LEAST: Final = {
    "USD": 50, "AED": 200, "ARS": 50, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "COP": 50, "CZK": 1500, "DKK": 250,
    "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "IDR": 50, "ILS": 50, "INR": 50, "JPY": 50, "KRW": 50, "MXN": 1000,
    "MYR": 200, "NOK": 300, "NZD": 50, "PHP": 50, "PLN": 200, "RON": 200, "RUB": 50, "SEK": 300, "SGD": 50, "THB": 1000,
    "ZAR": 50,
}  # fmt: skip
_DECIMALS: Final = {"ISK": 2, "MGA": 0}
"""Where Stripe's minor unit is not that of ISO 4217."""


def _factor(currency: str) -> int:
    """Our minor units in one of Stripe's, positive; or Stripe's in one of ours, negative."""
    ours = EXPONENTS[currency]
    theirs = _DECIMALS.get(currency, ours)
    return int(10 ** (ours - theirs)) if ours >= theirs else -int(10 ** (theirs - ours))


def _rule(currency: str) -> AmountRule:
    factor, least = _factor(currency), _LEAST.get(currency, 1)
    if factor < 0:
        return AmountRule(currency=currency, min=-(-least // -factor), max=_MOST // -factor)
    step = 10 if EXPONENTS[currency] == 3 else factor
    return AmountRule(currency=currency, min=max(least * factor, step), max=_MOST * factor // step * step, step=step)


RULES: Final = tuple(_rule(currency) for currency in _CURRENCIES.split())
_TAKEN: Final = frozenset(_CURRENCIES.split())


def written(amount: Money) -> int:
    """An amount that the rules allow, in Stripe's units. Raises `ValueError` where that is not exact."""
    factor = _factor(amount.currency)
    if factor < 0:
        return amount.amount * -factor
    units, rest = divmod(amount.amount, factor)
    if rest:
        raise ValueError(f"Stripe has no unit for {amount}")
    return units


def read(units: int, currency: str) -> Money:
    """What Stripe wrote. Raises `ProviderUnclear` for a currency that is not taken, and where it is not exact."""
    code = currency.upper()
    if code not in _TAKEN:
        raise ProviderUnclear("money in a currency that was not asked for")
    factor = _factor(code)
    ours, rest = (units * factor, 0) if factor > 0 else divmod(units, -factor)
    if rest or not 0 < ours <= MAX_INTEGER:
        raise ProviderUnclear("an amount that cannot be")
    return Money(amount=ours, currency=code)
