"""Pasar keeps Kassa's contract."""

from pasar_qr.conformance import PasarSubject

from kassa.ports.conformance.payment_method import PaymentMethodContract


class TestPasar(PaymentMethodContract):
    """The whole examination."""

    subject = PasarSubject()
