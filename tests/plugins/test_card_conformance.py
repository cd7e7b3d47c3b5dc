"""The card method keeps the contract."""

from kassa.ports.conformance.payment_method import PaymentMethodContract
from tests.plugins.card_subject import CardSubject


class TestCard(PaymentMethodContract):
    subject = CardSubject()
