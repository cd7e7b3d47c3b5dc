"""Amounts as PayPal writes them: decimal text, and three currencies without decimals that have some in ISO 4217."""

from typing import Annotated

from msgspec import Meta, Struct

from kassa.ports.errors import InvalidMoney
from kassa.ports.money import Currency, Money, exponent, parse_decimal
from kassa.ports.payment import AmountRule
from kassa.ports.provider_json import ProviderUnclear

_WHOLE = ("HUF", "JPY", "TWD")
"""Currencies that PayPal takes in whole units only ("does not support decimals")."""
_OTHERS = (
    "EUR", "USD", "GBP", "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "HKD", "ILS", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN",
    "SEK", "SGD", "THB",
)  # fmt: skip
_MOST_UNITS = 9_999_999
RULES = (
    *(AmountRule(currency=currency, max=_MOST_UNITS * 100) for currency in _OTHERS),
    *(
        AmountRule(currency=c, min=10 ** exponent(c), step=10 ** exponent(c), max=_MOST_UNITS * 10 ** exponent(c))
        for c in _WHOLE
    ),
)
"""What PayPal takes: its currencies, in the steps that it can write."""


class Amount(Struct, frozen=True):
    """An amount on the wire."""

    currency_code: Currency
    value: Annotated[str, Meta(max_length=32)]


def written(amount: Money) -> Amount:
    """Exactly this amount. Raises `InvalidMoney` for what PayPal cannot write."""
    if amount.currency not in _WHOLE:
        return Amount(currency_code=amount.currency, value=amount.decimal())
    whole, rest = divmod(amount.amount, 10 ** exponent(amount.currency))
    if rest:
        raise InvalidMoney(f"PayPal takes whole {amount.currency} only")
    return Amount(currency_code=amount.currency, value=str(whole))


def read(amount: Amount) -> Money:
    """Exactly what PayPal wrote. Raises `ProviderUnclear` for anything but a positive number of minor units."""
    try:
        money = parse_decimal(amount.value, amount.currency_code)
    except InvalidMoney:
        raise ProviderUnclear("an amount that is none") from None
    if money.amount <= 0:
        raise ProviderUnclear("an amount that is not positive")
    return money
