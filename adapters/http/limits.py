"""How much one network address may ask, and how it is told (draft-ietf-httpapi-ratelimit-headers-10)."""

from ipaddress import IPv6Address, ip_address, ip_network

from kassa.ports.clock import Clock
from kassa.ports.errors import TooManyAttempts
from kassa.ports.throttle import Limit, Throttle

from .route import Budget
from .settings import HttpSettings
from .visit import HeaderList, Visit


class Limits:
    """Spends the settings' limits per address. An IPv6 customer owns a /64, so that is what is counted."""

    def __init__(self, throttle: Throttle, clock: Clock, settings: HttpSettings) -> None:
        self._throttle = throttle
        self._clock = clock
        self._limits = {
            Budget.API: settings.api_limit,
            Budget.WEBHOOK: settings.webhook_limit,
            Budget.RETURN: settings.return_limit,
        }

    async def spend(self, budget: Budget, visit: Visit) -> None:
        """Count this request and tell what is left with its answer. Raises `TooManyAttempts`."""
        limit = self._limits.get(budget)
        if limit is None:
            return
        bucket = f"http:{budget.value}:{_counted(visit.address)}"
        try:
            left = await self._throttle.spend(bucket, limit, now=self._clock.now())
        except TooManyAttempts as error:
            visit.headers += _told(budget, limit, 0, error.retry_after_s)
            raise
        visit.headers += _told(budget, limit, left.remaining, left.reset_s)


def _told(budget: Budget, limit: Limit, remaining: int, reset_s: int) -> HeaderList:
    name = budget.value.encode()
    return [
        (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (name, limit.attempts, limit.window_s)),
        (b"ratelimit", b'"%b";r=%d;t=%d' % (name, remaining, reset_s)),
    ]


def _counted(address: str | None) -> str:
    if address is None:
        return "unknown"
    if ":" in address and isinstance(ip_address(address), IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return address
