"""Webhook endpoints, their deliveries and the delivery log; the invariant views as they were then: `r0002_<dialect>.sql`."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Written out, so that a later change of the tables or views changes no history."""
    connection = op.get_bind()
    text = Path(__file__).with_name(f"r0002_{connection.dialect.name}.sql").read_text(encoding="utf-8")
    for statement in text.strip().split("\n\n"):
        connection.exec_driver_sql(statement)
