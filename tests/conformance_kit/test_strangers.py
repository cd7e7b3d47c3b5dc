"""A stranger's repository: a test of a dozen lines under plain pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = "pytester"


@pytest.fixture(autouse=True)
def _acme_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))


def test_a_stranger_proves_a_plugin_in_a_dozen_lines(pytester: pytest.Pytester):
    """With warnings as errors and pytest-asyncio as it comes; every check is a test, skips have their reasons."""
    pytester.makepyfile(
        """
        from kassa.ports.conformance.payment_method import PaymentMethodContract
        from tests.conformance_kit.acme.double import AcmeSubject

        class TestAcmePay(PaymentMethodContract):
            subject = AcmeSubject()
        """
    )
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n")
    result = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "-q", "-rs", "-k", "declare or offline or read-only"
    )
    result.assert_outcomes(passed=14, skipped=1)
    result.stdout.fnmatch_lines(["*skipped: the method has a provider*"])


def test_a_failure_tells_what_was_expected_and_seen_and_why_it_matters(pytester: pytest.Pytester):
    """Not a traceback through the kit."""
    pytester.makepyfile(
        """
        from kassa.ports.conformance.payment_method import PaymentMethodContract
        from tests.conformance_kit.wrong import Wrong

        class TestWrong(PaymentMethodContract):
            subject = Wrong()
        """
    )
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q", "-k", "command.amounts")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["Amount, currency and reference*", "*expected: *EUR in the books", "*seen: *0.12 EUR", "*why: *"]
    )
