"""Who is at the counter: accounts, passwords, sessions."""

from enum import Enum
from typing import Annotated, Protocol

from msgspec import Meta

from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.events import Event
from kassa.ports.ids import AccountId, SessionId
from kassa.ports.secret import Secret
from kassa.ports.values import Instant, Value

Email = Annotated[str, Meta(min_length=3, max_length=254)]
Address = Annotated[str, Meta(max_length=1000)]


class Role(Enum):
    """What an account may do: buy, or run the shop."""

    CUSTOMER = "customer"
    OPERATOR = "operator"


class Account(Value, frozen=True, kw_only=True):
    """A person known to the shop. `email` is as it was typed; two spellings of one address are one account."""

    id: AccountId
    email: Email
    address: Address
    is_active: bool
    role: Role
    created_at: Instant


class Credentials(Value, frozen=True, kw_only=True):
    """An account and its password hash (PHC string, argon2id). For the kernel's log-in alone."""

    account: Account
    password_hash: str

    def __repr__(self) -> str:
        return f"Credentials(account={self.account.id})"


class Principal(Value, frozen=True, kw_only=True):
    """Who a valid session speaks for."""

    account_id: AccountId
    session_id: SessionId
    role: Role


class SessionTimes(Value, frozen=True, kw_only=True):
    """When a session was opened, when it ends if unused, and when it ends in any case."""

    opened_at: Instant
    idle_until: Instant
    ends_at: Instant


class Session(Value, frozen=True, kw_only=True):
    """A live session as its owner sees it. `label` is the client's name (User-Agent), shortened."""

    id: SessionId
    label: str
    times: SessionTimes
    last_seen_at: Instant


class ResolvedSession(Value, frozen=True, kw_only=True):
    """What a token stands for, and until when that holds if nobody revokes it."""

    principal: Principal
    times: SessionTimes


class NewSession(Value, frozen=True, kw_only=True):
    """A session to open. `token_hash` is SHA-256 of the 256-bit token (32 bytes); the token itself is never stored."""

    token_hash: bytes
    label: Annotated[str, Meta(max_length=200)]
    times: SessionTimes


class Register(Value, frozen=True, kw_only=True):
    """The act of registering: the account row, its mail or events, its audit entry. `key` is the normalised address."""

    email: Email
    email_key: str
    address: Address
    password_hash: str
    role: Role
    at: Instant
    events: tuple[Event, ...]
    audit: AuditEntry


class LogIn(Value, frozen=True, kw_only=True):
    """The act of opening a session for the account whose hash was `password_hash`, replaced by `rehashed` if given.

    `replaces` is the hash of the session token the client sent along, which ends now (rotation).
    """

    account_id: AccountId
    password_hash: str
    rehashed: str | None
    session: NewSession
    replaces: bytes | None
    audit: AuditEntry


class ChangePassword(Value, frozen=True, kw_only=True):
    """The act of changing a password: every session of the account ends, `session` opens in its place."""

    account_id: AccountId
    old_hash: str
    new_hash: str
    session: NewSession
    at: Instant
    events: tuple[Event, ...]
    audit: AuditEntry


class Accounts(Protocol):
    """The durable store of accounts and sessions. Every act is whole or raises and has changed nothing."""

    async def register(self, act: Register) -> AccountId:
        """A new active account. Raises `EmailTaken` when one with `email_key` exists (two at once: one wins)."""

    async def note(self, events: tuple[Event, ...], audit: AuditEntry) -> None:
        """Write events and an audit entry that belong to no other change (a refused log-in, an address already taken)."""

    async def credentials(self, email_key: str) -> Credentials:
        """By normalised address, active or not. Raises `UnknownAccount`."""

    async def credentials_of(self, account_id: AccountId) -> Credentials:
        """By id, active or not. Raises `UnknownAccount`."""

    async def account(self, account_id: AccountId) -> Account:
        """By id, active or not. Raises `UnknownAccount`."""

    async def change_address(self, account_id: AccountId, address: Address, audit: AuditEntry) -> Account:
        """Set the default address. Raises `UnknownAccount`."""

    async def log_in(self, act: LogIn) -> SessionId:
        """Open the session, end the replaced one, store the new hash. Raises `LoginRefused` when the account is no longer
        active or its hash is no longer `password_hash`."""

    async def change_password(self, act: ChangePassword) -> SessionId:
        """Raises `LoginRefused` when the hash is no longer `old_hash` or the account is inactive."""

    async def resolve(self, token_hash: bytes, *, now: Instant) -> ResolvedSession:
        """The live session of this token: not ended, not idle past its time, opened at or after the account's
        "valid from", the account active. Raises `NotAuthenticated`. One read."""

    async def touch(self, session_id: SessionId, *, now: Instant, idle_until: Instant) -> None:
        """Note that a session was used. Never shortens, never revives."""

    async def sessions(self, account_id: AccountId, *, now: Instant) -> tuple[Session, ...]:
        """The live sessions, newest first, at most 100."""

    async def end_session(
        self, session_id: SessionId, *, account_id: AccountId, at: Instant, audit: AuditEntry
    ) -> None:
        """End one session; ending it again changes nothing."""

    async def end_sessions(self, account_id: AccountId, *, at: Instant, audit: AuditEntry) -> None:
        """End all sessions of the account opened until now, in one write."""

    async def set_active(self, account_id: AccountId, *, is_active: bool, at: Instant, audit: AuditEntry) -> Account:
        """Activate or deactivate; deactivating ends all sessions. Raises `UnknownAccount`."""

    async def set_role(self, account_id: AccountId, role: Role, audit: AuditEntry) -> Account:
        """Raises `UnknownAccount`."""

    async def purge_sessions(self, *, before: Instant, limit: int) -> int:
        """Drop at most `limit` sessions that ended before `before`; how many went."""


