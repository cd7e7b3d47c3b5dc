"""Attempt counters in SQLite."""

from datetime import timedelta
from math import ceil

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from kassa.adapters.sql import rows, tables
from kassa.ports.errors import TooManyAttempts
from kassa.ports.throttle import Allowance, Limit
from kassa.ports.values import Instant

from .database import SqliteDatabase

_T = tables.attempts.c

_FIND = select(tables.attempts).where(_T.bucket == bindparam("the_bucket"), _T.window_end > bindparam("now"))
_new = insert(tables.attempts)
_COUNT = _new.on_conflict_do_update(
    index_elements=[_T.bucket],
    set_={
        "window_start": _new.excluded.window_start,
        "window_end": _new.excluded.window_end,
        "count": _new.excluded.count,
    },
)
_FORGIVE = delete(tables.attempts).where(_T.bucket == bindparam("the_bucket"))
_SWEEP = delete(tables.attempts).where(
    _T.bucket.in_(select(_T.bucket).where(_T.window_end <= bindparam("now")).order_by(_T.window_end).limit(10))
)


class SqliteThrottle:
    """`Throttle` on SQLite. A bucket's window begins with its first attempt; every new one sweeps up to ten old away."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def spend(self, bucket: str, limit: Limit, *, now: Instant) -> Allowance:
        """See the port."""
        async with self._database.act() as write:
            row = write.run(_FIND, {"the_bucket": bucket, "now": now}).one_or_none()
            start, end, count = _window(row, limit, now)
            if count >= limit.attempts:
                raise TooManyAttempts(_seconds(now, end))
            if row is None:
                write.run(_SWEEP, {"now": now})
            write.run(_COUNT, {"bucket": bucket, "window_start": start, "window_end": end, "count": count + 1})
        return Allowance(remaining=limit.attempts - count - 1, reset_s=_seconds(now, end))

    async def peek(self, bucket: str, limit: Limit, *, now: Instant) -> Allowance:
        """See the port."""
        async with self._database.reading() as read:
            row = read.execute(_FIND, {"the_bucket": bucket, "now": now}).one_or_none()
        _, end, count = _window(row, limit, now)
        return Allowance(remaining=max(0, limit.attempts - count), reset_s=_seconds(now, end) if count else 0)

    async def forgive(self, bucket: str) -> None:
        """See the port."""
        async with self._database.act() as write:
            write.run(_FORGIVE, {"the_bucket": bucket})


def _window(row: rows.Row | None, limit: Limit, now: Instant) -> tuple[Instant, Instant, int]:
    if row is None:
        return now, now + timedelta(seconds=limit.window_s), 0
    return row.window_start, row.window_end, row.count


def _seconds(now: Instant, end: Instant) -> int:
    return max(1, ceil((end - now).total_seconds()))
