"""Redis killed, frozen, flushed, full: nobody waits long, nothing is raised."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kassa.adapters.memory import MemoryThrottle
from kassa.adapters.redis import RedisLink, RedisNotifications, RedisSessionCache, RedisThrottle
from kassa.adapters.system import SystemClock
from kassa.ports.errors import TooManyAttempts
from kassa.ports.throttle import Limit
from tests.kernel.machine import NOON
from tests.redis.test_redis import session
from tests.servers.redis import RedisServer

LIMIT = Limit(attempts=2, window_s=60)


@pytest_asyncio.fixture
async def own_link(own_redis: RedisServer) -> AsyncIterator[RedisLink]:
    """A link to a Redis that may be hurt, in use already."""
    made = RedisLink(own_redis.url, SystemClock())
    await RedisSessionCache(made).put(b"a", session(1))
    yield made
    await made.close()


async def _use_everything(link: RedisLink) -> float:
    """Seconds that one of each took."""
    start = time.perf_counter()
    cache = RedisSessionCache(link)
    assert await cache.get(b"a") is None
    await cache.put(b"a", session(1))
    await cache.drop(b"a")
    await cache.drop_account(1)
    await RedisNotifications(link).publish("order:1")
    return time.perf_counter() - start


async def test_a_frozen_redis_costs_one_short_time_out_a_second(own_redis: RedisServer, own_link: RedisLink) -> None:
    own_redis.freeze()
    assert 0.05 < await _use_everything(own_link) < 0.25
    assert await _use_everything(own_link) < 0.02, "nobody asks again for a second"
    own_redis.thaw()
    await asyncio.sleep(1.0)
    cache = RedisSessionCache(own_link)
    await cache.put(b"b", session(2))
    assert await cache.get(b"b") == session(2)


async def test_many_requests_at_once_wait_for_a_frozen_redis_together(
    own_redis: RedisServer, own_link: RedisLink
) -> None:
    own_redis.freeze()
    start = time.perf_counter()
    found = await asyncio.gather(*(RedisSessionCache(own_link).get(b"a") for _ in range(200)))
    assert time.perf_counter() - start < 0.6
    assert set(found) == {None}
    own_redis.thaw()


async def test_a_killed_redis_is_missed_by_nobody_and_found_again(own_redis: RedisServer, own_link: RedisLink) -> None:
    own_redis.kill()
    assert await _use_everything(own_link) < 0.25
    own_redis.restart()
    await asyncio.sleep(1.0)
    cache = RedisSessionCache(own_link)
    await cache.put(b"b", session(2))
    assert await cache.get(b"b") == session(2)


async def test_while_redis_is_away_the_other_throttle_counts(own_redis: RedisServer, own_link: RedisLink) -> None:
    fallback = MemoryThrottle()
    throttle = RedisThrottle(own_link, fallback)
    await throttle.spend("b", LIMIT, now=NOON)
    assert (await fallback.peek("b", LIMIT, now=NOON)).remaining == 2
    own_redis.kill()
    for _ in range(2):
        await throttle.spend("b", LIMIT, now=NOON)
    with pytest.raises(TooManyAttempts):
        await throttle.spend("b", LIMIT, now=NOON)
    assert (await throttle.peek("b", LIMIT, now=NOON)).remaining == 0
    await throttle.forgive("b")
    assert (await throttle.peek("b", LIMIT, now=NOON)).remaining == 2


async def test_a_flushed_redis_has_merely_forgotten(own_redis: RedisServer, own_link: RedisLink) -> None:
    assert await RedisSessionCache(own_link).get(b"a") == session(1)
    own_redis.command("FLUSHALL")
    assert await RedisSessionCache(own_link).get(b"a") is None


async def test_a_full_redis_refuses_and_nobody_minds(own_redis: RedisServer, own_link: RedisLink) -> None:
    own_redis.command("CONFIG", "SET", "maxmemory", "1")
    own_redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    cache = RedisSessionCache(own_link)
    await cache.put(b"b", session(2))
    assert await cache.get(b"b") is None
    await RedisThrottle(own_link, MemoryThrottle()).spend("b", LIMIT, now=NOON)


async def test_a_redis_that_was_never_there_lets_the_shop_start(own_redis: RedisServer) -> None:
    own_redis.kill()
    link = RedisLink(own_redis.url, SystemClock())
    assert await _use_everything(link) < 0.25
    await link.close()
