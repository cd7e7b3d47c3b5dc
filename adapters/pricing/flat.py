"""One shipping fee for every basket, one tax rate within every price."""

from kassa.ports.errors import SettingRefused
from kassa.ports.money import Money
from kassa.ports.pricing import Adjustment, Basket

_WHOLE = 10_000
"""100 % in basis points."""


class FlatPricing:
    """Adds `shipping` to every basket and tells the tax that prices and shipping include.

    `tax_rate_bp` is in basis points of the net price (1900: 19 %). A fee or a rate of zero leaves its adjustment out.
    The tax of the whole gross amount is rounded once, half up (see `included_tax`).
    """

    def __init__(
        self, *, shipping: Money, tax_rate_bp: int, shipping_label: str = "Shipping", tax_label: str = "Tax"
    ) -> None:
        if shipping.amount < 0:
            raise SettingRefused(f"the shipping fee is below zero: {shipping}")
        if not 0 <= tax_rate_bp <= _WHOLE:
            raise SettingRefused(f"the tax rate is {tax_rate_bp} basis points, not 0 to {_WHOLE}")
        self._shipping, self._shipping_label = shipping, shipping_label
        self._tax_rate_bp, self._tax_label = tax_rate_bp, tax_label

    async def adjustments(self, basket: Basket) -> tuple[Adjustment, ...]:
        """Shipping, then tax. Raises `CurrencyMismatch` for a basket in another currency than the shipping fee's."""
        gross = self._shipping
        for line in basket.lines:
            gross = gross + line.price.times(line.quantity)
        adjustments = []
        if self._shipping.amount:
            adjustments.append(Adjustment(kind="shipping", label=self._shipping_label, amount=self._shipping))
        if self._tax_rate_bp:
            tax = Money(amount=included_tax(gross.amount, self._tax_rate_bp), currency=gross.currency)
            adjustments.append(Adjustment(kind="tax", label=self._tax_label, amount=tax, included=True))
        return tuple(adjustments)


def included_tax(gross: int, rate_bp: int) -> int:
    """The tax within `gross` minor units at `rate_bp` basis points of the net price, half a minor unit rounded up.

    gross = net + net * rate / 10000, so tax = gross * rate / (10000 + rate), in integers throughout.
    """
    divisor = _WHOLE + rate_bp
    return (2 * gross * rate_bp + divisor) // (2 * divisor)
