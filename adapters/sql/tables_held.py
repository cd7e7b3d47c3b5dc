"""The tables of what is held for a while: what a payment has for itself alone, and wishes that wait for a second person."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, LargeBinary, Table, Text

from .types import Moment, metadata

reservations = Table(
    "payment_reservations", metadata,
    Column("method", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("payment_id", BigInteger, ForeignKey("payments.id"), nullable=False),
    Column("held_until", Moment, nullable=False),
    CheckConstraint("payment_id > 0", name="payment_reservations_taken"),
    Index("payment_reservations_by_payment", "payment_id"),
)  # fmt: skip
"""`value` is a number or an amount in minor units. An act that finds it held writes payment 0, which the check refuses."""

approvals = Table(
    "approvals", metadata,
    Column("key", Text, primary_key=True),
    Column("deed", Text, CheckConstraint("deed IN ('confirm', 'assign', 'return')", name="approvals_deed"), nullable=False),
    Column("word", LargeBinary, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Index("approvals_by_age", "at"),
)  # fmt: skip

HELD = (reservations, approvals)
