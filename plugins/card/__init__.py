"""Pay by card: the provider holds the card number, the shop only ever sees a token."""

from kassa.ports.hooks import PaymentMethodFactory, hookimpl

from .method import Card


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """One method."""
    return (PaymentMethodFactory(id="card", api=(1, 0), method=Card, title="Card"),)
