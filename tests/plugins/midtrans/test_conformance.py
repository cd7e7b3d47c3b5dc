"""Every driver of Midtrans passes the kit, against a double that was written from Midtrans' documentation.

`kassa plugin check tests.plugins.midtrans.double:QrisSubject` shows what is left unproved, and why. QRIS differs from GoPay only
in what is charged and shown, so of it only what concerns START is asked again.
"""

import pytest

from kassa.ports.conformance.payment_method import PaymentMethodContract
from kassa.ports.conformance.payment_method.check import Check
from kassa.ports.conformance.payment_method.checks import ALL
from kassa.ports.conformance.payment_method.runner import run_check
from tests.plugins.midtrans.double import GopaySubject, QrisSubject, ShopeePaySubject, VirtualAccountSubject


class TestGopay(PaymentMethodContract):
    subject = GopaySubject()


class TestShopeePay(PaymentMethodContract):
    subject = ShopeePaySubject()


class TestVirtualAccount(PaymentMethodContract):
    subject = VirtualAccountSubject()


@pytest.mark.parametrize("check", [one for one in ALL if one.group == "command"], ids=lambda one: one.id)
def test_qris_keeps_what_concerns_its_start(check: Check):
    """The code that is shown is checked by `test_dialogue`."""
    result = run_check(check, QrisSubject())
    assert result.status in ("passed", "skipped"), result


def test_only_what_midtrans_does_not_have_is_unproved():
    """A refund that comes back is nothing that its documentation knows."""
    results = [run_check(check, GopaySubject()) for check in ALL if check.id in ("money.reversed-refund",)]
    assert [(one.status, one.reason) for one in results] == [("unproved", "the subject offers no reverse")]
