"""Duties that are due and not done are told with the moment since which they are due."""

from datetime import datetime

import pytest
from sqlalchemy import Executable, Row, select, update

from kassa.adapters.sql import invariants
from kassa.adapters.sql import tables as t
from kassa.adapters.sqlite import SqliteDatabase
from kassa.ports.conformance.sample_orders import a_placed_order
from kassa.ports.conformance.samples import NOW, after
from tests.sql.shop import WAITING, everything_happens, stores_of

PAYMENT = select(t.payments.c.id).where(t.payments.c.invoice_id == WAITING).scalar_subquery()


@pytest.fixture
async def database() -> SqliteDatabase:
    """The shop in which everything happened, and one more order that nobody begins to pay."""
    database = SqliteDatabase.open("sqlite://")
    await everything_happens(stores_of(database))
    await a_placed_order(stores_of(database), 9)
    return database


def duties(database: SqliteDatabase, *, before: datetime) -> list[tuple[str, str]]:
    """What should have been done before that moment, once each."""
    view = invariants.duties
    found: list[Row[tuple[str, str]]] = list(
        database.connection.execute(
            select(view.c.check_name, view.c.subject).distinct().where(view.c.since < before).order_by(*view.c)
        )
    )
    return sorted({(row.check_name, row.subject) for row in found if row.check_name != "X4"})


def change(database: SqliteDatabase, statement: Executable) -> None:
    """Write past the acts."""
    assert database.connection.execute(statement).rowcount


async def test_nothing_is_due_before_its_time(database: SqliteDatabase) -> None:
    assert duties(database, before=NOW) == []
    await database.close()


async def test_what_was_sent_must_be_known_after_its_check(database: SqliteDatabase) -> None:
    assert [name for name, _ in duties(database, before=after(30))] == ["I4"]
    assert "M9" in {name for name, _ in duties(database, before=after(31))}
    change(database, update(t.payments).where(t.payments.c.id == PAYMENT).values(needs_review=True))
    assert "M9" not in {name for name, _ in duties(database, before=after(31))}
    await database.close()


async def test_an_unpaid_order_must_end_when_its_time_is_over(database: SqliteDatabase) -> None:
    assert ("S5", "order:KS-0000-0009-X") not in duties(database, before=after(3600))
    assert [subject for name, subject in duties(database, before=after(3601)) if name == "S5"] == [
        "order:KS-0000-0009-X"
    ]
    await database.close()


async def test_a_live_payment_needs_somebody_who_asks_again(database: SqliteDatabase) -> None:
    assert "O3" not in {name for name, _ in duties(database, before=after(9999))}
    change(database, update(t.operations).where(t.operations.c.payment_id == PAYMENT).values(next_check_at=None))
    assert "O3" in {name for name, _ in duties(database, before=after(9999))}
    await database.close()


async def test_running_requests_and_kept_notices_must_end(database: SqliteDatabase) -> None:
    assert {("I4", "key:pay-4"), ("W4", "notice:card/waiting")} <= set(duties(database, before=after(9999)))
    await database.close()


async def test_events_wait_for_delivery(database: SqliteDatabase) -> None:
    waiting, _ = await stores_of(database).outbox.backlog()
    view = invariants.duties
    told = database.connection.execute(select(view.c.since).where(view.c.check_name == "X4")).scalars().all()
    assert len(told) == waiting > 0
    await database.close()
