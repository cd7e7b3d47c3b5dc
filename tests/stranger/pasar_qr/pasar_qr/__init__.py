"""Pasar: scan a code with the app, and pay."""

from kassa.ports.hooks import PaymentMethodFactory, hookimpl

from .method import Pasar


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """One method."""
    return (PaymentMethodFactory(id="pasar-qr", api=(1, 0), method=Pasar, title="Pasar QR"),)
