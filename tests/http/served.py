"""The surface over the kernel's test world: everything real, on SQLite in memory, in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
from litestar import Litestar

from kassa.adapters.http import HttpSettings, HttpShop, create_app
from kassa.adapters.sqlite.inbox import SqliteInbox
from kassa.adapters.webhook_out import HttpxWebhookSender
from kassa.kernel.outgoing import KernelOutgoing
from kassa.kernel.outgoing_signing import Signer
from tests.http.contract import Contract
from tests.kernel.world import CURRENCY, World

URL = "http://shop.test"
RECEIVER = "receiver.test"
"""A host that webhooks may go to."""


@dataclass
class Served:
    """An application and the world behind it."""

    world: World
    app: Litestar
    settings: HttpSettings
    shop: HttpShop

    @asynccontextmanager
    async def client(self, *, address: str = "192.0.2.7", **given: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A client at `address`, every answer of which is compared with the document."""
        contract = Contract(self.settings)
        transport = httpx.ASGITransport(self.app, client=(address, 40_000))
        hooks = {"response": [contract.check]}
        async with httpx.AsyncClient(transport=transport, base_url=URL, event_hooks=hooks, **given) as opened:
            yield opened


def settings(**changed: Any) -> HttpSettings:
    """As the tests want them: no limit on requests."""
    given: dict[str, Any] = {
        "public_url": URL,
        "currency": CURRENCY,
        "version": "0.0.test",
        "api_limit": None,
        "webhook_limit": None,
        "return_limit": None,
        **changed,
    }
    return HttpSettings(**given)


NOBODY = SimpleNamespace(plugins=lambda: (), treasury=None)
"""Sits at the till of a shop where nothing is paid."""


@asynccontextmanager
async def served(
    world: World, cashier: Any = NOBODY, banking: Any = None, payouts: Any = None, **changed: Any
) -> AsyncIterator[Served]:
    """The application, started."""
    chosen = settings(**changed)

    async def ready() -> dict[str, str]:
        return {}

    shop = HttpShop(
        identity=world.identity,
        catalog=world.catalog,
        shopping=world.shopping,
        checkout=world.checkout,
        cashier=cashier,
        treasury=cashier.treasury,
        banking=banking,
        payouts=payouts,
        outgoing=KernelOutgoing(
            endpoints=world.endpoints,
            deliveries=world.deliveries,
            sender=HttpxWebhookSender((RECEIVER,)),
            signer=Signer(b"k" * 32),
            clock=world.clock,
            ids=world.ids,
        ),
        claims=world.claims,
        audit=world.audit,
        throttle=world.throttle,
        clock=world.clock,
        ids=world.ids,
        ready=ready,
        queues={"notices": SqliteInbox(world.database).backlog},
    )
    app = create_app(shop, chosen)
    async with _living(app):
        yield Served(world, app, chosen, shop)


@asynccontextmanager
async def _living(app: Litestar) -> AsyncIterator[None]:
    """The lifespan in one task of its own: fixtures are set up and torn down in different ones."""
    started, ended = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await ended.wait()

    task = asyncio.create_task(live())
    await started.wait()
    yield
    ended.set()
    await task
