"""Deliveries of outgoing webhooks in SQLite. A lease is `lease_until`, and `next_try_at` is then the same moment."""

from datetime import timedelta

from kassa.adapters.sql import outgoing_rows, rows
from kassa.ports.audit import AuditEntry
from kassa.ports.deliveries import (
    Delivery,
    DeliveryAttempt,
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

from . import endpoints_statements as say
from .database import Act, SqliteDatabase


class SqliteDeliveries:
    """`Deliveries` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def fan_out(self, item: OutboxItem, message: Message, filters: tuple[str, ...], *, at: Instant) -> int:
        """See the port."""
        wanted = {f"filter_{n}": f" {filters[min(n, len(filters) - 1)]} " for n in range(say.FILTERS)}
        new = {
            "item": item.id,
            "message": message.id,
            "kind": message.type,
            "content": message.body,
            "written": item.at,
        }
        async with self._database.act() as write:
            if write.changed(say.SETTLE, {"item": item.id, "held": item.fence, "moment": at}) == 0:
                raise Conflict("the item was leased again or is settled")
            return write.changed(say.FAN_OUT, {**new, **wanted, "moment": at})

    async def send_test(self, endpoint_id: str, message: Message, *, at: Instant, audit: AuditEntry) -> Delivery:
        """See the port."""
        new = {
            "endpoint_id": endpoint_id,
            "message_id": message.id,
            "type": message.type,
            "body": message.body,
            "next_try_at": at,
            "created_at": at,
        }
        async with self._database.act() as write:
            _known(write, endpoint_id)
            row = write.run(say.ADD, new).one()
            write.note((), audit)
        return outgoing_rows.delivery_from_row(row)

    async def claim(
        self, *, now: Instant, limit: int, per_endpoint: int, failing: bool, lease_s: int
    ) -> tuple[DueDelivery, ...]:
        """See the port."""
        until = now + timedelta(seconds=lease_s)
        async with self._database.act() as write:
            places: list[tuple[int, Instant, DeliveryId]] = []
            for owed in write.run(say.OWED, {"now": now, "failing": failing}).all():
                held: int = write.run(say.HELD, {"endpoint": owed.id, "now": now}).scalar_one()
                room = {"endpoint": owed.id, "now": now, "most": max(0, per_endpoint - held)}
                places += [(held + n, row.next_try_at, row.id) for n, row in enumerate(write.run(say.DUE, room))]
            chosen = [number for _, _, number in sorted(places)[:limit]]
            write.many(say.LEASE, [{"delivery": number, "until": until} for number in chosen])
            leased = [write.run(say.LEASED, {"delivery": number}).one() for number in chosen]
        return tuple(outgoing_rows.due_from_row(row) for row in leased)

    async def record(self, act: RecordAttempt) -> None:
        """See the port."""
        due, line, end = act.due, act.attempt, act.disabling
        endpoint = {"endpoint": due.endpoint_id, "seen": due.endpoint_version}
        async with self._database.act() as write:
            if write.changed(say.RECORD, _outcome(act)) == 0:
                raise Conflict("the delivery was leased again or is settled")
            write.run(say.LOG, {"delivery_id": due.id, **_line(line)})
            if act.state is DeliveryState.DELIVERED:
                write.run(say.WELL, endpoint)
            elif act.counts:
                write.run(say.ILL, {**endpoint, "moment": line.at})
            if end is not None:
                values = {**endpoint, "why": end.why, "failing_before": end.failing_before}
                if write.changed(say.DISABLE, values):
                    write.note((end.event,), end.audit)

    async def deliveries(self, endpoint_id: str, state: DeliveryState | None, page: Page) -> DeliveryPage:
        """See the port."""
        wanted = {
            "endpoint": endpoint_id,
            "below": rows.cursor_number(page.cursor, beginning=2**63 - 1),
            "wanted": state.value if state else None,
            "most": page.limit + 1,
        }
        async with self._database.reading() as read:
            if read.execute(say.KNOWN, {"endpoint": endpoint_id}).one_or_none() is None:
                raise UnknownEndpoint(endpoint_id)
            found = read.execute(say.PAGE, wanted).all()
        return outgoing_rows.page_from_rows(found, page.limit)

    async def log(self, delivery_id: DeliveryId) -> DeliveryLog:
        """See the port."""
        async with self._database.reading() as read:
            row = read.execute(say.ONE, {"delivery": delivery_id}).one_or_none()
            if row is None:
                raise UnknownDelivery(str(delivery_id))
            lines = read.execute(say.LINES, {"delivery": delivery_id}).all()
        return outgoing_rows.log_from_rows(row, lines[::-1])

    async def redeliver(self, delivery_id: DeliveryId, *, at: Instant, audit: AuditEntry) -> Delivery:
        """See the port."""
        async with self._database.act() as write:
            if write.run(say.ONE, {"delivery": delivery_id}).one_or_none() is None:
                raise UnknownDelivery(str(delivery_id))
            row = write.run(say.REDELIVER, {"delivery": delivery_id, "moment": at}).one_or_none()
            if row is None:
                raise Conflict("the delivery is being sent")
            write.note((), audit)
        return outgoing_rows.delivery_from_row(row)

    async def redeliver_dead(
        self, endpoint_id: str, *, since: Instant, limit: int, at: Instant, audit: AuditEntry
    ) -> int:
        """See the port."""
        async with self._database.act() as write:
            _known(write, endpoint_id)
            values = {"endpoint": endpoint_id, "since": since, "most": limit, "moment": at}
            again = write.changed(say.REDELIVER_DEAD, values)
            write.note((), audit)
        return again

    async def backlog(self) -> tuple[int, int]:
        """See the port."""
        async with self._database.reading() as read:
            row = read.execute(say.BACKLOG).one()
        return row.waiting, row.dead

    async def purge(self, *, before: Instant, limit: int) -> int:
        """See the port."""
        async with self._database.act() as write:
            old = [{"delivery": row.id} for row in write.run(say.OLD, {"before": before, "most": limit})]
            write.many(say.DROP_LINES, old)
            write.many(say.DROP, old)
            write.run(say.DROP_ENDPOINTS, {"before": before})
        return len(old)


def _known(write: Act, endpoint_id: str) -> None:
    if write.run(say.KNOWN, {"endpoint": endpoint_id}).one_or_none() is None:
        raise UnknownEndpoint(endpoint_id)


def _outcome(act: RecordAttempt) -> rows.Values:
    return {
        "delivery": act.due.id,
        "held": act.due.fence,
        "new_state": act.state.value,
        "until": act.next_try_at,
        "settled": None if act.state is DeliveryState.WAITING else act.at,
        "answer": act.attempt.status,
        "why": act.attempt.reason,
    }


def _line(line: DeliveryAttempt) -> rows.Values:
    return {
        "number": line.number,
        "at": line.at,
        "duration_ms": line.duration_ms,
        "status": line.status,
        "reason": line.reason,
    }
