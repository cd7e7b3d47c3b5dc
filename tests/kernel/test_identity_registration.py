"""How accounts come to be."""

import asyncio
import itertools
import time
from statistics import median

import msgspec
import pytest

from kassa.kernel.identity_limits import AttemptLimits
from kassa.ports.errors import InvalidValue, LoginRefused, PasswordRefused, TooManyAttempts
from kassa.ports.identity import Credentials, Registration, Role
from kassa.ports.mail import Mail
from kassa.ports.secret import Secret
from kassa.ports.throttle import Limit
from tests.kernel.world import OPERATOR, PASSWORD, STRANGER, World, make_world


def _registration(email: str, password: Secret = PASSWORD) -> Registration:
    return Registration(email=email, password=password, address="1 High Street")


async def _mails(world: World) -> list[Mail]:
    items = await world.outbox.claim(now=world.clock.now(), limit=100, lease_s=1)
    return [msgspec.json.decode(item.event.payload, type=Mail) for item in items if item.event.kind == "mail.send"]


async def test_a_registered_customer_can_log_in_with_any_spelling(world: World) -> None:
    await world.identity.register(_registration("Alice@Example.com"), STRANGER)
    opened = await world.log_in("alice@EXAMPLE.com")
    assert (opened.account.email, opened.account.role, opened.account.is_active) == (
        "Alice@Example.com", Role.CUSTOMER, True,
    )  # fmt: skip


async def test_a_taken_address_is_told_to_its_owner_and_to_nobody_else(world: World) -> None:
    await world.newcomer("alice@example.com")
    assert await _mails(world) == []
    await world.identity.register(_registration("ALICE@example.com", Secret("the attacker's own")), STRANGER)
    (mail,) = await _mails(world)
    assert mail.to == "alice@example.com"
    assert "attacker" not in mail.text
    await world.log_in("alice@example.com")
    with pytest.raises(LoginRefused):
        await world.log_in("alice@example.com", Secret("the attacker's own"))


async def test_two_that_register_one_address_at_once_are_one_account_and_one_mail(world: World) -> None:
    both_have_looked, look, looks = asyncio.Barrier(2), world.accounts.credentials, itertools.count()

    async def look_together(email_key: str) -> Credentials:
        try:
            return await look(email_key)
        finally:
            if next(looks) < 2:
                await both_have_looked.wait()

    world.accounts.credentials = look_together
    await asyncio.gather(*(world.identity.register(_registration("twin@example.com"), STRANGER) for _ in range(2)))
    assert len(await _mails(world)) == 1
    await world.log_in("twin@example.com")


async def test_a_taken_address_takes_as_long_as_a_free_one(world: World) -> None:
    await world.newcomer("taken@example.com")
    taken, free = [], []
    for number in range(4):
        start = time.process_time()
        await world.identity.register(_registration("taken@example.com"), STRANGER)
        taken.append(time.process_time() - start)
        start = time.process_time()
        await world.identity.register(_registration(f"free{number}@example.com"), STRANGER)
        free.append(time.process_time() - start)
    assert 0.5 < median(taken) / median(free) < 2


async def test_bad_addresses_and_bad_passwords_are_refused_before_anything_is_counted(world: World) -> None:
    with pytest.raises(InvalidValue):
        await world.identity.register(_registration("nobody"), STRANGER)
    with pytest.raises(PasswordRefused):
        await world.identity.register(_registration("alice@example.com", Secret("password1")), STRANGER)


async def test_a_mailbox_cannot_be_filled_by_registering_again_and_again() -> None:
    world = make_world(limits=AttemptLimits(registrations_of_email=Limit(attempts=3, window_s=3600)))
    for _ in range(3):
        await world.identity.register(_registration("alice@example.com"), STRANGER)
    with pytest.raises(TooManyAttempts):
        await world.identity.register(_registration("Alice@example.com"), STRANGER)
    assert len(await _mails(world)) == 2
    await world.close()


async def test_registrations_from_one_address_are_limited() -> None:
    world = make_world(limits=AttemptLimits(registrations=Limit(attempts=2, window_s=3600)))
    for number in range(2):
        await world.identity.register(_registration(f"n{number}@example.com"), STRANGER)
    with pytest.raises(TooManyAttempts):
        await world.identity.register(_registration("n2@example.com"), STRANGER)
    elsewhere = msgspec.structs.replace(STRANGER, address="198.51.100.1")
    await world.identity.register(_registration("n2@example.com"), elsewhere)
    await world.close()


async def test_an_operator_is_added_new_or_made_of_a_customer_whose_password_stays(world: World) -> None:
    made = await world.identity.add_operator("boss@example.com", PASSWORD, OPERATOR)
    assert made.role is Role.OPERATOR
    await world.newcomer("alice@example.com")
    here = await world.log_in("alice@example.com")
    assert (await world.identity.authenticate(here.token)).role is Role.CUSTOMER
    promoted = await world.identity.add_operator("Alice@example.com", Secret("another, unused"), OPERATOR)
    assert promoted.role is Role.OPERATOR
    assert (await world.identity.authenticate(here.token)).role is Role.OPERATOR
    await world.log_in("alice@example.com")
    with pytest.raises(PasswordRefused):
        await world.identity.add_operator("new@example.com", Secret("short"), OPERATOR)


async def test_each_change_of_an_account_is_in_the_audit_trail(world: World) -> None:
    account = await world.newcomer()
    opened = await world.log_in()
    principal = await world.identity.authenticate(opened.token)
    await world.identity.change_address(principal, "2 Low Road", STRANGER)
    await world.identity.set_active(account, is_active=False, origin=OPERATOR)
    await world.identity.set_active(account, is_active=True, origin=OPERATOR)
    await world.identity.revoke_sessions(account, OPERATOR)
    trail = await world.audit.entries(subject=f"account:{account}", actor=None, after=0, limit=10)
    assert [(record.entry.action, record.entry.origin.actor) for record in trail] == [
        ("account.logged_in", f"account:{account}"),
        ("account.address_changed", "anonymous"),
        ("account.deactivated", "operator:1"),
        ("account.activated", "operator:1"),
        ("account.sessions_revoked", "operator:1"),
    ]
