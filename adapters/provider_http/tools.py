"""One configured instance's tools."""

from collections.abc import Callable
from typing import TypeVar

from kassa.ports.secret import Secret

from .client import HttpxHttp
from .log import RedactingLog
from .threads import Threads

T = TypeVar("T")


class HttpxTools:
    """`kassa.ports.provider.ProviderTools`: nothing is opened, and no thread started, before its first use."""

    def __init__(self, instance: str, allow_hosts: tuple[str, ...], secrets: tuple[Secret, ...]) -> None:
        self._http = HttpxHttp(allow_hosts)
        self._log = RedactingLog(instance, secrets)
        self._threads = Threads(instance)

    @property
    def http(self) -> HttpxHttp:
        """The guarded client."""
        return self._http

    @property
    def log(self) -> RedactingLog:
        """The redacting log."""
        return self._log

    async def blocking(self, call: Callable[[], T]) -> T:
        """Run in one of four threads. Raises `NotSent` with 32 calls under way or waiting."""
        return await self._threads.run(call)

    async def close(self) -> None:
        """Close connections; do not wait for threads that hang."""
        self._threads.close()
        await self._http.close()


class HttpxProviders:
    """`kassa.ports.provider.Providers`."""

    def tools(self, instance: str, *, allow_hosts: tuple[str, ...], secrets: tuple[Secret, ...]) -> HttpxTools:
        """Opens nothing yet."""
        return HttpxTools(instance, allow_hosts, secrets)
