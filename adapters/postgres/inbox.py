"""Verified webhooks in PostgreSQL. The lease of a waiting notice is its `next_try_at`."""

# ruff: noqa: S608  # statements are joined from constants at import; values travel as parameters alone

from datetime import timedelta
from typing import Final

from kassa.adapters.sql.payment_rows import inbox_item_from_row, kept_notice_from_row
from kassa.ports.audit import AuditEntry
from kassa.ports.errors import Conflict, UnknownNotice
from kassa.ports.payment_records import InboxItem, InboxState, KeptNotice, NewNotice
from kassa.ports.values import Instant

from .database import PostgresDatabase
from .statements import TOLD, act, document, statement

_KEEP: Final = """
WITH kept AS (
    INSERT INTO inbox (method, event_id, event, body, state, attempts, fence, next_try_at, received_at)
    SELECT n.doc->>'method', n.doc->>'event_id', decode(n.doc->>'event', 'base64'), decode(n.doc->>'body', 'base64'),
           'waiting', 1, 1, (n.doc->>'received_at')::timestamptz + make_interval(secs => $2::int),
           (n.doc->>'received_at')::timestamptz
    FROM jsonb_array_elements($1::jsonb->'notices') WITH ORDINALITY AS n(doc, position) ORDER BY n.position
    ON CONFLICT (method, event_id) DO NOTHING
    RETURNING *
) SELECT * FROM kept ORDER BY id"""
_CLAIM: Final = """
WITH due AS MATERIALIZED (
    SELECT id FROM inbox WHERE state = 'waiting' AND next_try_at <= $1
    ORDER BY received_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE inbox n SET fence = n.fence + 1, attempts = n.attempts + 1, next_try_at = $3 FROM due WHERE n.id = due.id
    RETURNING n.*
) SELECT * FROM leased ORDER BY received_at, id"""
_POSTPONE: Final = """
UPDATE inbox SET next_try_at = $3 WHERE id = $1 AND fence = $2 AND state = 'waiting' RETURNING id"""
_SETTLE: Final = """
UPDATE inbox SET state = $3, settled_at = $4 WHERE id = $1 AND fence = $2 AND state = 'waiting' RETURNING id"""


_SHOWN: Final = "id, method, event_id, state, attempts, received_at"
_KEPT: Final = f"SELECT {_SHOWN} FROM inbox WHERE state = $1 AND id > $2 ORDER BY id LIMIT $3"
_REOPEN: Final = statement(
    act("id bigint"),
    """
    done AS (
        UPDATE inbox n SET state = 'waiting', attempts = 0, fence = n.fence + 1, next_try_at = act.moment, settled_at = NULL
        FROM act WHERE n.id = act.id AND n.state <> 'waiting' RETURNING n.*
    )""",
    TOLD,
    answer=f"SELECT {_SHOWN} FROM done",
)
_IS_THERE: Final = "SELECT id FROM inbox WHERE id = $1"
_BACKLOG: Final = """
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'dead') AS dead FROM inbox"""


class PostgresInbox:
    """Notices, kept before they are answered."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def keep(self, notices: tuple[NewNotice, ...], *, lease_s: int) -> tuple[InboxItem, ...]:
        """Store and lease those not seen before, in one statement."""
        rows = await self._database.write(_KEEP, document(notices=notices), lease_s)
        return tuple(inbox_item_from_row(row) for row in rows)

    async def claim(self, *, now: Instant, limit: int, lease_s: int) -> tuple[InboxItem, ...]:
        """Lease waiting notices, oldest first; those that another instance is leasing now are passed over."""
        rows = await self._database.write(_CLAIM, now, limit, now + timedelta(seconds=lease_s))
        return tuple(inbox_item_from_row(row) for row in rows)

    async def postpone(self, item: InboxItem, *, until: Instant) -> None:
        """Try again later."""
        if not await self._database.write(_POSTPONE, item.id, item.fence, until):
            raise Conflict("the notice was leased again or is settled")

    async def settle(self, item: InboxItem, state: InboxState, *, at: Instant) -> None:
        """Done or dead."""
        if not await self._database.write(_SETTLE, item.id, item.fence, state.value, at):
            raise Conflict("the notice was leased again or is settled")

    async def kept(self, state: InboxState, *, after: int, limit: int) -> tuple[KeptNotice, ...]:
        """By id."""
        return tuple(kept_notice_from_row(row) for row in await self._database.read(_KEPT, state.value, after, limit))

    async def reopen(self, notice_id: int, audit: AuditEntry) -> KeptNotice:
        """Wait again."""
        rows = await self._database.write(_REOPEN, document(id=notice_id, events=(), audit=audit))
        if not rows:
            if not await self._database.read(_IS_THERE, notice_id):
                raise UnknownNotice(str(notice_id))
            raise Conflict("the notice waits already")
        return kept_notice_from_row(rows[0])

    async def backlog(self) -> tuple[int, int]:
        """Counted."""
        (row,) = await self._database.read(_BACKLOG)
        return int(row.waiting), int(row.dead)
