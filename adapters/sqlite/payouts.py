"""Refunds that wait for a bank, in SQLite."""

from sqlalchemy import bindparam, literal_column, select

from kassa.adapters.sql import payment_rows, tables
from kassa.ports.audit import AuditEntry
from kassa.ports.payouts import PendingRefund

from .database import SqliteDatabase

_O, _P = tables.operations.c, tables.payments.c
PENDING = (
    select(_O.id, _O.payment_id, _O.amount, _O.sent_at, _P.invoice_id, _P.currency)
    .select_from(tables.operations.join(tables.payments))
    .where(
        _O.next_check_at.is_not(None),  # what is pending is asked about: few rows of many, by index
        _O.kind == literal_column("'refund'"),
        _O.state == bindparam("pending"),
        _P.method == bindparam("the_method"),
    )
    .order_by(_O.sent_at, _O.id)
    .limit(bindparam("most"))
)


class SqliteRefundTasks:
    """`RefundTasks` on SQLite."""

    _database: SqliteDatabase

    async def pending_refunds(self, method: str, *, limit: int) -> tuple[PendingRefund, ...]:
        """See the port."""
        asked = {"the_method": method, "pending": payment_rows.PENDING, "most": limit}
        async with self._database.reading() as read:
            return tuple(payment_rows.pending_refund_from_row(row) for row in read.execute(PENDING, asked))

    async def paid_out(self, audit: AuditEntry) -> None:
        """See the port."""
        async with self._database.act() as write:
            write.note((), audit)
