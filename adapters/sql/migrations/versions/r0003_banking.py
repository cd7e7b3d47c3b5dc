"""Bank files and their lines; what is held for a while; what is forgiven; money split; the invariant views as they are now."""

from collections.abc import Iterator

from alembic import op

from kassa.adapters.sql import schema, tables, tables_banking, tables_held

revision = "0003"
down_revision = "0002"

_COLUMNS = (
    ("payables", "forgiven BIGINT DEFAULT 0 NOT NULL"),
    ("payments", "reserved BIGINT"),
    ("payments", "forgives BIGINT DEFAULT 0 NOT NULL"),
)


def upgrade() -> None:
    """While this is the newest revision its tables and views are the program's own; a fourth one writes them out here."""
    connection = op.get_bind()
    for statement in _statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


def _statements(dialect: str) -> Iterator[str]:
    yield from schema.without_views()
    yield from (f"ALTER TABLE {table} ADD COLUMN {column}" for table, column in _COLUMNS)
    yield from _suspense_again(dialect)
    yield from schema.made(dialect, (*tables_banking.BANKING, *tables_held.HELD))
    yield from schema.with_views(dialect)


def _suspense_again(dialect: str) -> Iterator[str]:
    """The table with the states of today: SQLite changes no constraint of a table that is there."""
    yield "CREATE TEMPORARY TABLE suspense_before AS SELECT * FROM suspense"
    yield "DROP TABLE suspense"
    yield from schema.made(dialect, (tables.suspense,))
    yield "INSERT INTO suspense SELECT * FROM suspense_before"
    yield "DROP TABLE suspense_before"
