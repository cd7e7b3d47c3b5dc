"""Password hashing."""

import asyncio
import time
from collections.abc import AsyncIterator
from statistics import median

import pytest
import pytest_asyncio

from kassa.adapters.argon2 import Argon2Passwords
from kassa.ports.errors import Busy, SettingRefused
from kassa.ports.secret import Secret

RIGHT, WRONG = Secret("correct horse, battery staple"), Secret("incorrect horse, battery staple")


@pytest_asyncio.fixture
async def passwords() -> AsyncIterator[Argon2Passwords]:
    made = Argon2Passwords(threads=2)
    yield made
    await made.close()


async def test_a_right_password_is_known_and_a_wrong_one_is_not(passwords: Argon2Passwords) -> None:
    made = await passwords.hash(RIGHT)
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(made, RIGHT)
    assert not await passwords.verify(made, WRONG)
    assert made != await passwords.hash(RIGHT)


async def test_what_is_no_hash_belongs_to_no_password(passwords: Argon2Passwords) -> None:
    for stored in ("", "plain", "$argon2id$v=19$m=19456,t=2,p=1$", "$2b$12$abcdefghijklmnopqrstuv"):
        assert not await passwords.verify(stored, RIGHT)
        assert passwords.outdated(stored)


async def test_a_password_that_is_no_text_is_merely_wrong(passwords: Argon2Passwords) -> None:
    assert not await passwords.verify(await passwords.hash(RIGHT), Secret("half a pair: \ud800"))


async def test_a_hash_of_other_parameters_is_outdated(passwords: Argon2Passwords) -> None:
    stronger = Argon2Passwords(passes=3, threads=1)
    made = await stronger.hash(RIGHT)
    assert passwords.outdated(made)
    assert not stronger.outdated(made)
    assert await passwords.verify(made, RIGHT)
    await stronger.close()


async def test_nobody_costs_as_much_as_somebody(passwords: Argon2Passwords) -> None:
    made = await passwords.hash(RIGHT)
    await passwords.verify_nobody(WRONG)
    somebody, nobody = [], []
    for _ in range(12):
        start = time.process_time()  # of all threads of this process: what else the machine does is not counted
        await passwords.verify(made, WRONG)
        somebody.append(time.process_time() - start)
        start = time.process_time()
        await passwords.verify_nobody(WRONG)
        nobody.append(time.process_time() - start)
    assert 0.6 < median(somebody) / median(nobody) < 1.6


async def test_a_full_queue_is_busy_and_then_free_again() -> None:
    passwords = Argon2Passwords(threads=1, queue=1)
    outcomes = await asyncio.gather(*(passwords.hash(RIGHT) for _ in range(6)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str, str, Busy, Busy, Busy, Busy]
    assert await passwords.hash(RIGHT)
    await passwords.close()


async def test_a_caller_that_gives_up_keeps_its_place_until_the_work_is_over() -> None:
    passwords = Argon2Passwords(threads=1, queue=0)
    task = asyncio.create_task(passwords.hash(RIGHT))
    await asyncio.sleep(0.002)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(Busy):
        await passwords.hash(RIGHT)
    await asyncio.sleep(0.5)
    assert await passwords.hash(RIGHT)
    await passwords.close()


@pytest.mark.parametrize(("memory_kib", "passes"), [(19_455, 2), (19_456, 1), (8, 1), (12_287, 3), (7_167, 9)])
def test_weaker_than_owasp_is_refused(memory_kib: int, passes: int) -> None:
    with pytest.raises(SettingRefused):
        Argon2Passwords(memory_kib=memory_kib, passes=passes)


@pytest.mark.parametrize(("memory_kib", "passes"), [(47_104, 1), (12_288, 3), (7_168, 5), (65_536, 3)])
async def test_every_owasp_profile_is_taken(memory_kib: int, passes: int) -> None:
    passwords = Argon2Passwords(memory_kib=memory_kib, passes=passes, threads=1)
    assert await passwords.verify(await passwords.hash(RIGHT), RIGHT)
    await passwords.close()
