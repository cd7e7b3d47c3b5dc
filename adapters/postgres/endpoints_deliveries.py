"""Deliveries of outgoing webhooks in PostgreSQL. A lease is `lease_until`, and `next_try_at` is then the same moment."""

from datetime import timedelta
from typing import Any, Final

from kassa.adapters.sql import outgoing_rows
from kassa.adapters.sql.rows import cursor_number
from kassa.ports.audit import AuditEntry
from kassa.ports.deliveries import (
    Delivery,
    DeliveryId,
    DeliveryLog,
    DeliveryPage,
    DeliveryState,
    DueDelivery,
    Message,
    RecordAttempt,
)
from kassa.ports.errors import Conflict, UnknownDelivery, UnknownEndpoint
from kassa.ports.events import OutboxItem
from kassa.ports.values import Instant, Page

from .database import PostgresDatabase, Transaction
from .endpoints import known, note

_FAN_OUT: Final = """
WITH settled AS (
    UPDATE outbox SET state = 'done', next_try_at = $3, note = '' WHERE id = $1 AND fence = $2 AND state = 'waiting'
    RETURNING id
), written AS (
    INSERT INTO deliveries (endpoint_id, event_id, message_id, type, body, next_try_at, created_at)
    SELECT e.id, settled.id, $4, $5, $6, $3, $7 FROM settled, endpoints e
    WHERE e.is_enabled AND e.removed_at IS NULL AND string_to_array(trim(e.events), ' ') && $8::text[]
    ORDER BY e.created_at, e.id
    RETURNING id
) SELECT (SELECT count(*) FROM settled) AS settled, (SELECT count(*) FROM written) AS written"""
_TEST: Final = """
INSERT INTO deliveries (endpoint_id, message_id, type, body, next_try_at, created_at) VALUES ($1, $2, $3, $4, $5, $5)
RETURNING *"""
_CLAIM: Final = """
WITH room AS MATERIALIZED (
    SELECT e.id, e.is_enabled, (
        SELECT count(*) FROM deliveries h WHERE h.endpoint_id = e.id AND h.lease_until > $1
    ) AS held
    FROM endpoints e WHERE e.removed_at IS NULL AND (e.failing_since IS NOT NULL) = $4
), due AS MATERIALIZED (
    SELECT d.id, room.held + row_number() OVER (PARTITION BY room.id ORDER BY d.next_try_at, d.id) AS place, d.next_try_at
    FROM room CROSS JOIN LATERAL (
        SELECT w.id, w.next_try_at FROM deliveries w
        WHERE w.endpoint_id = room.id AND w.state = 'waiting' AND w.next_try_at <= $1
              AND (room.is_enabled OR w.event_id IS NULL)
        ORDER BY w.next_try_at, w.id LIMIT greatest(0, $3 - room.held) FOR UPDATE SKIP LOCKED
    ) d
), chosen AS (
    SELECT id, place, next_try_at FROM due ORDER BY place, next_try_at, id LIMIT $2
), leased AS (
    UPDATE deliveries d SET attempt = d.attempt + 1, fence = d.fence + 1, next_try_at = $5, lease_until = $5
    FROM chosen WHERE d.id = chosen.id
    RETURNING d.id, d.endpoint_id, d.event_id, d.message_id, d.type, d.body, d.attempt, d.fence, chosen.place,
              chosen.next_try_at AS due_at
) SELECT l.*, e.url, e.version, e.salt, e.proof, e.old_salt, e.old_proof, e.old_until, e.failing_since
FROM leased l JOIN endpoints e ON e.id = l.endpoint_id ORDER BY l.place, l.due_at, l.id"""
_RECORD: Final = """
UPDATE deliveries SET state = $3, next_try_at = coalesce($4, next_try_at), lease_until = NULL, settled_at = $5, status = $6,
       reason = $7
WHERE id = $1 AND fence = $2 AND state = 'waiting' RETURNING id"""
_LOG: Final = """
INSERT INTO delivery_attempts (delivery_id, number, at, duration_ms, status, reason) VALUES ($1, $2, $3, $4, $5, $6)"""
_WELL: Final = "UPDATE endpoints SET failing_since = NULL WHERE id = $1 AND version = $2 AND failing_since IS NOT NULL"
_ILL: Final = "UPDATE endpoints SET failing_since = $3 WHERE id = $1 AND version = $2 AND failing_since IS NULL"
_DISABLE: Final = """
UPDATE endpoints SET is_enabled = false, disabled = $3, version = version + 1
WHERE id = $1 AND version = $2 AND is_enabled AND ($4::timestamptz IS NULL OR failing_since <= $4) RETURNING id"""
_PAGE: Final = """
SELECT * FROM deliveries WHERE endpoint_id = $1 AND id < $2 AND ($3::text IS NULL OR state = $3) ORDER BY id DESC LIMIT $4"""
_KNOWN: Final = "SELECT id FROM endpoints WHERE id = $1 AND removed_at IS NULL"
_ONE: Final = """
SELECT d.* FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id WHERE d.id = $1 AND e.removed_at IS NULL"""
_LINES: Final = "SELECT * FROM delivery_attempts WHERE delivery_id = $1 ORDER BY number DESC LIMIT $2"
_REDELIVER: Final = """
UPDATE deliveries SET state = 'waiting', attempt = 0, next_try_at = $2, settled_at = NULL, lease_until = NULL
WHERE id = $1 AND (lease_until IS NULL OR lease_until <= $2) RETURNING *"""
_REDELIVER_DEAD: Final = """
WITH dead AS MATERIALIZED (
    SELECT id FROM deliveries WHERE endpoint_id = $1 AND state = 'dead' AND created_at >= $2
    ORDER BY created_at, id LIMIT $4 FOR UPDATE
)
UPDATE deliveries d SET state = 'waiting', attempt = 0, next_try_at = $3, settled_at = NULL
FROM dead WHERE d.id = dead.id RETURNING d.id"""
_BACKLOG: Final = """
SELECT (
    SELECT count(*) FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id
    WHERE e.removed_at IS NULL AND d.state = 'waiting' AND (e.is_enabled OR d.event_id IS NULL)
) AS waiting, (
    SELECT count(*) FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id
    WHERE e.removed_at IS NULL AND d.state = 'dead'
) AS dead"""
_OLD: Final = """
SELECT id FROM deliveries
WHERE settled_at < $1 OR endpoint_id IN (SELECT id FROM endpoints WHERE removed_at < $1) LIMIT $2 FOR UPDATE SKIP LOCKED"""
_DROP_LINES: Final = "DELETE FROM delivery_attempts WHERE delivery_id = ANY($1::bigint[])"
_DROP: Final = "DELETE FROM deliveries WHERE id = ANY($1::bigint[])"
_DROP_ENDPOINTS: Final = """
DELETE FROM endpoints e WHERE e.removed_at < $1 AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id)"""


