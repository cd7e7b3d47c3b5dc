"""A shop at which something is to be paid: the checkout's world, a real cashier over it, a scripted provider behind."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from kassa.adapters.sqlite.inbox import SqliteInbox
from kassa.kernel.payment import KernelCashier
from kassa.kernel.plugin_host import load_methods
from kassa.kernel.recovery import InboxSweep, PaymentSweep
from kassa.ports.audit import Origin
from kassa.ports.cashier import PaymentView, StartPayment
from kassa.ports.checkout import CheckoutRequest, Placed
from kassa.ports.idempotency import Answer
from kassa.ports.money import Money
from kassa.ports.payment import HttpReply, PaymentMethod, RawWebhook, Reply
from kassa.ports.payment_records import PaymentFile
from kassa.ports.plugins import MethodInstance
from kassa.ports.treasury import CaptureRequest, RefundRequest, VoidRequest
from tests.kernel.machine import SeededIds
from tests.kernel.payment.provider import Bank, Card, Provider, Wallet, plugin
from tests.kernel.world import CURRENCY, OPERATOR, World, make_world, pence

T = TypeVar("T")
ALICE = 7
CLASSES = (Card, Wallet, Bank)
BUYER = Origin(actor="account:7", request_id="r-9")


class Quiet:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **facts: str | int) -> None:
        self.lines.append((event, facts))

    def warning(self, event: str, **facts: str | int) -> None:
        self.lines.append((event, facts))


class Tools:
    """No network: the scripted provider needs none."""

    def __init__(self) -> None:
        self.http, self.log = self, Quiet()

    async def request(self, *args: Any, **more: Any) -> HttpReply:
        raise AssertionError("no network in this test")

    async def blocking(self, call: Callable[[], T]) -> T:
        return await asyncio.to_thread(call)

    async def close(self) -> None:
        pass


class NoNetwork:
    def tools(self, instance: str, **more: Any) -> Tools:
        return Tools()


class _Later:
    """Checkout and cashier need each other: this is introduced to the cashier when there is one."""

    cashier: KernelCashier

    def names_for(self, amount: Money) -> tuple[str, ...]:
        return self.cashier.names_for(amount)

    async def release(self, invoice_id: str, *, cancel_live: bool, origin: Origin) -> int:
        return await self.cashier.release(invoice_id, cancel_live=cancel_live, origin=origin)


@dataclass
class Till:
    """The world and its cashier."""

    world: World
    cashier: KernelCashier
    provider: Provider
    inbox: SqliteInbox
    log: Quiet
    payment_sweep: PaymentSweep
    inbox_sweep: InboxSweep
    keys: int = 0

    async def order(self, total: int = 1000) -> str:
        """An order of Alice's over `total`, not paid yet; its invoice id."""
        self.keys += 1
        product = await self.world.product(f"P{self.keys}", price=total, quantity=5)
        await self.world.shopping.put_line(ALICE, product.id, 1, expected_version=None)
        request = CheckoutRequest(expected_total=pence(total), email="a@example.com", address="1 High Street")
        answer = await self.world.checkout.place(ALICE, request, self.world.claim(ALICE, request), BUYER)
        return msgspec.json.decode(answer.body, type=Placed).order.invoice_id

    async def start_raw(self, invoice_id: str, method: str = "card", *, key: str | None = None, **more: Any) -> Answer:
        request = StartPayment(invoice_id=invoice_id, method=method, **more)
        claim = self.world.claim(ALICE, [invoice_id, method], route="payments", key=key)
        return await self.cashier.start(ALICE, request, claim, BUYER)

    async def start(self, invoice_id: str, method: str = "card", **more: Any) -> PaymentView:
        return view(await self.start_raw(invoice_id, method, **more))

    async def refund(self, payment_id: int, amount: int | None = None, *, key: str | None = None) -> PaymentView:
        request = RefundRequest(amount=None if amount is None else pence(amount), reason="as asked")
        claim = self.world.claim(1, [payment_id, amount], route="refunds", key=key)
        return view(await self.cashier.treasury.refund(payment_id, request, claim, OPERATOR))

    async def capture(self, payment_id: int, amount: int | None = None, *, key: str | None = None) -> PaymentView:
        request = CaptureRequest(amount=None if amount is None else pence(amount), reason="the parcel has left")
        claim = self.world.claim(1, [payment_id, amount], route="captures", key=key)
        return view(await self.cashier.treasury.capture(payment_id, request, claim, OPERATOR))

    async def void(self, payment_id: int) -> PaymentView:
        return await self.cashier.treasury.void(payment_id, VoidRequest(reason="not to be had"), OPERATOR)

    async def notify(self, raw: RawWebhook, instance: str = "card") -> Reply:
        """A webhook, and everything it leads to."""
        reply = await self.cashier.webhook(instance, raw)
        await self.cashier.drain()
        return reply

    async def file(self, invoice_id: str) -> PaymentFile:
        return await self.world.payments.file(invoice_id)

    async def status(self, invoice_id: str) -> str:
        return (await self.world.orders.order(invoice_id)).status.value

    async def sweep(self, rounds: int = 1, *, after_s: float = 0) -> None:
        for _ in range(rounds):
            self.world.clock.advance(after_s)
            await self.payment_sweep.run_once()
            await self.inbox_sweep.run_once()
            await self.cashier.drain()

    async def settle(self) -> None:
        """Sweep until nothing is due for a week."""
        for wait_s in (20, 70, 130, 400, 2000, 8000, 30_000, 90_000, 90_000, 90_000, 260_000, 620_000, 700_000):
            await self.sweep(2, after_s=wait_s)

    async def assert_sound(self) -> None:
        await self.world.assert_sound()

    async def close(self) -> None:
        await self.cashier.drain()
        await self.world.close()


