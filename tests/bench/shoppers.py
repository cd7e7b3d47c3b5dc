"""Customers who are logged in and buy again and again, and how long each of their requests took."""

import asyncio
import itertools
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.bench.doors import Answer, Door
from tests.walks.shop import PASSWORD

KINDS = ("put cart line", "checkout", "payment", "order")


class Refused(RuntimeError):
    """The shop did not do what a purchase needs; the message is its answer."""


@dataclass(frozen=True)
class Bought:
    """An order that ended paid; `amount` in minor units."""

    invoice_id: str
    amount: int


@dataclass
class Record:
    """What was bought, and the seconds that each kind of request took."""

    bought: list[Bought] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wall_s: float = 0.0


class Shopper:
    """One account with a session, at one door."""

    def __init__(self, door: Door, email: str, token: str, products: Sequence[int]) -> None:
        self.door, self.email, self._products = door, email, products
        self.session = ("Authorization", f"Bearer {token}")
        self._numbers = itertools.count(1)
        self._random = random.Random(email)

    @classmethod
    async def arrive(cls, door: Door, email: str, products: Sequence[int]) -> "Shopper":
        """Register and log in."""
        account = {"email": email, "password": PASSWORD, "address": "1 Loop Road, London"}
        must(await door.ask("POST", "/v1/accounts", (), msgspec.json.encode(account)), 202)
        return cls(door, email, await log_in(door, email), products)

    def restart(self) -> None:
        """Choose the same products and quantities again as at the beginning of every shopper of this kind."""
        self._random.seed(0)

    async def buy(self, record: Record) -> Bought:
        """Put a line into the cart, check out, pay by card, look at the order. Raises `Refused`."""
        product, quantity = self._random.choice(self._products), self._random.randint(1, 3)
        number = next(self._numbers)
        cart = await self.put(product, quantity, record)
        order = (await self.checkout(cart["total"], f"{self.email}-checkout-{number}", record))["order"]
        invoice_id, amount = str(order["invoice_id"]), int(order["total"]["amount"])
        await self.pay(invoice_id, f"{self.email}-payment-{number}", record)
        status = (await self.order(invoice_id, record))["status"]
        if status != "paid":
            raise Refused(f"{invoice_id} is {status} after a payment by tok_ok")
        bought = Bought(invoice_id, amount)
        record.bought.append(bought)
        return bought

    async def put(self, product: int, quantity: int, record: Record) -> Any:
        """The cart afterwards."""
        path = f"/v1/cart/lines/{product}"
        return await self._timed(record, KINDS[0], 200, "PUT", path, {"quantity": quantity})

    async def checkout(self, total: Any, key: str, record: Record) -> Any:
        """The answer with the order."""
        given = {"expected_total": total}
        return await self._timed(record, KINDS[1], 201, "POST", "/v1/checkout", given, key)

    async def pay(self, invoice_id: str, key: str, record: Record) -> Any:
        """The payment, by a card that is good."""
        given = {"invoice_id": invoice_id, "method": "card", "input": {"source": "tok_ok"}}
        return await self._timed(record, KINDS[2], 201, "POST", "/v1/payments", given, key)

    async def order(self, invoice_id: str, record: Record) -> Any:
        """The order."""
        return await self._timed(record, KINDS[3], 200, "GET", f"/v1/orders/{invoice_id}")

    async def _timed(
        self, record: Record, kind: str, status: int, method: str, path: str, given: Any = None, key: str = ""
    ) -> Any:
        headers = [self.session, ("Idempotency-Key", key)] if key else [self.session]
        body = b"" if given is None else msgspec.json.encode(given)
        begun = time.perf_counter()
        answer = await self.door.ask(method, path, headers, body)
        record.seconds[kind].append(time.perf_counter() - begun)
        return must(answer, status).json()


async def log_in(door: Door, email: str) -> str:
    """A new session's token."""
    given = msgspec.json.encode({"email": email, "password": PASSWORD})
    return str(must(await door.ask("POST", "/v1/sessions", (), given), 201).json()["token"])


async def buy_for(shoppers: Sequence[Shopper], seconds: float) -> Record:
    """Let all of them buy until `seconds` are over; each finishes what it has begun."""
    record = Record()
    begun = time.perf_counter()

    async def shop(shopper: Shopper) -> None:
        while time.perf_counter() - begun < seconds:
            await shopper.buy(record)

    async with asyncio.TaskGroup() as group:
        for shopper in shoppers:
            group.create_task(shop(shopper))
    record.wall_s = time.perf_counter() - begun
    return record


def must(answer: Answer, status: int) -> Answer:
    """The answer, if it is the expected one."""
    if answer.status != status:
        raise Refused(f"{answer.status} instead of {status}: {answer.body[:1000].decode('utf-8', 'replace')}")
    return answer