class PostgresDeliveries:
    """Messages on their way."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def fan_out(self, item: OutboxItem, message: Message, filters: tuple[str, ...], *, at: Instant) -> int:
        """Settle and write, in one statement."""
        rows = await self._database.write(
            _FAN_OUT, item.id, item.fence, at, message.id, message.type, message.body, item.at, list(filters)
        )
        if not rows[0].settled:
            raise Conflict("the item was leased again or is settled")
        return int(rows[0].written)

    async def send_test(self, endpoint_id: str, message: Message, *, at: Instant, audit: AuditEntry) -> Delivery:
        """A delivery without an event."""

        async def work(transaction: Transaction) -> Any:
            await known(transaction, endpoint_id)
            rows = await transaction.run(_TEST, endpoint_id, message.id, message.type, message.body, at)
            await note(transaction, (), audit)
            return rows[0]

        return outgoing_rows.delivery_from_row(await self._database.transact(work))

    async def claim(
        self, *, now: Instant, limit: int, per_endpoint: int, failing: bool, lease_s: int
    ) -> tuple[DueDelivery, ...]:
        """Lease what is due; what another instance is leasing now is passed over."""
        until = now + timedelta(seconds=lease_s)
        rows = await self._database.write(_CLAIM, now, limit, per_endpoint, failing, until)
        return tuple(outgoing_rows.due_from_row(row) for row in rows)

    async def record(self, act: RecordAttempt) -> None:
        """Delivery, log and endpoint, in one short transaction."""

        async def work(transaction: Transaction) -> None:
            due, line = act.due, act.attempt
            settled = None if act.state is DeliveryState.WAITING else act.at
            outcome = (act.state.value, act.next_try_at, settled, line.status, line.reason)
            if not await transaction.run(_RECORD, due.id, due.fence, *outcome):
                raise Conflict("the delivery was leased again or is settled")
            await transaction.run(_LOG, due.id, line.number, line.at, line.duration_ms, line.status, line.reason)
            await _tell_endpoint(transaction, act)

        await self._database.transact(work)

    async def deliveries(self, endpoint_id: str, state: DeliveryState | None, page: Page) -> DeliveryPage:
        """Newest first; one more than asked for is read, to know whether there is a next page."""
        if not await self._database.read(_KNOWN, endpoint_id):
            raise UnknownEndpoint(endpoint_id)
        below = cursor_number(page.cursor, beginning=2**63 - 1)
        wanted = state.value if state else None
        rows = await self._database.read(_PAGE, endpoint_id, below, wanted, page.limit + 1)
        return outgoing_rows.page_from_rows(rows, page.limit)

    async def log(self, delivery_id: DeliveryId) -> DeliveryLog:
        """With its latest attempts."""
        rows = await self._database.read(_ONE, delivery_id)
        if not rows:
            raise UnknownDelivery(str(delivery_id))
        lines = await self._database.read(_LINES, delivery_id, outgoing_rows.LOG_LINES)
        return outgoing_rows.log_from_rows(rows[0], reversed(lines))

    async def redeliver(self, delivery_id: DeliveryId, *, at: Instant, audit: AuditEntry) -> Delivery:
        """Unless it is leased."""

        async def work(transaction: Transaction) -> Any:
            if not await transaction.run(_ONE, delivery_id):
                raise UnknownDelivery(str(delivery_id))
            rows = await transaction.run(_REDELIVER, delivery_id, at)
            if not rows:
                raise Conflict("the delivery is being sent")
            await note(transaction, (), audit)
            return rows[0]

        return outgoing_rows.delivery_from_row(await self._database.transact(work))

    async def redeliver_dead(
        self, endpoint_id: str, *, since: Instant, limit: int, at: Instant, audit: AuditEntry
    ) -> int:
        """Oldest first."""

        async def work(transaction: Transaction) -> int:
            await known(transaction, endpoint_id)
            rows = await transaction.run(_REDELIVER_DEAD, endpoint_id, since, at, limit)
            await note(transaction, (), audit)
            return len(rows)

        return await self._database.transact(work)

    async def backlog(self) -> tuple[int, int]:
        """Waiting and dead."""
        row = (await self._database.read(_BACKLOG))[0]
        return int(row.waiting), int(row.dead)

    async def purge(self, *, before: Instant, limit: int) -> int:
        """Deliveries with their log, then endpoints without deliveries."""

        async def work(transaction: Transaction) -> int:
            old = [row.id for row in await transaction.run(_OLD, before, limit)]
            await transaction.run(_DROP_LINES, old)
            await transaction.run(_DROP, old)
            await transaction.run(_DROP_ENDPOINTS, before)
            return len(old)

        return await self._database.transact(work)


async def _tell_endpoint(transaction: Transaction, act: RecordAttempt) -> None:
    seen = (act.due.endpoint_id, act.due.endpoint_version)
    if act.state is DeliveryState.DELIVERED:
        await transaction.run(_WELL, *seen)
    elif act.counts:
        await transaction.run(_ILL, *seen, act.attempt.at)
    end = act.disabling
    if end is not None and await transaction.run(_DISABLE, *seen, end.why, end.failing_before):
        await note(transaction, (end.event,), end.audit)
