"""A shop that sells in rupiah: the real kernel over a real database, a driver as the operator configures it, real HTTP, and the
provider's double behind a proxy on loopback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from kassa.adapters.provider_http import HttpxProviders
from kassa.adapters.sqlite.inbox import SqliteInbox
from kassa.kernel.payment import KernelCashier
from kassa.kernel.plugin_discovery import Installed
from kassa.kernel.plugin_host import load_methods
from kassa.kernel.recovery import InboxSweep, PaymentSweep
from kassa.plugins import e_wallet
from kassa.ports.conformance.payment_method import ProviderDouble, Subject
from kassa.ports.conformance.payment_method.proxy import FaultProxy
from kassa.ports.payment import RawWebhook
from kassa.ports.plugins import MethodInstance
from tests.kernel.machine import SeededIds
from tests.kernel.payment.provider import Provider
from tests.kernel.payment.till import Quiet, Till, _Later
from tests.kernel.world import make_world

METHOD = "wallet"


@dataclass
class RupiahShop:
    """The till, and the other side of it."""

    till: Till
    subject: Subject
    double: ProviderDouble
    proxy: FaultProxy

    async def pay(self, invoice_id: str) -> None:
        """The customer does at the provider what there is to do."""
        await self.double.pay(None, await self.reference(invoice_id))

    async def reference(self, invoice_id: str) -> str:
        """What the provider knows the last payment of an order by."""
        [*_, payment] = (await self.till.file(invoice_id)).payments
        return payment.merchant_ref

    async def statuses(self, invoice_id: str) -> list[str]:
        """Of all payments of an order, in order."""
        return [one.status.value for one in (await self.till.file(invoice_id)).payments]

    async def notify(self, body: bytes, *, secret: str = "") -> int:
        """A notice as the provider sends it, and everything that it leads to; the status that it is answered with."""
        now = self.till.world.clock.now()
        headers = tuple(self.double.sign(body, secret or self.subject.webhook_secret, now))
        raw = RawWebhook(slug="notices", headers=headers, body=body, received_at=now)
        return (await self.till.notify(raw, METHOD)).status

    async def last_notice(self) -> bytes:
        """The newest one."""
        return (await self.double.notices())[-1]

    async def close(self) -> None:
        """Everything, last first."""
        await self.till.close()
        await self.proxy.close()


async def open_rupiah_shop(monkeypatch: pytest.MonkeyPatch, subject: Subject, **policies: Any) -> RupiahShop:
    """With one way to pay, the subject's."""
    monkeypatch.setattr("tests.kernel.world.CURRENCY", "IDR")
    double, proxy, later, log = subject.double(), FaultProxy(), _Later(), Quiet()
    await proxy.open(double.app, "")
    world = make_world(release=later, methods=later)
    instance = MethodInstance(
        name=METHOD,
        plugin="e_wallet",
        slug="notices",
        allow_hosts=(f"127.0.0.1:{proxy.port}",),
        config=subject.config(proxy.url),
        **policies,
    )
    plugin = Installed(name="e_wallet", distribution="kassa", version="1", requires=(), load=lambda: e_wallet)
    methods = await load_methods([instance], providers=HttpxProviders(), clock=world.clock, installed=[plugin])
    methods.refuse_incomplete()
    inbox, shared = SqliteInbox(world.database), {"clock": world.clock, "log": log}
    cashier = KernelCashier(
        payments=world.payments,
        inbox=inbox,
        methods=methods,
        ids=SeededIds(1),
        failpoints=world.failpoints,
        public_url="https://shop.example",
        return_urls=("https://app.example/pay",),
        second_person=False,
        **shared,
    )
    later.cashier = cashier
    sweep = PaymentSweep(
        cashier=cashier, payments=world.payments, ids=SeededIds(1), failpoints=world.failpoints, **shared
    )
    till = Till(world, cashier, Provider(), inbox, log, sweep, InboxSweep(cashier=cashier, inbox=inbox, **shared))
    return RupiahShop(till, subject, double, proxy)
