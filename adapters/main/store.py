"""Opens the durable store that the settings name, and gives its repositories their ports' names."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kassa.adapters.main.settings import Settings
from kassa.ports.audit import AuditTrail
from kassa.ports.bank_files import BankFiles
from kassa.ports.cart import Carts
from kassa.ports.catalog import Products
from kassa.ports.checkout import Orders
from kassa.ports.deliveries import Deliveries
from kassa.ports.endpoints import Endpoints
from kassa.ports.errors import SettingRefused
from kassa.ports.events import Outbox
from kassa.ports.idempotency import IdempotencyRecords
from kassa.ports.identity import Accounts
from kassa.ports.payment_records import Inbox, Payments
from kassa.ports.throttle import Throttle


@dataclass(frozen=True, kw_only=True)
class Store:
    """One durable store, by port. `check` raises `Unavailable` when it does not answer."""

    accounts: Accounts
    products: Products
    carts: Carts
    orders: Orders
    payments: Payments
    inbox: Inbox
    bank_files: BankFiles
    records: IdempotencyRecords
    outbox: Outbox
    endpoints: Endpoints
    deliveries: Deliveries
    audit: AuditTrail
    attempts: Throttle
    check: Callable[[], Awaitable[None]]


@asynccontextmanager
async def open_store(settings: Settings, *, read_only: bool = False) -> AsyncIterator[Store]:
    """Raises `SettingRefused`, `SchemaBehind`, `Unavailable`. An embedded store migrates itself; it belongs to one
    process, but `read_only` may look into one that is in use."""
    _check_address(settings)
    if settings.embedded:
        async with _sqlite(settings, read_only=read_only) as store:
            yield store
    else:
        async with _postgres(settings) as store:
            yield store


def _check_address(settings: Settings) -> None:
    scheme, colon, rest = settings.database_url.partition("://")
    if not colon or scheme not in ("sqlite", "postgresql", "postgres"):
        raise SettingRefused("database_url: is neither sqlite:///FILE nor postgresql://…")
    try:
        port_is_fine = scheme == "sqlite" or urlsplit(f"//{rest}").port != 0
    except ValueError:
        port_is_fine = False
    if not port_is_fine:
        raise SettingRefused("database_url: the port is not a number from 1 to 65535")


async def migrate(settings: Settings) -> str:
    """Bring the database to this program's schema; what was done, as a sentence."""
    _check_address(settings)
    if settings.embedded:
        async with open_store(settings):
            return "the embedded database is up to date"
    from kassa.adapters.postgres.database import PostgresDatabase

    database = await PostgresDatabase.open(
        settings.database_url, allow_unsafe=settings.allow_unsafe_database, check_schema=False
    )
    try:
        await database.migrate()
    finally:
        await database.close()
    return "the database is up to date"


async def check_store(settings: Settings) -> None:
    """Open and close it. Raises what `open_store` raises."""
    async with open_store(settings):
        pass


@asynccontextmanager
async def _sqlite(settings: Settings, *, read_only: bool) -> AsyncIterator[Store]:
    from kassa.adapters import sqlite

    path = Path(settings.database_url.removeprefix("sqlite://").removeprefix("/"))
    if path.name and not read_only:
        _folder(path.parent)
    db = sqlite.SqliteDatabase.open(settings.database_url, read_only=read_only)
    try:
        yield Store(
            accounts=sqlite.SqliteAccounts(db),
            products=sqlite.SqliteProducts(db),
            carts=sqlite.SqliteCarts(db),
            orders=sqlite.SqliteOrders(db),
            payments=sqlite.SqlitePayments(db),
            inbox=sqlite.SqliteInbox(db),
            bank_files=sqlite.SqliteBankFiles(db),
            records=sqlite.SqliteIdempotencyRecords(db),
            outbox=sqlite.SqliteOutbox(db),
            endpoints=sqlite.SqliteEndpoints(db),
            deliveries=sqlite.SqliteDeliveries(db),
            audit=sqlite.SqliteAuditTrail(db),
            attempts=sqlite.SqliteThrottle(db),
            check=db.check,
        )
    finally:
        await db.close()


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingRefused(f"database_url: {path}: {error.strerror}") from None


@asynccontextmanager
async def _postgres(settings: Settings) -> AsyncIterator[Store]:
    from kassa.adapters import postgres

    db = await postgres.PostgresDatabase.open(
        settings.database_url, pool_size=settings.pool_size, allow_unsafe=settings.allow_unsafe_database
    )
    try:
        yield Store(
            accounts=postgres.PostgresAccounts(db),
            products=postgres.PostgresProducts(db),
            carts=postgres.PostgresCarts(db),
            orders=postgres.PostgresOrders(db),
            payments=postgres.PostgresPayments(db),
            inbox=postgres.PostgresInbox(db),
            bank_files=postgres.PostgresBankFiles(db),
            records=postgres.PostgresIdempotencyRecords(db),
            outbox=postgres.PostgresOutbox(db),
            endpoints=postgres.PostgresEndpoints(db),
            deliveries=postgres.PostgresDeliveries(db),
            audit=postgres.PostgresAuditTrail(db),
            attempts=postgres.PostgresThrottle(db),
            check=db.check_schema,
        )
    finally:
        await db.close()
