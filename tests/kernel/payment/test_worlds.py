"""Hundreds of random worlds, and proof that they find planted bugs.

The 20,000: `python -m tests.kernel.payment.worlds --worlds 20000 --seed 1 --processes 2`, or the soak test below. One alone,
with all that happens in it: `python -m tests.kernel.payment.worlds --replay SEED`.
"""

import os
import subprocess
import sys

import pytest

from tests.kernel.payment.worlds import POINTS, lived
from tests.kernel.payment.worlds_bugs import BUGS, planted
from tests.kernel.payment.worlds_run import many, some, told

WORLDS = int(os.environ.get("KASSA_WORLDS", "100"))
FIRST = int(os.environ.get("KASSA_WORLDS_FROM", "0"))
ENOUGH_TO_FIND_A_BUG = 200
ENOUGH_TO_DIE = 80


@pytest.mark.parametrize("part", range(4))
def test_all_promises_hold_in_every_world(part: int):
    """No double charge, no refund above what was captured, nothing in doubt for ever, our books equal to the provider's."""
    share = WORLDS // 4
    _, wrong = some(FIRST + part * share, share)
    assert not wrong, "\n".join(wrong)


@pytest.mark.soak
def test_all_promises_hold_in_twenty_thousand_worlds():
    wrong = [line for _, found in many(1, 20_000, os.cpu_count() or 2) for line in found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str):
    """By its consequences alone: nobody looks whether a command should have been sent."""
    climate = "crawling" if bug == "a fresh key on retry" else ""
    with planted(bug):
        for seed in range(ENOUGH_TO_FIND_A_BUG):
            if lived(seed, bug=bug, climate=climate, is_wire_watched=False).wrong:
                return
    pytest.fail(f"{bug}: not found in {ENOUGH_TO_FIND_A_BUG} worlds")


@pytest.mark.parametrize("rule", ["rule a: one live payment", "rule b: no command in doubt", "write-ahead"])
def test_a_broken_rule_is_seen_at_the_wire(rule: str):
    """In the moment of the breach, before anything came of it."""
    with planted(rule):
        for seed in range(30):
            if lived(seed, bug=rule).wrong:
                return
    pytest.fail(f"{rule}: not seen in 30 worlds")


@pytest.mark.parametrize("point", [*POINTS, "store.after_commit"])
def test_processes_die_at_every_point(point: str):
    for seed in range(ENOUGH_TO_DIE):
        ended = lived(seed, favourite=point)
        assert not ended.wrong, told(ended)
        if ended.count[f"crash at {point}"]:
            return
    pytest.fail(f"no process died at {point} in {ENOUGH_TO_DIE} worlds")


def test_one_seed_is_one_schedule():
    """Whatever ran before, and in another interpreter with other hashes."""
    first = lived(7).hash
    lived(8)
    assert lived(7).hash == first != lived(9).hash
    command = [sys.executable, "-m", "tests.kernel.payment.worlds", "--replay", "7"]
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    told_by_another = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
    assert f"schedule {first}" in told_by_another
