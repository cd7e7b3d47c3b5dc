"""Pay by bank transfer: the customer sends the money to an account that is shown, and the bank tells when it arrived."""

from kassa.ports.hooks import PaymentMethodFactory, hookimpl

from .method import BankTransfer


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """One method."""
    return (PaymentMethodFactory(id="bank_transfer", api=(1, 0), method=BankTransfer, title="Bank transfer"),)
