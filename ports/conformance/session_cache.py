"""The contract of `kassa.ports.identity.SessionCache`."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from kassa.ports.identity import Principal, ResolvedSession, Role, SessionCache

from .samples import new_session, token_hash

Later: TypeAlias = Callable[[float], Awaitable[None]]
"""Lets seconds pass for the cache: a clock that is moved, or real waiting where the cache has its own time."""

PHONE, TABLET = token_hash("phone"), token_hash("tablet")


def resolved(account_id: int = 7, session_id: int = 1) -> ResolvedSession:
    """A session as a cache keeps it."""
    principal = Principal(account_id=account_id, session_id=session_id, role=Role.CUSTOMER)
    return ResolvedSession(principal=principal, times=new_session().times)


class SessionCacheContract:
    """Every clause of `SessionCache`. Provide the fixtures `cache`, `later` and, where processes share it, `elsewhere`."""

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def elsewhere(self, cache: SessionCache) -> SessionCache:
        """The same cache as another process sees it. Override it for a cache that is shared."""
        return cache

    async def test_what_was_never_put_is_not_cached(self, cache: SessionCache) -> None:
        assert await cache.get(PHONE) is None

    async def test_what_was_put_is_found_by_its_own_token(self, cache: SessionCache, elsewhere: SessionCache) -> None:
        await cache.put(PHONE, resolved(7))
        await cache.put(TABLET, resolved(8))
        assert await elsewhere.get(PHONE) == resolved(7)
        assert await elsewhere.get(TABLET) == resolved(8)

    async def test_what_was_put_again_is_the_newer(self, cache: SessionCache) -> None:
        await cache.put(PHONE, resolved(7, 1))
        await cache.put(PHONE, resolved(7, 2))
        assert await cache.get(PHONE) == resolved(7, 2)

    async def test_nothing_is_kept_for_more_than_two_seconds(self, cache: SessionCache, later: Later) -> None:
        await cache.put(PHONE, resolved())
        await later(2.05)
        assert await cache.get(PHONE) is None

    async def test_a_dropped_session_is_gone_for_everybody(self, cache: SessionCache, elsewhere: SessionCache) -> None:
        await cache.put(PHONE, resolved())
        await cache.put(TABLET, resolved())
        await elsewhere.drop(PHONE)
        assert await cache.get(PHONE) is None
        assert await elsewhere.get(PHONE) is None
        assert await cache.get(TABLET) == resolved()

    async def test_dropping_what_is_not_there_is_no_error(self, cache: SessionCache) -> None:
        await cache.drop(PHONE)
        await cache.drop_account(7)

    async def test_dropping_an_account_spares_the_others(self, cache: SessionCache) -> None:
        await cache.put(PHONE, resolved(7))
        await cache.put(TABLET, resolved(8))
        await cache.drop_account(7)
        assert await cache.get(TABLET) == resolved(8)

    async def test_a_dropped_account_is_gone_after_two_seconds_at_the_latest(
        self, cache: SessionCache, elsewhere: SessionCache, later: Later
    ) -> None:
        await cache.put(PHONE, resolved(7))
        await elsewhere.drop_account(7)
        await later(2.05)
        assert await cache.get(PHONE) is None