def view(answer: Answer) -> PaymentView:
    return msgspec.json.decode(answer.body, type=PaymentView)


def raw_input(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


async def open_till(
    *,
    seed: int = 1,
    failpoints: Any = None,
    provider: Provider | None = None,
    deadline_s: float = 5.0,
    more: Iterable[type[PaymentMethod[Any]]] = (),
    also: Iterable[type[PaymentMethod[Any]]] = (),
    second_person: bool = False,
    **policies: Any,
) -> Till:
    """A till with the methods card, wallet and bank, and `also`; and `more` that only reserve."""
    later, log, provider = _Later(), Quiet(), provider or Provider()
    world = make_world(seed=seed, release=later, methods=later, failpoints=failpoints)
    instances = [
        MethodInstance(name=name, plugin=name, slug="notices", deadline_s=deadline_s, **policies)
        for name in ("card", "wallet", "bank", *(cls.__name__.lower() for cls in also))
    ]
    instances += [
        MethodInstance(name=name, plugin=name, slug="notices", deadline_s=deadline_s, capture="manual", **policies)
        for name in (cls.__name__.lower() for cls in more)
    ]
    plugins = [plugin(provider, (*CLASSES, *also, *more))]
    methods = await load_methods(instances, providers=NoNetwork(), clock=world.clock, installed=plugins)
    methods.refuse_incomplete()
    inbox = SqliteInbox(world.database)
    shared = {"clock": world.clock, "log": log}
    cashier = KernelCashier(
        payments=world.payments,
        inbox=inbox,
        methods=methods,
        ids=SeededIds(seed),
        failpoints=world.failpoints,
        public_url="https://shop.example",
        return_urls=("https://app.example/pay",),
        second_person=second_person,
        **shared,
    )
    later.cashier = cashier
    return Till(
        world=world,
        cashier=cashier,
        provider=provider,
        inbox=inbox,
        log=log,
        payment_sweep=PaymentSweep(
            cashier=cashier, payments=world.payments, ids=SeededIds(seed), failpoints=world.failpoints, **shared
        ),
        inbox_sweep=InboxSweep(cashier=cashier, inbox=inbox, **shared),
    )


assert CURRENCY
