"""What a basket costs beyond its goods."""

from typing import Annotated, Protocol

from msgspec import Meta

from kassa.ports.ids import ProductId
from kassa.ports.money import Money
from kassa.ports.values import Value


class Adjustment(Value, frozen=True, kw_only=True):
    """A part of a total that is not a line. An `included` one (tax within the prices) is told but not added.

    `kind` is `shipping`, `tax`, `discount` or another word of the pricing adapter; `label` is for the customer.
    """

    kind: Annotated[str, Meta(max_length=40)]
    label: Annotated[str, Meta(max_length=100)]
    amount: Money
    included: bool = False


class BasketLine(Value, frozen=True, kw_only=True):
    """One product in a basket: how many, for how much each."""

    product_id: ProductId
    quantity: int
    price: Money


class Basket(Value, frozen=True, kw_only=True):
    """What pricing is asked about. `lines` is not empty."""

    lines: tuple[BasketLine, ...]
    address: str | None


class Pricing(Protocol):
    """Computes adjustments. Pure for equal settings: equal baskets cost the same until settings change."""

    async def adjustments(self, basket: Basket) -> tuple[Adjustment, ...]:
        """In the basket's currency. Lines plus the adjustments not included are never below zero."""
