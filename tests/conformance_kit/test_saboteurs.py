"""The kit bites: every check is failed by a method that breaks its rule, and that method fails nothing else.

The ordinary line examines each saboteur in the checks of its own family, which are those it could confuse; the whole kit for
every one takes minutes: `pytest -n 2 -m soak tests/conformance_kit`.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from kassa.ports.conformance.payment_method import Subject
from kassa.ports.conformance.payment_method.check import Check
from kassa.ports.conformance.payment_method.checks import ALL
from kassa.ports.conformance.payment_method.runner import Result, run_check
from tests.conformance_kit.saboteurs import SABOTEURS

CASES = [(check, subject) for check, subjects in SABOTEURS.items() for subject in subjects]


def failed(subject: Subject, checks: Iterable[Check]) -> dict[str, str]:
    """What a method fails of these checks, a few at a time: most of them wait."""

    def run(check: Check) -> Result:
        return run_check(check, subject)

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(run, checks))
    return {one.check.id: f"expected {one.expected}; seen {one.seen}" for one in results if one.status == "failed"}


def family(check: str) -> list[Check]:
    """The checks that begin as this one: `webhook.stale` is of the family `webhook`."""
    return [one for one in ALL if one.id.split(".")[0] == check.split(".", maxsplit=1)[0]]


every_saboteur = pytest.mark.parametrize(
    ("check", "subject"), CASES, ids=[f"{check}-{one.__name__}" for check, one in CASES]
)


@every_saboteur
def test_a_saboteur_fails_the_check_that_it_breaks_and_no_other_of_its_family(check: str, subject: type[Subject]):
    """Neither fewer checks nor more."""
    found = failed(subject(), family(check))
    assert set(found) == {check}, found


@pytest.mark.soak
@every_saboteur
def test_a_saboteur_fails_exactly_the_check_that_it_breaks(check: str, subject: type[Subject]):
    """Of the whole kit."""
    found = failed(subject(), ALL)
    assert set(found) == {check}, found


def test_every_check_has_a_saboteur():
    """A check that nobody can fail proves nothing."""
    assert sorted(SABOTEURS) == sorted(check.id for check in ALL)


def test_every_check_has_a_name_of_its_own():
    """And says what it claims and why."""
    assert len({check.id for check in ALL}) == len(ALL)
    assert all(check.claim and check.why for check in ALL)
