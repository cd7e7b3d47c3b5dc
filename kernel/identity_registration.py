"""How accounts come to be: a newcomer registers, the shop's owner makes an operator."""

from kassa.kernel.events import mail_event
from kassa.kernel.identity_email import digest, email_key
from kassa.kernel.identity_letters import address_taken
from kassa.kernel.identity_limits import AttemptGuard
from kassa.kernel.identity_passwords import PasswordPolicy, prepared
from kassa.kernel.identity_sessions import SessionDesk
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.clock import Clock
from kassa.ports.errors import EmailTaken, UnknownAccount
from kassa.ports.events import Event
from kassa.ports.identity import Account, Accounts, Address, Passwords, Register, Registration, Role
from kassa.ports.ids import Ids
from kassa.ports.secret import Secret


class RegistrationDesk:
    """Opens accounts. Whether an address was taken shows neither in the answer nor in the time."""

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

    async def register(self, registration: Registration, origin: Origin) -> None:
        """Hashes, reads once and writes once, whether the address is taken or not."""
        key = email_key(registration.email)
        password = prepared(registration.password)
        self._policy.check(password, key)
        await self._guard.register(key, origin.address)
        password_hash = await self._passwords.hash(password)
        owner = await self._find(key)
        if owner is None:
            act = self._act(registration.email, registration.address, password_hash, Role.CUSTOMER, origin)
            try:
                await self._accounts.register(act)
            except EmailTaken:  # by somebody who registered just now
                owner = await self._find(key)
        if owner is not None:
            await self._tell(owner, origin)

    async def add_operator(self, email: str, password: Secret, origin: Origin) -> Account:
        """Not limited: whoever reaches this has the machine."""
        key = email_key(email)
        owner = await self._find(key)
        if owner is not None:
            audit = _audit("account.role_changed", f"account:{owner.id}", origin, self._clock)
            account = await self._accounts.set_role(owner.id, Role.OPERATOR, audit)
            await self._sessions.forget_account(account.id)
            return account
        password = prepared(password)
        self._policy.check(password, key)
        act = self._act(email, "", await self._passwords.hash(password), Role.OPERATOR, origin)
        return await self._accounts.account(await self._accounts.register(act))

    async def _find(self, key: str) -> Account | None:
        try:
            return (await self._accounts.credentials(key)).account
        except UnknownAccount:
            return None

    def _act(self, email: str, address: Address, password_hash: str, role: Role, origin: Origin) -> Register:
        # The account has no number yet, and its address has no business in the trail: its digest stands for it.
        key = email_key(email)
        subject = f"email:{digest(key)}"
        return Register(
            email=email,
            email_key=key,
            address=address,
            password_hash=password_hash,
            role=role,
            at=self._clock.now(),
            events=(Event(kind="account.registered", subject=subject),),
            audit=_audit("account.registered", subject, origin, self._clock),
        )

    async def _tell(self, owner: Account, origin: Origin) -> None:
        subject = f"account:{owner.id}"
        letter = address_taken(self._ids.short_token(), owner.email, self._shop)
        audit = _audit("account.registered_again", subject, origin, self._clock)
        await self._accounts.note((mail_event(letter, subject),), audit)


def _audit(action: str, subject: str, origin: Origin, clock: Clock) -> AuditEntry:
    return AuditEntry(action=action, subject=subject, origin=origin, at=clock.now())
