"""The invariant views: the promises that SQL can see, one row for each that is broken.

`invariant_violations` must be empty after every step, even in the middle of a fault. `liveness_violations` tells duties
with the moment `since` they are due: rows that are older than a sweep takes are broken promises.
"""

# ruff: noqa: S608 - the parts of these queries are our own constants

from sqlalchemy import Text, column, table

from .checks_banking import LINE_DUTIES, LINES
from .checks_live import DUTIES
from .checks_money import BOOKS, PAYABLES, Check
from .checks_records import RECORDS, passwords
from .checks_shop import ORDERS, STOCK
from .types import Moment

violations = table(
    "invariant_violations", column("check_name", Text), column("subject", Text), column("detail", Text)
)  # fmt: skip
"""The safety view: no row says that every promise holds."""

duties = table(
    "liveness_violations",
    column("check_name", Text),
    column("subject", Text),
    column("detail", Text),
    column("since", Moment),
)
"""The liveness view."""


def checks(dialect: str) -> tuple[Check, ...]:
    """Every safety check for `sqlite` or `postgresql`."""
    return (*BOOKS, *PAYABLES, *STOCK, *ORDERS, *RECORDS, *LINES, passwords(dialect))


def views(dialect: str) -> tuple[str, ...]:
    """The statements that create both views for `sqlite` or `postgresql`."""
    return (
        _view("invariant_violations", "subject, detail", checks(dialect)),
        _view("liveness_violations", "subject, detail, since", (*DUTIES, *LINE_DUTIES)),
    )


def _view(name: str, columns: str, parts: tuple[Check, ...]) -> str:
    union = "\nUNION ALL\n".join(
        f"SELECT '{check.name}' AS check_name, {columns} FROM ({check.query}) q" for check in parts
    )
    return f"CREATE VIEW {name} (check_name, {columns}) AS\n{union}"
