"""What a customer has in hand of a payment: what was paid and what came back. Pure."""

from typing import Final, Literal

from kassa.kernel.payment_views import payment_in
from kassa.ports.cashier import Receipt, ReceiptLine
from kassa.ports.errors import NoReceipt
from kassa.ports.ids import PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import MovementKind, MovementState
from kassa.ports.payment_records import PaymentFile

_KINDS: Final[dict[MovementKind, Literal["paid", "refund", "returned"]]] = {
    "capture": "paid",
    "refund": "refund",
    "chargeback": "returned",
}
_ORDER: Final = ("paid", "refund", "returned")


def receipt_of(file: PaymentFile, payment_id: PaymentId) -> Receipt:
    """The receipt of a payment of this file. Raises `UnknownPayment`, `NoReceipt`."""
    payment = payment_in(file, payment_id)
    if not payment.captured:
        raise NoReceipt(str(payment_id))
    lines = [
        ReceiptLine(
            kind=_KINDS[known.movement.kind], amount=known.movement.amount, at=known.movement.at or known.first_seen_at
        )
        for known in file.movements
        if known.payment_id == payment_id
        and known.movement.kind in _KINDS
        and known.movement.state is MovementState.SUCCEEDED
    ]
    currency = payment.nominal.currency
    return Receipt(
        payment_id=payment.id,
        invoice_id=payment.invoice_id,
        reference=payment.merchant_ref,
        method=payment.method,
        lines=tuple(sorted(lines, key=lambda line: (line.at, _ORDER.index(line.kind)))),
        paid=Money(amount=payment.captured, currency=currency),
        refunded=Money(amount=payment.refunded, currency=currency),
        kept=Money(amount=payment.captured - payment.refunded, currency=currency),
    )
