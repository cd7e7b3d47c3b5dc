"""Runs migrations on the connection that `schema.upgrade` hands over; there is no other way in."""

from alembic import context

from kassa.adapters.sql import tables

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4975110042)")
context.configure(connection=connection, target_metadata=tables.metadata)
with context.begin_transaction():
    context.run_migrations()
