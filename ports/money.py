"""Money: an integer of minor units and its currency, never a float."""

import re
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from kassa.ports.errors import CurrencyMismatch, InvalidMoney
from kassa.ports.values import MAX_INTEGER, Value

Currency: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
MinorUnits: TypeAlias = Annotated[int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]

_TWO: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF"
    " CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG"
    " HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR"
    " MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK"
    " SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD"
    " YER ZAR ZMW ZWG"
)
_ZERO: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_ZERO.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
"""How many digits of a currency are minor units (ISO 4217, table A.1)."""


_DECIMAL: Final = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,6})?\Z")


def exponent(currency: str) -> int:
    """The number of minor-unit digits of `currency`. Raises `InvalidMoney` for a currency not in ISO 4217."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise InvalidMoney(f"{currency!r} is not a currency of ISO 4217") from None


class Money(Value, frozen=True, kw_only=True):
    """An amount of one currency in minor units (ISO 4217 exponent), below 2^53 either way.

    Adding or comparing two currencies raises `CurrencyMismatch`: there is no exchange here.
    """

    amount: MinorUnits
    currency: Currency

    def __add__(self, other: "Money") -> "Money":
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def __neg__(self) -> "Money":
        return Money(amount=-self.amount, currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def times(self, quantity: int) -> "Money":
        """This amount `quantity` times."""
        return Money(amount=self.amount * quantity, currency=self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.amount

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def decimal(self) -> str:
        """The amount in major units with all digits of its currency, such as `2.55`."""
        digits = exponent(self.currency)
        return f"{Decimal(self.amount).scaleb(-digits):.{digits}f}"


def parse_decimal(text: str, currency: str) -> Money:
    """Read major units such as `2.55` exactly. Raises `InvalidMoney` for anything that is not a whole minor unit."""
    if not _DECIMAL.match(text):
        raise InvalidMoney(f"{text!r} is not an amount")
    scaled = Decimal(text).scaleb(exponent(currency))
    if scaled != scaled.to_integral_value() or abs(scaled) > MAX_INTEGER:
        raise InvalidMoney(f"{text!r} is not a whole number of minor units of {currency}")
    return Money(amount=int(scaled), currency=currency)
