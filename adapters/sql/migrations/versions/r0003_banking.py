"""Bank files and their lines; the invariant views as they are now."""

from alembic import op

from kassa.adapters.sql import schema, tables_banking

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """While this is the newest revision its tables and views are the program's own; a fourth one writes them out here."""
    connection = op.get_bind()
    dialect = connection.dialect.name
    for statement in (*schema.made(dialect, tables_banking.BANKING), *schema.views_again(dialect)):
        connection.exec_driver_sql(statement)
