"""The outbox in SQLite."""

from datetime import timedelta

from sqlalchemy import bindparam, func, literal_column, select, update

from kassa.adapters.sql import rows, tables
from kassa.ports.errors import Conflict
from kassa.ports.events import OutboxItem
from kassa.ports.values import Instant

from .database import SqliteDatabase

_O = tables.outbox.c
_WAITS = _O.state == literal_column("'waiting'")
"""As a literal, so that the partial index is used: SQLite does not look into parameters for that."""

_DUE = (
    select(_O.id)
    .where(_WAITS, _O.next_try_at <= bindparam("now"))
    .order_by(
        _O.id + literal_column("0")
    )  # an expression: in the order of the key itself SQLite would rather read the whole table
    .limit(bindparam("most"))
)
_LEASE = (
    update(tables.outbox)
    .where(_O.id.in_(_DUE))
    .values(fence=_O.fence + 1, attempt=_O.attempt + 1, next_try_at=bindparam("until"))
    .returning(_O.id, _O.kind, _O.subject, _O.payload, _O.at, _O.attempt, _O.fence)
)
_SETTLE = (
    update(tables.outbox)
    .where(_O.id == bindparam("item"), _O.fence == bindparam("held"), _O.state == "waiting")
    .values(state=bindparam("new_state"), next_try_at=bindparam("until"), note=bindparam("reason"))
)
_BACKLOG = select(_O.state, func.count().label("waiting")).where(_O.state.in_(("waiting", "dead"))).group_by(_O.state)


class SqliteOutbox:
    """`Outbox` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def claim(self, *, now: Instant, limit: int, lease_s: int) -> tuple[OutboxItem, ...]:
        """See the port."""
        until = now + timedelta(seconds=lease_s)
        async with self._database.act() as write:
            leased = write.run(_LEASE, {"now": now, "most": limit, "until": until}).all()
        return tuple(rows.outbox_item_from_row(row) for row in sorted(leased, key=lambda row: row.id))

    async def settle(self, item: OutboxItem, *, at: Instant) -> None:
        """See the port."""
        await self._settle(item, "done", at, "")

    async def postpone(self, item: OutboxItem, *, until: Instant, reason: str, dead: bool) -> None:
        """See the port."""
        await self._settle(item, "dead" if dead else "waiting", until, reason)

    async def backlog(self) -> tuple[int, int]:
        """See the port."""
        async with self._database.reading() as read:
            counts: dict[str, int] = {row.state: row.waiting for row in read.execute(_BACKLOG)}
        return counts.get("waiting", 0), counts.get("dead", 0)

    async def _settle(self, item: OutboxItem, state: str, until: Instant, reason: str) -> None:
        values = {"item": item.id, "held": item.fence, "new_state": state, "until": until, "reason": reason}
        async with self._database.act() as write:
            if write.changed(_SETTLE, values) == 0:
                raise Conflict("the item was leased again or is settled")
