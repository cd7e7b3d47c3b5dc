"""Where a shop is met over HTTP: in this process on SQLite in memory, or served by `kassa serve` on both pairs of adapters."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from kassa.adapters.main import inspecting
from kassa.ports.secret import Secret
from tests.http.caller import PASSWORD
from tests.http.contract import Contract
from tests.http.served import Served, served, settings
from tests.kernel.payment.banking import bank_desk
from tests.kernel.payment.reserving import Reserve
from tests.kernel.payment.till import Till, open_till
from tests.kernel.world import OPERATOR
from tests.walks.shop import ServedShop

OPERATOR_EMAIL = "operator@example.com"
EVERYWHERE = pytest.mark.parametrize("place", ["here", "embedded", "production"], indirect=True)
"""For flows that must be the same on every pair of adapters."""


@dataclass
class Here:
    """In this process: its insides can be looked at."""

    shop: Served
    till: Till
    address: str = "192.0.2.7"

    @classmethod
    @asynccontextmanager
    async def opened(cls, *, terms: Mapping[str, Any] | None = None, **changed: Any) -> AsyncIterator["Here"]:
        """A shop with nothing in it, every method on these `terms`; at the end all promises still hold."""
        till = await open_till(more=(Reserve,), **(terms or {}))
        async with served(till.world, till.cashier, bank_desk(till).desk, **changed) as shop:
            yield cls(shop, till)
        await till.cashier.drain()
        await till.assert_sound()
        await till.close()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client whose every answer is compared with the document."""
        async with self.shop.client(address=self.address) as opened:
            yield opened

    async def hire(self) -> None:
        """Make the operator."""
        await self.till.world.identity.add_operator(OPERATOR_EMAIL, Secret(PASSWORD), OPERATOR)


@dataclass
class There:
    """Behind a real server, with processes and databases of its own, shared by the tests of a run."""

    shop: ServedShop
    address: str = "127.0.0.1"

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client whose every answer is compared with the document."""
        hooks = {"response": [Contract(settings(public_url=self.shop.url)).check]}
        limits = httpx.Limits(max_connections=64)
        async with httpx.AsyncClient(
            base_url=self.shop.url, event_hooks=hooks, timeout=60, limits=limits, trust_env=False
        ) as opened:
            yield opened

    async def hire(self) -> None:
        """Done before the shop was opened."""


def staffed(shop: ServedShop) -> ServedShop:
    """With its operator, made as the command line does: an embedded shop lets nobody else in while it is open."""
    shop._apart(inspecting.add_operator(shop.settings, OPERATOR_EMAIL, PASSWORD))
    return shop
