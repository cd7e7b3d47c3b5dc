"""The throttle's contract on the four places that count attempts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kassa.adapters.memory import MemoryThrottle
from kassa.adapters.postgres.throttle import PostgresThrottle
from kassa.adapters.redis.link import RedisLink
from kassa.adapters.redis.throttle import RedisThrottle
from kassa.adapters.sqlite import SqliteDatabase
from kassa.adapters.sqlite.throttle import SqliteThrottle
from kassa.adapters.system.clock import SystemClock
from kassa.ports.conformance.throttle import ThrottleContract
from kassa.ports.throttle import Allowance, Limit, Throttle
from kassa.ports.values import Instant
from tests.contracts.opened import opened_postgres


class TestMemoryThrottle(ThrottleContract):
    @pytest.fixture
    def throttle(self) -> Throttle:
        return MemoryThrottle()


class TestSqliteThrottle(ThrottleContract):
    @pytest.fixture
    async def throttle(self) -> AsyncIterator[Throttle]:
        database = SqliteDatabase.open("sqlite://")
        yield SqliteThrottle(database)
        await database.close()


class Untouched(MemoryThrottle):
    """A fallback that must not be needed while Redis is there."""

    async def spend(self, bucket: str, limit: Limit, *, now: Instant) -> Allowance:
        raise AssertionError("Redis was away")

    async def peek(self, bucket: str, limit: Limit, *, now: Instant) -> Allowance:
        raise AssertionError("Redis was away")


class TestRedisThrottle(ThrottleContract):
    @pytest.fixture
    async def throttle(self, redis_url: str) -> AsyncIterator[Throttle]:
        link = RedisLink(redis_url, SystemClock(), timeout_s=5.0)
        yield RedisThrottle(link, Untouched())
        await link.close()


class TestRedisThrottleWhileRedisIsAway(ThrottleContract):
    @pytest.fixture
    async def throttle(self) -> AsyncIterator[Throttle]:
        link = RedisLink("redis://127.0.0.1:1/0", SystemClock())
        yield RedisThrottle(link, MemoryThrottle())
        await link.close()


class TestPostgresThrottle(ThrottleContract):
    @pytest.fixture
    async def throttle(self, migrated_url: str) -> AsyncIterator[Throttle]:
        async with opened_postgres(migrated_url) as database:
            yield PostgresThrottle(database)
