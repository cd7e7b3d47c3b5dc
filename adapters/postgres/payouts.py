"""Refunds that wait for a bank, in PostgreSQL."""

from typing import Final

from kassa.adapters.sql import payment_rows
from kassa.ports.audit import AuditEntry
from kassa.ports.payouts import PendingRefund

from .database import PostgresDatabase, Transaction
from .endpoints import note

_PENDING: Final = """
SELECT o.id, o.payment_id, o.amount, o.sent_at, p.invoice_id, p.currency
FROM operations o JOIN payments p ON p.id = o.payment_id
WHERE o.next_check_at IS NOT NULL AND o.kind = 'refund' AND o.state = $2 AND p.method = $1
ORDER BY o.sent_at, o.id LIMIT $3"""


class PostgresRefundTasks:
    """The refunds that wait for a bank."""

    _database: PostgresDatabase

    async def pending_refunds(self, method: str, *, limit: int) -> tuple[PendingRefund, ...]:
        """Oldest first."""
        rows = await self._database.read(_PENDING, method, payment_rows.PENDING, limit)
        return tuple(payment_rows.pending_refund_from_row(row) for row in rows)

    async def paid_out(self, audit: AuditEntry) -> None:
        """Tell the audit trail."""

        async def work(transaction: Transaction) -> None:
            await note(transaction, (), audit)

        await self._database.transact(work)
