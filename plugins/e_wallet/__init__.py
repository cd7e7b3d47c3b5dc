"""Pay from an e-wallet: the customer approves on the wallet's own page, and its notice tells the shop."""

from kassa.ports.hooks import PaymentMethodFactory, hookimpl

from .method import EWallet


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """One method."""
    return (PaymentMethodFactory(id="e_wallet", api=(1, 0), method=EWallet, title="E-wallet"),)