class SessionCache(Protocol):
    """Resolved sessions, for at most two seconds each: volatile, may lose or refuse anything at any time, never raises.

    Keys are token hashes. A dropped session is gone from this cache for every process that shares it.
    """

    async def get(self, token_hash: bytes) -> ResolvedSession | None:
        """None says not cached."""

    async def put(self, token_hash: bytes, session: ResolvedSession) -> None:
        """Keep for at most two seconds."""

    async def drop(self, token_hash: bytes) -> None:
        """Forget one session."""

    async def drop_account(self, account_id: AccountId) -> None:
        """Forget all sessions of an account (best effort; two seconds at the latest do the rest)."""


class Passwords(Protocol):
    """Password hashing, argon2id at OWASP's profile or above, in a bounded pool. Raises `Busy` when the queue is full."""

    async def hash(self, password: Secret) -> str:
        """A PHC string."""

    async def verify(self, password_hash: str, password: Secret) -> bool:
        """Whether the password belongs to the hash. False also for a string that is not a hash."""

    async def verify_nobody(self, password: Secret) -> None:
        """Spend what `verify` spends, for an account that does not exist (OWASP ASVS 5.0, 6.3.8)."""

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than those of today."""


# --- the inbound side: what the kernel offers ---------------------------------------------------------------


class Registration(Value, frozen=True, kw_only=True):
    """What a newcomer tells."""

    email: Email
    password: Secret
    address: Address


class LoginAttempt(Value, frozen=True, kw_only=True):
    """An attempt to log in, from a network address (the throttle's second key), perhaps replacing a session."""

    email: Email
    password: Secret
    label: str
    replaces_token: Secret | None = None


class OpenedSession(Value, frozen=True, kw_only=True):
    """A session just opened, and its token, shown once."""

    token: Secret
    session: Session
    account: Account


class Identity(Protocol):
    """Registration, log-in, sessions. `Origin.address` is the client's network address."""

    async def register(self, registration: Registration, origin: Origin) -> None:
        """Create an account, or tell the owner of an existing one by mail: the caller cannot tell which, by answer or
        time. Raises `InvalidValue` (e-mail), `PasswordRefused`, `TooManyAttempts`, `Busy`."""

    async def log_in(self, attempt: LoginAttempt, origin: Origin) -> OpenedSession:
        """Raises `LoginRefused`, equal in time for unknown, wrong and inactive; `TooManyAttempts`; `Busy`."""

    async def authenticate(self, token: Secret) -> Principal:
        """Raises `NotAuthenticated`. From cache at most two seconds old."""

    async def log_out(self, token: Secret, principal: Principal, origin: Origin) -> None:
        """End this session."""

    async def log_out_everywhere(self, principal: Principal, origin: Origin) -> None:
        """End all sessions of the account, this one too."""

    async def sessions(self, principal: Principal) -> tuple[Session, ...]:
        """Where the account is logged in."""

    async def account(self, account_id: AccountId) -> Account:
        """Raises `UnknownAccount`."""

    async def change_address(self, principal: Principal, address: Address, origin: Origin) -> Account:
        """Set the default address."""

    async def change_password(
        self, principal: Principal, current: Secret, new: Secret, label: str, origin: Origin
    ) -> OpenedSession:
        """Ends all sessions and opens one. Raises `LoginRefused` (current is wrong), `PasswordRefused`,
        `TooManyAttempts`, `Busy`."""

    async def set_active(self, account_id: AccountId, *, is_active: bool, origin: Origin) -> Account:
        """Operator: activate or deactivate. Raises `UnknownAccount`."""

    async def revoke_sessions(self, account_id: AccountId, origin: Origin) -> None:
        """Operator: log an account out everywhere. Raises `UnknownAccount`."""

    async def add_operator(self, email: Email, password: Secret, origin: Origin) -> Account:
        """Command line: create an operator, or make an existing account one (its password stays).
        Raises `InvalidValue`, `PasswordRefused`."""
