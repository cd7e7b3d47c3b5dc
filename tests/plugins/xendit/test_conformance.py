"""Every driver of Xendit passes the kit, against a double that was written from Xendit's documentation.

`kassa plugin check tests.plugins.xendit.double:QrisSubject` shows what is left unproved, and why. OVO differs from QRIS only in
what is asked for and shown, so of it only what concerns START is asked again.
"""

import pytest

from kassa.ports.conformance.payment_method import PaymentMethodContract
from kassa.ports.conformance.payment_method.check import Check
from kassa.ports.conformance.payment_method.checks import ALL
from kassa.ports.conformance.payment_method.runner import run_check
from tests.plugins.xendit.double import OvoSubject, QrisSubject, ShopeePaySubject, VirtualAccountSubject


class TestShopeePay(PaymentMethodContract):
    subject = ShopeePaySubject()


class TestQris(PaymentMethodContract):
    subject = QrisSubject()


class TestVirtualAccount(PaymentMethodContract):
    subject = VirtualAccountSubject()


@pytest.mark.parametrize("check", [one for one in ALL if one.group == "command"], ids=lambda one: one.id)
def test_ovo_keeps_what_concerns_its_start(check: Check):
    """With the telephone number that it asks for."""
    result = run_check(check, OvoSubject())
    assert result.status in ("passed", "skipped"), result


def test_only_what_xendit_does_not_tell_is_unproved():
    """Its documentation knows no refund that comes back after it succeeded, and shows no chargeback of a wallet."""
    results = {check.id: run_check(check, ShopeePaySubject()) for check in ALL if check.group == "money"}
    unproved = {id: one.reason for id, one in results.items() if one.status == "unproved"}
    assert unproved == {
        "money.chargeback": "the subject offers no dispute",
        "money.reversed-refund": "the subject offers no reverse",
    }
