"""Orders in PostgreSQL: reads are one statement, and so are placing and ending an order."""

import msgspec

from kassa.adapters.sql.rows import cursor_number, stored_answer_from_row
from kassa.ports.cart import Cart
from kassa.ports.checkout import (
    CheckoutBasis,
    EndOrder,
    LineProblem,
    Order,
    OrderPage,
    OrderStatus,
    PlaceOrder,
)
from kassa.ports.errors import (
    AlreadyClaimed,
    Conflict,
    LinesRefused,
    OrderNotCancelable,
    OutOfStock,
    PriceChanged,
    UnknownOrder,
)
from kassa.ports.idempotency import Scope
from kassa.ports.ids import AccountId, InvoiceId
from kassa.ports.values import Page

from .database import PostgresDatabase
from .idempotency import find
from .order_statements import BASIS, END, ORDER, ORDER_OF, ORDERS_OF, PLACE, SEARCH
from .rows import Rows
from .statements import like

_NEWEST = 2**63 - 1


class PostgresOrders:
    """The durable orders."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def basis(self, account_id: AccountId, scope: Scope) -> CheckoutBasis:
        """The open cart and the record of a claim."""
        row = (await self._database.read(BASIS, account_id, scope.principal, scope.route, scope.key))[0]
        prior = None if row.fingerprint is None else stored_answer_from_row(row)
        return CheckoutBasis(cart=msgspec.json.decode(row.cart, type=Cart), prior=prior)

    async def place(self, act: PlaceOrder) -> None:
        """Place an order. A claim made meanwhile by a twin is found by its row; only then a second statement is sent."""
        row = (await self._database.write(PLACE, msgspec.json.encode(act).decode()))[0]
        if row.is_done:
            return
        if row.is_current:
            raise _refusal(msgspec.json.decode(row.problems, type=tuple[LineProblem, ...]))
        if await find(self._database, act.claim.scope) is not None:
            raise AlreadyClaimed("a request with this key has placed its order")
        raise Conflict("the cart is at another version or closed")

    async def order(self, invoice_id: InvoiceId) -> Order:
        """By invoice id."""
        return _only(await self._database.read(ORDER, invoice_id))

    async def order_of(self, account_id: AccountId, invoice_id: InvoiceId) -> Order:
        """By invoice id, of this account."""
        return _only(await self._database.read(ORDER_OF, invoice_id, account_id))

    async def orders_of(self, account_id: AccountId, page: Page) -> OrderPage:
        """Newest first."""
        before = cursor_number(page.cursor, beginning=_NEWEST)
        return _page(await self._database.read(ORDERS_OF, account_id, before, page.limit + 1), page)

    async def search(self, text: str, status: OrderStatus | None, page: Page) -> OrderPage:
        """All orders, newest first."""
        before = cursor_number(page.cursor, beginning=_NEWEST)
        wanted = None if status is None else status.value
        return _page(await self._database.read(SEARCH, like(text), wanted, before, page.limit + 1), page)

    async def end(self, act: EndOrder) -> None:
        """Cancel or expire an unpaid order and give its stock back."""
        row = (await self._database.write(END, msgspec.json.encode(act).decode()))[0]
        if row.is_done:
            return
        if row.status is None:
            raise UnknownOrder("no such order")
        if row.status != OrderStatus.AWAITING_PAYMENT.value:
            raise OrderNotCancelable(row.status)
        raise Conflict("the payable is at another version")


def _refusal(problems: tuple[LineProblem, ...]) -> LinesRefused:
    is_short = any(problem.reason == "out_of_stock" for problem in problems)
    return OutOfStock(problems) if is_short else PriceChanged(problems)


def _order(text: str) -> Order:
    return msgspec.json.decode(text, type=Order)


def _only(rows: Rows) -> Order:
    if not rows:
        raise UnknownOrder("no such order")
    return _order(rows[0].order)


def _page(rows: Rows, page: Page) -> OrderPage:
    """The first `page.limit` rows; there is one more if there is a next page."""
    shown = rows[: page.limit]
    following = str(shown[-1].number) if len(rows) > page.limit else None
    return OrderPage(items=tuple(_order(row.order) for row in shown), next=following)
