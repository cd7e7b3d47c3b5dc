"""From a cart to an order, and from an unpaid order to none: each one atomic act, decided on what was read."""

from datetime import datetime, timedelta

import msgspec

from kassa.kernel.cart import adjustments, total
from kassa.kernel.checkout_rules import (
    checked_address,
    checked_email,
    first_status,
    frozen_lines,
    refuse_missing,
    refuse_other_total,
)
from kassa.kernel.idempotency import replay
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.cart import Cart
from kassa.ports.checkout import (
    CheckoutRequest,
    Customers,
    EndOrder,
    MethodsFor,
    Order,
    OrderPage,
    Orders,
    OrderStatus,
    Placed,
    PlaceOrder,
    Release,
)
from kassa.ports.clock import Clock
from kassa.ports.errors import (
    AlreadyClaimed,
    CartEmpty,
    Conflict,
    NothingDue,
    OrderNotCancelable,
    PaymentInDoubt,
    PaymentLive,
)
from kassa.ports.events import Event
from kassa.ports.failpoints import Failpoints
from kassa.ports.idempotency import Answer, AnswerKind, Claim
from kassa.ports.ids import AccountId, Ids, InvoiceId
from kassa.ports.money import Money, exponent
from kassa.ports.payment_records import Payments
from kassa.ports.pricing import Pricing
from kassa.ports.values import Page, Value

_TRIES = 5
"""How often an act is decided anew when what it was decided on is no longer true."""


class OrderFact(Value, frozen=True, kw_only=True):
    """What an order's events and audit entries tell."""

    invoice_id: InvoiceId
    status: OrderStatus
    total: Money


class KernelCheckout:
    """`kassa.ports.checkout.Checkout` for a shop with one `currency`; an order may be paid for `pay_within`."""

    def __init__(
        self,
        *,
        orders: Orders,
        pricing: Pricing,
        customers: Customers,
        methods: MethodsFor,
        release: Release,
        clock: Clock,
        ids: Ids,
        failpoints: Failpoints,
        currency: str,
        pay_within: timedelta = timedelta(hours=24),
    ) -> None:
        exponent(currency)
        self._orders, self._pricing, self._customers = orders, pricing, customers
        self._methods, self._release = methods, release
        self._clock, self._ids, self._failpoints = clock, ids, failpoints
        self._currency, self._pay_within = currency, pay_within

    async def place(self, account_id: AccountId, request: CheckoutRequest, claim: Claim, origin: Origin) -> Answer:
        """Read, decide, act; what moved in between is read and decided again, a few times."""
        for _ in range(_TRIES):
            basis = await self._orders.basis(account_id, claim.scope)
            if (done := replay(basis.prior, claim)) is not None:
                return done
            order = await self._decide(account_id, basis.cart, request)
            answer = self._answer(order)
            await self._failpoints.reach("checkout.before_commit")
            try:
                await self._orders.place(_act(account_id, basis.cart, order, claim=claim, answer=answer, origin=origin))
            except (Conflict, AlreadyClaimed):
                continue
            await self._failpoints.reach("checkout.after_commit")
            return answer
        raise Conflict(f"the cart of account {account_id} would not stand still")

    async def order(self, account_id: AccountId, invoice_id: InvoiceId) -> Order:
        """One's own."""
        return await self._orders.order_of(account_id, invoice_id)

    async def orders(self, account_id: AccountId, page: Page) -> OrderPage:
        """One's own, newest first."""
        return await self._orders.orders_of(account_id, page)

    async def search(self, text: str, status: OrderStatus | None, page: Page) -> OrderPage:
        """Everybody's."""
        return await self._orders.search(text, status, page)

    async def cancel(self, account_id: AccountId, invoice_id: InvoiceId, origin: Origin) -> Order:
        """Payment lets go first; then the order ends, if nobody began to pay in between."""
        for _ in range(_TRIES):
            order = await self._orders.order_of(account_id, invoice_id)
            if order.status is OrderStatus.CANCELED:
                return order
            if order.status is not OrderStatus.AWAITING_PAYMENT:
                raise OrderNotCancelable(order.status.value)
            try:
                version = await self._release.release(invoice_id, cancel_live=True, origin=origin)
                return await self._end(order, OrderStatus.CANCELED, version, origin)
            except (Conflict, NothingDue, OrderNotCancelable):
                continue  # it was paid, canceled or expired just now: look again
        raise Conflict(f"order {invoice_id} would not stand still")

    async def expire(self, invoice_id: InvoiceId, origin: Origin) -> None:
        """Nothing happens to an order that is not awaiting payment or not over, or whose money may still come."""
        for _ in range(_TRIES):
            order = await self._orders.order(invoice_id)
            if order.status is not OrderStatus.AWAITING_PAYMENT or self._clock.now() < order.pay_until:
                return
            try:
                version = await self._release.release(invoice_id, cancel_live=False, origin=origin)
                await self._end(order, OrderStatus.EXPIRED, version, origin)
            except (PaymentInDoubt, PaymentLive, NothingDue, OrderNotCancelable):
                return
            except Conflict:
                continue
            return
        raise Conflict(f"order {invoice_id} would not stand still")

    async def _decide(self, account_id: AccountId, cart: Cart, request: CheckoutRequest) -> Order:
        if not cart.lines:
            raise CartEmpty(str(account_id))
        refuse_missing(cart)
        email, address = await self._buyer(account_id, request)
        extra = await adjustments(self._pricing, cart.lines, address=address)
        lines = frozen_lines(cart)
        due = total([line.total for line in lines], extra, self._currency)
        refuse_other_total(cart, due, request.expected_total)
        now = self._clock.now()
        return Order(
            invoice_id=self._ids.invoice_id(),
            status=first_status(due),
            lines=lines,
            adjustments=extra,
            total=due,
            email=email,
            address=address,
            placed_at=now,
            pay_until=now + self._pay_within,
            last_updated=now,
        )

    async def _buyer(self, account_id: AccountId, request: CheckoutRequest) -> tuple[str, str]:
        email, address = request.email, request.address
        if email is None or address is None:  # only then is identity asked: it is a statement more
            customer = await self._customers.customer(account_id)
            email, address = email or customer.email, address or customer.address
        return checked_email(email), checked_address(address)

    def _answer(self, order: Order) -> Answer:
        is_due = order.status is OrderStatus.AWAITING_PAYMENT
        methods = self._methods.names_for(order.total) if is_due else ()
        placed = Placed(order=order, due=order.total, methods=methods)
        return Answer(kind=AnswerKind.CREATED, body=msgspec.json.encode(placed))

    async def _end(self, order: Order, status: OrderStatus, version: int, origin: Origin) -> Order:
        now = self._clock.now()
        ended = msgspec.structs.replace(order, status=status, last_updated=now)
        action = f"order.{status.value}"
        await self._failpoints.reach("order.before_end")
        await self._orders.end(
            EndOrder(
                invoice_id=order.invoice_id,
                status=status,
                payable_version=version,
                at=now,
                events=(_event(action, ended),),
                audit=_audit(action, ended, origin, now),
            )
        )
        await self._failpoints.reach("order.after_end")
        return ended


