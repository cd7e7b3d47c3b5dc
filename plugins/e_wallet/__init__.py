"""Pay from an e-wallet: the customer approves on the wallet's own page, and its notice tells the shop."""

from typing import Any

from kassa.ports.hooks import Driver, PaymentMethodFactory, hookimpl
from kassa.ports.payment import PaymentMethod


def _sandbox() -> type[PaymentMethod[Any]]:
    from .method import EWallet

    return EWallet


def _paypal() -> type[PaymentMethod[Any]]:
    from .paypal.method import Paypal

    return Paypal


def _payu() -> type[PaymentMethod[Any]]:
    from .payu.method import Payu

    return Payu


def _midtrans() -> type[PaymentMethod[Any]]:
    from .midtrans.method import MidtransWallet

    return MidtransWallet


def _midtrans_shopeepay() -> type[PaymentMethod[Any]]:
    from .midtrans.method import MidtransShopeePay

    return MidtransShopeePay


def _midtrans_va() -> type[PaymentMethod[Any]]:
    from .midtrans.method import MidtransVirtualAccount

    return MidtransVirtualAccount


def _xendit() -> type[PaymentMethod[Any]]:
    from .xendit.method import XenditWallet

    return XenditWallet


def _xendit_final() -> type[PaymentMethod[Any]]:
    from .xendit.method import XenditFinal

    return XenditFinal


def _xendit_va() -> type[PaymentMethod[Any]]:
    from .xendit.method import XenditVirtualAccount

    return XenditVirtualAccount


_DOCUMENTED = "its documentation only: a double written from it, in our own tests"
DRIVERS = (
    Driver(name="sandbox", load=_sandbox, proved="Kassa's own sandbox provider, a separate process"),
    Driver(name="midtrans", load=_midtrans, proved=_DOCUMENTED),
    Driver(name="midtrans_shopeepay", load=_midtrans_shopeepay, proved=_DOCUMENTED),
    Driver(name="midtrans_va", load=_midtrans_va, proved=_DOCUMENTED),
    Driver(name="xendit", load=_xendit, proved=_DOCUMENTED),
    Driver(name="xendit_final", load=_xendit_final, proved=_DOCUMENTED),
    Driver(name="xendit_va", load=_xendit_va, proved=_DOCUMENTED),
    Driver(name="paypal", load=_paypal, proved=_DOCUMENTED),
    Driver(name="payu", load=_payu, proved="an independent simulator (python-getpaid-simulator) and its documentation"),
)


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """One method, by several providers."""
    return (PaymentMethodFactory(id="e_wallet", api=(1, 0), title="E-wallet", drivers=DRIVERS),)
