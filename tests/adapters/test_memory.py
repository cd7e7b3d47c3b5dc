"""What the embedded shop keeps in its process."""

import pytest

from kassa.adapters.memory import MemoryNotifications, MemorySessionCache, MemoryThrottle
from kassa.ports.errors import TooManyAttempts
from kassa.ports.identity import Principal, ResolvedSession, Role, SessionTimes
from kassa.ports.throttle import Allowance, Limit
from tests.kernel.machine import NOON, SetClock


def _session(account_id: int) -> ResolvedSession:
    return ResolvedSession(
        principal=Principal(account_id=account_id, session_id=account_id * 10, role=Role.CUSTOMER),
        times=SessionTimes(opened_at=NOON, idle_until=NOON, ends_at=NOON),
    )


async def test_a_cached_session_is_gone_within_two_seconds() -> None:
    clock = SetClock()
    cache = MemorySessionCache(clock)
    await cache.put(b"a", _session(1))
    assert await cache.get(b"a") == _session(1)
    clock.advance(1.9)
    assert await cache.get(b"a") is None


async def test_a_dropped_session_and_a_dropped_account_are_gone_at_once() -> None:
    cache = MemorySessionCache(SetClock())
    for key, account in ((b"a", 1), (b"b", 1), (b"c", 1), (b"d", 2)):
        await cache.put(key, _session(account))
    await cache.drop(b"a")
    assert await cache.get(b"a") is None
    assert await cache.get(b"b") is not None
    await cache.drop_account(1)
    assert [await cache.get(key) for key in (b"b", b"c")] == [None, None]
    assert await cache.get(b"d") == _session(2)


async def test_a_full_cache_lets_the_oldest_go() -> None:
    cache = MemorySessionCache(SetClock(), size=2)
    for account, key in enumerate((b"a", b"b", b"a", b"c")):
        await cache.put(key, _session(account))
    assert await cache.get(b"b") is None
    assert await cache.get(b"a") == _session(2)
    assert await cache.get(b"c") == _session(3)


async def test_attempts_are_used_up_and_come_back_with_the_next_window() -> None:
    clock, throttle, limit = SetClock(), MemoryThrottle(), Limit(attempts=2, window_s=60)
    assert await throttle.spend("b", limit, now=clock.now()) == Allowance(remaining=1, reset_s=60)
    clock.advance(20)
    assert await throttle.spend("b", limit, now=clock.now()) == Allowance(remaining=0, reset_s=40)
    with pytest.raises(TooManyAttempts) as refused:
        await throttle.spend("b", limit, now=clock.now())
    assert refused.value.retry_after_s == 40
    assert await throttle.peek("b", limit, now=clock.now()) == Allowance(remaining=0, reset_s=40)
    assert (await throttle.spend("other", limit, now=clock.now())).remaining == 1
    clock.advance(40)
    assert await throttle.spend("b", limit, now=clock.now()) == Allowance(remaining=1, reset_s=60)


async def test_forgiven_attempts_are_forgotten_and_looking_costs_nothing() -> None:
    throttle, limit = MemoryThrottle(), Limit(attempts=1, window_s=60)
    for _ in range(3):
        assert (await throttle.peek("b", limit, now=NOON)).remaining == 1
    await throttle.spend("b", limit, now=NOON)
    await throttle.forgive("b")
    assert (await throttle.spend("b", limit, now=NOON)).remaining == 0


async def test_a_flood_of_buckets_is_bounded_and_drops_finished_windows_first() -> None:
    clock, throttle, limit = SetClock(), MemoryThrottle(size=3), Limit(attempts=1, window_s=60)
    await throttle.spend("finished", limit, now=clock.now())
    clock.advance(61)
    for bucket in ("x", "y", "z"):
        await throttle.spend(bucket, limit, now=clock.now())
    for bucket in ("x", "y", "z"):
        assert (await throttle.peek(bucket, limit, now=clock.now())).remaining == 0
    await throttle.spend("one more", limit, now=clock.now())
    assert (await throttle.peek("x", limit, now=clock.now())).remaining == 1


async def test_those_who_listen_are_told_until_they_stop() -> None:
    notifications, told = MemoryNotifications(), []
    stop = notifications.listen(told.append)
    await notifications.publish("order:1")
    stop()
    await notifications.publish("order:2")
    assert told == ["order:1"]
