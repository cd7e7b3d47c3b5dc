"""Acme Pay passes everything, in a test of a dozen lines, as a stranger would write it."""

from kassa.ports.conformance.payment_method import PaymentMethodContract
from kassa.ports.conformance.payment_method.checks import ALL
from kassa.ports.conformance.payment_method.runner import run_all
from tests.conformance_kit.acme.double import AcmeSubject


class TestAcmePay(PaymentMethodContract):
    subject = AcmeSubject()


def test_nothing_that_could_run_is_left_out():
    """Only what Acme Pay cannot be at the same time: a method without a provider, one whose signature covers less."""
    left = {check.id for check in ALL if check.skips(AcmeSubject())}
    assert left == {"command.offline", "money.unseen", "webhook.hint-only", "webhook.tampered-fields"}
    results = run_all([check for check in ALL if check.id not in left], AcmeSubject())
    assert {result.status for result in results} == {"passed"}
