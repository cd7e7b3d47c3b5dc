"""Idempotency records in PostgreSQL. The acts that have an effect write them; here they are read, finished and purged."""

from typing import Final

from kassa.adapters.sql.rows import stored_answer_from_row
from kassa.ports.errors import Conflict
from kassa.ports.idempotency import Answer, Claim, Scope, StoredAnswer
from kassa.ports.values import Instant

from .database import PostgresDatabase
from .rows import first

_FIND: Final = "SELECT * FROM idempotency WHERE principal = $1 AND route = $2 AND key = $3"
_FINISH: Final = """
WITH finished AS (
    UPDATE idempotency SET kind = $4, body = $5 WHERE principal = $1 AND route = $2 AND key = $3 AND kind IS NULL
    RETURNING 1
) SELECT EXISTS (SELECT FROM finished)
      OR EXISTS (SELECT FROM idempotency WHERE principal = $1 AND route = $2 AND key = $3)"""
_PURGE: Final = """
WITH gone AS (
    DELETE FROM idempotency WHERE (principal, route, key) IN (
        SELECT principal, route, key FROM idempotency WHERE at < $1 AND kind IS NOT NULL
        ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING 1
) SELECT count(*) FROM gone"""


class PostgresIdempotencyRecords:
    """The records as such."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def find(self, scope: Scope) -> StoredAnswer | None:
        """The record of this scope."""
        return await find(self._database, scope)

    async def finish(self, claim: Claim, answer: Answer) -> None:
        """Store the answer of a running record."""
        scope = claim.scope
        values = (scope.principal, scope.route, scope.key, answer.kind.value, answer.body)
        if not first(await self._database.write(_FINISH, *values)):
            raise Conflict("there is no record to finish")

    async def purge(self, *, before: Instant, limit: int) -> int:
        """Drop the oldest finished records."""
        return int(first(await self._database.write(_PURGE, before, limit)))


async def find(database: PostgresDatabase, scope: Scope) -> StoredAnswer | None:
    """The record of a scope: also asked after an act that found its ground moved, perhaps by a twin."""
    rows = await database.read(_FIND, scope.principal, scope.route, scope.key)
    return stored_answer_from_row(rows[0]) if rows else None
