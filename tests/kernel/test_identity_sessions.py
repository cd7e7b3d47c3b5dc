"""Sessions."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from kassa.adapters.memory import MemorySessionCache
from kassa.kernel.identity import KernelIdentity
from kassa.kernel.identity_sessions import SessionPurge, token_hash
from kassa.ports.errors import NotAuthenticated, SettingRefused, UnknownAccount
from kassa.ports.identity import ResolvedSession
from kassa.ports.secret import Secret
from tests.kernel.world import OPERATOR, STRANGER, World


def _another_process(world: World) -> KernelIdentity:
    """The same shop with a cache of its own."""
    return KernelIdentity(
        accounts=world.accounts,
        passwords=world.passwords,
        cache=MemorySessionCache(world.clock),
        throttle=world.throttle,
        clock=world.clock,
        ids=world.ids,
    )


async def _is_live(identity: KernelIdentity, token: Secret) -> bool:
    try:
        await identity.authenticate(token)
    except NotAuthenticated:
        return False
    return True


async def test_only_the_hash_of_a_token_is_stored(world: World) -> None:
    await world.newcomer()
    opened = await world.log_in()
    stored = world.database.connection.execute(text("SELECT token_hash FROM sessions")).scalars().all()
    assert stored == [token_hash(opened.token)]
    assert len(opened.token.reveal()) == 43


async def test_a_token_that_was_never_given_opens_nothing(world: World) -> None:
    for token in ("", "x" * 43, "\ud800"):
        assert not await _is_live(world.identity, Secret(token))


async def test_log_out_ends_this_session_alone(world: World) -> None:
    await world.newcomer()
    here, there = await world.log_in(), await world.log_in()
    principal = await world.identity.authenticate(here.token)
    await world.identity.log_out(here.token, principal, STRANGER)
    assert not await _is_live(world.identity, here.token)
    assert await _is_live(world.identity, there.token)
    assert [session.id for session in await world.identity.sessions(principal)] == [there.session.id]


@pytest.mark.parametrize("how", ["everywhere", "operator", "inactive"])
async def test_a_revocation_holds_here_at_once_and_everywhere_within_two_seconds(world: World, how: str) -> None:
    account = await world.newcomer()
    tokens = [(await world.log_in()).token for _ in range(3)]
    elsewhere = _another_process(world)
    principal = await world.identity.authenticate(tokens[0])
    assert all([await _is_live(elsewhere, token) for token in tokens])
    world.clock.advance(0.001)
    if how == "everywhere":
        await world.identity.log_out_everywhere(principal, STRANGER)
    elif how == "operator":
        await world.identity.revoke_sessions(account, OPERATOR)
    else:
        await world.identity.set_active(account, is_active=False, origin=OPERATOR)
    assert not any([await _is_live(world.identity, token) for token in tokens])
    world.clock.advance(2)
    assert not any([await _is_live(elsewhere, token) for token in tokens])


async def test_a_cached_session_costs_no_statement(world: World) -> None:
    await world.newcomer()
    token = (await world.log_in()).token
    await world.identity.authenticate(token)
    await world.database.close()
    assert await _is_live(world.identity, token)
    world.database = type(world.database).open("sqlite://")
    world.audit = type(world.audit)(world.database)


async def test_a_session_that_was_long_in_the_reading_is_not_cached(world: World) -> None:
    await world.newcomer()
    token, resolve = (await world.log_in()).token, world.accounts.resolve

    async def slowly(token_hash: bytes, *, now: datetime) -> ResolvedSession:
        found = await resolve(token_hash, now=now)
        world.clock.advance(0.3)  # it may be revoked by now
        return found

    world.accounts.resolve = slowly
    assert await _is_live(world.identity, token)
    assert await world.cache.get(token_hash(token)) is None


async def test_an_unused_session_ends_and_a_used_one_lives_on_until_its_end(world: World) -> None:
    await world.newcomer()
    used, unused = await world.log_in(), await world.log_in()
    for _ in range(9):
        world.clock.advance(days=3)
        principal = await world.identity.authenticate(used.token)
        (session,) = [one for one in await world.identity.sessions(principal) if one.id == used.session.id]
        assert world.clock.now() < session.times.idle_until <= session.times.ends_at
    assert not await _is_live(world.identity, unused.token)
    world.clock.advance(days=3)
    assert not await _is_live(world.identity, used.token), "thirty days are over"


async def test_a_session_that_ends_while_it_is_cached_ends_on_time(world: World) -> None:
    await world.newcomer()
    opened = await world.log_in()
    world.clock.advance((opened.session.times.idle_until - world.clock.now()).total_seconds() - 1)
    await world.accounts.resolve(token_hash(opened.token), now=world.clock.now())
    cached = await world.accounts.resolve(token_hash(opened.token), now=world.clock.now())
    await world.cache.put(token_hash(opened.token), cached)
    world.clock.advance(1)
    assert not await _is_live(world.identity, opened.token)


async def test_use_is_noted_at_most_once_a_minute(world: World) -> None:
    await world.newcomer()
    opened = await world.log_in()
    seen = []
    for _ in range(40):
        world.clock.advance(3)
        principal = await world.identity.authenticate(opened.token)
        seen.append((await world.identity.sessions(principal))[0].last_seen_at)
    assert len(set(seen)) == 3, "at log-in, after one minute, after two"


async def test_ended_sessions_are_purged_after_a_while(world: World) -> None:
    await world.newcomer()
    for _ in range(3):
        await world.log_in()
    purge = SessionPurge(accounts=world.accounts, clock=world.clock, keep=timedelta(days=30), limit=2)
    world.clock.advance(days=36)
    assert await purge.run_once() == 0
    world.clock.advance(days=2)
    assert [await purge.run_once() for _ in range(3)] == [2, 1, 0]


async def test_a_label_is_shortened_and_cleaned(world: World) -> None:
    await world.newcomer()
    opened = await world.log_in()
    assert opened.session.label == "test"
    token, new = world.identity._sessions.new("Fire\x00fox\n" + "x" * 300)
    assert (new.label[:9], len(new.label)) == ("Firefoxxx", 200)
    assert token.reveal() not in repr(token)


async def test_an_account_that_does_not_exist_cannot_be_revoked(world: World) -> None:
    with pytest.raises(UnknownAccount):
        await world.identity.revoke_sessions(99, OPERATOR)
    with pytest.raises(UnknownAccount):
        await world.identity.set_active(99, is_active=False, origin=OPERATOR)


@pytest.mark.parametrize(("idle", "absolute"), [(0, 10), (-1, 10), (11, 10)])
def test_times_that_cannot_be_are_refused(idle: int, absolute: int, world: World) -> None:
    with pytest.raises(SettingRefused):
        KernelIdentity(
            accounts=world.accounts,
            passwords=world.passwords,
            cache=world.cache,
            throttle=world.throttle,
            clock=world.clock,
            ids=world.ids,
            idle=timedelta(days=idle),
            absolute=timedelta(days=absolute),
        )
