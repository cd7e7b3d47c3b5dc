"""A whole small shop on SQLite in memory: the real kernel on the real embedded adapters, with time and luck in our hands.

world = make_world()
alice = await world.newcomer("alice@example.com")
tea = await world.product("TEA", price=255, quantity=5)
await world.shopping.put_line(alice, tea.id, 2, expected_version=None)
placed = await world.check_out(alice, total=510)
await world.close()
"""

from dataclasses import dataclass, field

import msgspec

from kassa.adapters.argon2 import Argon2Passwords
from kassa.adapters.memory import MemoryNotifications, MemorySessionCache, MemoryThrottle
from kassa.adapters.pricing import FlatPricing
from kassa.adapters.sqlite.audit import SqliteAuditTrail
from kassa.adapters.sqlite.cart import SqliteCarts
from kassa.adapters.sqlite.catalog import SqliteProducts
from kassa.adapters.sqlite.checkout import SqliteOrders
from kassa.adapters.sqlite.database import SqliteDatabase
from kassa.adapters.sqlite.endpoints import SqliteEndpoints
from kassa.adapters.sqlite.endpoints_deliveries import SqliteDeliveries
from kassa.adapters.sqlite.events import SqliteOutbox
from kassa.adapters.sqlite.idempotency import SqliteIdempotencyRecords
from kassa.adapters.sqlite.identity import SqliteAccounts
from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.adapters.system import SystemFailpoints
from kassa.kernel.cart import KernelShopping
from kassa.kernel.catalog import KernelCatalog
from kassa.kernel.checkout import KernelCheckout, UnpaidOrders
from kassa.kernel.idempotency import KernelClaims
from kassa.kernel.identity import KernelCustomers, KernelIdentity
from kassa.kernel.identity_limits import AttemptLimits
from kassa.ports.audit import Origin
from kassa.ports.catalog import Product, ProductDraft
from kassa.ports.checkout import CheckoutRequest, MethodsFor, Placed, Release
from kassa.ports.errors import NothingDue, PaymentLive
from kassa.ports.idempotency import Answer, Claim, Scope
from kassa.ports.identity import LoginAttempt, OpenedSession, Registration
from kassa.ports.ids import AccountId
from kassa.ports.money import Money
from kassa.ports.payment_records import PayableState, Payments
from kassa.ports.secret import Secret
from tests.kernel.machine import SeededIds, SetClock

CURRENCY = "GBP"
PASSWORD = Secret("a sentence nobody guesses")
STRANGER = Origin(actor="anonymous", request_id="r-1", address="192.0.2.7")
OPERATOR = Origin(actor="operator:1", request_id="r-2")


