"""The cart as its owner sees it: lines at today's prices, and what they would cost together."""

from kassa.ports.cart import Cart, CartLine, Carts, PricedCart, PricedLine, PutLine
from kassa.ports.clock import Clock
from kassa.ports.errors import InvalidValue
from kassa.ports.ids import AccountId, ProductId
from kassa.ports.money import Money, exponent
from kassa.ports.pricing import Adjustment, Basket, BasketLine, Pricing

_MAX_QUANTITY = 1_000_000


class KernelShopping:
    """`kassa.ports.cart.Shopping` for a shop with one `currency`."""

    def __init__(self, *, carts: Carts, pricing: Pricing, clock: Clock, currency: str) -> None:
        exponent(currency)
        self._carts, self._pricing, self._clock, self._currency = carts, pricing, clock, currency

    async def cart(self, account_id: AccountId) -> PricedCart:
        """As it is now."""
        return await self.price(await self._carts.cart(account_id))

    async def put_line(
        self, account_id: AccountId, product_id: ProductId, quantity: int, *, expected_version: int | None
    ) -> PricedCart:
        """Set the line to `quantity`, from 1 to a million."""
        if not 1 <= quantity <= _MAX_QUANTITY:
            raise InvalidValue("quantity", f"not between 1 and {_MAX_QUANTITY}")
        act = PutLine(
            account_id=account_id,
            product_id=product_id,
            quantity=quantity,
            expected_version=expected_version,
            at=self._clock.now(),
        )
        return await self.price(await self._carts.put_line(act))

    async def remove_line(
        self, account_id: AccountId, product_id: ProductId, *, expected_version: int | None
    ) -> PricedCart:
        """Without the line."""
        cart = await self._carts.remove_line(
            account_id, product_id, expected_version=expected_version, at=self._clock.now()
        )
        return await self.price(cart)

    async def clear(self, account_id: AccountId, *, expected_version: int | None) -> PricedCart:
        """Without any line."""
        return await self.price(
            await self._carts.clear(account_id, expected_version=expected_version, at=self._clock.now())
        )

    async def price(self, cart: Cart) -> PricedCart:
        """Today's prices; an empty cart costs nothing, shipping included."""
        lines = tuple(map(_priced, cart.lines))
        extra = await adjustments(self._pricing, cart.lines, address=None)
        return PricedCart(
            version=cart.version,
            lines=lines,
            adjustments=extra,
            total=total([line.total for line in lines], extra, self._currency),
        )


async def adjustments(pricing: Pricing, lines: tuple[CartLine, ...], *, address: str | None) -> tuple[Adjustment, ...]:
    """What the lines cost beyond themselves; nothing for no lines."""
    if not lines:
        return ()
    basket = tuple(BasketLine(product_id=line.product_id, quantity=line.quantity, price=line.price) for line in lines)
    return await pricing.adjustments(Basket(lines=basket, address=address))


def total(lines: list[Money], extra: tuple[Adjustment, ...], currency: str) -> Money:
    """The sum of line totals and adjustments that are not included. Raises `CurrencyMismatch`."""
    nothing = Money(amount=0, currency=currency)
    return sum((adjustment.amount for adjustment in extra if not adjustment.included), sum(lines, nothing))


def _priced(line: CartLine) -> PricedLine:
    return PricedLine(
        product_id=line.product_id,
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        price=line.price,
        total=line.price.times(line.quantity),
        available=line.available,
        is_active=line.is_active,
        price_was=line.price_when_added if line.price_when_added != line.price else None,
    )
