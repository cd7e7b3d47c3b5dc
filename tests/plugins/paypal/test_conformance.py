"""The PayPal driver keeps the contract, against PayPal played from its documentation."""

from kassa.ports.conformance.payment_method import PaymentMethodContract
from tests.plugins.paypal.subject import PaypalSubject


class TestPaypal(PaymentMethodContract):
    subject = PaypalSubject()
