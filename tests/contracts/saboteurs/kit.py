"""How a saboteur is written down, and how it comes before a contract."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar
from zlib import crc32

import pytest
from msgspec import structs
from sqlalchemy import text

from kassa.adapters.sqlite import SqliteDatabase
from kassa.adapters.sqlite.audit import SqliteAuditTrail
from kassa.adapters.sqlite.bank_files import SqliteBankFiles
from kassa.adapters.sqlite.cart import SqliteCarts
from kassa.adapters.sqlite.catalog import SqliteProducts
from kassa.adapters.sqlite.checkout import SqliteOrders
from kassa.adapters.sqlite.endpoints import SqliteEndpoints
from kassa.adapters.sqlite.endpoints_deliveries import SqliteDeliveries
from kassa.adapters.sqlite.events import SqliteOutbox
from kassa.adapters.sqlite.idempotency import SqliteIdempotencyRecords
from kassa.adapters.sqlite.identity import SqliteAccounts
from kassa.adapters.sqlite.inbox import SqliteInbox
from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.ports.audit import AuditEntry
from kassa.ports.conformance.samples import NOW, entry
from kassa.ports.conformance.stores import Stores
from tests.contracts.opened import sqlite_stores

FIELDS = {
    SqliteAccounts: "accounts",
    SqliteProducts: "products",
    SqliteCarts: "carts",
    SqliteOrders: "orders",
    SqlitePayments: "payments",
    SqliteInbox: "inbox",
    SqliteBankFiles: "bank_files",
    SqliteIdempotencyRecords: "idempotency",
    SqliteOutbox: "outbox",
    SqliteEndpoints: "endpoints",
    SqliteDeliveries: "deliveries",
    SqliteAuditTrail: "audit",
}
T = TypeVar("T", bound=type)


@cache
def _database() -> tuple[SqliteDatabase, bytes]:
    """One database for hundreds of stores, which saves compiling every statement for each; and its empty state."""
    database = SqliteDatabase.open("sqlite://")
    return database, _driver(database).serialize()


def _driver(database: SqliteDatabase) -> sqlite3.Connection:
    driver = database.connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def emptied() -> SqliteDatabase:
    """A database without rows; the one given before is gone."""
    database, empty = _database()
    _driver(database).deserialize(empty)
    return database


def close() -> None:
    """Let go of the database."""
    database, _ = _database()
    database.connection.close()
    database.engine.dispose()
    _database.cache_clear()


@dataclass(frozen=True)
class Saboteur:
    """A repository that breaks the clauses which the tests `bites` of `contract` stand for."""

    repository: type
    contract: type
    bites: frozenset[str]


SABOTEURS: list[Saboteur] = []
COSTLY = frozenset({"test_a_cart_holds_a_bounded_number_of_lines", "test_at_most_a_hundred_sessions_are_told"})
"""Clauses that need a hundred acts: only asked of the saboteurs that break them."""


def breaks(contract: type, *tests: str) -> Callable[[T], T]:
    """Register a repository as one that must fail exactly `tests` of `contract`."""

    def register(repository: T) -> T:
        for test in tests:
            assert hasattr(contract, test), f"{contract.__name__} has no {test}"
        SABOTEURS.append(Saboteur(repository, contract, frozenset(tests)))
        return repository

    return register


def examined(saboteur: Saboteur, *, whole: bool) -> type:
    """The contract as a test class over a store in which one repository is the saboteur's. Unless `whole`, the clauses that
    it breaks and a third of the others, the same ones always."""
    field = next(FIELDS[base] for base in saboteur.repository.__mro__ if base in FIELDS)
    name = saboteur.repository.__name__
    clauses = {test for test in dir(saboteur.contract) if test.startswith("test_")}
    left_out = COSTLY if whole else COSTLY | {test for test in clauses if crc32(f"{name} {test}".encode()) % 3}
    left_out &= clauses - saboteur.bites

    class Examined(saboteur.contract):  # type: ignore[name-defined,misc]
        @pytest.fixture
        async def stores(self) -> Stores:
            database = emptied()
            return replace(sqlite_stores(database), **{field: saboteur.repository(database)})

    for test in left_out:
        setattr(Examined, test, None)
    return Examined


def classes(contract: str, *, whole: bool) -> dict[str, type]:
    """Test classes of all saboteurs of one contract, by a name that pytest collects."""
    return {
        f"Test{saboteur.repository.__name__}": examined(saboteur, whole=whole)
        for saboteur in SABOTEURS
        if saboteur.contract.__name__ == contract
    }


# --- tools of the trade ---------------------------------------------------------------------------------------


class Turn:
    """Lets every other ready task run once."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Crowded:
    """Tells whether several calls are under way at once: a saboteur that is good while nobody else is there."""

    def __init__(self) -> None:
        self.inside = 0
        self.crowd = False

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[bool]:
        """Within the block it counts as under way; True if it is not alone."""
        self.inside += 1
        try:
            for _ in range(3):
                await Turn()
            self.crowd = self.crowd or self.inside > 1
            yield self.crowd
        finally:
            self.inside -= 1
            if not self.inside:
                self.crowd = False


async def sql(repository: Any, statement: str, **values: object) -> Any:
    """Write past all checks."""
    async with repository._database.act() as write:
        return write.run(text(statement), values)


def mislabelled(audit: AuditEntry) -> AuditEntry:
    """The entry as one who forgets it would leave it."""
    return structs.replace(audit, action="something.else")


async def litter(repository: Any) -> None:
    """Leave an audit entry that should have gone with the act."""
    async with repository._database.act() as write:
        write.note((), entry("left.behind", at=NOW))


async def leaving(repository: Any, act: Any, *errors: type[Exception]) -> Any:
    """Do `act`, and leave an audit entry when it is refused."""
    try:
        return await act
    except errors:
        await litter(repository)
        raise
