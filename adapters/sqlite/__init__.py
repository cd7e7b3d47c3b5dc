"""The embedded store: one SQLite database, one connection, on the event loop's own thread."""

from .audit import SqliteAuditTrail
from .bank_files import SqliteBankFiles
from .cart import SqliteCarts
from .catalog import SqliteProducts
from .checkout import SqliteOrders
from .database import SqliteDatabase
from .endpoints import SqliteEndpoints
from .endpoints_deliveries import SqliteDeliveries
from .events import SqliteOutbox
from .idempotency import SqliteIdempotencyRecords
from .identity import SqliteAccounts
from .inbox import SqliteInbox
from .payment import SqlitePayments
from .throttle import SqliteThrottle

__all__ = [
    "SqliteAccounts",
    "SqliteAuditTrail",
    "SqliteBankFiles",
    "SqliteCarts",
    "SqliteDatabase",
    "SqliteDeliveries",
    "SqliteEndpoints",
    "SqliteIdempotencyRecords",
    "SqliteInbox",
    "SqliteOrders",
    "SqliteOutbox",
    "SqlitePayments",
    "SqliteProducts",
    "SqliteThrottle",
]
