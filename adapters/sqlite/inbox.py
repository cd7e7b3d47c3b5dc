"""Verified webhooks in SQLite. The lease of a waiting notice is its `next_try_at`."""

from datetime import timedelta

from sqlalchemy import bindparam, func, literal_column, select, update
from sqlalchemy.dialects.sqlite import insert

from kassa.adapters.sql import payment_rows, tables
from kassa.ports.audit import AuditEntry
from kassa.ports.errors import Conflict, UnknownNotice
from kassa.ports.payment_records import InboxItem, InboxState, KeptNotice, NewNotice
from kassa.ports.values import Instant

from .database import SqliteDatabase
from .payment_writes import settle_notice

_N = tables.inbox.c
_WAITS = _N.state == literal_column("'waiting'")
"""As a literal, so that the partial index is used: SQLite does not look into parameters for that."""

_KEEP = insert(tables.inbox).on_conflict_do_nothing(index_elements=[_N.method, _N.event_id]).returning(*_N)
_DUE = (
    select(_N.id)
    .where(_WAITS, _N.next_try_at <= bindparam("now"))
    .order_by(_N.received_at, _N.id)
    .limit(bindparam("most"))
)
_LEASE = (
    update(tables.inbox)
    .where(_N.id.in_(_DUE))
    .values(fence=_N.fence + 1, attempts=_N.attempts + 1, next_try_at=bindparam("until"))
    .returning(*_N)
)
_POSTPONE = (
    update(tables.inbox)
    .where(_N.id == bindparam("item"), _N.fence == bindparam("held"), _N.state == "waiting")
    .values(next_try_at=bindparam("until"))
)


_KEPT = (
    select(_N.id, _N.method, _N.event_id, _N.state, _N.attempts, _N.received_at)
    .where(_N.state == bindparam("wanted"), _N.id > bindparam("last"))
    .order_by(_N.id)
    .limit(bindparam("most"))
)
_REOPEN = (
    update(tables.inbox)
    .where(_N.id == bindparam("item"), _N.state != "waiting")
    .values(
        state="waiting", attempts=0, fence=_N.fence + 1, next_try_at=bindparam("due"), settled_at=None
    )
    .returning(_N.id, _N.method, _N.event_id, _N.state, _N.attempts, _N.received_at)
)  # fmt: skip
_IS_THERE = select(_N.id).where(_N.id == bindparam("item"))
_BACKLOG = select(func.count().filter(_N.state == "waiting"), func.count().filter(_N.state == "dead")).select_from(
    tables.inbox
)


class SqliteInbox:
    """`Inbox` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def keep(self, notices: tuple[NewNotice, ...], *, lease_s: int) -> tuple[InboxItem, ...]:
        """See the port."""
        kept: list[InboxItem] = []
        async with self._database.act() as write:
            for notice in notices:
                until = notice.received_at + timedelta(seconds=lease_s)
                row = write.run(_KEEP, payment_rows.notice_values(notice, leased_until=until)).one_or_none()
                if row is not None:
                    kept.append(payment_rows.inbox_item_from_row(row))
        return tuple(kept)

    async def claim(self, *, now: Instant, limit: int, lease_s: int) -> tuple[InboxItem, ...]:
        """See the port."""
        until = now + timedelta(seconds=lease_s)
        async with self._database.act() as write:
            leased = write.run(_LEASE, {"now": now, "until": until, "most": limit}).all()
        return tuple(
            payment_rows.inbox_item_from_row(row) for row in sorted(leased, key=lambda row: (row.received_at, row.id))
        )

    async def postpone(self, item: InboxItem, *, until: Instant) -> None:
        """See the port."""
        async with self._database.act() as write:
            if write.changed(_POSTPONE, {"item": item.id, "held": item.fence, "until": until}) == 0:
                raise Conflict("the notice was leased again or is settled")

    async def settle(self, item: InboxItem, state: InboxState, *, at: Instant) -> None:
        """See the port."""
        async with self._database.act() as write:
            settle_notice(write, item, state.value, at)

    async def kept(self, state: InboxState, *, after: int, limit: int) -> tuple[KeptNotice, ...]:
        """See the port."""
        async with self._database.reading() as read:
            rows = read.execute(_KEPT, {"wanted": state.value, "last": after, "most": limit}).all()
        return tuple(payment_rows.kept_notice_from_row(row) for row in rows)

    async def reopen(self, notice_id: int, audit: AuditEntry) -> KeptNotice:
        """See the port."""
        async with self._database.act() as write:
            row = write.run(_REOPEN, {"item": notice_id, "due": audit.at}).one_or_none()
            if row is None:
                if write.run(_IS_THERE, {"item": notice_id}).first() is None:
                    raise UnknownNotice(str(notice_id))
                raise Conflict("the notice waits already")
            write.note((), audit)
        return payment_rows.kept_notice_from_row(row)

    async def backlog(self) -> tuple[int, int]:
        """See the port."""
        async with self._database.reading() as read:
            waiting, dead = read.execute(_BACKLOG).one()
        return int(waiting), int(dead)
