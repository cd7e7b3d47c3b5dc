"""From a cart to an order: one atomic act."""

from enum import Enum
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Raw

from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.cart import Cart
from kassa.ports.events import Event
from kassa.ports.idempotency import Answer, Claim, Scope, StoredAnswer
from kassa.ports.ids import AccountId, CartId, InvoiceId, ProductId
from kassa.ports.money import Money
from kassa.ports.pricing import Adjustment
from kassa.ports.values import Instant, Page, Value


class LineProblem(Value, frozen=True, kw_only=True):
    """Why one line cannot be had as asked."""

    product_id: ProductId
    reason: Literal["out_of_stock", "price_changed", "withdrawn"]
    requested: int | None = None
    available: int | None = None
    price: Money | None = None


class OrderStatus(Enum):
    """`awaiting_payment → paid | canceled | expired`; `canceled | expired → paid` for late money alone."""

    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    CANCELED = "canceled"
    EXPIRED = "expired"


LEGAL_STEPS: dict[OrderStatus | None, frozenset[OrderStatus]] = {
    None: frozenset({OrderStatus.AWAITING_PAYMENT, OrderStatus.PAID}),
    OrderStatus.AWAITING_PAYMENT: frozenset({OrderStatus.PAID, OrderStatus.CANCELED, OrderStatus.EXPIRED}),
    OrderStatus.CANCELED: frozenset({OrderStatus.PAID}),
    OrderStatus.EXPIRED: frozenset({OrderStatus.PAID}),
    OrderStatus.PAID: frozenset(),
}
"""The legal path of an order's events. An order of nothing is paid from the start."""


class OrderLine(Value, frozen=True, kw_only=True):
    """A line with its price frozen. `total` = price times quantity."""

    product_id: ProductId
    sku: str
    name: str
    quantity: int
    price: Money
    total: Money


class Order(Value, frozen=True, kw_only=True):
    """A promise to sell. `total` = sum of lines + adjustments that are not included. `pay_until` is when stock is given
    back if nothing was paid; a payment under way extends it (see the payment's `expires_at`)."""

    invoice_id: InvoiceId
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    adjustments: tuple[Adjustment, ...]
    total: Money
    email: str
    address: str
    placed_at: Instant
    pay_until: Instant
    last_updated: Instant


class OrderPage(Value, frozen=True, kw_only=True):
    """A part of a customer's orders, newest first, and the cursor of the next."""

    items: tuple[Order, ...]
    next: str | None


class CheckoutBasis(Value, frozen=True, kw_only=True):
    """What a checkout decides on, from one read: the cart, and the answer if this request was done before."""

    cart: Cart
    prior: StoredAnswer | None


class PlaceOrder(Value, frozen=True, kw_only=True):
    """Everything one checkout writes. Decided on `cart_version` and on the prices in `order.lines`.

    The order becomes row, lines, adjustments, first order event (seq 1), stock moves and payable (its amount is
    `order.total`, its version 1); the cart is closed; `claim` and `answer` become a finished idempotency record.
    """

    account_id: AccountId
    cart_id: CartId
    cart_version: int
    order: Order
    claim: Claim
    answer: Answer
    events: tuple[Event, ...]
    audit: AuditEntry


class EndOrder(Value, frozen=True, kw_only=True):
    """The act of canceling or expiring an unpaid order; decided on `payable_version`, so that no payment can begin
    beside it. Gives the stock back (one move per line), closes the payable, raises its version."""

    invoice_id: InvoiceId
    status: OrderStatus
    payable_version: int
    at: Instant
    events: tuple[Event, ...]
    audit: AuditEntry