class Unpaid:
    """A cashier in a shop where nobody has begun to pay: lets go of every open payable, as it is in the database."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    def names_for(self, amount: Money) -> tuple[str, ...]:
        return ("bank_transfer",)

    async def release(self, invoice_id: str, *, cancel_live: bool, origin: Origin) -> int:
        file = await self._payments.file(invoice_id)
        if file.payable.state is not PayableState.OPEN:
            raise NothingDue(invoice_id)
        if any(payment.is_live for payment in file.payments):
            raise PaymentLive(invoice_id)
        return file.payable.version


@dataclass
class World:
    """The parts of the shop, by the names that `adapters/main` gives them."""

    clock: SetClock
    ids: SeededIds
    database: SqliteDatabase
    failpoints: SystemFailpoints
    passwords: Argon2Passwords
    throttle: MemoryThrottle
    cache: MemorySessionCache
    notifications: MemoryNotifications
    accounts: SqliteAccounts
    products: SqliteProducts
    carts: SqliteCarts
    orders: SqliteOrders
    payments: SqlitePayments
    records: SqliteIdempotencyRecords
    outbox: SqliteOutbox
    endpoints: SqliteEndpoints
    deliveries: SqliteDeliveries
    audit: SqliteAuditTrail
    claims: KernelClaims
    identity: KernelIdentity
    catalog: KernelCatalog
    shopping: KernelShopping
    checkout: KernelCheckout
    unpaid_orders: UnpaidOrders
    keys: int = field(default=0)

    async def close(self) -> None:
        await self.passwords.close()
        await self.database.close()

    async def newcomer(self, email: str = "alice@example.com", address: str = "1 High Street") -> AccountId:
        """A registered account, logged in nowhere."""
        await self.identity.register(Registration(email=email, password=PASSWORD, address=address), STRANGER)
        return (await self.accounts.credentials(email)).account.id

    async def log_in(self, email: str = "alice@example.com", password: Secret = PASSWORD) -> OpenedSession:
        return await self.identity.log_in(LoginAttempt(email=email, password=password, label="test"), STRANGER)

    async def product(self, sku: str = "TEA", *, price: int = 255, quantity: int = 5) -> Product:
        draft = ProductDraft(sku=sku, name=f"A box of {sku}", price=pence(price), quantity=quantity)
        return await self.catalog.create(draft, OPERATOR)

    def claim(self, account: AccountId, request: object, *, route: str = "checkout", key: str | None = None) -> Claim:
        """A claim under `key`, or under one that was never used before."""
        self.keys += 1
        scope = Scope(principal=f"account:{account}", route=route, key=key or f"key-{self.keys}")
        return self.claims.claim(scope, msgspec.json.encode(request))

    async def check_out(self, account: AccountId, *, total: int, key: str | None = None) -> Placed:
        return placed(await self.check_out_raw(account, total=total, key=key))

    async def check_out_raw(self, account: AccountId, *, total: int, key: str | None = None) -> Answer:
        request = CheckoutRequest(expected_total=pence(total))
        return await self.checkout.place(account, request, self.claim(account, request, key=key), buyer(account))

    async def assert_sound(self) -> None:
        """All promises hold."""
        assert await self.audit.violations() == ()


def make_world(
    *,
    url: str = "sqlite://",
    seed: int = 1,
    shipping: int = 0,
    tax_rate_bp: int = 0,
    failpoints: SystemFailpoints | None = None,
    limits: AttemptLimits | None = None,
    release: Release | None = None,
    methods: MethodsFor | None = None,
) -> World:
    """A shop with nothing in it, at noon."""
    clock, ids, database = SetClock(), SeededIds(seed), SqliteDatabase.open(url)
    failpoints = failpoints or SystemFailpoints("")
    accounts, payments, orders = SqliteAccounts(database), SqlitePayments(database), SqliteOrders(database)
    products, carts = SqliteProducts(database), SqliteCarts(database)
    passwords, throttle, cache = Argon2Passwords(), MemoryThrottle(), MemorySessionCache(clock)
    pricing = FlatPricing(shipping=pence(shipping), tax_rate_bp=tax_rate_bp)
    checkout = KernelCheckout(
        orders=orders,
        pricing=pricing,
        customers=KernelCustomers(accounts),
        methods=methods or Unpaid(payments),
        release=release or Unpaid(payments),
        clock=clock,
        ids=ids,
        failpoints=failpoints,
        currency=CURRENCY,
    )
    return World(
        clock=clock,
        ids=ids,
        database=database,
        failpoints=failpoints,
        passwords=passwords,
        throttle=throttle,
        cache=cache,
        notifications=MemoryNotifications(),
        accounts=accounts,
        products=products,
        carts=carts,
        orders=orders,
        payments=payments,
        records=SqliteIdempotencyRecords(database),
        outbox=SqliteOutbox(database),
        endpoints=SqliteEndpoints(database),
        deliveries=SqliteDeliveries(database),
        audit=SqliteAuditTrail(database),
        claims=KernelClaims(b"k" * 32),
        identity=KernelIdentity(
            accounts=accounts,
            passwords=passwords,
            cache=cache,
            throttle=throttle,
            clock=clock,
            ids=ids,
            limits=limits,
        ),
        catalog=KernelCatalog(products=products, clock=clock, currency=CURRENCY),
        shopping=KernelShopping(carts=carts, pricing=pricing, clock=clock, currency=CURRENCY),
        checkout=checkout,
        unpaid_orders=UnpaidOrders(payments=payments, checkout=checkout, clock=clock, ids=ids),
    )


def pence(amount: int) -> Money:
    return Money(amount=amount, currency=CURRENCY)


def buyer(account: AccountId) -> Origin:
    return Origin(actor=f"account:{account}", request_id="r-3", address="192.0.2.7")


def placed(answer: Answer) -> Placed:
    return msgspec.json.decode(answer.body, type=Placed)
