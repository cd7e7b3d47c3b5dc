"""Accounts and sessions in PostgreSQL: every act is one statement."""

# ruff: noqa: S608  # statements are joined from constants at import; values travel as parameters alone

from typing import Final

import msgspec

from kassa.adapters.sql.rows import (
    account_from_row,
    credentials_from_row,
    resolved_from_row,
    session_from_row,
)
from kassa.ports.audit import AuditEntry
from kassa.ports.errors import LoginRefused, NotAuthenticated, UnknownAccount
from kassa.ports.events import Event
from kassa.ports.identity import (
    Account,
    ChangePassword,
    Credentials,
    LogIn,
    Register,
    ResolvedSession,
    Role,
    Session,
)
from kassa.ports.ids import AccountId, SessionId
from kassa.ports.values import Instant

from .database import PostgresDatabase
from .rows import Rows
from .statements import TOLD, act, document, statement

_LIVE: Final = (
    "s.ended_at IS NULL AND s.idle_until > $2 AND s.ends_at > $2 AND a.is_active"
    " AND s.opened_at >= a.sessions_valid_from"
)

_REGISTER: Final = statement(
    act("email text, email_key text, address text, password_hash text, role text, at timestamptz"),
    """
    done AS (
        INSERT INTO accounts (email, email_key, address, password, is_active, role, sessions_valid_from, created_at)
        SELECT email, email_key, address, password_hash, true, role, at, at FROM act
        RETURNING id
    )""",
    TOLD,
    answer="SELECT id FROM done",
)
_NOTE: Final = statement(act("ignored text"), "done AS (SELECT 1)", TOLD, answer="SELECT 1 FROM done")

_SESSION_OPENED: Final = """
opened AS (
    INSERT INTO sessions (account_id, token_hash, label, opened_at, last_seen_at, idle_until, ends_at)
    SELECT done.id, decode(act.session->>'token_hash', 'base64'), act.session->>'label',
           greatest(t.opened_at, done.sessions_valid_from), t.opened_at, t.idle_until, t.ends_at
    FROM act, done,
         jsonb_to_record(act.session->'times') AS t(opened_at timestamptz, idle_until timestamptz, ends_at timestamptz)
    RETURNING id
)"""
_LOG_IN: Final = statement(
    act("account_id bigint, password_hash text, rehashed text, session jsonb, replaces text"),
    """
    done AS MATERIALIZED (
        SELECT a.id, a.sessions_valid_from FROM accounts a, act
        WHERE a.id = act.account_id AND a.is_active AND a.password = act.password_hash
        FOR NO KEY UPDATE OF a
    ), rehashed AS (
        UPDATE accounts a SET password = act.rehashed FROM act, done
        WHERE a.id = done.id AND act.rehashed IS NOT NULL
    ), replaced AS (
        UPDATE sessions s SET ended_at = act.moment FROM act, done
        WHERE s.token_hash = decode(act.replaces, 'base64') AND s.ended_at IS NULL
    )""",
    _SESSION_OPENED,
    TOLD,
    answer="SELECT id FROM opened",
)
_CHANGE_PASSWORD: Final = statement(
    act("account_id bigint, old_hash text, new_hash text, session jsonb, at timestamptz"),
    """
    done AS (
        UPDATE accounts a SET password = act.new_hash, sessions_valid_from = greatest(a.sessions_valid_from, act.at)
        FROM act WHERE a.id = act.account_id AND a.is_active AND a.password = act.old_hash
        RETURNING a.id, a.sessions_valid_from
    ), ended AS (
        UPDATE sessions s SET ended_at = act.at FROM act, done WHERE s.account_id = done.id AND s.ended_at IS NULL
    )""",
    _SESSION_OPENED,
    TOLD,
    answer="SELECT id FROM opened",
)
_CHANGE_ADDRESS: Final = statement(
    act("account_id bigint, address text"),
    """
    done AS (
        UPDATE accounts a SET address = act.address FROM act WHERE a.id = act.account_id
        RETURNING a.*
    )""",
    TOLD,
    answer="SELECT * FROM done",
)
_SET_ROLE: Final = statement(
    act("account_id bigint, role text"),
    """
    done AS (
        UPDATE accounts a SET role = act.role FROM act WHERE a.id = act.account_id
        RETURNING a.*
    )""",
    TOLD,
    answer="SELECT * FROM done",
)
_SET_ACTIVE: Final = statement(
    act("account_id bigint, is_active boolean, at timestamptz"),
    """
    done AS (
        UPDATE accounts a SET is_active = act.is_active,
               sessions_valid_from = CASE WHEN act.is_active THEN a.sessions_valid_from
                                          ELSE greatest(a.sessions_valid_from, act.at) END
        FROM act WHERE a.id = act.account_id
        RETURNING a.*
    ), ended AS (
        UPDATE sessions s SET ended_at = act.at FROM act, done
        WHERE s.account_id = done.id AND s.ended_at IS NULL AND NOT act.is_active
    )""",
    TOLD,
    answer="SELECT * FROM done",
)
_END_SESSION: Final = statement(
    act("session_id bigint, account_id bigint, at timestamptz"),
    """
    done AS (
        UPDATE sessions s SET ended_at = act.at FROM act
        WHERE s.id = act.session_id AND s.account_id = act.account_id AND s.ended_at IS NULL
        RETURNING s.id
    )""",
    TOLD,
    answer="SELECT id FROM done",
)
_END_SESSIONS: Final = statement(
    act("account_id bigint, at timestamptz"),
    """
    done AS (
        UPDATE accounts a SET sessions_valid_from = greatest(a.sessions_valid_from, act.at)
        FROM act WHERE a.id = act.account_id RETURNING a.id
    ), ended AS (
        UPDATE sessions s SET ended_at = act.at FROM act, done WHERE s.account_id = done.id AND s.ended_at IS NULL
    )""",
    TOLD,
    answer="SELECT id FROM done",
)
_CREDENTIALS: Final = "SELECT * FROM accounts WHERE email_key = $1"
_CREDENTIALS_OF: Final = "SELECT * FROM accounts WHERE id = $1"
_RESOLVE: Final = f"""
SELECT s.id, s.account_id, a.role, s.opened_at, s.idle_until, s.ends_at
FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.token_hash = $1 AND {_LIVE}"""
_SESSIONS: Final = f"""
SELECT s.id, s.label, s.opened_at, s.last_seen_at, s.idle_until, s.ends_at
FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.account_id = $1 AND {_LIVE}
ORDER BY s.opened_at DESC, s.id DESC LIMIT 100"""
_TOUCH: Final = """
UPDATE sessions SET last_seen_at = greatest(last_seen_at, $2), idle_until = greatest(idle_until, $3)
WHERE id = $1 AND ended_at IS NULL AND idle_until > $2 AND ends_at > $2"""
_PURGE: Final = """
WITH gone AS (
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions WHERE least(ended_at, idle_until, ends_at) < $1
        ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING id
) SELECT count(*) FROM gone"""