class Orders(Protocol):
    """The durable orders."""

    async def basis(self, account_id: AccountId, scope: Scope) -> CheckoutBasis:
        """The open cart and the record of `scope`. One read."""

    async def place(self, act: PlaceOrder) -> None:
        """Place the order whole, or raise and change nothing: `AlreadyClaimed` (after a concurrent twin ended), `Conflict`
        (cart is at another version or closed), `OutOfStock` (tells what is available), `PriceChanged` (a product's price
        or activity is not what `order.lines` says). A cart yields at most one order, ever."""

    async def order(self, invoice_id: InvoiceId) -> Order:
        """Raises `UnknownOrder`."""

    async def order_of(self, account_id: AccountId, invoice_id: InvoiceId) -> Order:
        """Raises `UnknownOrder` for one of somebody else too. One read."""

    async def orders_of(self, account_id: AccountId, page: Page) -> OrderPage:
        """Newest first."""

    async def search(self, text: str, status: OrderStatus | None, page: Page) -> OrderPage:
        """All orders, newest first: `text` is part of invoice id or e-mail (empty: all)."""

    async def end(self, act: EndOrder) -> None:
        """Raises `OrderNotCancelable` (not awaiting payment), `Conflict` (the payable is at another version)."""


class MethodOffer(Value, frozen=True, kw_only=True):
    """A way to pay that fits. `input` is the JSON Schema (as JSON text) of what the method wants to know."""

    method: str
    title: str
    input: Raw


class Placed(Value, frozen=True, kw_only=True):
    """The answer to a checkout."""

    order: Order
    due: Money
    methods: tuple[str, ...]


class MethodsFor(Protocol):
    """Which payment methods fit an amount. Asked by checkout, answered by payment from memory."""

    def names_for(self, amount: Money) -> tuple[str, ...]:
        """The names of enabled, healthy methods that take the amount."""


class Customer(Value, frozen=True, kw_only=True):
    """What checkout needs to know of who buys."""

    email: str
    address: str


class Customers(Protocol):
    """Asks identity who a customer is. Checkout never sees an accounts table."""

    async def customer(self, account_id: AccountId) -> Customer:
        """Raises `UnknownAccount`."""


class Release(Protocol):
    """Asks payment to let go of an invoice, so that its order may end."""

    async def release(self, invoice_id: InvoiceId, *, cancel_live: bool, origin: Origin) -> int:
        """Make sure no payment of the invoice is live and none in doubt; with `cancel_live`, cancel a live one that can be.

        The version of the payable at which that was so. Raises `PaymentInDoubt`, `PaymentLive`, `NothingDue` (it is
        paid or closed), `UnknownOrder`.
        """


class CheckoutRequest(Value, frozen=True, kw_only=True):
    """What a customer says at checkout. `expected_total` is compared, never charged."""

    expected_total: Money
    address: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None
    email: Annotated[str, Meta(min_length=3, max_length=254)] | None = None


class Checkout(Protocol):
    """Checkout and orders as customers and operators use them."""

    async def place(self, account_id: AccountId, request: CheckoutRequest, claim: Claim, origin: Origin) -> Answer:
        """Place an order from the open cart, once per claim; the answer's body is a `Placed`.

        Raises `CartEmpty`, `OutOfStock`, `PriceChanged`, `CartChanged`, `InvalidValue` (no address), `KeyReused`.
        """

    async def order(self, account_id: AccountId, invoice_id: InvoiceId) -> Order:
        """Raises `UnknownOrder`."""

    async def orders(self, account_id: AccountId, page: Page) -> OrderPage:
        """Newest first."""

    async def cancel(self, account_id: AccountId, invoice_id: InvoiceId, origin: Origin) -> Order:
        """Cancel an unpaid order; canceling it again is answered the same. Raises `UnknownOrder`, `OrderNotCancelable`,
        `PaymentInDoubt`, `PaymentLive`."""

    async def expire(self, invoice_id: InvoiceId, origin: Origin) -> None:
        """Sweep: end an order whose `pay_until` is over, unless a payment is live or in doubt (then nothing happens)."""

    async def search(self, text: str, status: OrderStatus | None, page: Page) -> OrderPage:
        """Operator."""
