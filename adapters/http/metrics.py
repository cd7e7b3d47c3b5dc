"""Counts and times for Prometheus. Labels are route templates and configured names: no path, id or address ever becomes one.

Three ways in: `seen` counts requests as they happen; `from_plugins` reads what the payment methods did when the page is asked
for; `gauge` shows a number that somebody has to be asked for, such as a count in the database.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from kassa.ports.errors import KassaError
from kassa.ports.plugins import PluginStatus

from .metrics_plugins import PluginMetrics
from .route import Reply

_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_READ_S: Final = 2.0


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self._pairs: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._read: list[tuple[Gauge, Callable[[], Awaitable[float]]]] = []
        labels = ("method", "route")
        self._requests = Counter(
            "kassa_http_requests", "Requests answered.", (*labels, "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "kassa_http_request_seconds", "Time to answer.", labels, buckets=_BUCKETS, registry=self.registry
        )
        build = Gauge("kassa_build", "The version that is running.", ("version",), registry=self.registry)
        build.labels(version).set(1)

    def seen(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered (status 0: it was not)."""
        known = method if method in _METHODS else "other"
        pair = self._pairs.get((known, route, status))
        if pair is None:
            pair = self._requests.labels(known, route, str(status)), self._seconds.labels(known, route)
            self._pairs[known, route, status] = pair
        pair[0].inc()
        pair[1].observe(seconds)

    def from_plugins(self, plugins: Callable[[], tuple[PluginStatus, ...]]) -> None:
        """Show how the payment methods stand, asked anew for every page."""
        self.registry.register(PluginMetrics(plugins))

    def gauge(self, name: str, says: str, read: Callable[[], Awaitable[float]]) -> None:
        """Show a number that is read anew for every page; one that cannot be read within two seconds is NaN, which is what
        an alarm on absence is for."""
        self._read.append((Gauge(name, says, registry=self.registry), read))

    def queue(self, name: str, backlog: Callable[[], Awaitable[tuple[int, int]]]) -> None:
        """Show how many items of a queue wait and how many are dead letters: any dead one is worth an alarm."""

        async def waiting() -> float:
            return float((await backlog())[0])

        async def dead() -> float:
            return float((await backlog())[1])

        self.gauge(f"kassa_{name}_waiting", f"Of the {name}, how many wait to be processed.", waiting)
        self.gauge(f"kassa_{name}_dead", f"Of the {name}, how many are dead letters, which wait for a person.", dead)

    async def page(self) -> Reply:
        """The text that Prometheus reads."""
        values = await asyncio.gather(*(_within(read) for _, read in self._read))
        for (gauge, _), value in zip(self._read, values, strict=True):
            gauge.set(value)
        return Reply(200, generate_latest(self.registry), [(b"content-type", CONTENT_TYPE_LATEST.encode())])


async def _within(read: Callable[[], Awaitable[float]]) -> float:
    try:
        async with asyncio.timeout(_READ_S):
            return await read()
    except (KassaError, TimeoutError):
        return float("nan")
