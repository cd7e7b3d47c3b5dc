"""Who is at the counter: everything that may be asked of identity, in one place."""

from datetime import timedelta

from kassa.kernel.identity_limits import AttemptGuard, AttemptLimits
from kassa.kernel.identity_login import LoginDesk
from kassa.kernel.identity_passwords import PasswordPolicy
from kassa.kernel.identity_registration import RegistrationDesk
from kassa.kernel.identity_sessions import SessionDesk
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.checkout import Customer
from kassa.ports.clock import Clock
from kassa.ports.identity import (
    Account,
    Accounts,
    Address,
    Email,
    LoginAttempt,
    OpenedSession,
    Passwords,
    Principal,
    Registration,
    Session,
    SessionCache,
)
from kassa.ports.ids import AccountId, Ids
from kassa.ports.secret import Secret
from kassa.ports.throttle import Throttle


class KernelIdentity:
    """`kassa.ports.identity.Identity`. `idle` and `absolute` are how long a session lives; `shop` signs the mails."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        passwords: Passwords,
        cache: SessionCache,
        throttle: Throttle,
        clock: Clock,
        ids: Ids,
        limits: AttemptLimits | None = None,
        policy: PasswordPolicy | None = None,
        idle: timedelta = timedelta(days=7),
        absolute: timedelta = timedelta(days=30),
        shop: str = "Kassa",
    ) -> None:
        self._accounts, self._clock = accounts, clock
        policy = policy or PasswordPolicy()
        guard = AttemptGuard(throttle=throttle, clock=clock, limits=limits or AttemptLimits())
        self._sessions = SessionDesk(accounts=accounts, cache=cache, clock=clock, ids=ids, idle=idle, absolute=absolute)
        self._registration = RegistrationDesk(
            accounts=accounts, passwords=passwords, policy=policy, guard=guard,
            sessions=self._sessions, clock=clock, ids=ids, shop=shop,
        )  # fmt: skip
        self._login = LoginDesk(
            accounts=accounts, passwords=passwords, policy=policy, guard=guard,
            sessions=self._sessions, clock=clock, ids=ids, shop=shop,
        )  # fmt: skip

    async def register(self, registration: Registration, origin: Origin) -> None:
        """See `RegistrationDesk`."""
        await self._registration.register(registration, origin)

    async def add_operator(self, email: Email, password: Secret, origin: Origin) -> Account:
        """See `RegistrationDesk`."""
        return await self._registration.add_operator(email, password, origin)

    async def log_in(self, attempt: LoginAttempt, origin: Origin) -> OpenedSession:
        """See `LoginDesk`."""
        return await self._login.log_in(attempt, origin)

    async def change_password(
        self, principal: Principal, current: Secret, new: Secret, label: str, origin: Origin
    ) -> OpenedSession:
        """See `LoginDesk`."""
        return await self._login.change_password(principal.account_id, current, new, label, origin)

    async def authenticate(self, token: Secret) -> Principal:
        """See `SessionDesk`."""
        return await self._sessions.authenticate(token)

    async def sessions(self, principal: Principal) -> tuple[Session, ...]:
        """The live ones, newest first."""
        return await self._accounts.sessions(principal.account_id, now=self._clock.now())

    async def log_out(self, token: Secret, principal: Principal, origin: Origin) -> None:
        """Here, now; other processes forget within two seconds."""
        await self._accounts.end_session(
            principal.session_id,
            account_id=principal.account_id,
            at=self._clock.now(),
            audit=self._entry("account.logged_out", principal.account_id, origin),
        )
        await self._sessions.forget(token)

    async def log_out_everywhere(self, principal: Principal, origin: Origin) -> None:
        """In one write, however many sessions there are."""
        await self._end_all(principal.account_id, "account.logged_out_everywhere", origin)

    async def revoke_sessions(self, account_id: AccountId, origin: Origin) -> None:
        """In one write."""
        await self._accounts.account(account_id)
        await self._end_all(account_id, "account.sessions_revoked", origin)

    async def account(self, account_id: AccountId) -> Account:
        """Active or not."""
        return await self._accounts.account(account_id)

    async def change_address(self, principal: Principal, address: Address, origin: Origin) -> Account:
        """Orders placed before keep theirs."""
        audit = self._entry("account.address_changed", principal.account_id, origin)
        return await self._accounts.change_address(principal.account_id, address, audit)

    async def set_active(self, account_id: AccountId, *, is_active: bool, origin: Origin) -> Account:
        """Deactivating ends all sessions."""
        action = "account.activated" if is_active else "account.deactivated"
        audit = self._entry(action, account_id, origin)
        account = await self._accounts.set_active(account_id, is_active=is_active, at=audit.at, audit=audit)
        await self._sessions.forget_account(account_id)
        return account

    async def _end_all(self, account_id: AccountId, action: str, origin: Origin) -> None:
        audit = self._entry(action, account_id, origin)
        await self._accounts.end_sessions(account_id, at=audit.at, audit=audit)
        await self._sessions.forget_account(account_id)

    def _entry(self, action: str, account_id: AccountId, origin: Origin) -> AuditEntry:
        return AuditEntry(action=action, subject=f"account:{account_id}", origin=origin, at=self._clock.now())


class KernelCustomers:
    """`kassa.ports.checkout.Customers`: what the shop may know of an account."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def customer(self, account_id: AccountId) -> Customer:
        """Where to write to, and where to send to."""
        account = await self._accounts.account(account_id)
        return Customer(email=account.email, address=account.address)
