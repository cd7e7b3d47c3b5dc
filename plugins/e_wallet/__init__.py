"""Pay from an e-wallet: the customer approves on the wallet's own page, and its notice tells the shop."""

from typing import Any

from kassa.ports.hooks import Driver, PaymentMethodFactory, hookimpl
from kassa.ports.payment import PaymentMethod


def _sandbox() -> type[PaymentMethod[Any]]:
    from .method import EWallet

    return EWallet


def _payu() -> type[PaymentMethod[Any]]:
    from .payu.method import Payu

    return Payu


DRIVERS = (
    Driver(name="sandbox", load=_sandbox, proved="Kassa's own sandbox provider, a separate process"),
    Driver(name="payu", load=_payu, proved="an independent simulator (python-getpaid-simulator) and its documentation"),
)


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """One method, by several providers."""
    return (PaymentMethodFactory(id="e_wallet", api=(1, 0), title="E-wallet", drivers=DRIVERS),)
