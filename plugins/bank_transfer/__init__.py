"""Pay by bank transfer: the customer sends the money to an account that is shown, and the bank tells when it arrived."""

from typing import Any

from kassa.ports.hooks import Driver, PaymentMethodFactory, hookimpl
from kassa.ports.payment import PaymentMethod


def _sandbox() -> type[PaymentMethod[Any]]:
    from .method import BankTransfer

    return BankTransfer


DRIVERS = (
    Driver(name="sandbox", load=_sandbox, proved="Kassa's own sandbox provider, a separate process"),
    Driver(name="manual", load=_sandbox, proved="no provider: nothing to prove"),
)


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """One method, by several providers."""
    return (PaymentMethodFactory(id="bank_transfer", api=(1, 0), title="Bank transfer", drivers=DRIVERS),)
