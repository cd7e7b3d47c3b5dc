"""Saboteurs of refunds that wait for a bank."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.ports.audit import AuditEntry
from kassa.ports.conformance.payouts import RefundTasksContract
from kassa.ports.conformance.samples import after, money
from kassa.ports.payouts import PendingRefund
from tests.contracts.saboteurs.kit import breaks, mislabelled, sql


class Looking(SqlitePayments):
    """Looks for what waits with other eyes."""

    more = ""

    async def pending_refunds(self, method: str, *, limit: int) -> tuple[PendingRefund, ...]:
        good = await super().pending_refunds(method, limit=limit)
        found = await sql(
            self,
            "SELECT o.id, o.payment_id, p.invoice_id, o.amount, p.currency FROM operations o "
            f"JOIN payments p ON p.id = o.payment_id WHERE {self.more}",
            m=method,
        )
        return (*good, *(self.odd(row) for row in found))

    def odd(self, row: Any) -> PendingRefund:
        return PendingRefund(
            operation_id=row.id, payment_id=row.payment_id, invoice_id=row.invoice_id,
            amount=money(row.amount), since=after(1),
        )  # fmt: skip


@breaks(RefundTasksContract, "test_a_refund_that_waits_is_listed_with_its_names_and_its_amount")
class TellsTheWrongAmount(SqlitePayments):
    async def pending_refunds(self, method: str, *, limit: int) -> tuple[PendingRefund, ...]:
        good = await super().pending_refunds(method, limit=limit)
        return tuple(replace(one, amount=one.amount.times(2)) for one in good)


@breaks(RefundTasksContract, "test_what_is_done_failed_or_in_doubt_does_not_wait")
class ListsWhatIsDone(Looking):
    more = "o.kind = 'refund' AND o.state = 7 AND p.method = :m"


@breaks(RefundTasksContract, "test_only_refunds_wait_for_a_bank")
class ListsWhatIsToBePaid(Looking):
    more = "o.kind = 'start' AND o.state = 3 AND p.method = :m"


@breaks(RefundTasksContract, "test_refunds_of_another_method_are_another_bank_s")
class ListsEveryMethods(Looking):
    more = "o.kind = 'refund' AND o.state = 3 AND p.method <> :m"


@breaks(RefundTasksContract, "test_the_oldest_come_first_and_not_more_than_asked")
class ListsTheNewestFirst(SqlitePayments):
    async def pending_refunds(self, method: str, *, limit: int) -> tuple[PendingRefund, ...]:
        return (await super().pending_refunds(method, limit=limit))[::-1]


@breaks(RefundTasksContract, "test_a_file_for_the_bank_is_told_to_the_audit_trail_and_settles_nothing")
class ForgetsWhoPaysOut(SqlitePayments):
    async def paid_out(self, audit: AuditEntry) -> None:
        await super().paid_out(mislabelled(audit))
