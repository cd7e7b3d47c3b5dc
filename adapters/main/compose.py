"""Introduces the kernel to the adapters, by plain constructor calls: read it in one breath."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from ipaddress import ip_network

from litestar import Litestar

from kassa.adapters.http import HttpSettings, HttpShop, create_app
from kassa.adapters.main.backroom import Backroom, open_backroom
from kassa.adapters.main.banking import open_banking
from kassa.adapters.main.methods import open_methods
from kassa.adapters.main.outgoing import OutgoingWebhooks, open_outgoing
from kassa.adapters.main.secrets_kept import fingerprint_key
from kassa.adapters.main.settings import Settings
from kassa.adapters.main.volatile import open_mailer
from kassa.adapters.pricing import FlatPricing
from kassa.kernel.cart import KernelShopping
from kassa.kernel.checkout import KernelCheckout, UnpaidOrders
from kassa.kernel.events import AuditSeal, OutboxRelay
from kassa.kernel.idempotency import IdempotencyPurge, KernelClaims
from kassa.kernel.identity import KernelCustomers
from kassa.kernel.identity_sessions import SessionPurge
from kassa.kernel.payment import KernelCashier
from kassa.kernel.payment_payouts import KernelPayouts
from kassa.kernel.plugin_host import LoadedMethods
from kassa.kernel.recovery import InboxSweep, PaymentSweep, Worker
from kassa.ports.cashier import Sweep
from kassa.ports.errors import KassaError, SettingRefused
from kassa.ports.money import Money
from kassa.ports.throttle import Limit


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The whole shop: what HTTP speaks to, and what the sweeps are."""

    back: Backroom
    cashier: KernelCashier
    app: Litestar
    sweeps: tuple[Sweep, ...]


@asynccontextmanager
async def open_shop(settings: Settings, *, sweeping: bool) -> AsyncIterator[Shop]:
    """Everything, introduced to each other; with `sweeping`, the sweeps run until the shop closes.

    Raises `SettingRefused`, `SchemaBehind`, `Unavailable`, `PluginRefused`.
    """
    async with AsyncExitStack() as stack:
        back = await stack.enter_async_context(open_backroom(settings))
        methods = await stack.enter_async_context(open_methods(settings, serving=True))
        methods.refuse_incomplete()
        outgoing = await stack.enter_async_context(open_outgoing(settings, back))
        shop = _introduce(settings, back, methods, outgoing)
        await stack.enter_async_context(shop.app.lifespan())
        stack.push_async_callback(shop.cashier.drain)
        if sweeping:
            await stack.enter_async_context(_sweeping(shop))
        yield shop


def _introduce(settings: Settings, back: Backroom, methods: LoadedMethods, outgoing: OutgoingWebhooks) -> Shop:
    store, outside = back.store, back.world
    pricing = FlatPricing(
        shipping=Money(amount=settings.shop.shipping, currency=settings.shop.currency),
        tax_rate_bp=settings.shop.tax_basis_points,
        tax_label=settings.shop.tax_label,
    )
    cashier = KernelCashier(
        payments=store.payments,
        inbox=store.inbox,
        methods=methods,
        clock=outside.clock,
        ids=outside.ids,
        failpoints=outside.failpoints,
        log=outside.log,
        public_url=settings.http.public_url,
        return_urls=settings.http.return_urls,
        return_page=f"{settings.http.public_url}/returned",
        second_person=settings.treasury.second_person,
    )
    checkout = KernelCheckout(
        orders=store.orders,
        pricing=pricing,
        customers=KernelCustomers(store.accounts),
        methods=cashier,
        release=cashier,
        clock=outside.clock,
        ids=outside.ids,
        failpoints=outside.failpoints,
        currency=settings.shop.currency,
        pay_within=timedelta(seconds=settings.shop.pay_within_s),
    )

    async def ready() -> dict[str, str]:
        try:
            await store.check()
        except KassaError as error:
            return {"database": error.code}
        return {} if cashier.ready() else {"payment_methods": "one that is not optional is not loaded"}

    banking = open_banking(settings, back, methods, cashier.books)
    surface = HttpShop(
        identity=back.identity,
        catalog=back.catalog,
        shopping=KernelShopping(
            carts=store.carts, pricing=pricing, clock=outside.clock, currency=settings.shop.currency
        ),
        checkout=checkout,
        cashier=cashier,
        treasury=cashier.treasury,
        banking=banking.desk,
        payouts=KernelPayouts(
            payments=store.payments,
            files=store.bank_files,
            methods=methods,
            books=cashier.books,
            clock=outside.clock,
        ),
        outgoing=outgoing.desk,
        claims=KernelClaims(fingerprint_key(settings, outside.ids)),
        audit=store.audit,
        throttle=back.volatile.throttle,
        clock=outside.clock,
        ids=outside.ids,
        ready=ready,
        queues={
            "notices": store.inbox.backlog,
            "outbox": store.outbox.backlog,
            "deliveries": store.deliveries.backlog,
            "statement_lines": store.bank_files.backlog,
        },
    )
    app = create_app(surface, _http(settings))
    sweeps = (*_sweeps(settings, back, cashier, checkout), *banking.sweeps, *outgoing.sweeps)
    return Shop(back=back, cashier=cashier, app=app, sweeps=sweeps)


def _http(settings: Settings) -> HttpSettings:
    try:
        proxies = tuple(ip_network(proxy) for proxy in settings.http.trusted_proxies)
    except ValueError as error:
        raise SettingRefused(f"http.trusted_proxies: {error}") from None
    return HttpSettings(
        public_url=settings.http.public_url,
        currency=settings.shop.currency,
        version=version("kassa"),
        cors_origins=settings.http.cors_origins,
        trusted_proxies=proxies,
        cookie_secure=settings.http.public_url.startswith("https:"),
        docs=settings.http.docs,
        request_deadline_s=settings.http.deadline_s,
        api_limit=Limit(attempts=settings.http.requests_per_minute, window_s=60),
    )


def _sweeps(settings: Settings, back: Backroom, cashier: KernelCashier, checkout: KernelCheckout) -> tuple[Sweep, ...]:
    store, outside = back.store, back.world
    relay = OutboxRelay(
        outbox=store.outbox,
        deliveries=store.deliveries,
        mailer=open_mailer(settings, outside.clock),
        notifications=back.volatile.notifications,
        clock=outside.clock,
        ids=outside.ids,
        failpoints=outside.failpoints,
    )
    return (
        PaymentSweep(
            cashier=cashier,
            payments=store.payments,
            clock=outside.clock,
            ids=outside.ids,
            failpoints=outside.failpoints,
            log=outside.log,
        ),
        InboxSweep(cashier=cashier, inbox=store.inbox, clock=outside.clock, log=outside.log),
        UnpaidOrders(payments=store.payments, checkout=checkout, clock=outside.clock, ids=outside.ids),
        relay,
        AuditSeal(audit=store.audit, clock=outside.clock),
        IdempotencyPurge(records=store.records, clock=outside.clock),
        SessionPurge(accounts=store.accounts, clock=outside.clock),
    )


@asynccontextmanager
async def _sweeping(shop: Shop) -> AsyncIterator[None]:
    outside = shop.back.world
    worker = Worker(shop.sweeps, clock=outside.clock, ids=outside.ids, log=outside.log)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
