"""What the HTTP surface is told: the ports it speaks to, and its settings."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from kassa.ports.audit import AuditTrail
from kassa.ports.bank_desk import BankDesk
from kassa.ports.cart import Shopping
from kassa.ports.cashier import Cashier
from kassa.ports.catalog import Catalog
from kassa.ports.checkout import Checkout
from kassa.ports.clock import Clock
from kassa.ports.endpoints import Outgoing
from kassa.ports.idempotency import Claims
from kassa.ports.identity import Identity
from kassa.ports.ids import Ids
from kassa.ports.payouts import Payouts
from kassa.ports.throttle import Limit, Throttle
from kassa.ports.treasury import Treasury

_API: Final = Limit(attempts=1200, window_s=60)
_WEBHOOK: Final = Limit(attempts=6000, window_s=60)
_RETURN: Final = Limit(attempts=60, window_s=60)

Backlog = Callable[[], Awaitable[tuple[int, int]]]
"""Asks a queue how many of its items wait, and how many are dead letters."""
Ready = Callable[[], Awaitable[dict[str, str]]]
"""Asks the parts the shop cannot work without: name to what is wrong with it, empty when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpShop:
    """The inbound ports that the surface puts on the wire."""

    identity: Identity
    catalog: Catalog
    shopping: Shopping
    checkout: Checkout
    cashier: Cashier
    treasury: Treasury
    banking: BankDesk
    payouts: Payouts
    outgoing: Outgoing
    claims: Claims
    audit: AuditTrail
    throttle: Throttle
    clock: Clock
    ids: Ids
    ready: Ready
    queues: Mapping[str, Backlog] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Everything that may differ between two shops' surfaces. Times in seconds, sizes in bytes.

    `public_url` has no trailing slash; its origin is the one that cookie sessions may write from, beside `cors_origins`.
    `trusted_proxies` are the only peers whose X-Forwarded-For counts. A limit of None is no limit.
    """

    public_url: str
    currency: str
    version: str
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    cookie_secure: bool = True
    docs: bool = True
    request_deadline_s: float = 20.0
    body_deadline_s: float = 10.0
    body_bytes: int = 256 * 1024
    webhook_bytes: int = 256 * 1024
    in_flight: int = 512
    api_limit: Limit | None = _API
    webhook_limit: Limit | None = _WEBHOOK
    return_limit: Limit | None = _RETURN

    @property
    def cookie(self) -> str:
        """The session cookie's name; the prefix makes browsers insist on Secure, Path=/ and no Domain."""
        return "__Host-kassa" if self.cookie_secure else "kassa"