class PostgresAccounts:
    """Durable accounts and sessions."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def register(self, act: Register) -> AccountId:
        """A new active account."""
        return _number(await self._database.write(_REGISTER, msgspec.json.encode(act).decode()))

    async def note(self, events: tuple[Event, ...], audit: AuditEntry) -> None:
        """Events and an audit entry alone."""
        await self._database.write(_NOTE, document(events=events, audit=audit))

    async def credentials(self, email_key: str) -> Credentials:
        """By normalised address."""
        rows = await self._database.read(_CREDENTIALS, email_key)
        if not rows:
            raise UnknownAccount("no account has this address")
        return credentials_from_row(rows[0])

    async def credentials_of(self, account_id: AccountId) -> Credentials:
        """By id."""
        rows = await self._database.read(_CREDENTIALS_OF, account_id)
        if not rows:
            raise UnknownAccount(f"account {account_id}")
        return credentials_from_row(rows[0])

    async def account(self, account_id: AccountId) -> Account:
        """By id."""
        return (await self.credentials_of(account_id)).account

    async def change_address(self, account_id: AccountId, address: str, audit: AuditEntry) -> Account:
        """Set the default address."""
        return await self._changed(
            _CHANGE_ADDRESS, document(account_id=account_id, address=address, events=(), audit=audit)
        )

    async def log_in(self, act: LogIn) -> SessionId:
        """Open a session where the hash still is what was verified; the account's row is locked meanwhile."""
        fields = msgspec.structs.asdict(act)
        return self._opened(await self._database.write(_LOG_IN, document(**fields, events=())))

    async def change_password(self, act: ChangePassword) -> SessionId:
        """Replace the hash, end all sessions, open one."""
        return self._opened(await self._database.write(_CHANGE_PASSWORD, msgspec.json.encode(act).decode()))

    async def resolve(self, token_hash: bytes, *, now: Instant) -> ResolvedSession:
        """The live session of a token."""
        rows = await self._database.read(_RESOLVE, token_hash, now)
        if not rows:
            raise NotAuthenticated("no live session")
        return resolved_from_row(rows[0])

    async def touch(self, session_id: SessionId, *, now: Instant, idle_until: Instant) -> None:
        """Note that a session was used."""
        await self._database.write(_TOUCH, session_id, now, idle_until)

    async def sessions(self, account_id: AccountId, *, now: Instant) -> tuple[Session, ...]:
        """The live sessions, newest first."""
        return tuple(session_from_row(row) for row in await self._database.read(_SESSIONS, account_id, now))

    async def end_session(
        self, session_id: SessionId, *, account_id: AccountId, at: Instant, audit: AuditEntry
    ) -> None:
        """End one session."""
        fields = document(session_id=session_id, account_id=account_id, at=at, events=(), audit=audit)
        await self._database.write(_END_SESSION, fields)

    async def end_sessions(self, account_id: AccountId, *, at: Instant, audit: AuditEntry) -> None:
        """End all sessions: those to be seen by their rows, those being opened meanwhile by the account's own time."""
        fields = document(account_id=account_id, at=at, events=(), audit=audit)
        if not await self._database.write(_END_SESSIONS, fields):
            raise UnknownAccount(f"account {account_id}")

    async def set_active(self, account_id: AccountId, *, is_active: bool, at: Instant, audit: AuditEntry) -> Account:
        """Activate or deactivate."""
        fields = document(account_id=account_id, is_active=is_active, at=at, events=(), audit=audit)
        return await self._changed(_SET_ACTIVE, fields)

    async def set_role(self, account_id: AccountId, role: Role, audit: AuditEntry) -> Account:
        """Set the role."""
        return await self._changed(_SET_ROLE, document(account_id=account_id, role=role, events=(), audit=audit))

    async def purge_sessions(self, *, before: Instant, limit: int) -> int:
        """Drop old rows."""
        return _number(await self._database.write(_PURGE, before, limit))

    async def _changed(self, change: str, fields: str) -> Account:
        rows = await self._database.write(change, fields)
        if not rows:
            raise UnknownAccount("no such account")
        return account_from_row(rows[0])

    @staticmethod
    def _opened(rows: Rows) -> SessionId:
        if not rows:
            raise LoginRefused("the account or its password changed")
        return _number(rows)


def _number(rows: Rows) -> int:
    return int(rows[0][0])
