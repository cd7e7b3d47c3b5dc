"""Methods whose notices prove less are as good, as long as they declare it: what does not apply to them is listed."""

import pytest

from kassa.ports.conformance.payment_method import Subject
from kassa.ports.conformance.payment_method.checks_webhook import CHECKS
from kassa.ports.conformance.payment_method.runner import run_check
from tests.conformance_kit.acme.weaker import AcmeFieldsSubject, AcmeSealedSubject, AcmeTokenSubject

NO_BODY = {
    "webhook.report": "the method declares no signed_body",
    "webhook.order": "the method declares no signed_body",
    "webhook.tampered-body": "the method declares no signed_body",
    "webhook.stale": "the signature holds no time",
}
NO_FIELDS = {"webhook.tampered-fields": "the method declares no signed_fields"}
NO_HEADER = {"webhook.repeated-header": "its signature is in no header"}


@pytest.mark.parametrize(
    ("subject", "left"),
    [(AcmeTokenSubject, NO_BODY | NO_FIELDS), (AcmeFieldsSubject, NO_BODY), (AcmeSealedSubject, NO_BODY | NO_HEADER)],
)
def test_a_method_that_only_hints_passes_the_webhook_checks(subject: type[Subject], left: dict[str, str]):
    """And `webhook.hint-only` is one of them; a signature without a time cannot be too old."""
    results = {check.id: run_check(check, subject()) for check in CHECKS}
    skipped = {id: one.reason for id, one in results.items() if one.status == "skipped"}
    assert {id: one for id, one in results.items() if one.status not in ("passed", "skipped")} == {}
    assert skipped == left
