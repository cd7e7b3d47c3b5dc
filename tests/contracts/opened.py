"""Each database of ours, opened as the bundle of repositories that the contracts examine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kassa.adapters.postgres.audit import PostgresAuditTrail
from kassa.adapters.postgres.bank_files import PostgresBankFiles
from kassa.adapters.postgres.cart import PostgresCarts
from kassa.adapters.postgres.catalog import PostgresProducts
from kassa.adapters.postgres.checkout import PostgresOrders
from kassa.adapters.postgres.database import PostgresDatabase
from kassa.adapters.postgres.endpoints import PostgresEndpoints
from kassa.adapters.postgres.endpoints_deliveries import PostgresDeliveries
from kassa.adapters.postgres.events import PostgresOutbox
from kassa.adapters.postgres.idempotency import PostgresIdempotencyRecords
from kassa.adapters.postgres.identity import PostgresAccounts
from kassa.adapters.postgres.inbox import PostgresInbox
from kassa.adapters.postgres.payment import PostgresPayments
from kassa.adapters.sqlite import SqliteDatabase
from kassa.adapters.sqlite.audit import SqliteAuditTrail
from kassa.adapters.sqlite.bank_files import SqliteBankFiles
from kassa.adapters.sqlite.cart import SqliteCarts
from kassa.adapters.sqlite.catalog import SqliteProducts
from kassa.adapters.sqlite.checkout import SqliteOrders
from kassa.adapters.sqlite.endpoints import SqliteEndpoints
from kassa.adapters.sqlite.endpoints_deliveries import SqliteDeliveries
from kassa.adapters.sqlite.events import SqliteOutbox
from kassa.adapters.sqlite.idempotency import SqliteIdempotencyRecords
from kassa.adapters.sqlite.identity import SqliteAccounts
from kassa.adapters.sqlite.inbox import SqliteInbox
from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.ports.conformance.stores import Stores


def sqlite_stores(database: SqliteDatabase) -> Stores:
    """The repositories of a SQLite database."""
    return Stores(
        accounts=SqliteAccounts(database),
        products=SqliteProducts(database),
        carts=SqliteCarts(database),
        orders=SqliteOrders(database),
        payments=SqlitePayments(database),
        inbox=SqliteInbox(database),
        bank_files=SqliteBankFiles(database),
        idempotency=SqliteIdempotencyRecords(database),
        outbox=SqliteOutbox(database),
        endpoints=SqliteEndpoints(database),
        deliveries=SqliteDeliveries(database),
        audit=SqliteAuditTrail(database),
    )


@asynccontextmanager
async def opened_sqlite(url: str = "sqlite://") -> AsyncIterator[Stores]:
    """A fresh SQLite database for the time of one test."""
    database = SqliteDatabase.open(url)
    try:
        yield sqlite_stores(database)
    finally:
        await database.close()


def postgres_stores(database: PostgresDatabase) -> Stores:
    """The repositories of a PostgreSQL database."""
    return Stores(
        accounts=PostgresAccounts(database),
        products=PostgresProducts(database),
        carts=PostgresCarts(database),
        orders=PostgresOrders(database),
        payments=PostgresPayments(database),
        inbox=PostgresInbox(database),
        bank_files=PostgresBankFiles(database),
        idempotency=PostgresIdempotencyRecords(database),
        outbox=PostgresOutbox(database),
        endpoints=PostgresEndpoints(database),
        deliveries=PostgresDeliveries(database),
        audit=PostgresAuditTrail(database),
    )


@asynccontextmanager
async def opened_postgres(url: str) -> AsyncIterator[PostgresDatabase]:
    """A migrated PostgreSQL database for the time of one test."""
    database = await PostgresDatabase.open(url, allow_unsafe=True, pool_size=16, pool_timeout_s=20.0)
    try:
        yield database
    finally:
        await database.close()


async def migrate(url: str) -> None:
    """Give an empty PostgreSQL database the schema."""
    database = await PostgresDatabase.open(url, allow_unsafe=True, check_schema=False)
    try:
        await database.migrate()
    finally:
        await database.close()
