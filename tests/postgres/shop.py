"""A small shop on a real PostgreSQL: products, carts and orders in one line each."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from kassa.adapters.postgres.cart import PostgresCarts
from kassa.adapters.postgres.catalog import PostgresProducts
from kassa.adapters.postgres.checkout import PostgresOrders
from kassa.adapters.postgres.database import PostgresDatabase
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.cart import Cart, PutLine
from kassa.ports.catalog import Product, ProductDraft
from kassa.ports.checkout import EndOrder, Order, OrderLine, OrderStatus, PlaceOrder
from kassa.ports.events import Event
from kassa.ports.idempotency import Answer, AnswerKind, Claim, Scope
from kassa.ports.money import Money

NOW = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
_NUMBERS = itertools.count(1)


def euro(cents: int) -> Money:
    """An amount in euro cents."""
    return Money(amount=cents, currency="EUR")


def audit(subject: str, at: datetime = NOW) -> AuditEntry:
    """An audit entry."""
    return AuditEntry(
        action="test.act",
        subject=subject,
        origin=Origin(actor="account:1", request_id="r-1"),
        at=at,
        details=b'{"a":1}',
    )


def claim(account_id: int, key: str) -> Claim:
    """A claim by an account."""
    return Claim(scope=Scope(principal=f"account:{account_id}", route="POST /orders", key=key), fingerprint=b"f" * 32)


@dataclass
class Shop:
    """Repositories on one database."""

    database: PostgresDatabase
    products: PostgresProducts = field(init=False)
    carts: PostgresCarts = field(init=False)
    orders: PostgresOrders = field(init=False)

    def __post_init__(self) -> None:
        self.products = PostgresProducts(self.database)
        self.carts = PostgresCarts(self.database)
        self.orders = PostgresOrders(self.database)

    async def product(self, quantity: int = 10, price: int = 250) -> Product:
        """A new product."""
        number = next(_NUMBERS)
        draft = ProductDraft(sku=f"SKU-{number}", name=f"Lantern {number}", price=euro(price), quantity=quantity)
        return await self.products.create(draft, audit(f"product:{number}"))

    async def put(self, account_id: int, product_id: int, quantity: int = 1, version: int | None = None) -> Cart:
        """Set a line of a cart."""
        act = PutLine(account_id=account_id, product_id=product_id, quantity=quantity, expected_version=version, at=NOW)
        return await self.carts.put_line(act)

    def order_from(self, cart: Cart) -> Order:
        """The order that a checkout of this cart would place."""
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
            invoice_id=f"KS-{next(_NUMBERS):08d}",
            status=OrderStatus.AWAITING_PAYMENT,
            lines=lines,
            adjustments=(),
            total=euro(sum(line.total.amount for line in lines)),
            email="a@example.org",
            address="Lane 1",
            placed_at=NOW,
            pay_until=NOW + timedelta(hours=1),
            last_updated=NOW,
        )

    def placing(self, account_id: int, cart: Cart, key: str | None = None) -> PlaceOrder:
        """The act of placing it."""
        order = self.order_from(cart)
        subject = f"order:{order.invoice_id}"
        return PlaceOrder(
            account_id=account_id,
            cart_id=cart.id,
            cart_version=cart.version,
            order=order,
            claim=claim(account_id, key or f"key-{order.invoice_id}"),
            answer=Answer(kind=AnswerKind.CREATED, body=msgspec.json.encode(order)),
            events=(Event(kind="order.placed", subject=subject),),
            audit=audit(subject),
        )

    async def place(self, account_id: int, cart: Cart | None = None, key: str | None = None) -> Order:
        """Place an order from the account's cart."""
        act = self.placing(account_id, cart or await self.carts.cart(account_id), key)
        await self.orders.place(act)
        return act.order

    async def end(self, order: Order, status: OrderStatus = OrderStatus.EXPIRED, version: int = 1) -> None:
        """End an unpaid order."""
        subject = f"order:{order.invoice_id}"
        await self.orders.end(
            EndOrder(
                invoice_id=order.invoice_id,
                status=status,
                payable_version=version,
                at=NOW,
                events=(Event(kind="order.expired", subject=subject),),
                audit=audit(subject),
            )
        )

    async def count(self, table: str) -> int:
        """Rows of a table."""
        return int((await self.database.read(f"SELECT count(*) FROM {table}"))[0][0])

    async def stock_is_right(self) -> bool:
        """Stock equals its moves everywhere, and what is taken equals the units of orders that hold any."""
        rows = await self.database.read(
            """SELECT p.id FROM products p WHERE p.quantity < 0
               OR p.quantity <> (SELECT coalesce(sum(delta), 0) FROM stock_moves m WHERE m.product_id = p.id)
               OR (SELECT coalesce(sum(l.quantity), 0) FROM order_lines l JOIN orders o USING (invoice_id)
                   WHERE l.product_id = p.id AND o.status IN ('awaiting_payment', 'paid'))
               <> (SELECT -coalesce(sum(delta), 0) FROM stock_moves m
                   WHERE m.product_id = p.id AND m.reason IN ('taken', 'given_back', 'taken_late'))"""
        )
        return not rows
