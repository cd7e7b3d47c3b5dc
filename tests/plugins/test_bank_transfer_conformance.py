"""The bank transfer method keeps the contract, with a provider and on the shop's own account."""

from kassa.ports.conformance.payment_method import PaymentMethodContract
from tests.plugins.bank_subject import AccountSubject, BankSubject, VirtualAccountSubject


class TestBankTransfer(PaymentMethodContract):
    subject = BankSubject()


class TestOwnAccount(PaymentMethodContract):
    subject = AccountSubject()


class TestVirtualAccounts(PaymentMethodContract):
    subject = VirtualAccountSubject()
