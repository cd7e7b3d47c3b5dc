"""What an adapter under examination hands over."""

from dataclasses import dataclass

from kassa.ports.audit import AuditTrail
from kassa.ports.bank_files import BankFiles
from kassa.ports.cart import Carts
from kassa.ports.catalog import Products
from kassa.ports.checkout import Orders
from kassa.ports.deliveries import Deliveries
from kassa.ports.endpoints import Endpoints
from kassa.ports.events import Outbox
from kassa.ports.idempotency import IdempotencyRecords
from kassa.ports.identity import Accounts
from kassa.ports.payment_records import Inbox, Payments


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The repositories of one database: empty at the beginning of a test, migrated, and nobody else's.

    They belong together because acts span them: an order takes stock, writes a payable, an answer, an event and an audit
    entry, and a contract looks at all of these to see that an act was whole.
    """

    accounts: Accounts
    products: Products
    carts: Carts
    orders: Orders
    payments: Payments
    inbox: Inbox
    bank_files: BankFiles
    idempotency: IdempotencyRecords
    outbox: Outbox
    endpoints: Endpoints
    deliveries: Deliveries
    audit: AuditTrail
