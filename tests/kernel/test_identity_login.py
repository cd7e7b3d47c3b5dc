"""At the door."""

import asyncio
import time
from statistics import median

import msgspec
import pytest

from kassa.adapters.argon2 import Argon2Passwords
from kassa.kernel.identity import KernelIdentity
from kassa.kernel.identity_limits import AttemptLimits
from kassa.ports.audit import Origin
from kassa.ports.errors import LoginRefused, NotAuthenticated, PasswordRefused, TooManyAttempts
from kassa.ports.identity import LoginAttempt
from kassa.ports.secret import Secret
from kassa.ports.throttle import Limit
from tests.kernel.world import OPERATOR, PASSWORD, STRANGER, World, make_world

WRONG = Secret("a sentence somebody guessed")


async def test_unknown_wrong_and_inactive_are_one_answer(world: World) -> None:
    await world.newcomer("alice@example.com")
    sleeping = await world.newcomer("sleeping@example.com")
    await world.identity.set_active(sleeping, is_active=False, origin=OPERATOR)
    answers = []
    for email, password in (
        ("alice@example.com", WRONG),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("nul\x00@example.com", PASSWORD),
        ("sleeping@example.com", PASSWORD),
    ):
        with pytest.raises(LoginRefused) as refused:
            await world.log_in(email, password)
        answers.append((type(refused.value), str(refused.value)))
    assert len(set(answers)) == 1


async def test_unknown_wrong_and_inactive_take_one_time(world: World) -> None:
    await world.newcomer("alice@example.com")
    sleeping = await world.newcomer("sleeping@example.com")
    await world.identity.set_active(sleeping, is_active=False, origin=OPERATOR)
    cases = {"alice@example.com": WRONG, "nobody@example.com": WRONG, "sleeping@example.com": PASSWORD, "none": WRONG}
    taken: dict[str, list[float]] = {email: [] for email in cases}
    for _ in range(8):
        for email, password in cases.items():
            start = time.process_time()
            with pytest.raises(LoginRefused):
                await world.log_in(email, password)
            taken[email].append(time.process_time() - start)
    medians = [median(times) for times in taken.values()]
    assert max(medians) < 1.8 * min(medians), medians


async def test_a_log_in_opens_a_session_and_ends_the_one_it_replaces(world: World) -> None:
    await world.newcomer()
    first = await world.log_in()
    await world.identity.authenticate(first.token)  # so that it is cached
    attempt = LoginAttempt(email="alice@example.com", password=PASSWORD, label="x", replaces_token=first.token)
    second = await world.identity.log_in(attempt, STRANGER)
    assert second.token != first.token
    assert (await world.identity.authenticate(second.token)).account_id == second.account.id
    with pytest.raises(NotAuthenticated):
        await world.identity.authenticate(first.token)


async def test_an_old_hash_is_made_anew_at_log_in(world: World) -> None:
    account = await world.newcomer()
    stronger = Argon2Passwords(passes=3, threads=1)
    identity = KernelIdentity(
        accounts=world.accounts,
        passwords=stronger,
        cache=world.cache,
        throttle=world.throttle,
        clock=world.clock,
        ids=world.ids,
    )
    attempt = LoginAttempt(email="alice@example.com", password=PASSWORD, label="x")
    await asyncio.gather(*(identity.log_in(attempt, STRANGER) for _ in range(2)))  # both find it outdated
    assert "t=3" in (await world.accounts.credentials_of(account)).password_hash
    await world.log_in()
    assert "t=2" in (await world.accounts.credentials_of(account)).password_hash
    await stronger.close()


async def test_a_changed_password_ends_all_sessions_and_the_owner_is_told(world: World) -> None:
    await world.newcomer()
    here, there = await world.log_in(), await world.log_in()
    principal = await world.identity.authenticate(here.token)
    new = Secret("another sentence altogether")
    opened = await world.identity.change_password(principal, PASSWORD, new, "phone", STRANGER)
    for ended in (here, there):
        with pytest.raises(NotAuthenticated):
            await world.identity.authenticate(ended.token)
    assert (await world.identity.authenticate(opened.token)).session_id == opened.session.id
    with pytest.raises(LoginRefused):
        await world.log_in()
    await world.log_in(password=new)
    items = await world.outbox.claim(now=world.clock.now(), limit=10, lease_s=1)
    assert [item.event.kind for item in items] == ["account.registered", "mail.send"]


async def test_a_password_is_not_changed_without_the_current_one_or_to_a_bad_one(world: World) -> None:
    await world.newcomer()
    principal = await world.identity.authenticate((await world.log_in()).token)
    with pytest.raises(LoginRefused):
        await world.identity.change_password(principal, WRONG, Secret("another sentence"), "x", STRANGER)
    with pytest.raises(PasswordRefused):
        await world.identity.change_password(principal, PASSWORD, Secret("password1"), "x", STRANGER)
    await world.log_in()


