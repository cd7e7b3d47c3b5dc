"""The configured payment methods that work, and how every plugin stands."""

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from kassa.kernel.plugin_guard import GuardedMethod
from kassa.ports.clock import Clock
from kassa.ports.errors import PluginRefused
from kassa.ports.ids import Ids
from kassa.ports.plugins import PluginStatus

HEALTH_EVERY_S = 30.0


class LoadedMethods:
    """The configured methods that work, by instance name, and how every plugin and instance stands."""

    def __init__(self, methods: Mapping[str, GuardedMethod], statuses: tuple[PluginStatus, ...]) -> None:
        self._methods, self._statuses = dict(methods), statuses

    def get(self, name: str) -> GuardedMethod | None:
        """The method of this instance name; None says there is none that works."""
        return self._methods.get(name)

    def all(self) -> tuple[GuardedMethod, ...]:
        """Every method that works, by name."""
        return tuple(self._methods[name] for name in sorted(self._methods))

    def statuses(self) -> tuple[PluginStatus, ...]:
        """How everything stands now: breakers, and what every loaded instance did."""
        return tuple(self._now(status) for status in self._statuses)

    def _now(self, status: PluginStatus) -> PluginStatus:
        method = self._methods.get(status.instance or "")
        return status if method is None else replace(status, breaker=method.breaker, activity=method.activity())

    def is_complete(self) -> bool:
        """Whether every configured instance that is not optional works."""
        return not self._broken()

    def refuse_incomplete(self) -> None:
        """Raises `PluginRefused` naming every instance the shop must not start without."""
        broken = self._broken()
        if broken:
            raise PluginRefused("; ".join(_sentence(status) for status in broken))

    def _broken(self) -> list[PluginStatus]:
        return [s for s in self._statuses if s.instance is not None and s.state != "loaded" and not s.optional]

    async def check_health(self) -> None:
        """Ask every instance once, all together, each within five seconds."""
        await asyncio.gather(*(method.check_health() for method in self._methods.values()))

    async def watch_health(self, clock: Clock, ids: Ids) -> None:
        """Ask about every half a minute (with jitter), until canceled."""
        while True:
            await self.check_health()
            await clock.sleep(HEALTH_EVERY_S * (0.8 + 0.4 * ids.jitter()))

    async def close(self) -> None:
        """Close every method, whatever one of them does."""
        await asyncio.gather(*(method.close() for method in self._methods.values()))


def _sentence(status: PluginStatus) -> str:
    origin = f" ({status.distribution} {status.version})" if status.distribution else ""
    return f"payments.{status.instance}: plugin {status.plugin!r}{origin} is {status.state}: {status.reason}"
