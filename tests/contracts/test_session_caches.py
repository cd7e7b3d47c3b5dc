"""The session cache's contract in memory and in Redis, and what holds while Redis is away."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kassa.adapters.memory import MemorySessionCache
from kassa.adapters.redis.link import RedisLink
from kassa.adapters.redis.sessions import RedisSessionCache
from kassa.adapters.system.clock import SystemClock
from kassa.ports.conformance.session_cache import PHONE, Later, SessionCacheContract, resolved
from kassa.ports.identity import SessionCache
from tests.contracts.clock import HandClock


class TestMemorySessionCache(SessionCacheContract):
    @pytest.fixture
    def clock(self) -> HandClock:
        return HandClock()

    @pytest.fixture
    def cache(self, clock: HandClock) -> SessionCache:
        return MemorySessionCache(clock)

    @pytest.fixture
    def later(self, clock: HandClock) -> Later:
        return clock.sleep


class TestRedisSessionCache(SessionCacheContract):
    @pytest.fixture
    async def cache(self, redis_url: str) -> AsyncIterator[SessionCache]:
        link = RedisLink(redis_url, SystemClock(), timeout_s=5.0)
        yield RedisSessionCache(link)
        await link.close()

    @pytest.fixture
    async def elsewhere(self, redis_url: str) -> AsyncIterator[SessionCache]:
        link = RedisLink(redis_url, SystemClock(), timeout_s=5.0)
        yield RedisSessionCache(link)
        await link.close()

    @pytest.fixture
    def later(self) -> Later:
        return SystemClock().sleep  # Redis keeps its own time, and nothing but waiting moves it


async def test_a_cache_whose_redis_is_away_keeps_nothing_and_never_raises() -> None:
    link = RedisLink("redis://127.0.0.1:1/0", SystemClock())
    cache = RedisSessionCache(link)
    await cache.put(PHONE, resolved())
    assert await cache.get(PHONE) is None
    await cache.drop(PHONE)
    await cache.drop_account(7)
    await link.close()
