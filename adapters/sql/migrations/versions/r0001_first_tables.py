"""The first tables, their guards and the invariant views, as they were: `r0001_<dialect>.sql`, a blank line between two."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Written out, so that a later change of `tables.py` changes no history."""
    connection = op.get_bind()
    text = Path(__file__).with_name(f"r0001_{connection.dialect.name}.sql").read_text(encoding="utf-8")
    for statement in text.strip().split("\n\n"):
        connection.exec_driver_sql(statement)
