"""The bank transfer method keeps the contract, with a provider and without."""

from kassa.ports.conformance.payment_method import PaymentMethodContract
from tests.plugins.bank_subject import BankSubject, ManualSubject


class TestBankTransfer(PaymentMethodContract):
    subject = BankSubject()


class TestBankTransferByHand(PaymentMethodContract):
    subject = ManualSubject()
