"""Pay by bank transfer: the customer sends the money to an account that is shown, and the bank tells when it arrived."""

from typing import Any

from kassa.ports.hooks import Driver, PaymentMethodFactory, hookimpl
from kassa.ports.payment import PaymentMethod


def _sandbox() -> type[PaymentMethod[Any]]:
    from .method import BankTransfer

    return BankTransfer


def _account() -> type[PaymentMethod[Any]]:
    from .account.method import BankAccount

    return BankAccount


DRIVERS = (
    Driver(name="sandbox", load=_sandbox, proved="Kassa's own sandbox provider, a separate process"),
    Driver(name="account", load=_account, proved="no provider; files of real banks, ISO 11649, EPC069-12"),
)


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """One method, by a provider or on the shop's own account."""
    return (PaymentMethodFactory(id="bank_transfer", api=(1, 0), title="Bank transfer", drivers=DRIVERS),)
