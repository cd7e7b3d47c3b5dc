"""The audit trail in SQLite."""

from sqlalchemy import Connection, bindparam, insert, or_, select

from kassa.adapters.sql import invariants, rows, seals, tables
from kassa.ports.audit import AuditRecord
from kassa.ports.values import Instant

from .database import SqliteDatabase

_A, _B = tables.audit.c, tables.audit_blocks.c

_ENTRIES = (
    select(tables.audit)
    .where(
        _A.id > bindparam("after"),
        or_(bindparam("the_subject").is_(None), _A.subject == bindparam("the_subject")),
        or_(bindparam("the_actor").is_(None), _A.actor == bindparam("the_actor")),
    )
    .order_by(_A.id)
    .limit(bindparam("most"))
)
_BETWEEN = (
    select(tables.audit).where(_A.id >= bindparam("first"), _A.id <= bindparam("last")).order_by(_A.id)
)  # fmt: skip
_NEXT = select(tables.audit).where(_A.id > bindparam("after")).order_by(_A.id).limit(bindparam("most"))
_LAST_BLOCK = select(tables.audit_blocks).order_by(_B.id.desc()).limit(1)
_BLOCKS = select(tables.audit_blocks).order_by(_B.id)
_ADD_BLOCK = insert(tables.audit_blocks)
_VIOLATIONS = select(invariants.violations).order_by(*invariants.violations.c)


class SqliteAuditTrail:
    """`AuditTrail` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def entries(
        self, *, subject: str | None, actor: str | None, after: int, limit: int
    ) -> tuple[AuditRecord, ...]:
        """See the port."""
        wanted = {"the_subject": subject, "the_actor": actor, "after": after, "most": limit}
        async with self._database.reading() as read:
            found = read.execute(_ENTRIES, wanted).all()
        return tuple(rows.audit_record_from_row(row) for row in found)

    async def seal(self, *, now: Instant, limit: int) -> int:
        """See the port."""
        async with self._database.act() as write:
            last = write.run(_LAST_BLOCK).one_or_none()
            found = write.run(_NEXT, {"after": last.last_id if last else 0, "most": limit}).all()
            if found:
                records = [rows.audit_record_from_row(row) for row in found]
                write.run(_ADD_BLOCK, seals.next_block(last, records, now))
        return len(found)

    async def violations(self) -> tuple[str, ...]:
        """See the port. The chain of sealed blocks is computed again, block by block."""
        async with self._database.reading() as read:
            seen = [f"{row.check_name} {row.subject}: {row.detail}" for row in read.execute(_VIOLATIONS)]
            seen += [line for block in read.execute(_BLOCKS).all() if (line := _broken(read, block))]
        return tuple(seen)


def _broken(read: Connection, block: rows.Row) -> str | None:
    found = read.execute(_BETWEEN, {"first": block.first_id, "last": block.last_id}).all()
    return seals.broken(block, [rows.audit_record_from_row(row) for row in found])
