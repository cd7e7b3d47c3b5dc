"""Webhook endpoints, their deliveries and the delivery log; the invariant views as they are now."""

from alembic import op

from kassa.adapters.sql import schema, tables_outgoing

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """While this is the newest revision its tables and views are the program's own; a third one writes them out here."""
    connection = op.get_bind()
    dialect = connection.dialect.name
    for statement in (*schema.made(dialect, tables_outgoing.OUTGOING), *schema.views_again(dialect)):
        connection.exec_driver_sql(statement)
