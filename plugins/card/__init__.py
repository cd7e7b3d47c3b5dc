"""Pay by card: the provider holds the card number, the shop only ever sees a token."""

from typing import Any

from kassa.ports.hooks import Driver, PaymentMethodFactory, hookimpl
from kassa.ports.payment import PaymentMethod


def _sandbox() -> type[PaymentMethod[Any]]:
    from .method import Card

    return Card


def _stripe() -> type[PaymentMethod[Any]]:
    from .stripe.method import StripeCards

    return StripeCards


DRIVERS = (
    Driver(name="sandbox", load=_sandbox, proved="Kassa's own sandbox provider, a separate process"),
    Driver(
        name="stripe",
        load=_stripe,
        proved="localstripe, an independent simulator, behind a double of ours; never the live Stripe",
    ),
)


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """One method, by several providers."""
    return (PaymentMethodFactory(id="card", api=(1, 0), title="Card", drivers=DRIVERS),)
