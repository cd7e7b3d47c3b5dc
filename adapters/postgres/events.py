"""The outbox in PostgreSQL: leases with a fence, `FOR UPDATE SKIP LOCKED`, so that two callers never get one item."""

from datetime import timedelta
from typing import Final

from kassa.adapters.sql.rows import outbox_item_from_row
from kassa.ports.errors import Conflict
from kassa.ports.events import OutboxItem
from kassa.ports.values import Instant

from .database import PostgresDatabase

_CLAIM: Final = """
WITH due AS MATERIALIZED (
    SELECT id FROM outbox WHERE state = 'waiting' AND next_try_at <= $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE outbox o SET fence = o.fence + 1, attempt = o.attempt + 1, next_try_at = $3 FROM due WHERE o.id = due.id
    RETURNING o.id, o.kind, o.subject, o.payload, o.at, o.attempt, o.fence
) SELECT * FROM leased ORDER BY id"""
_SETTLE: Final = """
UPDATE outbox SET state = $3, next_try_at = $4, note = $5 WHERE id = $1 AND fence = $2 AND state = 'waiting'
RETURNING id"""
_BACKLOG: Final = """
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'dead') AS dead
FROM outbox WHERE state IN ('waiting', 'dead')"""


class PostgresOutbox:
    """Events that wait to be delivered."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def claim(self, *, now: Instant, limit: int, lease_s: int) -> tuple[OutboxItem, ...]:
        """Lease due items."""
        until = now + timedelta(seconds=lease_s)
        return tuple(outbox_item_from_row(row) for row in await self._database.write(_CLAIM, now, limit, until))

    async def settle(self, item: OutboxItem, *, at: Instant) -> None:
        """Mark delivered."""
        await self._settle(item, "done", at, "")

    async def postpone(self, item: OutboxItem, *, until: Instant, reason: str, dead: bool) -> None:
        """Give back, or bury."""
        await self._settle(item, "dead" if dead else "waiting", until, reason)

    async def backlog(self) -> tuple[int, int]:
        """Waiting and dead."""
        row = (await self._database.read(_BACKLOG))[0]
        return int(row.waiting), int(row.dead)

    async def _settle(self, item: OutboxItem, state: str, until: Instant, note: str) -> None:
        if not await self._database.write(_SETTLE, item.id, item.fence, state, until, note):
            raise Conflict("the item was leased again or is settled")
