"""One process of the shop in a random world, over a store that outlives it."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from kassa.adapters.pricing import FlatPricing
from kassa.adapters.sqlite.checkout import SqliteOrders
from kassa.adapters.sqlite.database import Act, SqliteDatabase
from kassa.adapters.sqlite.inbox import SqliteInbox
from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.kernel.checkout import KernelCheckout, UnpaidOrders
from kassa.kernel.payment import KernelCashier
from kassa.kernel.plugin_host import load_methods
from kassa.kernel.recovery import InboxSweep, PaymentSweep
from kassa.ports.plugins import MethodInstance
from tests.kernel.machine import SeededIds
from tests.kernel.payment.till import NoNetwork, Quiet, open_till
from tests.kernel.payment.worlds_loop import LoopClock, Process, ProcessDied, SimulatedLoop
from tests.kernel.payment.worlds_methods import CLASSES, plugin
from tests.kernel.payment.worlds_provider import FaultyProvider

TOTAL = 1000
DEADLINE_S = 5.0


class Doom:
    """The failpoints of one process: while the weather is bad, it dies or stands still at any of them, by chance."""

    def __init__(self, process: Process, weather: "Weather") -> None:
        self._process, self._weather = process, weather

    async def reach(self, name: str) -> None:
        self._process.check()
        weather = self._weather
        if weather.is_bad:
            weather.count[f"reached {name}"] += 1
            if weather.strikes(name):
                self._process.die()
                weather.count[f"crash at {name}"] += 1
                weather.note(f"process {self._process.number} dies at {name}")
                raise ProcessDied
            chance = weather.luck.random()
            if chance < 0.01:
                weather.count["pauses"] += 1
                weather.note(f"process {self._process.number} stands still at {name}")
                await asyncio.sleep(weather.luck.choice((3, 8, 130, 400)))
            elif chance < 0.2:
                await asyncio.sleep(0)
            self._process.check()


class Weather:
    """What may happen to the shop's processes now, and what did."""

    def __init__(self, luck: random.Random, count: Counter[str], note: Callable[[str], None], favourite: str) -> None:
        self.luck, self.count, self.note, self.favourite = luck, count, note, favourite
        self.is_bad, self.deaths = False, 0

    def strikes(self, name: str) -> bool:
        """Whether the process dies here; each world has a favourite place for it."""
        chance = 0.2 if name == self.favourite else 0.006
        struck = self.deaths < 5 and self.luck.random() < chance
        self.deaths += struck
        return struck


class Shared(SqliteDatabase):
    """The store as one process sees it: it is gone for a process that is. A process may die right before and right after
    each commit, too."""

    process: Process
    weather: Weather

    @asynccontextmanager
    async def act(self) -> AsyncIterator[Act]:
        await self._before()
        async with super().act() as write:
            self.process.check()
            yield write
        if self.weather.is_bad and self.weather.strikes("store.after_commit"):
            self.process.die()
            self.weather.count["crash at store.after_commit"] += 1
            self.weather.note(f"process {self.process.number} dies after a commit")
            raise ProcessDied

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        await self._before()
        async with super().reading() as read:
            yield read

    async def _before(self) -> None:
        if self.weather.is_bad:
            chance = self.weather.luck.random()
            if chance < 0.02:
                await asyncio.sleep(0.03)
            elif chance < 0.2:
                await asyncio.sleep(0)
        self.process.check()


class Store:
    """The database of a world, back at noon with its unpaid orders in it, as often as wanted."""

    def __init__(self, template: bytes, invoices: tuple[str, ...]) -> None:
        self.database = SqliteDatabase.open("sqlite://")
        driver = self.database.connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._driver, self._template, self.invoices = driver, template, invoices

    @classmethod
    async def made(cls, orders: int) -> "Store":
        """With so many orders of Alice's, placed at noon."""
        till = await open_till()
        invoices = tuple([await till.order(TOTAL) for _ in range(orders)])
        driver = till.world.database.connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        template = driver.serialize()
        await till.close()
        return cls(template, invoices)

    def reset(self) -> None:
        self._driver.deserialize(self._template)

    def run(self, *statements: str) -> None:
        """Change the template (planted bugs take constraints away)."""
        self.reset()
        for statement in statements:
            self._driver.execute(statement)
        self._template = self._driver.serialize()

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Look into the store, from outside of every process."""
        return self._driver.execute(statement, values).fetchall()

    @staticmethod
    def moment(stored: int) -> datetime:
        """A moment as this store writes it: microseconds since 1970."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=stored)

    @staticmethod
    def stored(moment: datetime) -> int:
        """The other way round."""
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    def seen_by(self, process: Process, weather: Weather) -> Shared:
        shared = Shared.__new__(Shared)
        shared.__dict__.update(self.database.__dict__)
        shared.process, shared.weather = process, weather
        return shared


class _Later:
    """Checkout and cashier need each other."""

    cashier: KernelCashier

    def names_for(self, amount: Any) -> tuple[str, ...]:
        return self.cashier.names_for(amount)

    async def release(self, invoice_id: str, *, cancel_live: bool, origin: Any) -> int:
        return await self.cashier.release(invoice_id, cancel_live=cancel_live, origin=origin)


@dataclass
class Shop:
    """What runs in one process."""

    process: Process
    cashier: KernelCashier
    checkout: KernelCheckout
    sweeps: tuple[Any, ...]


async def opened(
    process: Process,
    *,
    loop: SimulatedLoop,
    store: Store,
    provider: FaultyProvider,
    weather: Weather,
    seed: int,
    policies: dict[str, Any],
) -> Shop:
    """A process that has just started: nothing is left in memory of the one before."""
    clock, database, later, log = LoopClock(loop), store.seen_by(process, weather), _Later(), Quiet()
    payments, inbox, orders = SqlitePayments(database), SqliteInbox(database), SqliteOrders(database)
    failpoints, ids = Doom(process, weather), SeededIds(seed)
    names = [cls.__name__.lower() for cls in CLASSES]
    instances = [
        MethodInstance(
            name=name,
            plugin=name,
            slug="notices",
            deadline_s=DEADLINE_S,
            capture="manual" if name == "hold" else "automatic",
            **policies,
        )
        for name in names
    ]
    methods = await load_methods(instances, providers=NoNetwork(), clock=clock, installed=[plugin(provider)])
    methods.refuse_incomplete()
    cashier = KernelCashier(
        payments=payments,
        inbox=inbox,
        methods=methods,
        clock=clock,
        ids=ids,
        failpoints=failpoints,
        log=log,
        public_url="https://shop.example",
        return_urls=("https://app.example/pay",),
    )
    later.cashier = cashier
    checkout = KernelCheckout(
        orders=orders,
        pricing=FlatPricing(shipping=_nothing(), tax_rate_bp=0),
        customers=None,  # type: ignore[arg-type]
        methods=later,
        release=later,
        clock=clock,
        ids=ids,
        failpoints=failpoints,
        currency="GBP",
        pay_within=timedelta(hours=24),
    )
    sweeps = (
        PaymentSweep(cashier=cashier, payments=payments, clock=clock, ids=ids, failpoints=failpoints, log=log),
        InboxSweep(cashier=cashier, inbox=inbox, clock=clock, log=log),
        UnpaidOrders(payments=payments, checkout=checkout, clock=clock, ids=ids),
    )
    return Shop(process=process, cashier=cashier, checkout=checkout, sweeps=sweeps)


def _nothing() -> Any:
    from kassa.ports.money import Money

    return Money(amount=0, currency="GBP")


def decoded(body: bytes, shape: type[Any]) -> Any:
    return msgspec.json.decode(body, type=shape)
