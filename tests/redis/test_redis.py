"""Sessions, attempts and notices in a Redis that is well."""

import asyncio

import pytest

from kassa.adapters.memory import MemoryThrottle
from kassa.adapters.redis import RedisLink, RedisNotifications, RedisSessionCache, RedisThrottle
from kassa.adapters.redis.notifications import CHANNEL
from kassa.adapters.system import SystemClock
from kassa.ports.errors import SettingRefused, TooManyAttempts
from kassa.ports.identity import Principal, ResolvedSession, Role, SessionTimes
from kassa.ports.throttle import Allowance, Limit
from tests.kernel.machine import NOON, SetClock
from tests.servers.redis import RedisServer


def session(account_id: int) -> ResolvedSession:
    return ResolvedSession(
        principal=Principal(account_id=account_id, session_id=account_id * 10, role=Role.OPERATOR),
        times=SessionTimes(opened_at=NOON, idle_until=NOON, ends_at=NOON),
    )


async def test_a_cached_session_comes_back_whole_and_is_gone_in_time(link: RedisLink) -> None:
    cache = RedisSessionCache(link, ttl_ms=200)
    assert await cache.get(b"a") is None
    await cache.put(b"a", session(7))
    assert await cache.get(b"a") == session(7)
    await asyncio.sleep(0.25)
    assert await cache.get(b"a") is None
    assert await link.ask("PTTL", "kassa:sessions-of:7") == -2, "nothing stays"


async def test_a_dropped_session_and_a_dropped_account_are_gone_for_every_process(
    link: RedisLink, redis_url: str
) -> None:
    other_link = RedisLink(redis_url, SystemClock())
    here, there = RedisSessionCache(link), RedisSessionCache(other_link)
    for key, account in ((b"a", 1), (b"b", 1), (b"c", 1), (b"d", 2)):
        await here.put(key, session(account))
    await here.drop(b"a")
    assert await there.get(b"a") is None
    await here.drop_account(1)
    assert [await there.get(key) for key in (b"b", b"c")] == [None, None]
    assert await there.get(b"d") == session(2)
    await other_link.close()


async def test_an_entry_that_cannot_be_read_is_no_entry(link: RedisLink) -> None:
    for poison in (b"", b"{", b'{"principal": 1}', b"\xff\xfe"):
        await link.ask("SET", f"kassa:session:{b'a'.hex()}", poison)
        assert await RedisSessionCache(link).get(b"a") is None


async def test_attempts_are_used_up_and_come_back_with_the_next_window(link: RedisLink) -> None:
    clock, throttle, limit = SetClock(), RedisThrottle(link, MemoryThrottle()), Limit(attempts=2, window_s=60)
    assert await throttle.peek("b", limit, now=clock.now()) == Allowance(remaining=2, reset_s=60)
    assert await throttle.spend("b", limit, now=clock.now()) == Allowance(remaining=1, reset_s=60)
    clock.advance(20)
    assert await throttle.spend("b", limit, now=clock.now()) == Allowance(remaining=0, reset_s=40)
    with pytest.raises(TooManyAttempts) as refused:
        await throttle.spend("b", limit, now=clock.now())
    assert refused.value.retry_after_s == 40
    assert await throttle.peek("b", limit, now=clock.now()) == Allowance(remaining=0, reset_s=40)
    clock.advance(40)
    assert await throttle.spend("b", limit, now=clock.now()) == Allowance(remaining=1, reset_s=60)
    await throttle.forgive("b")
    assert await throttle.peek("b", limit, now=clock.now()) == Allowance(remaining=2, reset_s=60)


async def test_many_processes_count_together(redis_url: str) -> None:
    links = [RedisLink(redis_url, SystemClock(), timeout_s=2) for _ in range(4)]
    throttles = [RedisThrottle(link, MemoryThrottle()) for link in links]
    limit = Limit(attempts=10, window_s=60)
    outcomes = await asyncio.gather(
        *(throttle.spend("b", limit, now=NOON) for throttle in throttles for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(outcome, TooManyAttempts) for outcome in outcomes) == 30
    assert sorted(out.remaining for out in outcomes if isinstance(out, Allowance)) == list(range(10))
    for link in links:
        await link.close()


async def test_counters_do_not_stay_for_ever(link: RedisLink) -> None:
    throttle = RedisThrottle(link, MemoryThrottle())
    await throttle.spend("b", Limit(attempts=2, window_s=60), now=NOON)
    assert 0 < await link.ask("PTTL", "kassa:attempts:b") <= 60_000


async def test_a_change_is_announced_to_whoever_listens(own_redis: RedisServer) -> None:
    link, listening = RedisLink(own_redis.url, SystemClock()), RedisLink(own_redis.url, SystemClock())
    subscription = listening._client.pubsub()
    await subscription.subscribe(CHANNEL)
    await subscription.get_message(timeout=1)
    await RedisNotifications(link).publish("order:KS-1")
    heard = await subscription.get_message(timeout=1)
    assert heard is not None
    assert heard["data"] == b"order:KS-1"
    await subscription.aclose()
    await link.close()
    await listening.close()


def test_an_address_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(SettingRefused) as refused:
        RedisLink("http://:hidden@localhost", SystemClock())
    assert "hidden" not in str(refused.value)
