"""The way to one Redis, which may be away, frozen, full or slow without anybody waiting long for it."""

import asyncio
from typing import Any

from kassa.ports.clock import Clock
from kassa.ports.errors import SettingRefused
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError


class Away(Exception):
    """Redis did not answer in time, or was not asked because it did not a moment ago."""


class RedisLink:
    """A bounded pool of connections that gives a command `timeout_s` seconds in all and tries it once.

    After a failure nobody asks for `pause_s` seconds: a frozen Redis costs one time-out a second, not one a request.
    Opens nothing until the first command. Raises `SettingRefused` for an address that is none.
    """

    def __init__(self, url: str, clock: Clock, *, timeout_s: float = 0.1, pause_s: float = 1.0, size: int = 64) -> None:
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=size,
                timeout=timeout_s,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),  # redis-py's default of ten retries turns 0.1 s into seconds
                protocol=2,
                driver_info=None,
            )
        except ValueError as error:
            raise SettingRefused(f"the cache address is none that Redis knows: {error}") from None
        self._client: Redis = Redis.from_pool(pool)
        self._clock, self._timeout_s, self._pause_s = clock, timeout_s, pause_s
        self._away_until = clock.monotonic()

    async def ask(self, *command: str | bytes | int) -> Any:
        """The reply to one command. Raises `Away`, whatever was wrong: nothing in Redis is worth a failed request."""
        if self._clock.monotonic() < self._away_until:
            raise Away
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._client.execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = self._clock.monotonic() + self._pause_s
            raise Away from error

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()
