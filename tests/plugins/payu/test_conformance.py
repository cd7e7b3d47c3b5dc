"""The PayU driver keeps the contract, against PayU played from its documentation."""

from kassa.ports.conformance.payment_method import PaymentMethodContract
from tests.plugins.payu.subject import PayuSubject


class TestPayu(PaymentMethodContract):
    subject = PayuSubject()
