"""Acme Pay: a payment method of a stranger, made to declare and do everything that the contract knows."""

from kassa.ports.hooks import PaymentMethodFactory, hookimpl

from .method import Acme


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """One method."""
    return (PaymentMethodFactory(id="acme", api=(1, 0), method=Acme, title="Acme Pay"),)
