"""What a customer is about to buy."""

from typing import Annotated, Protocol

from msgspec import Meta

from kassa.ports.ids import AccountId, CartId, ProductId
from kassa.ports.money import Money
from kassa.ports.pricing import Adjustment
from kassa.ports.values import Instant, Value

MAX_LINES = 100
LineQuantity = Annotated[int, Meta(ge=1, le=1_000_000)]


class CartLine(Value, frozen=True, kw_only=True):
    """A product in a cart at today's price. `price_when_added` differs from `price` when the price moved since.

    `available` is what the stock had when it was read; `is_active` is false for a product withdrawn since.
    """

    product_id: ProductId
    sku: str
    name: str
    quantity: int
    price: Money
    price_when_added: Money
    available: int
    is_active: bool


class Cart(Value, frozen=True, kw_only=True):
    """An account's open cart as stored; lines by product id. `id` and `version` 0 and no lines: none was begun yet."""

    id: CartId
    version: int
    lines: tuple[CartLine, ...]


class PutLine(Value, frozen=True, kw_only=True):
    """The act of setting a line to `quantity`, decided on `expected_version` of the cart if given."""

    account_id: AccountId
    product_id: ProductId
    quantity: LineQuantity
    expected_version: int | None
    at: Instant


class Carts(Protocol):
    """The durable carts. An account has at most one open cart; every change raises its version by one."""

    async def cart(self, account_id: AccountId) -> Cart:
        """The open cart; an empty `Cart` (id 0, version 0) when there is none."""

    async def put_line(self, act: PutLine) -> Cart:
        """Set one line, beginning the cart if need be. Raises `OutOfStock` (more than is available; tells what is),
        `UnknownProduct` (or not active), `CartChanged` (another version), `CartFull` (more than `MAX_LINES`)."""

    async def remove_line(
        self, account_id: AccountId, product_id: ProductId, *, expected_version: int | None, at: Instant
    ) -> Cart:
        """Remove one line; removing what is not there changes nothing. Raises `CartChanged`."""

    async def clear(self, account_id: AccountId, *, expected_version: int | None, at: Instant) -> Cart:
        """Remove all lines. Raises `CartChanged`."""


class PricedLine(Value, frozen=True, kw_only=True):
    """A line as the customer sees it; `price_was` tells a price that moved since it was added."""

    product_id: ProductId
    sku: str
    name: str
    quantity: int
    price: Money
    total: Money
    available: int
    is_active: bool
    price_was: Money | None


class PricedCart(Value, frozen=True, kw_only=True):
    """The cart with what it would cost now. `total` = lines + adjustments that are not included."""

    version: int
    lines: tuple[PricedLine, ...]
    adjustments: tuple[Adjustment, ...]
    total: Money


class Shopping(Protocol):
    """The cart as its owner uses it."""

    async def cart(self, account_id: AccountId) -> PricedCart:
        """The open cart, empty if none."""

    async def put_line(
        self, account_id: AccountId, product_id: ProductId, quantity: int, *, expected_version: int | None
    ) -> PricedCart:
        """Raises `OutOfStock`, `UnknownProduct`, `CartChanged`, `CartFull`, `InvalidValue` (quantity)."""

    async def remove_line(
        self, account_id: AccountId, product_id: ProductId, *, expected_version: int | None
    ) -> PricedCart:
        """Raises `CartChanged`."""

    async def clear(self, account_id: AccountId, *, expected_version: int | None) -> PricedCart:
        """Raises `CartChanged`."""

    async def price(self, cart: Cart) -> PricedCart:
        """Price a stored cart (for the current cart inside a `CartChanged`)."""
