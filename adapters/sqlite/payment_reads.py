"""Payment files in SQLite: everything known about one payable's money, read in one go."""

from sqlalchemy import Connection, bindparam, select

from kassa.adapters.sql import payment_rows, tables
from kassa.ports.errors import UnknownOrder
from kassa.ports.ids import InvoiceId
from kassa.ports.payment_records import PaymentFile

_Y, _P, _O, _M, _S = (
    tables.payables.c,
    tables.payments.c,
    tables.operations.c,
    tables.movements.c,
    tables.suspense.c,
)

_PAYABLE = select(tables.payables).where(_Y.invoice_id == bindparam("invoice"))
_PAYMENTS = select(tables.payments).where(_P.invoice_id == bindparam("invoice")).order_by(_P.id)
_OPERATIONS = (
    select(tables.operations, _P.currency)
    .select_from(tables.operations.join(tables.payments))
    .where(_P.invoice_id == bindparam("invoice"))
    .order_by(_O.payment_id, _O.sent_at, _O.id)
)
_MOVEMENTS = (
    select(tables.movements)
    .select_from(tables.movements.join(tables.payments))
    .where(_P.invoice_id == bindparam("invoice"))
    .order_by(_M.payment_id, _M.first_seen_at, _M.kind, _M.id)
)
_SUSPENSE = (
    select(tables.suspense)
    .select_from(tables.suspense.join(tables.payments))
    .where(_P.invoice_id == bindparam("invoice"))
    .order_by(_S.at, _S.key)
)

OF_PAYMENT = select(_P.id, _P.invoice_id).where(_P.id == bindparam("payment"))
BY_PROVIDER_REF = (
    select(_P.id, _P.invoice_id)
    .where(_P.method == bindparam("the_method"), _P.provider_ref == bindparam("reference"))
    .order_by(_P.id.desc())
    .limit(1)
)
BY_MERCHANT_REF = select(_P.id, _P.invoice_id).where(
    _P.method == bindparam("the_method"), _P.merchant_ref == bindparam("reference")
)
BY_RETURN_TOKEN = select(_P.id, _P.invoice_id).where(_P.return_token_hash == bindparam("hash"))

WITH_CAPTURE = (
    select(_P.id)
    .select_from(tables.movements.join(tables.payments))
    .where(_P.method == bindparam("the_method"), _M.id == bindparam("movement"), _M.kind == "capture")
    .order_by(_P.id)
)


def read_file(read: Connection, invoice_id: InvoiceId) -> PaymentFile:
    """The file of one payable: payments by id, their operations and movements oldest first. Raises `UnknownOrder`."""
    of_invoice = {"invoice": invoice_id}
    payable = read.execute(_PAYABLE, of_invoice).one_or_none()
    if payable is None:
        raise UnknownOrder("no such invoice")
    payments = tuple(payment_rows.payment_from_row(row) for row in read.execute(_PAYMENTS, of_invoice))
    if not payments:
        return PaymentFile(payable=payment_rows.payable_from_row(payable), payments=(), operations=(), movements=())
    return PaymentFile(
        payable=payment_rows.payable_from_row(payable),
        payments=payments,
        operations=tuple(
            payment_rows.operation_from_row(row, row.currency) for row in read.execute(_OPERATIONS, of_invoice)
        ),
        movements=tuple(payment_rows.movement_from_row(row) for row in read.execute(_MOVEMENTS, of_invoice)),
        suspense=tuple(payment_rows.suspense_from_row(row) for row in read.execute(_SUSPENSE, of_invoice)),
    )
