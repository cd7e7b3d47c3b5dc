"""What a statement answers."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import asyncpg


class Row(asyncpg.Record):  # type: ignore[misc]  # asyncpg comes without types
    """A row whose columns are attributes, as the shared translations expect them."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


Rows: TypeAlias = Sequence[Any]
"""`Row`s; what is in them is only known at run time."""


def first(rows: Rows) -> Any:
    """The first column of the first row; None when there is no row."""
    return rows[0][0] if rows else None
