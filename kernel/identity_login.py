"""Passwords at the door: log-in and change of password."""

import msgspec

from kassa.kernel.events import mail_event
from kassa.kernel.identity_email import digest, email_key
from kassa.kernel.identity_letters import password_changed
from kassa.kernel.identity_limits import AttemptGuard
from kassa.kernel.identity_passwords import PasswordPolicy, prepared
from kassa.kernel.identity_sessions import SessionDesk, token_hash
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.clock import Clock
from kassa.ports.errors import InvalidValue, LoginRefused, UnknownAccount
from kassa.ports.identity import (
    Account,
    Accounts,
    ChangePassword,
    Credentials,
    LogIn,
    LoginAttempt,
    NewSession,
    OpenedSession,
    Passwords,
    Session,
)
from kassa.ports.ids import AccountId, Ids, SessionId
from kassa.ports.secret import Secret

_TRIES = 3
"""How often a log-in is decided anew when the account changed in between (two at once may both store a new hash)."""


class LoginDesk:
    """Opens sessions for right passwords. Unknown, wrong and inactive are one answer in one time."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        passwords: Passwords,
        policy: PasswordPolicy,
        guard: AttemptGuard,
        sessions: SessionDesk,
        clock: Clock,
        ids: Ids,
        shop: str,
    ) -> None:
        self._accounts, self._passwords, self._policy, self._guard = accounts, passwords, policy, guard
        self._sessions, self._clock, self._ids, self._shop = sessions, clock, ids, shop

    async def log_in(self, attempt: LoginAttempt, origin: Origin) -> OpenedSession:
        """One read, one password check and one write, whatever the outcome."""
        key, password = _key_or_text(attempt.email), prepared(attempt.password)
        await self._guard.log_in(key, origin.address)
        for _ in range(_TRIES):
            credentials = await self._find(key)
            is_right = await self._is_right(credentials, password)
            if credentials is None or not is_right or not credentials.account.is_active:
                await self._note_refusal(credentials.account if credentials else None, key, origin)
                break
            try:
                opened = await self._open(credentials, attempt, password, origin)
            except LoginRefused:
                continue
            await self._guard.logged_in(key, origin.address)
            return opened
        raise LoginRefused

    async def change_password(
        self, account_id: AccountId, current: Secret, new: Secret, label: str, origin: Origin
    ) -> OpenedSession:
        """All sessions end but the one that is opened here; the owner is told by mail."""
        credentials = await self._accounts.credentials_of(account_id)
        account, password = credentials.account, prepared(new)
        key = email_key(account.email)
        self._policy.check(password, key)
        await self._guard.change_password(account_id)
        if not await self._passwords.verify(credentials.password_hash, prepared(current)):
            await self._note_refusal(account, key, origin)
            raise LoginRefused
        new_hash = await self._passwords.hash(password)
        token, session = self._sessions.new(label)
        at, subject = session.times.opened_at, f"account:{account_id}"
        letter = password_changed(self._ids.short_token(), account.email, self._shop)
        session_id = await self._accounts.change_password(
            ChangePassword(
                account_id=account_id,
                old_hash=credentials.password_hash,
                new_hash=new_hash,
                session=session,
                at=at,
                events=(mail_event(letter, subject),),
                audit=AuditEntry(action="account.password_changed", subject=subject, origin=origin, at=at),
            )
        )
        await self._sessions.forget_account(account_id)
        return _opened(token, session_id, session, account)

    async def _find(self, key: str) -> Credentials | None:
        try:
            return await self._accounts.credentials(key)
        except UnknownAccount:
            return None

    async def _is_right(self, credentials: Credentials | None, password: Secret) -> bool:
        if credentials is None:
            await self._passwords.verify_nobody(password)
            return False
        return await self._passwords.verify(credentials.password_hash, password)

    async def _open(
        self, credentials: Credentials, attempt: LoginAttempt, password: Secret, origin: Origin
    ) -> OpenedSession:
        account = credentials.account
        outdated = self._passwords.outdated(credentials.password_hash)
        rehashed = await self._passwords.hash(password) if outdated else None
        token, session = self._sessions.new(attempt.label)
        subject = f"account:{account.id}"
        session_id = await self._accounts.log_in(
            LogIn(
                account_id=account.id,
                password_hash=credentials.password_hash,
                rehashed=rehashed,
                session=session,
                replaces=token_hash(attempt.replaces_token) if attempt.replaces_token else None,
                audit=AuditEntry(
                    action="account.logged_in",
                    subject=subject,
                    origin=msgspec.structs.replace(origin, actor=subject),
                    at=session.times.opened_at,
                ),
            )
        )
        if attempt.replaces_token:
            await self._sessions.forget(attempt.replaces_token)
        return _opened(token, session_id, session, account)

    async def _note_refusal(self, account: Account | None, key: str, origin: Origin) -> None:
        subject = f"account:{account.id}" if account else f"email:{digest(key)}"
        audit = AuditEntry(action="account.login_refused", subject=subject, origin=origin, at=self._clock.now())
        await self._accounts.note((), audit)


def _key_or_text(email: str) -> str:
    """What is no address is nobody's: it goes the way of an unknown account, without a character a database refuses."""
    try:
        return email_key(email)
    except InvalidValue:
        return f"invalid:{digest(email)}"


def _opened(token: Secret, session_id: SessionId, new: NewSession, account: Account) -> OpenedSession:
    session = Session(id=session_id, label=new.label, times=new.times, last_seen_at=new.times.opened_at)
    return OpenedSession(token=token, session=session, account=account)
