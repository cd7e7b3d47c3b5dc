"""How an act becomes one statement.

An act is sent as one JSON document, the ports struct itself, and read by `act`: one row with the act's fields, the
transaction's number `tx` and the audit's time `moment`. The part named `done` has one row if the act took effect and
none if not, and everything else the act writes hangs on `done`. All parts see the same snapshot; what must be decided
on newer rows is decided on rows locked first. Locks are taken in one order everywhere: notice, payable, cart, products
by id. They are NO KEY UPDATE, so that nobody waits for a foreign key's check, but for products whose stock changes: there
the checks of the act's own rows would deadlock with another act's, so those are locked FOR UPDATE.
"""

# ruff: noqa: S608  # statements are joined from constants at import; values travel as parameters alone

from typing import Final

import msgspec

TX: Final = "(SELECT pg_current_xact_id()::text::bigint)"
"""The number of the writing transaction: the column `tx`."""


def act(fields: str) -> str:
    """The part `act`: the JSON document `$1` with these typed fields; every act has `events` and `audit` besides."""
    return f"""
act AS MATERIALIZED (
    SELECT a.*, {TX} AS tx, (a.audit->>'at')::timestamptz AS moment
    FROM jsonb_to_record($1::jsonb) AS a({fields}, events jsonb, audit jsonb)
)"""


TOLD: Final = """
told AS (
    INSERT INTO outbox (kind, subject, payload, at, next_try_at, tx)
    SELECT e.doc->>'kind', e.doc->>'subject', decode(e.doc->>'payload', 'base64'), act.moment, act.moment, act.tx
    FROM act, done, jsonb_array_elements(act.events) WITH ORDINALITY AS e(doc, position)
    ORDER BY e.position
), audited AS (
    INSERT INTO audit (action, subject, actor, request_id, address, at, details, tx)
    SELECT act.audit->>'action', act.audit->>'subject', act.audit#>>'{origin,actor}', act.audit#>>'{origin,request_id}',
           act.audit#>>'{origin,address}', act.moment, decode(act.audit->>'details', 'base64'), act.tx
    FROM act, done
)"""
"""The events and the audit entry of an act, where it is `done`."""


def statement(*parts: str, answer: str) -> str:
    """One statement of named parts and the row it answers with."""
    return f"WITH {', '.join(part.strip() for part in parts)} {answer.strip()}"


def document(**fields: object) -> str:
    """An act as JSON: bytes in base64, moments as RFC 3339, enums as their values."""
    return msgspec.json.encode(fields).decode()


def like(text: str) -> str:
    """A pattern that finds `text` anywhere, as it is."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
