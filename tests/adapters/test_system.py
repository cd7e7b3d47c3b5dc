"""Clock, randomness and failpoints."""

import asyncio
import re
import subprocess
import sys
from datetime import timedelta

import pytest

from kassa.adapters.system import NoFailpoints, SystemClock, SystemFailpoints, SystemIds
from kassa.adapters.system.failpoints import FailpointReached
from kassa.adapters.system.ids import invoice_id
from kassa.ports.errors import SettingRefused
from kassa.ports.failpoints import NAMES

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U"


async def test_the_clock_is_in_utc_and_its_timer_waits() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    before = clock.monotonic()
    await clock.sleep(0.01)
    await clock.sleep(-1)
    assert clock.monotonic() - before >= 0.009


def test_an_invoice_id_has_the_check_character_that_crockford_says() -> None:
    ids = SystemIds()
    for drawn in [ids.invoice_id() for _ in range(500)]:
        assert re.fullmatch(r"KS-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]", drawn)
        digits, check = drawn[3:7] + drawn[8:12], drawn[13]
        number = 0
        for digit in digits:
            number = number * 32 + _CROCKFORD.index(digit)
        assert _CROCKFORD[number % 37] == check


def test_an_invoice_id_of_a_known_number_is_known() -> None:
    assert invoice_id(0) == "KS-0000-0000-0"
    assert invoice_id(37 * 27 + 5) == "KS-0000-00ZC-5"


def test_random_values_have_their_size_and_never_repeat() -> None:
    ids = SystemIds()
    assert {len(ids.token()) for _ in range(50)} == {43}
    assert {len(ids.short_token()) for _ in range(50)} == {22}
    assert re.fullmatch("[0-9a-f]{32}", ids.operation_id())
    assert len({ids.token() for _ in range(500)} | {ids.operation_id() for _ in range(500)}) == 1000
    assert all(0 <= ids.jitter() < 1 for _ in range(500))


async def test_without_a_test_build_nothing_happens_anywhere() -> None:
    for name in NAMES:
        await NoFailpoints().reach(name)


async def test_a_failpoint_strikes_at_the_nth_reach_and_at_its_own_name_alone() -> None:
    told: list[str] = []
    points = SystemFailpoints("checkout.after_commit=raise@2, webhook.after_inbox=sleep:0.01", on_reach=told.append)
    await points.reach("checkout.after_commit")
    with pytest.raises(FailpointReached):
        await points.reach("checkout.after_commit")
    await points.reach("checkout.after_commit")
    start = asyncio.get_running_loop().time()
    await points.reach("webhook.after_inbox")
    assert asyncio.get_running_loop().time() - start >= 0.009
    assert told == ["checkout.after_commit"] * 3 + ["webhook.after_inbox"]


def test_a_failpoint_kills_its_process() -> None:
    program = (
        "import asyncio; from kassa.adapters.system import SystemFailpoints as F;"
        "asyncio.run(F('sweep.after_claim=kill').reach('sweep.after_claim')); print('alive')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (-9, b"")


@pytest.mark.parametrize(
    "spec", ["nowhere=kill", "checkout.after_commit", "checkout.after_commit=explode", "outbox.after_claim=sleep:x",
             "outbox.after_claim=sleep:-1", "outbox.after_claim=kill@0", "outbox.after_claim=kill@x"]
)  # fmt: skip
def test_a_failpoint_that_cannot_be_is_refused(spec: str) -> None:
    with pytest.raises(SettingRefused):
        SystemFailpoints(spec)
