"""What the sweeps of an embedded shop ask every second is found by index, however large the tables have grown."""

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from kassa.adapters.sqlite import SqliteDatabase, events, inbox, payment

SWEPT = {
    "outbox_due": events._DUE,
    "inbox_due": inbox._DUE,
    "operations_due": payment._DUE,
    "payables_open_until": payment._OVERDUE,
}


@pytest.mark.parametrize("index", SWEPT)
def test_a_sweep_uses_its_index(index: str) -> None:
    statement = str(SWEPT[index].compile(dialect=sqlite.dialect(paramstyle="named")))
    database = SqliteDatabase.open("sqlite://")
    plan = database.connection.execute(
        text(f"EXPLAIN QUERY PLAN {statement}"), {"now": 0, "most": 10, "param_1": 0}
    ).all()
    assert any(f"USING INDEX {index}" in row.detail or f"COVERING INDEX {index}" in row.detail for row in plan), plan
