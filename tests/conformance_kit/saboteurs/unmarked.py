"""A hook that is not marked: pluggy would never call it."""

from kassa.ports.hooks import PaymentMethodFactory
from tests.conformance_kit import acme


def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    return acme.kassa_payment_methods()
