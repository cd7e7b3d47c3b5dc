"""The audit trail in PostgreSQL: read, sealed in blocks, checked.

Numbers are drawn before commits, so a smaller number may become visible after a larger one. But whoever writes to the
table locks it (ROW EXCLUSIVE, which hinders no other writer) before drawing a number, and unlocks after the commit is
visible. So: look at the largest record, then at who is writing; when those have ended, nothing up to that record can
appear any more, and that much is sealed. No writer ever waits for this.
"""

from typing import Any, Final

from kassa.adapters.sql import seals
from kassa.adapters.sql.rows import audit_record_from_row
from kassa.ports.audit import AuditRecord
from kassa.ports.errors import Conflict
from kassa.ports.values import Instant

from .database import PostgresDatabase, Transaction
from .rows import first

_ENTRIES: Final = """
SELECT * FROM audit WHERE id > $1 AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR actor = $3)
ORDER BY id LIMIT $4"""
_LAST: Final = "SELECT coalesce(max(id), 0) AS last FROM audit"
_WRITERS: Final = """
SELECT virtualtransaction AS writer FROM pg_locks
WHERE locktype = 'relation' AND relation = 'audit'::regclass AND mode = 'RowExclusiveLock'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
_LOOKS: Final = 100
"""How often a round looks whether the writers have ended, before it leaves their records to the next round."""
_LAST_BLOCK: Final = "SELECT * FROM audit_blocks ORDER BY id DESC LIMIT 1"
_TO_SEAL: Final = "SELECT * FROM audit WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3"
_SEAL: Final = """
INSERT INTO audit_blocks (id, first_id, last_id, previous, hash, at) VALUES ($1, $2, $3, $4, $5, $6)"""
_BLOCKS: Final = "SELECT * FROM audit_blocks WHERE id > $1 ORDER BY id LIMIT 100"
_BETWEEN: Final = "SELECT * FROM audit WHERE id BETWEEN $1 AND $2 ORDER BY id"
_VIOLATIONS: Final = "SELECT check_name, subject, detail FROM invariant_violations ORDER BY 1, 2, 3"


class PostgresAuditTrail:
    """The append-only trail."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def entries(
        self, *, subject: str | None, actor: str | None, after: int, limit: int
    ) -> tuple[AuditRecord, ...]:
        """Oldest first."""
        rows = await self._database.read(_ENTRIES, after, subject, actor, limit)
        return tuple(audit_record_from_row(row) for row in rows)

    async def seal(self, *, now: Instant, limit: int) -> int:
        """Seal what is complete; records of a transaction that still runs wait for the next round."""
        complete = await self._complete()

        async def work(transaction: Transaction) -> int:
            return await _seal(transaction, complete, now, limit)

        try:
            return await self._database.transact(work)
        except Conflict:  # another instance sealed the same block
            return 0

    async def _complete(self) -> int:
        """The record up to which all records there will ever be can be seen; 0 when writers are slow to end."""
        last = int(first(await self._database.read(_LAST)))
        writing = {row.writer for row in await self._database.read(_WRITERS)}
        for _ in range(_LOOKS):
            if not writing:
                return last
            writing &= {row.writer for row in await self._database.read(_WRITERS)}
        return 0

    async def violations(self) -> tuple[str, ...]:
        """Rows of the view, and blocks whose records are not what was sealed."""
        found = [f"{row.check_name} {row.subject}: {row.detail}" for row in await self._database.survey(_VIOLATIONS)]
        blocks = await self._database.read(_BLOCKS, 0)
        while blocks:
            found += [line for block in blocks if (line := await self._broken(block))]
            blocks = await self._database.read(_BLOCKS, blocks[-1].id)
        return tuple(found)

    async def _broken(self, block: Any) -> str | None:
        rows = await self._database.read(_BETWEEN, block.first_id, block.last_id)
        return seals.broken(block, [audit_record_from_row(row) for row in rows])


async def _seal(transaction: Transaction, up_to: int, now: Instant, limit: int) -> int:
    blocks = await transaction.run(_LAST_BLOCK)
    last = blocks[0] if blocks else None
    rows = await transaction.run(_TO_SEAL, last.last_id if last else 0, up_to, limit)
    if not rows:
        return 0
    block = seals.next_block(last, [audit_record_from_row(row) for row in rows], now)
    names = ("id", "first_id", "last_id", "previous", "hash", "at")
    await transaction.run(_SEAL, *(block[name] for name in names))
    return len(rows)
