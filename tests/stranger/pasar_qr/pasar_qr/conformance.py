"""Pasar before Kassa's examination: a double that listens on a port instead of being an application."""

from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

from kassa.ports.conformance.payment_method import UNHEARD_OF, Charge, ProviderDouble, Skipped, Subject
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, Movement, MovementState
from kassa.ports.secret import Secret

from . import kassa_payment_methods
from .double import Books, Order, served

STALL = "4711"


class PasarDouble(ProviderDouble):
    """Fresh books behind a port of their own."""

    def __init__(self, key: str) -> None:
        self.books = Books(STALL, key)
        self._server: ThreadingHTTPServer | None = None

    async def open(self) -> None:
        """Listen."""
        self._server = served(self.books)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    async def close(self) -> None:
        """And stop."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    async def charges(self) -> tuple[Charge, ...]:
        """All orders."""
        with self.books.lock:
            return tuple(_charge(order) for order in self.books.orders.values())

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        """The customer scans."""
        self.books.pay(self.books.orders[merchant_ref])

    async def refuse(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        """The customer presses no in the app."""
        self.books.orders[merchant_ref]["status"] = "declined"

    async def decline_next(self) -> None:
        """The customer's limit is reached."""
        self.books.decline_next = True

    async def expire(self, merchant_ref: str) -> None:
        """The code runs out."""
        self.books.orders[merchant_ref]["status"] = "expired"

    async def pay_late(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        """It was scanned just before."""
        self.books.pay(self.books.orders[merchant_ref])

    async def dispute(self, merchant_ref: str) -> None:
        """There is no bank behind it that could."""
        raise Skipped("what was paid by code is not taken back")


class PasarSubject(Subject):
    """What the kit is given."""

    [factory] = kassa_payment_methods()
    declined_code = "limit_exceeded"

    def config(self, base_url: str) -> dict[str, Any]:
        """A stall."""
        return {"base_url": base_url, "stall": STALL, "signing_key": Secret(self.api_key)}

    def double(self) -> ProviderDouble:
        """Fresh books."""
        return PasarDouble(self.api_key)

    def unrecognised(self, body: bytes) -> bytes:
        """The same for forms, because the kit's own is for JSON."""
        told = dict(parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True))
        return urlencode(told | {"status": UNHEARD_OF}).encode() if "status" in told else body


def _charge(order: Order) -> Charge:
    amount = Money(amount=int(order["rupiah"]) * 100, currency="IDR")
    paid = Movement(kind="capture", id=order["paid"] or "none", state=MovementState.SUCCEEDED, amount=amount)
    return Charge(
        provider_ref=order["order"],
        merchant_ref=order["reference"],
        amount=amount,
        movements=(paid,) if order["paid"] else (),
    )
