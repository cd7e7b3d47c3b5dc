"""What PostgreSQL's refusals mean: SQLSTATE and constraint name in, `kassa.ports.errors` out. Never by message text.

SQLSTATEs: PostgreSQL 15, appendix A.
"""

from collections.abc import Callable, Mapping
from typing import Final

import asyncpg

from kassa.ports.errors import (
    AlreadyClaimed,
    Conflict,
    EmailTaken,
    InvalidValue,
    KassaError,
    OutOfStock,
    PaymentLive,
    ReferenceTaken,
    SkuTaken,
    Unavailable,
)

_BY_CONSTRAINT: Final[Mapping[str, Callable[[], KassaError]]] = {
    "idempotency_pkey": lambda: AlreadyClaimed("the claim exists"),
    "accounts_email_key_key": lambda: EmailTaken("an account with this address exists"),
    "products_sku_key": lambda: SkuTaken("another product has this SKU"),
    "products_quantity_not_negative": lambda: OutOfStock(()),
    "payments_one_live": lambda: PaymentLive("another payment of this invoice is live"),
    "payment_reservations_taken": lambda: ReferenceTaken("another payment has this number or amount"),
}
_UNIQUE: Final = "23505"
_AGAIN: Final = frozenset({"40001", "40P01", "0A000"})
"""Serialization failure, deadlock, a cached plan that DDL made stale: nothing was done, and the same may succeed now."""
_LOST: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
"""The server ended the connection, or is not yet or no longer taking any."""
_AWAY: Final = frozenset({"55P03", "57014", "25006", "25P02", "3D000"})
"""Lock time-out, statement time-out or cancel, a server that only reads, an aborted transaction, no such database."""
_AWAY_CLASSES: Final = frozenset({"08", "28", "40", "53", "54", "57", "58", "XX", "F0"})
"""Connection, authorisation, rollback, resources, limits, intervention, system and internal errors."""
_NOT_TEXT: Final = frozenset({"22021", "22P05"})


_DRIVER: Final = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg says by itself: the connection is closed, or was ended in the middle of something. Those that are also a
ValueError are about a value that does not fit."""


def sqlstate_of(error: BaseException) -> str | None:
    """The five characters, if PostgreSQL said something."""
    cause = _driver_error(error)
    return cause.sqlstate if isinstance(cause, asyncpg.PostgresError) else None


def may_repeat(error: BaseException) -> bool:
    """Whether the server certainly did nothing and asks for the very same statement again."""
    return sqlstate_of(error) in _AGAIN


def is_lost(error: BaseException) -> bool:
    """Whether the connection broke: a statement without effect may be sent again on another one."""
    state = sqlstate_of(error)
    if state is not None:
        return state in _LOST or state.startswith("08")
    if isinstance(error, OSError):
        return not isinstance(error, TimeoutError)
    return isinstance(error, _DRIVER) and not isinstance(error, ValueError)


def meaning(error: Exception) -> Exception:
    """The error of `ports` that this is; the error itself when it is none (a defect of ours, to be seen as one)."""
    if isinstance(error, KassaError):
        return error
    cause = _driver_error(error)
    if isinstance(cause, asyncpg.PostgresError):
        return _meaning_of_state(cause) or error
    if isinstance(cause, _DRIVER) and isinstance(cause, ValueError):
        return InvalidValue("value", "is larger than what can be stored")
    if isinstance(cause, (OSError, *_DRIVER)):
        return Unavailable(f"postgres: {type(cause).__name__}")
    return error


def _meaning_of_state(cause: asyncpg.PostgresError) -> KassaError | None:
    state = str(cause.sqlstate or "")
    known = _BY_CONSTRAINT.get(cause.constraint_name or "")
    if state.startswith("23"):
        if known is not None:
            return known()
        return Conflict(f"{cause.constraint_name}") if state == _UNIQUE else None
    if state in _NOT_TEXT:
        return InvalidValue("text", "holds a character that cannot be stored")
    if state in _AGAIN | _LOST | _AWAY or state[:2] in _AWAY_CLASSES:
        return Unavailable(f"postgres: {type(cause).__name__} ({state})")
    return None


def _driver_error(error: BaseException) -> BaseException:
    """What the driver raised, below SQLAlchemy's two wrappers (migrations)."""
    driver = getattr(error, "orig", None)
    if isinstance(driver, BaseException):
        return driver.__cause__ or driver
    return error
