"""Sample orders and how they come into a store."""

from datetime import datetime, timedelta

from kassa.ports.cart import Cart
from kassa.ports.checkout import EndOrder, Order, OrderLine, OrderStatus, PlaceOrder
from kassa.ports.idempotency import Claim
from kassa.ports.ids import AccountId, InvoiceId
from kassa.ports.money import Money
from kassa.ports.pricing import Adjustment

from .samples import CURRENCY, NOW, a_cart, a_product, an_account, answer, claim, entry, event, money
from .stores import Stores

SHIPPING = 490
"""What every sample order costs beyond its goods, in minor units."""


def invoice(number: int = 1) -> InvoiceId:
    """A readable invoice id; stores do not judge the check character."""
    return f"KS-{number // 10_000:04d}-{number % 10_000:04d}-X"


def order_from(cart: Cart, number: int = 1, *, at: datetime = NOW, email: str = "ann@example.org") -> Order:
    """An order of everything in `cart` at the cart's prices, plus shipping, with a tax told but not added."""
    lines = tuple(
        OrderLine(
            product_id=line.product_id,
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            price=line.price,
            total=line.price.times(line.quantity),
        )
        for line in cart.lines
    )
    return Order(
        invoice_id=invoice(number),
        status=OrderStatus.AWAITING_PAYMENT,
        lines=lines,
        adjustments=(
            Adjustment(kind="shipping", label="Parcel", amount=money(SHIPPING)),
            Adjustment(kind="tax", label="19 % included", amount=money(7), included=True),
        ),
        total=sum((line.total for line in lines), start=Money(amount=SHIPPING, currency=CURRENCY)),
        email=email,
        address="1 Main Street\nSpringfield",
        placed_at=at,
        pay_until=at + timedelta(hours=1),
        last_updated=at,
    )


def placing(
    account_id: AccountId, cart: Cart, number: int = 1, *, claimed: Claim | None = None, order: Order | None = None
) -> PlaceOrder:
    """The act of placing an order from `cart`; its claim is one of its own unless given."""
    placed = order or order_from(cart, number)
    return PlaceOrder(
        account_id=account_id,
        cart_id=cart.id,
        cart_version=cart.version,
        order=placed,
        claim=claimed or claim(f"place-{number}", principal=f"account:{account_id}"),
        answer=answer(f'{{"order":"{placed.invoice_id}"}}'.encode()),
        events=(event("order.placed", f"order:{placed.invoice_id}"),),
        audit=entry("order.placed", f"order:{placed.invoice_id}", at=placed.placed_at),
    )


def ending(
    invoice_id: InvoiceId,
    *,
    payable_version: int = 1,
    status: OrderStatus = OrderStatus.CANCELED,
    at: datetime = NOW + timedelta(minutes=5),
) -> EndOrder:
    """The act of canceling or expiring an order."""
    return EndOrder(
        invoice_id=invoice_id,
        status=status,
        payable_version=payable_version,
        at=at,
        events=(event(f"order.{status.value}", f"order:{invoice_id}"),),
        audit=entry(f"order.{status.value}", f"order:{invoice_id}", at=at),
    )


async def a_placed_order(
    stores: Stores, number: int = 1, *, quantity: int = 2, stock: int = 10, at: datetime = NOW, price: int = 255
) -> PlaceOrder:
    """A placed order of one product by a customer of its own."""
    account_id = await an_account(stores, f"Buyer{number}@Example.org")
    product = await a_product(stores, f"SKU-{number}", name=f"Thing {number}", quantity=stock, price=price)
    cart = await a_cart(stores, account_id, {product.id: quantity})
    act = placing(account_id, cart, number, order=order_from(cart, number, at=at, email=f"buyer{number}@example.org"))
    await stores.orders.place(act)
    return act
