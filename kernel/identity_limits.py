"""Limits on attempts to log in and to register: a guesser is stopped, the owner still gets in."""

from ipaddress import IPv6Address, ip_address, ip_network

from kassa.kernel.identity_email import digest
from kassa.ports.clock import Clock
from kassa.ports.ids import AccountId
from kassa.ports.throttle import Limit, Throttle
from kassa.ports.values import Value

_MARK = Limit(attempts=1_000_000, window_s=30 * 86_400)
"""How long an address stays known for an account, counted as attempts that are never used up."""


class AttemptLimits(Value, frozen=True, kw_only=True):
    """How many attempts are let through; each is a setting.

    `pair` is one account from one network address and forgiven by a right password, `address` all accounts from one
    address, `account` one account from all addresses from which it was never logged in to.
    """

    pair: Limit = Limit(attempts=10, window_s=900)
    address: Limit = Limit(attempts=300, window_s=900)
    account: Limit = Limit(attempts=50, window_s=3600)
    password: Limit = Limit(attempts=10, window_s=900)
    registrations: Limit = Limit(attempts=60, window_s=3600)
    registrations_of_email: Limit = Limit(attempts=5, window_s=3600)


class AttemptGuard:
    """Counts every attempt before it is made, so that many at once do not slip through. All methods but the last raise
    `TooManyAttempts`; known and unknown accounts are counted alike."""

    def __init__(self, *, throttle: Throttle, clock: Clock, limits: AttemptLimits) -> None:
        self._throttle, self._clock, self._limits = throttle, clock, limits

    async def log_in(self, key: str, address: str | None) -> None:
        """An attempt on the account of this normalised e-mail address from this network address."""
        await self._spend(f"login:address:{_network(address)}", self._limits.address)
        await self._spend(_pair(key, address), self._limits.pair)
        if not await self._is_known(key, address):
            await self._spend(f"login:account:{digest(key)}", self._limits.account)

    async def register(self, key: str, address: str | None) -> None:
        """An attempt to register; the second limit keeps an owner's mailbox from being filled."""
        await self._spend(f"register:address:{_network(address)}", self._limits.registrations)
        await self._spend(f"register:email:{digest(key)}", self._limits.registrations_of_email)

    async def change_password(self, account_id: AccountId) -> None:
        """An attempt to guess the current password from within a session."""
        await self._spend(f"password:{account_id}", self._limits.password)

    async def logged_in(self, key: str, address: str | None) -> None:
        """The password was right: the pair's attempts are forgiven, and the address is known from now on."""
        await self._throttle.forgive(_pair(key, address))
        if not await self._is_known(key, address):
            await self._spend(_known(key, address), _MARK)

    async def _spend(self, bucket: str, limit: Limit) -> None:
        await self._throttle.spend(bucket, limit, now=self._clock.now())

    async def _is_known(self, key: str, address: str | None) -> bool:
        allowance = await self._throttle.peek(_known(key, address), _MARK, now=self._clock.now())
        return allowance.remaining < _MARK.attempts


def _pair(key: str, address: str | None) -> str:
    return f"login:pair:{digest(key)}:{_network(address)}"


def _known(key: str, address: str | None) -> str:
    return f"login:known:{digest(key)}:{_network(address)}"


def _network(address: str | None) -> str:
    """The address itself; of IPv6 the /64, because that is what one customer has."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)
