"""The tables of the three contexts, and those all of them write in the same act; outgoing webhooks have their own file.

No foreign key crosses two contexts (`CONTEXTS` says which table is whose; a test reads the schema).
Money columns are minor units; `tx` is the writing transaction's number.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from . import types
from .tables_banking import BANKING
from .tables_held import HELD
from .tables_outgoing import OUTGOING
from .types import BigId, Moment

metadata = types.metadata


def _id() -> Column[int]:
    return Column("id", BigId, primary_key=True, autoincrement=True)


def _tx() -> Column[int]:
    return Column("tx", BigInteger, nullable=False)


def _money(name: str, *checks: CheckConstraint) -> Column[int]:
    return Column(name, BigInteger, *checks, nullable=False)


# --- identity -------------------------------------------------------------------------------------------------

accounts = Table(
    "accounts", metadata, _id(),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("address", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("role", Text, CheckConstraint("role IN ('customer', 'operator')", name="accounts_role"), nullable=False),
    Column("sessions_valid_from", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    CheckConstraint("password LIKE '$argon2id$%'", name="accounts_password_hashed"),
)  # fmt: skip

sessions = Table(
    "sessions", metadata, _id(),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("label", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column("idle_until", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("ended_at", Moment),
    CheckConstraint("length(token_hash) = 32", name="sessions_token_hashed"),
    Index("sessions_by_account", "account_id"),
    Index("sessions_by_end", "ends_at"),
    sqlite_autoincrement=True,  # a purged session's number must not come back
)  # fmt: skip

attempts = Table(
    "attempts", metadata,
    Column("bucket", Text, primary_key=True),
    Column("window_start", Moment, nullable=False),
    Column("window_end", Moment, nullable=False),
    Column("count", Integer, nullable=False),
    Index("attempts_by_end", "window_end"),
)  # fmt: skip

# --- shop: catalogue, cart, checkout ----------------------------------------------------------------------------

products = Table(
    "products", metadata, _id(),
    Column("sku", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("quantity >= 0", name="products_quantity_not_negative"),
    CheckConstraint("price >= 0", name="products_price_not_negative"),
)  # fmt: skip

stock_moves = Table(
    "stock_moves", metadata, _id(),
    Column("product_id", ForeignKey("products.id"), nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("reason", Text, CheckConstraint(
        "reason IN ('received', 'correction', 'taken', 'given_back', 'taken_late')", name="stock_moves_reason"
    ), nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("invoice_id", Text),
    Column("at", Moment, nullable=False),
    _tx(),
    Index("stock_moves_by_product", "product_id"),
    Index("stock_moves_by_invoice", "invoice_id"),
    Index("stock_moves_once", "invoice_id", "product_id", "reason", unique=True,
          postgresql_where=text("invoice_id IS NOT NULL"), sqlite_where=text("invoice_id IS NOT NULL")),
)  # fmt: skip

carts = Table(
    "carts", metadata, _id(),
    Column("account_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False, server_default=true()),
    Column("last_updated", Moment, nullable=False),
    Index("carts_one_open", "account_id", unique=True, postgresql_where=text("is_open"), sqlite_where=text("is_open")),
)  # fmt: skip

cart_lines = Table(
    "cart_lines", metadata,
    Column("cart_id", ForeignKey("carts.id"), primary_key=True),
    Column("product_id", ForeignKey("products.id"), primary_key=True),
    Column("quantity", BigInteger, CheckConstraint("quantity > 0", name="cart_lines_quantity_positive"), nullable=False),
    Column("price_when_added", BigInteger, nullable=False),
)  # fmt: skip

orders = Table(
    "orders", metadata,
    Column("invoice_id", Text, primary_key=True),
    Column("account_id", BigInteger, nullable=False),
    Column("cart_id", ForeignKey("carts.id"), nullable=False, unique=True),
    Column("status", Text, CheckConstraint(
        "status IN ('awaiting_payment', 'paid', 'canceled', 'expired')", name="orders_status"), nullable=False),
    Column("total", BigInteger, CheckConstraint("total >= 0", name="orders_total_not_negative"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("number", BigId, nullable=False, unique=True),
    Column("events", Integer, nullable=False),
    Column("placed_at", Moment, nullable=False),
    Column("pay_until", Moment, nullable=False),
    Column("last_updated", Moment, nullable=False),
    Index("orders_by_account", "account_id", "number"),
)  # fmt: skip
"""`number` orders them by arrival (PostgreSQL: a sequence `orders_number`; SQLite: max + 1); `events` counts order events."""

order_lines = Table(
    "order_lines", metadata,
    Column("invoice_id", ForeignKey("orders.invoice_id"), primary_key=True),
    Column("product_id", ForeignKey("products.id"), primary_key=True),
    Column("sku", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    CheckConstraint("total = price * quantity", name="order_lines_total"),
)  # fmt: skip

order_adjustments = Table(
    "order_adjustments", metadata,
    Column("invoice_id", ForeignKey("orders.invoice_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("included", Boolean, nullable=False),
)  # fmt: skip

order_events = Table(
    "order_events", metadata,
    Column("invoice_id", ForeignKey("orders.invoice_id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("from_status", Text),
    Column("to_status", Text, nullable=False),
    Column("at", Moment, nullable=False),
    _tx(),
)  # fmt: skip

# --- payment ------------------------------------------------------------------------------------------------

payables = Table(
    "payables", metadata,
    Column("invoice_id", Text, primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("amount", BigInteger, CheckConstraint("amount >= 0", name="payables_amount_not_negative"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('open', 'paid', 'closed')", name="payables_state"), nullable=False),
    Column("pay_until", Moment, nullable=False),
    Column("version", Integer, nullable=False),
    Column("forgiven", BigInteger, nullable=False, server_default=text("0")),
    Index("payables_open_until", "pay_until", postgresql_where=text("state = 'open'"), sqlite_where=text("state = 'open'")),
)  # fmt: skip

payments = Table(
    "payments", metadata, _id(),
    Column("invoice_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("method", Text, nullable=False),
    _money("nominal", CheckConstraint("nominal > 0", name="payments_nominal_positive")),
    Column("created_date", Moment, nullable=False),
    Column("last_updated", Moment, nullable=False),
    Column("currency", Text, nullable=False),
    Column("merchant_ref", Text, nullable=False, unique=True),
    Column("provider_ref", Text),
    Column("is_live", Boolean, nullable=False),
    Column("in_doubt", Boolean, nullable=False, server_default=false()),
    Column("late", Boolean, nullable=False, server_default=false()),
    Column("conflict", Boolean, nullable=False, server_default=false()),
    Column("needs_review", Boolean, nullable=False, server_default=false()),
    _money("authorized"), _money("captured"), _money("refunded"),
    Column("expires_at", Moment, nullable=False),
    Column("plugin_state", LargeBinary, nullable=False),
    Column("next_action", LargeBinary, nullable=False),
    Column("return_token_hash", LargeBinary, nullable=False, unique=True),
    Column("return_url", Text),
    Column("reserved", BigInteger),
    Column("forgives", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("refunded >= 0 AND refunded <= captured", name="payments_refunded_within_captured"),
    Index("payments_one_live", "invoice_id", unique=True, postgresql_where=text("is_live"), sqlite_where=text("is_live")),
    Index("payments_by_invoice", "invoice_id"),
    Index("payments_by_provider_ref", "method", "provider_ref"),
)  # fmt: skip

operations = Table(
    "operations", metadata,
    Column("id", Text, primary_key=True),
    Column("payment_id", ForeignKey("payments.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Integer, nullable=False),
    Column("amount", BigInteger),
    Column("attempt", Integer, nullable=False),
    Column("sent_at", Moment, nullable=False),
    Column("next_check_at", Moment),
    Column("checks", Integer, nullable=False, server_default=text("0")),
    Column("not_found", Integer, nullable=False, server_default=text("0")),
    Column("executed", Boolean),
    Column("code", Text, nullable=False, server_default=""),
    Column("last_updated", Moment, nullable=False),
    Column("claim", LargeBinary),
    Column("lease_until", Moment),
    Column("fence", Integer, nullable=False, server_default=text("0")),
    Index("operations_one_start", "payment_id", unique=True,
          postgresql_where=text("kind = 'start'"), sqlite_where=text("kind = 'start'")),
    Index("operations_by_payment", "payment_id"),
    Index("operations_due", "next_check_at",
          postgresql_where=text("next_check_at IS NOT NULL"), sqlite_where=text("next_check_at IS NOT NULL")),
)  # fmt: skip

movements = Table(
    "movements", metadata,
    Column("payment_id", ForeignKey("payments.id"), primary_key=True),
    Column("kind", Text, CheckConstraint("kind IN ('auth', 'capture', 'refund', 'chargeback')", name="movements_kind"),
           primary_key=True),
    Column("id", Text, primary_key=True),
    Column("state", Integer, nullable=False),
    Column("amount", BigInteger, CheckConstraint("amount > 0", name="movements_amount_positive"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("at", Moment),
    Column("first_seen_at", Moment, nullable=False),
    _tx(),
    Index("movements_by_id", "id"),
    Index("movements_bank_reference", "id", unique=True,
          postgresql_where=text("kind = 'capture' AND substr(id, 1, 5) = 'bank:'"),
          sqlite_where=text("kind = 'capture' AND substr(id, 1, 5) = 'bank:'")),
)  # fmt: skip
"""`tx` is the transaction that last raised the state. Money confirmed by hand has the id `bank:<REFERENCE>`:
it counts once in the whole shop, whatever payment it is booked on."""

postings = Table(
    "postings", metadata,
    Column("key", Text, primary_key=True),
    Column("payment_id", ForeignKey("payments.id")),
    Column("at", Moment, nullable=False),
    _tx(),
    Index("postings_by_payment", "payment_id"),
)  # fmt: skip

ledger = Table(
    "ledger", metadata, _id(),
    Column("posting_key", ForeignKey("postings.key"), nullable=False),
    Column("account", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Index("ledger_by_posting", "posting_key"),
)  # fmt: skip

suspense = Table(
    "suspense", metadata,
    Column("key", Text, primary_key=True),
    Column("method", Text, nullable=False),
    Column("amount", BigInteger, CheckConstraint("amount > 0", name="suspense_amount_positive"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('open', 'assigned', 'refunded', 'split')", name="suspense_state"),
           nullable=False),
    Column("payment_id", ForeignKey("payments.id")),
    Column("note", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("suspense_by_payment", "payment_id"),
)  # fmt: skip

inbox = Table(
    "inbox", metadata, _id(),
    Column("method", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('waiting', 'done', 'dead')", name="inbox_state"), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("next_try_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("settled_at", Moment),
    UniqueConstraint("method", "event_id", name="inbox_once"),
    Index("inbox_due", "next_try_at", postgresql_where=text("state = 'waiting'"), sqlite_where=text("state = 'waiting'")),
)  # fmt: skip

# --- written by every context in the act itself -----------------------------------------------------------------

idempotency = Table(
    "idempotency", metadata,
    Column("principal", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("kind", Text),
    Column("body", LargeBinary),
    Column("at", Moment, nullable=False),
    Index("idempotency_by_age", "at"),
)  # fmt: skip

outbox = Table(
    "outbox", metadata, _id(),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('waiting', 'done', 'dead')", name="outbox_state"), nullable=False,
           server_default="waiting"),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("fence", Integer, nullable=False, server_default=text("0")),
    Column("next_try_at", Moment, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    _tx(),
    Index("outbox_due", "next_try_at", postgresql_where=text("state = 'waiting'"), sqlite_where=text("state = 'waiting'")),
    Index("outbox_by_subject", "subject"),
)  # fmt: skip

audit = Table(
    "audit", metadata, _id(),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("address", Text),
    Column("at", Moment, nullable=False),
    Column("details", LargeBinary, nullable=False),
    _tx(),
    Index("audit_by_subject", "subject"),
    Index("audit_by_actor", "actor"),
)  # fmt: skip

audit_blocks = Table(
    "audit_blocks", metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("first_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False, unique=True),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("at", Moment, nullable=False),
)  # fmt: skip

sqlite_metadata = MetaData()
"""What only SQLite needs."""

transactions = Table(
    "transactions", sqlite_metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="transactions_one_row"), primary_key=True),
    Column("tx", BigInteger, nullable=False),
)  # fmt: skip
"""One row: the number of the last writing transaction. PostgreSQL has `pg_current_xact_id()`."""

CONTEXTS = {
    "identity": (accounts, sessions, attempts),
    "shop": (products, stock_moves, carts, cart_lines, orders, order_lines, order_adjustments, order_events),
    "payment": (payables, payments, operations, movements, postings, ledger, suspense, inbox, *BANKING, *HELD),
    "outgoing": OUTGOING,
    "everyone": (idempotency, outbox, audit, audit_blocks),
}
APPEND_ONLY = (stock_moves, order_lines, order_adjustments, order_events, postings, ledger, audit, audit_blocks)
"""Guarded by triggers: neither UPDATE nor DELETE."""
