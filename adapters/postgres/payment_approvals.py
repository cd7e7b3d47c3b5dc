"""Wishes that wait for a second person, in PostgreSQL."""

# ruff: noqa: S608  # statements are joined from constants at import; values travel as parameters alone

from typing import Final

import msgspec

from kassa.adapters.sql.payment_rows import approval_from_row
from kassa.ports.approvals import Approval, AskApproval
from kassa.ports.errors import Conflict
from kassa.ports.values import Instant

from .database import PostgresDatabase
from .statements import TOLD, act, statement

_APPROVAL: Final = "w(key text, deed text, actor text, at timestamptz, until timestamptz)"
_ASK: Final = statement(
    act("approval jsonb"),
    f"""
    prior AS MATERIALIZED (
        SELECT t.* FROM approvals t, act WHERE t.key = act.approval->>'key' AND t.until > act.moment
    ), done AS (
        INSERT INTO approvals AS t (key, deed, word, actor, at, until)
        SELECT w.key, w.deed, convert_to((act.approval->'word')::text, 'UTF8'), w.actor, w.at, w.until
        FROM act, jsonb_to_record(act.approval) AS {_APPROVAL} WHERE NOT EXISTS (SELECT FROM prior)
        ON CONFLICT (key) DO UPDATE SET (deed, word, actor, at, until)
        = (EXCLUDED.deed, EXCLUDED.word, EXCLUDED.actor, EXCLUDED.at, EXCLUDED.until)
        WHERE t.until <= (SELECT moment FROM act)
        RETURNING t.*
    )""",
    TOLD,
    answer="SELECT * FROM prior UNION ALL SELECT * FROM done",
)  # fmt: skip
_APPROVED: Final = "DELETE FROM approvals WHERE key = $1"
_WAITING: Final = "SELECT * FROM approvals WHERE until > $1 ORDER BY at, key LIMIT $2"


class PostgresApprovals:
    """The wishes that wait."""

    _database: PostgresDatabase

    async def ask_approval(self, act: AskApproval) -> Approval:
        """Keep a wish, where none of its key waits."""
        fields = msgspec.json.encode({**msgspec.structs.asdict(act), "events": ()}).decode()
        rows = await self._database.write(_ASK, fields)
        if not rows:
            raise Conflict("another operator wished the same just now")
        return approval_from_row(rows[0])

    async def approved(self, key: str) -> None:
        """Nobody waits for it any more."""
        await self._database.write(_APPROVED, key)

    async def approvals(self, *, now: Instant, limit: int) -> tuple[Approval, ...]:
        """Oldest first."""
        return tuple(approval_from_row(row) for row in await self._database.read(_WAITING, now, limit))
