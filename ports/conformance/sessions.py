"""The contract of the sessions that `kassa.ports.identity.Accounts` keeps. People: `identity`."""

import pytest
import pytest_asyncio

from kassa.ports.errors import LoginRefused, NotAuthenticated
from kassa.ports.identity import Role, SessionTimes
from kassa.ports.ids import AccountId, SessionId

from .samples import HASH, NOW, OTHER_HASH, a_session, after, an_account, entry, log_in, new_session, token_hash
from .stores import Stores
from .witness import audit_of, nothing_changes, race


async def is_live(stores: Stores, token: str, *, seconds: float = 10) -> bool:
    """Whether the session of `token` resolves `seconds` after the beginning."""
    try:
        await stores.accounts.resolve(token_hash(token), now=after(seconds))
    except NotAuthenticated:
        return False
    return True


class SessionsContract:
    """Every clause of `Accounts` that is about sessions. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    @pytest_asyncio.fixture
    async def ann(self, stores: Stores) -> AccountId:
        """A registered customer."""
        return await an_account(stores, "Ann@Example.org")

    @pytest_asyncio.fixture
    async def eve(self, stores: Stores) -> AccountId:
        """Another one."""
        return await an_account(stores, "Eve@Example.org")

    async def end(self, stores: Stores, account_id: AccountId, session_id: SessionId) -> None:
        """Log out."""
        await stores.accounts.end_session(session_id, account_id=account_id, at=after(5), audit=entry("session.ended"))

    # --- logging in

    async def test_a_session_opened_is_found_by_its_token(self, stores: Stores, ann: AccountId) -> None:
        session_id = await stores.accounts.log_in(log_in(ann, new_session("phone")))
        found = await stores.accounts.resolve(token_hash("phone"), now=after(10))
        assert (found.principal.account_id, found.principal.session_id) == (ann, session_id)
        assert found.principal.role is Role.CUSTOMER
        assert found.times == SessionTimes(opened_at=NOW, idle_until=after(3600), ends_at=after(86_400))

    async def test_logging_in_is_audited(self, stores: Stores, ann: AccountId) -> None:
        await stores.accounts.log_in(log_in(ann, new_session("phone")))
        assert len(await audit_of(stores, "session.opened")) == 1

    async def test_logging_in_ends_the_session_it_replaces(self, stores: Stores, ann: AccountId) -> None:
        await a_session(stores, ann, "phone")
        await a_session(stores, ann, "tablet")
        await stores.accounts.log_in(log_in(ann, new_session("new", at=after(1)), replaces=token_hash("phone")))
        assert [await is_live(stores, token) for token in ("phone", "tablet", "new")] == [False, True, True]

    async def test_logging_in_keeps_the_hash_unless_a_better_one_is_given(self, stores: Stores, ann: AccountId) -> None:
        await stores.accounts.log_in(log_in(ann, new_session("phone")))
        assert (await stores.accounts.credentials_of(ann)).password_hash == HASH
        await stores.accounts.log_in(log_in(ann, new_session("tablet"), rehashed=OTHER_HASH))
        assert (await stores.accounts.credentials_of(ann)).password_hash == OTHER_HASH
        assert await is_live(stores, "phone")

    async def test_a_log_in_decided_on_an_old_hash_is_refused(self, stores: Stores, ann: AccountId) -> None:
        await a_session(stores, ann, "phone")
        stale = log_in(ann, new_session("new", at=after(1)), password_hash=OTHER_HASH, replaces=token_hash("phone"))
        async with nothing_changes(stores, ann):
            with pytest.raises(LoginRefused):
                await stores.accounts.log_in(stale)
        assert [await is_live(stores, token) for token in ("phone", "new")] == [True, False]

    async def test_an_inactive_account_does_not_log_in(self, stores: Stores, ann: AccountId) -> None:
        await stores.accounts.set_active(ann, is_active=False, at=NOW, audit=entry("account.deactivated"))
        async with nothing_changes(stores, ann):
            with pytest.raises(LoginRefused):
                await stores.accounts.log_in(log_in(ann, new_session("new", at=after(1))))

    async def test_of_two_rehashing_log_ins_at_once_the_second_is_refused(self, stores: Stores, ann: AccountId) -> None:
        result = await race(
            *(stores.accounts.log_in(log_in(ann, new_session(name), rehashed=OTHER_HASH)) for name in ("one", "two"))
        )
        assert (len(result.won), result.reasons()) == (1, {"LoginRefused"})
        assert len(await stores.accounts.sessions(ann, now=after(1))) == 1

    # --- resolving

    async def test_a_token_nobody_was_given_is_not_authenticated(self, stores: Stores, ann: AccountId) -> None:
        await a_session(stores, ann, "phone")
        assert not await is_live(stores, "guessed")

    async def test_a_session_not_used_for_its_idle_time_is_over(self, stores: Stores, ann: AccountId) -> None:
        await stores.accounts.log_in(log_in(ann, new_session("phone", idle_s=100)))
        assert [await is_live(stores, "phone", seconds=seconds) for seconds in (99, 101)] == [True, False]

    async def test_a_session_ends_at_its_end_however_much_it_is_used(self, stores: Stores, ann: AccountId) -> None:
        session_id = await stores.accounts.log_in(log_in(ann, new_session("phone", idle_s=100, life_s=200)))
        await stores.accounts.touch(session_id, now=after(90), idle_until=after(1000))
        assert [await is_live(stores, "phone", seconds=seconds) for seconds in (199, 201)] == [True, False]

    async def test_a_session_of_an_inactive_account_is_over(self, stores: Stores, ann: AccountId) -> None:
        await a_session(stores, ann, "from later", at=after(5))
        await stores.accounts.set_active(ann, is_active=False, at=NOW, audit=entry("account.deactivated"))
        assert not await is_live(stores, "from later")

    async def test_each_token_speaks_for_its_own_account(self, stores: Stores, ann: AccountId, eve: AccountId) -> None:
        await a_session(stores, ann, "ann's")
        await a_session(stores, eve, "eve's")
        assert (await stores.accounts.resolve(token_hash("ann's"), now=NOW)).principal.account_id == ann
        assert (await stores.accounts.resolve(token_hash("eve's"), now=NOW)).principal.account_id == eve

    # --- using

    async def test_a_session_that_is_used_lives_on(self, stores: Stores, ann: AccountId) -> None:
        session_id = await stores.accounts.log_in(log_in(ann, new_session("phone", idle_s=100)))
        await stores.accounts.touch(session_id, now=after(50), idle_until=after(150))
        assert await is_live(stores, "phone", seconds=149)
        (seen,) = await stores.accounts.sessions(ann, now=after(60))
        assert (seen.last_seen_at, seen.times.idle_until) == (after(50), after(150))

    async def test_using_a_session_never_shortens_it(self, stores: Stores, ann: AccountId) -> None:
        session_id = await stores.accounts.log_in(log_in(ann, new_session("phone", idle_s=100)))
        await stores.accounts.touch(session_id, now=after(10), idle_until=after(20))
        assert await is_live(stores, "phone", seconds=99)

    async def test_using_never_revives_a_session_that_was_ended(self, stores: Stores, ann: AccountId) -> None:
        session_id = await a_session(stores, ann, "phone")
        await self.end(stores, ann, session_id)
        await stores.accounts.touch(session_id, now=after(6), idle_until=after(5000))
        assert not await is_live(stores, "phone")

    async def test_using_never_revives_a_session_that_was_idle_too_long(self, stores: Stores, ann: AccountId) -> None:
        session_id = await stores.accounts.log_in(log_in(ann, new_session("phone", idle_s=100)))
        await stores.accounts.touch(session_id, now=after(101), idle_until=after(5000))
        assert not await is_live(stores, "phone", seconds=102)

    # --- seeing

    async def test_sessions_are_told_newest_first(self, stores: Stores, ann: AccountId, eve: AccountId) -> None:
        await a_session(stores, ann, "old", at=after(1))
        await a_session(stores, ann, "new", at=after(3))
        await a_session(stores, ann, "middle", at=after(2))
        await a_session(stores, eve, "hers")
        labels = [session.label for session in await stores.accounts.sessions(ann, now=after(10))]
        assert labels == ["browser of new", "browser of middle", "browser of old"]

    async def test_sessions_that_are_over_are_not_told(self, stores: Stores, ann: AccountId) -> None:
        ended = await a_session(stores, ann, "ended")
        await self.end(stores, ann, ended)
        await stores.accounts.log_in(log_in(ann, new_session("idle", idle_s=50)))
        await stores.accounts.log_in(log_in(ann, new_session("past its end", life_s=60)))
        await a_session(stores, ann, "live")
        labels = [session.label for session in await stores.accounts.sessions(ann, now=after(100))]
        assert labels == ["browser of live"]

    async def test_at_most_a_hundred_sessions_are_told(self, stores: Stores, ann: AccountId) -> None:
        for number in range(101):
            await a_session(stores, ann, f"s{number}", at=after(number))
        told = await stores.accounts.sessions(ann, now=after(200))
        assert (len(told), told[0].label, told[-1].label) == (100, "browser of s100", "browser of s1")

    # --- ending

    async def test_an_ended_session_is_over_and_the_others_are_not(self, stores: Stores, ann: AccountId) -> None:
        session_id = await a_session(stores, ann, "phone")
        await a_session(stores, ann, "tablet")
        await self.end(stores, ann, session_id)
        assert [await is_live(stores, token) for token in ("phone", "tablet")] == [False, True]
        assert len(await audit_of(stores, "session.ended")) == 1

    async def test_ending_a_session_again_changes_nothing(self, stores: Stores, ann: AccountId) -> None:
        session_id = await a_session(stores, ann, "phone")
        await self.end(stores, ann, session_id)
        async with nothing_changes(stores, ann):
            await self.end(stores, ann, session_id)

    async def test_nobody_ends_the_session_of_another(self, stores: Stores, ann: AccountId, eve: AccountId) -> None:
        session_id = await a_session(stores, ann, "phone")
        async with nothing_changes(stores, ann, eve):
            await self.end(stores, eve, session_id)
        assert await is_live(stores, "phone")

    async def test_all_sessions_opened_until_now_end_in_one_act(
        self, stores: Stores, ann: AccountId, eve: AccountId
    ) -> None:
        await a_session(stores, ann, "before", at=NOW)
        await a_session(stores, ann, "at that very moment", at=after(5))
        await a_session(stores, eve, "hers")
        await stores.accounts.end_sessions(ann, at=after(5), audit=entry("sessions.ended"))
        await a_session(stores, ann, "after", at=after(6))
        tokens = ("before", "at that very moment", "hers", "after")
        assert [await is_live(stores, token) for token in tokens] == [False, False, True, True]
        assert len(await audit_of(stores, "sessions.ended")) == 1

    # --- purging

    async def test_purging_drops_what_ended_before_and_says_how_many(self, stores: Stores, ann: AccountId) -> None:
        ended = await a_session(stores, ann, "ended")
        await self.end(stores, ann, ended)
        await stores.accounts.log_in(log_in(ann, new_session("past its end", life_s=60)))
        await a_session(stores, ann, "live")
        assert await stores.accounts.purge_sessions(before=after(100), limit=10) == 2
        assert await stores.accounts.purge_sessions(before=after(100), limit=10) == 0
        assert await is_live(stores, "live", seconds=101)

    async def test_purging_leaves_what_ended_later(self, stores: Stores, ann: AccountId) -> None:
        ended = await a_session(stores, ann, "ended")
        await self.end(stores, ann, ended)
        assert await stores.accounts.purge_sessions(before=after(4), limit=10) == 0
        assert await stores.accounts.purge_sessions(before=after(6), limit=10) == 1

    async def test_purging_is_bounded(self, stores: Stores, ann: AccountId) -> None:
        for number in range(3):
            await stores.accounts.log_in(log_in(ann, new_session(f"s{number}", life_s=10)))
        rounds = [await stores.accounts.purge_sessions(before=after(100), limit=2) for _ in range(3)]
        assert rounds == [2, 1, 0]
