"""What SQLite's refusals mean, told by result code, constraint name or column list."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError

from kassa.ports.errors import KassaError, Unavailable


def code_of(error: DBAPIError) -> int:
    """SQLite's primary result code (https://www.sqlite.org/rescode.html); 0 for none."""
    code: int = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF


def violated(error: IntegrityError) -> str:
    """The name of the check or trigger, or the columns of the key (`carts.account_id`), that refused a row."""
    return str(error.orig).rpartition(": ")[2]


@contextmanager
def refusing(reasons: Mapping[str, Callable[[], KassaError]]) -> Iterator[None]:
    """Turn the violation of a constraint named in `reasons` into its reason; others pass as they are."""
    try:
        yield
    except IntegrityError as error:
        reason = reasons.get(violated(error))
        if reason is None:
            raise
        raise reason() from error


@contextmanager
def unavailable(path: str) -> Iterator[None]:
    """Turn a full disk, a lost file, a failed write into `Unavailable`: nothing was done."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        if not isinstance(error.orig, sqlite3.OperationalError | sqlite3.DatabaseError) or code_of(error) == _DEFECT:
            raise
        raise Unavailable(f"the database {path}: {error.orig}") from error


_DEFECT = sqlite3.SQLITE_ERROR
"""A statement that cannot be: a defect of ours, not the world's."""