async def test_a_password_is_not_guessed_from_within_a_session() -> None:
    world = make_world(limits=AttemptLimits(password=Limit(attempts=2, window_s=900)))
    await world.newcomer()
    principal = await world.identity.authenticate((await world.log_in()).token)
    new = Secret("another sentence")
    for _ in range(2):
        with pytest.raises(LoginRefused):
            await world.identity.change_password(principal, WRONG, new, "x", STRANGER)
    with pytest.raises(TooManyAttempts):
        await world.identity.change_password(principal, PASSWORD, new, "x", STRANGER)
    await world.close()


def _from(address: str) -> Origin:
    return msgspec.structs.replace(STRANGER, address=address)


async def _try(world: World, address: str, password: Secret = WRONG, email: str = "alice@example.com") -> str:
    """How an attempt ends."""
    try:
        await world.identity.log_in(LoginAttempt(email=email, password=password, label="x"), _from(address))
    except (LoginRefused, TooManyAttempts) as refusal:
        return type(refusal).__name__
    return "in"


async def test_guessing_from_one_address_is_stopped_and_a_right_password_forgives_it() -> None:
    world = make_world(limits=AttemptLimits(pair=Limit(attempts=3, window_s=900)))
    await world.newcomer()
    for _ in range(2):
        assert [await _try(world, "192.0.2.1") for _ in range(2)] == ["LoginRefused"] * 2
        assert await _try(world, "192.0.2.1", PASSWORD) == "in"
    assert [await _try(world, "192.0.2.1") for _ in range(4)] == ["LoginRefused"] * 3 + ["TooManyAttempts"]
    assert await _try(world, "192.0.2.1", PASSWORD) == "TooManyAttempts", "a right password does not open it either"
    world.clock.advance(minutes=15)
    assert await _try(world, "192.0.2.1", PASSWORD) == "in"
    await world.close()


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
async def test_guessing_from_many_addresses_is_stopped_whether_there_is_an_account_or_not(email: str) -> None:
    world = make_world(limits=AttemptLimits(account=Limit(attempts=5, window_s=3600)))
    await world.newcomer()
    outcomes = [await _try(world, f"198.51.100.{number}", email=email) for number in range(7)]
    assert outcomes == ["LoginRefused"] * 5 + ["TooManyAttempts"] * 2
    await world.close()


async def test_the_owner_still_gets_in_during_an_attack_from_where_she_was_before() -> None:
    world = make_world(limits=AttemptLimits(account=Limit(attempts=5, window_s=3600)))
    await world.newcomer()
    assert await _try(world, "192.0.2.1", PASSWORD) == "in"
    attack = [await _try(world, f"198.51.100.{number}") for number in range(20)]
    assert attack.count("TooManyAttempts") >= 15
    assert await _try(world, "198.51.100.99", PASSWORD) == "TooManyAttempts"
    assert await _try(world, "192.0.2.1", PASSWORD) == "in"
    await world.close()


async def test_stuffing_many_accounts_from_one_address_is_stopped_even_with_an_account_of_ones_own() -> None:
    world = make_world(limits=AttemptLimits(address=Limit(attempts=6, window_s=900)))
    await world.newcomer("mallory@example.com")
    outcomes = []
    for number in range(4):
        outcomes.append(await _try(world, "192.0.2.1", email=f"victim{number}@example.com"))
        outcomes.append(await _try(world, "192.0.2.1", PASSWORD, "mallory@example.com"))
    assert outcomes == ["LoginRefused", "in"] * 3 + ["TooManyAttempts"] * 2
    await world.close()


async def test_many_guesses_at_once_do_not_slip_past_the_limit() -> None:
    world = make_world(limits=AttemptLimits(pair=Limit(attempts=3, window_s=900)))
    await world.newcomer()
    outcomes = await asyncio.gather(*(_try(world, "192.0.2.1") for _ in range(12)))
    assert sorted(outcomes) == ["LoginRefused"] * 3 + ["TooManyAttempts"] * 9
    await world.close()


async def test_every_refused_log_in_is_in_the_audit_trail_without_the_password(world: World) -> None:
    account = await world.newcomer()
    for email in ("alice@example.com", "nobody@example.com"):
        with pytest.raises(LoginRefused):
            await world.log_in(email, WRONG)
    trail = await world.audit.entries(subject=None, actor="anonymous", after=0, limit=100)
    refusals = [record.entry for record in trail if record.entry.action == "account.login_refused"]
    assert refusals[0].subject == f"account:{account}"
    assert refusals[1].subject.startswith("email:")
    assert WRONG.reveal().encode() not in msgspec.json.encode(trail)
    assert b"nobody@" not in msgspec.json.encode(trail)
