"""The shop's valuable data in PostgreSQL 15 or later: one statement per act where it is hot."""

from .audit import PostgresAuditTrail
from .bank_files import PostgresBankFiles
from .cart import PostgresCarts
from .catalog import PostgresProducts
from .checkout import PostgresOrders
from .database import PostgresDatabase
from .endpoints import PostgresEndpoints
from .endpoints_deliveries import PostgresDeliveries
from .events import PostgresOutbox
from .idempotency import PostgresIdempotencyRecords
from .identity import PostgresAccounts
from .inbox import PostgresInbox
from .payment import PostgresPayments
from .throttle import PostgresThrottle

__all__ = [
    "PostgresAccounts",
    "PostgresAuditTrail",
    "PostgresBankFiles",
    "PostgresCarts",
    "PostgresDatabase",
    "PostgresDeliveries",
    "PostgresEndpoints",
    "PostgresIdempotencyRecords",
    "PostgresInbox",
    "PostgresOrders",
    "PostgresOutbox",
    "PostgresPayments",
    "PostgresProducts",
    "PostgresThrottle",
]
