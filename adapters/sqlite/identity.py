"""Accounts and sessions in SQLite."""

from typing import Any, Final

from sqlalchemy import and_, bindparam, case, delete, insert, or_, select, update

from kassa.adapters.sql import rows, tables
from kassa.ports.audit import AuditEntry
from kassa.ports.errors import EmailTaken, LoginRefused, NotAuthenticated, UnknownAccount
from kassa.ports.events import Event
from kassa.ports.identity import (
    Account,
    Address,
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

from .database import Act, SqliteDatabase
from .failures import refusing

_A, _S = tables.accounts.c, tables.sessions.c
_MOST_SESSIONS: Final = 100

_ACCOUNT_BY_KEY = select(tables.accounts).where(_A.email_key == bindparam("email_key"))
_ACCOUNT_BY_ID = select(tables.accounts).where(_A.id == bindparam("account_id"))
_ADD_ACCOUNT = insert(tables.accounts).returning(_A.id)
_SET_ADDRESS = update(tables.accounts).where(_A.id == bindparam("account_id")).values(address=bindparam("new_address"))
_SET_ROLE = update(tables.accounts).where(_A.id == bindparam("account_id")).values(role=bindparam("new_role"))
_SET_ACTIVE = update(tables.accounts).where(_A.id == bindparam("account_id")).values(is_active=bindparam("active"))
_SET_HASH = (
    update(tables.accounts)
    .where(_A.id == bindparam("account_id"), _A.password == bindparam("old_hash"), _A.is_active)
    .values(password=bindparam("new_hash"))
)

_ADD_SESSION = insert(tables.sessions).returning(_S.id)
_END_BY_TOKEN = (
    update(tables.sessions)
    .where(_S.token_hash == bindparam("hash"), _S.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
)
_END_ONE = (
    update(tables.sessions)
    .where(_S.id == bindparam("session_id"), _S.account_id == bindparam("account"), _S.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
)
_END_ALL = (
    update(tables.sessions)
    .where(_S.account_id == bindparam("account"), _S.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
)
_VALID_FROM = (
    update(tables.accounts)
    .where(_A.id == bindparam("account_id"))
    .values(
        sessions_valid_from=case(
            (_A.sessions_valid_from < bindparam("at"), bindparam("at", type_=_A.sessions_valid_from.type)),
            else_=_A.sessions_valid_from,
        )
    )
)

_IS_LIVE = and_(
    _S.ended_at.is_(None),
    _S.idle_until > bindparam("now"),
    _S.ends_at > bindparam("now"),
    _S.opened_at >= _A.sessions_valid_from,
    _A.is_active,
)
_BESIDE_ACCOUNT = tables.sessions.join(tables.accounts)
_RESOLVE = select(tables.sessions, _A.role).select_from(_BESIDE_ACCOUNT).where(
    _S.token_hash == bindparam("hash"), _IS_LIVE
)  # fmt: skip
_LIVE_OF_ACCOUNT = (
    select(tables.sessions)
    .select_from(_BESIDE_ACCOUNT)
    .where(_S.account_id == bindparam("account"), _IS_LIVE)
    .order_by(_S.opened_at.desc(), _S.id.desc())
    .limit(_MOST_SESSIONS)
)
_TOUCH = (
    update(tables.sessions)
    .where(
        _S.id == bindparam("session_id"),
        _S.ended_at.is_(None),
        _S.idle_until > bindparam("now"),
        _S.ends_at > bindparam("now"),
    )
    .values(
        last_seen_at=case(
            (_S.last_seen_at < bindparam("now"), bindparam("now", type_=_S.last_seen_at.type)), else_=_S.last_seen_at
        ),
        idle_until=case(
            (_S.idle_until < bindparam("until"), bindparam("until", type_=_S.idle_until.type)), else_=_S.idle_until
        ),
    )
)
_PURGE = delete(tables.sessions).where(
    _S.id.in_(
        select(_S.id)
        .where(
            or_(
                _S.ended_at < bindparam("before"), _S.idle_until < bindparam("before"), _S.ends_at < bindparam("before")
            )
        )
        .order_by(_S.id)
        .limit(bindparam("most"))
    )
)


class SqliteAccounts:
    """`Accounts` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def register(self, act: Register) -> AccountId:
        """See the port."""
        values = {
            "email": act.email,
            "email_key": act.email_key,
            "address": act.address,
            "password": act.password_hash,
            "is_active": True,
            "role": act.role.value,
            "sessions_valid_from": act.at,
            "created_at": act.at,
        }
        with refusing({"accounts.email_key": EmailTaken}):
            async with self._database.act() as write:
                account_id: AccountId = write.run(_ADD_ACCOUNT, values).scalar_one()
                write.note(act.events, act.audit)
        return account_id

    async def note(self, events: tuple[Event, ...], audit: AuditEntry) -> None:
        """See the port."""
        async with self._database.act() as write:
            write.note(events, audit)

    async def credentials(self, email_key: str) -> Credentials:
        """See the port."""
        async with self._database.reading() as read:
            row = read.execute(_ACCOUNT_BY_KEY, {"email_key": email_key}).one_or_none()
        return rows.credentials_from_row(_known(row))

    async def credentials_of(self, account_id: AccountId) -> Credentials:
        """See the port."""
        async with self._database.reading() as read:
            row = read.execute(_ACCOUNT_BY_ID, {"account_id": account_id}).one_or_none()
        return rows.credentials_from_row(_known(row))

    async def account(self, account_id: AccountId) -> Account:
        """See the port."""
        return (await self.credentials_of(account_id)).account

    async def change_address(self, account_id: AccountId, address: Address, audit: AuditEntry) -> Account:
        """See the port."""
        async with self._database.act() as write:
            _one(write, _SET_ADDRESS, {"account_id": account_id, "new_address": address})
            write.note((), audit)
            return _account(write, account_id)

    async def log_in(self, act: LogIn) -> SessionId:
        """See the port."""
        opened_at = act.session.times.opened_at
        hashes = {"old_hash": act.password_hash, "new_hash": act.rehashed or act.password_hash}
        async with self._database.act() as write:
            if write.changed(_SET_HASH, {"account_id": act.account_id, **hashes}) == 0:
                raise LoginRefused("the account changed since its password was checked")
            if act.replaces is not None:
                write.run(_END_BY_TOKEN, {"hash": act.replaces, "at": opened_at})
            session_id: SessionId = write.run(
                _ADD_SESSION, rows.session_values(act.account_id, act.session)
            ).scalar_one()
            write.note((), act.audit)
        return session_id

    async def change_password(self, act: ChangePassword) -> SessionId:
        """See the port."""
        hashes = {"old_hash": act.old_hash, "new_hash": act.new_hash}
        async with self._database.act() as write:
            if write.changed(_SET_HASH, {"account_id": act.account_id, **hashes}) == 0:
                raise LoginRefused("the account changed since its password was checked")
            _end_all(write, act.account_id, act.at)
            session_id: SessionId = write.run(
                _ADD_SESSION, rows.session_values(act.account_id, act.session)
            ).scalar_one()
            write.note(act.events, act.audit)
        return session_id

    async def resolve(self, token_hash: bytes, *, now: Instant) -> ResolvedSession:
        """See the port."""
        async with self._database.reading() as read:
            row = read.execute(_RESOLVE, {"hash": token_hash, "now": now}).one_or_none()
        if row is None:
            raise NotAuthenticated("no live session has this token")
        return rows.resolved_from_row(row)

    async def touch(self, session_id: SessionId, *, now: Instant, idle_until: Instant) -> None:
        """See the port."""
        async with self._database.act() as write:
            write.run(_TOUCH, {"session_id": session_id, "now": now, "until": idle_until})

    async def sessions(self, account_id: AccountId, *, now: Instant) -> tuple[Session, ...]:
        """See the port."""
        async with self._database.reading() as read:
            found = read.execute(_LIVE_OF_ACCOUNT, {"account": account_id, "now": now}).all()
        return tuple(rows.session_from_row(row) for row in found)

    async def end_session(
        self, session_id: SessionId, *, account_id: AccountId, at: Instant, audit: AuditEntry
    ) -> None:
        """See the port."""
        async with self._database.act() as write:
            if write.changed(_END_ONE, {"session_id": session_id, "account": account_id, "at": at}):
                write.note((), audit)

    async def end_sessions(self, account_id: AccountId, *, at: Instant, audit: AuditEntry) -> None:
        """See the port."""
        async with self._database.act() as write:
            _end_all(write, account_id, at)
            write.note((), audit)

    async def set_active(self, account_id: AccountId, *, is_active: bool, at: Instant, audit: AuditEntry) -> Account:
        """See the port."""
        async with self._database.act() as write:
            _one(write, _SET_ACTIVE, {"account_id": account_id, "active": is_active})
            if not is_active:
                _end_all(write, account_id, at)
            write.note((), audit)
            return _account(write, account_id)

    async def set_role(self, account_id: AccountId, role: Role, audit: AuditEntry) -> Account:
        """See the port."""
        async with self._database.act() as write:
            _one(write, _SET_ROLE, {"account_id": account_id, "new_role": role.value})
            write.note((), audit)
            return _account(write, account_id)

    async def purge_sessions(self, *, before: Instant, limit: int) -> int:
        """See the port."""
        async with self._database.act() as write:
            return write.changed(_PURGE, {"before": before, "most": limit})


def _known(row: rows.Row | None) -> rows.Row:
    if row is None:
        raise UnknownAccount("no such account")
    return row


def _one(write: Act, statement: Any, parameters: dict[str, Any]) -> None:
    if write.changed(statement, parameters) == 0:
        raise UnknownAccount("no such account")


def _account(write: Act, account_id: AccountId) -> Account:
    return rows.account_from_row(write.run(_ACCOUNT_BY_ID, {"account_id": account_id}).one())


def _end_all(write: Act, account_id: AccountId, at: Instant) -> None:
    """Both ways: the rows, and the account's "valid from" for a session that is being opened right now."""
    _one(write, _VALID_FROM, {"account_id": account_id, "at": at})
    write.run(_END_ALL, {"account": account_id, "at": at})
