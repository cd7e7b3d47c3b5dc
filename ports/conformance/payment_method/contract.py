"""The examination under pytest: one test a check."""

from typing import ClassVar

import pytest

from .check import Check
from .checks import ALL
from .runner import run_check
from .subject import Subject


class PaymentMethodContract:
    """Subclass it and set `subject`: pytest then shows one test a check, by its id, such as `-k command.same-key`."""

    subject: ClassVar[Subject]

    @classmethod
    def setup_class(cls) -> None:
        """The subject begins, once a class."""
        cls.subject.begin()

    @classmethod
    def teardown_class(cls) -> None:
        """And ends."""
        cls.subject.end()

    @pytest.mark.parametrize("check", ALL, ids=[one.id for one in ALL])
    def test_it_keeps(self, check: Check) -> None:
        """Whatever the claim says."""
        result = run_check(check, self.subject)
        if result.status == "failed":
            pytest.fail(
                f"{check.claim}\n  expected: {result.expected}\n  seen:     {result.seen}\n  why:      {check.why}",
                pytrace=False,
            )
        if result.status != "passed":
            pytest.skip(f"{result.status}: {result.reason}")
