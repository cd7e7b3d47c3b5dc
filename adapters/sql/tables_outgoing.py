"""The tables of outgoing webhooks: whom to tell, what is on its way, what was tried."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)

from .types import BigId, Moment, metadata

endpoints = Table(
    "endpoints", metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("is_enabled", Boolean, nullable=False, server_default=true()),
    Column("disabled", Text, CheckConstraint(
        "disabled IN ('operator', 'gone', 'failing')", name="endpoints_disabled")),
    Column("failing_since", Moment),
    Column("salt", Text, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    Column("old_salt", Text),
    Column("old_proof", LargeBinary),
    Column("old_until", Moment),
    Column("created_at", Moment, nullable=False),
    Column("removed_at", Moment),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("length(proof) = 32", name="endpoints_secret_hashed"),
    CheckConstraint("is_enabled = (disabled IS NULL)", name="endpoints_disabled_for_a_reason"),
)  # fmt: skip
"""`events` are filters with a space before, between and after them. No secret is kept: `salt` makes it again, with the
shop's own key; `proof` is its SHA-256. A removed endpoint stays until its deliveries are purged."""

deliveries = Table(
    "deliveries", metadata, Column("id", BigId, primary_key=True, autoincrement=True),
    Column("endpoint_id", ForeignKey("endpoints.id"), nullable=False),
    Column("event_id", BigInteger),
    Column("message_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('waiting', 'delivered', 'dead')", name="deliveries_state"),
           nullable=False, server_default="waiting"),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("fence", Integer, nullable=False, server_default=text("0")),
    Column("next_try_at", Moment, nullable=False),
    Column("lease_until", Moment),
    Column("created_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("status", Integer),
    Column("reason", Text, nullable=False, server_default=""),
    UniqueConstraint("endpoint_id", "event_id", name="deliveries_once"),
    CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name="deliveries_settled"),
    Index("deliveries_due", "endpoint_id", "next_try_at", "id",
          postgresql_where=text("state = 'waiting'"), sqlite_where=text("state = 'waiting'")),
    Index("deliveries_leased", "endpoint_id", postgresql_where=text("lease_until IS NOT NULL"),
          sqlite_where=text("lease_until IS NOT NULL")),
    Index("deliveries_by_endpoint", "endpoint_id", "id"),
    Index("deliveries_dead", "endpoint_id", "created_at",
          postgresql_where=text("state = 'dead'"), sqlite_where=text("state = 'dead'")),
    Index("deliveries_settled_at", "settled_at",
          postgresql_where=text("settled_at IS NOT NULL"), sqlite_where=text("settled_at IS NOT NULL")),
    sqlite_autoincrement=True,  # a purged delivery's number must not come back
)  # fmt: skip
"""`event_id` is the outbox item's (none for a test), not a foreign key: the outbox is everyone's. An event is written at most
once for an endpoint. A lease is `lease_until`, and `next_try_at` is the same moment."""

delivery_attempts = Table(
    "delivery_attempts", metadata,
    Column("delivery_id", ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("status", Integer),
    Column("reason", Text, nullable=False),
)  # fmt: skip
"""The delivery log. `number` is the fence of the attempt; one that is missing was never reported: its sender died."""

OUTGOING = (endpoints, deliveries, delivery_attempts)
