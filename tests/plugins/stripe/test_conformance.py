"""The Stripe driver conforms, with localstripe as its provider behind the gateway that adds what it lacks."""

from kassa.ports.conformance.payment_method import PaymentMethodContract
from tests.plugins.stripe.subject import StripeSubject


class TestStripe(PaymentMethodContract):
    subject = StripeSubject()