class UnpaidOrders:
    """Sweep: ends orders whose time to pay is over, at most `limit` a round."""

    def __init__(
        self, *, payments: Payments, checkout: KernelCheckout, clock: Clock, ids: Ids, limit: int = 50
    ) -> None:
        self._payments, self._checkout, self._clock, self._ids = payments, checkout, clock, ids
        self._limit = limit

    async def run_once(self) -> int:
        """How many were looked at. One that somebody else is moving just now is left to the next round."""
        origin = Origin(actor="system:sweep", request_id=self._ids.short_token())
        overdue = await self._payments.overdue(now=self._clock.now(), limit=self._limit)
        for invoice_id in overdue:
            try:
                await self._checkout.expire(invoice_id, origin)
            except Conflict:
                continue
        return len(overdue)


def _act(
    account_id: AccountId, cart: Cart, order: Order, *, claim: Claim, answer: Answer, origin: Origin
) -> PlaceOrder:
    # This act crosses into payment: it writes the order's payable, too.
    actions = ["order.placed"] if order.status is OrderStatus.AWAITING_PAYMENT else ["order.placed", "order.paid"]
    return PlaceOrder(
        account_id=account_id,
        cart_id=cart.id,
        cart_version=cart.version,
        order=order,
        claim=claim,
        answer=answer,
        events=tuple(_event(action, order) for action in actions),
        audit=_audit("order.placed", order, origin, order.placed_at),
    )


def _event(kind: str, order: Order) -> Event:
    return Event(kind=kind, subject=f"order:{order.invoice_id}", payload=_fact(order))


def _audit(action: str, order: Order, origin: Origin, at: datetime) -> AuditEntry:
    return AuditEntry(action=action, subject=f"order:{order.invoice_id}", origin=origin, at=at, details=_fact(order))


def _fact(order: Order) -> bytes:
    return msgspec.json.encode(OrderFact(invoice_id=order.invoice_id, status=order.status, total=order.total))
