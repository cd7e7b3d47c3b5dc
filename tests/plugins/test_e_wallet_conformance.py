"""The e-wallet method keeps the contract."""

from kassa.ports.conformance.payment_method import PaymentMethodContract
from tests.plugins.wallet_subject import WalletSubject


class TestEWallet(PaymentMethodContract):
    subject = WalletSubject()
