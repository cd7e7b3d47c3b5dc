"""The contract of `kassa.ports.payouts.RefundTasks`: refunds that wait for a bank."""

from datetime import datetime
from hashlib import sha256

import pytest
from msgspec.structs import replace

from kassa.ports.payment_records import Operation, OperationState, PaymentFile
from kassa.ports.payouts import PendingRefund

from .sample_orders import invoice
from .sample_payments import METHOD, a_payment, new_operation, recording
from .samples import after, entry, money
from .stores import Stores
from .witness import audit_of

SINCE = after(60)


async def a_refund(
    stores: Stores,
    number: int = 1,
    *,
    state: OperationState = OperationState.PENDING,
    at: datetime = SINCE,
) -> Operation:
    """A refund of the payment of `invoice(number)`, asked about tomorrow."""
    file = await a_payment(stores, number)
    refund = refund_of(file, state=state, at=at)
    await stores.payments.record(recording(file, operations=(refund,)))
    return refund


def refund_of(file: PaymentFile, *, state: OperationState = OperationState.PENDING, at: datetime) -> Operation:
    """A refund of a part of the file's first payment."""
    command = new_operation(file, payment_id=file.payments[0].id, due=after(86_400))
    name = sha256(f"refund/{file.payable.invoice_id}".encode()).hexdigest()[:32]
    return replace(command, id=name, kind="refund", state=state, amount=money(250), sent_at=at)


class RefundTasksContract:
    """Every clause of `RefundTasks`. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def waiting(self, stores: Stores, method: str = METHOD, limit: int = 100) -> list[str]:
        """Whose refunds wait, in order."""
        return [one.invoice_id for one in await stores.payments.pending_refunds(method, limit=limit)]

    async def test_a_refund_that_waits_is_listed_with_its_names_and_its_amount(self, stores: Stores) -> None:
        refund = await a_refund(stores)
        assert await stores.payments.pending_refunds(METHOD, limit=10) == (
            PendingRefund(
                operation_id=refund.id,
                payment_id=refund.payment_id,
                invoice_id=invoice(),
                amount=money(250),
                since=SINCE,
            ),
        )

    async def test_what_is_done_failed_or_in_doubt_does_not_wait(self, stores: Stores) -> None:
        states = [state for state in OperationState if state is not OperationState.PENDING]
        for number, state in enumerate(states, 1):
            await a_refund(stores, number, state=state)
        assert await self.waiting(stores) == []

    async def test_only_refunds_wait_for_a_bank(self, stores: Stores) -> None:
        file = await a_payment(stores, due=after(86_400))
        begun = replace(file.operations[0], state=OperationState.PENDING)
        await stores.payments.record(recording(file, operations=(begun,)))
        assert await self.waiting(stores) == []

    async def test_refunds_of_another_method_are_another_bank_s(self, stores: Stores) -> None:
        await a_refund(stores)
        assert await self.waiting(stores, "bank_transfer") == []

    async def test_the_oldest_come_first_and_not_more_than_asked(self, stores: Stores) -> None:
        for number, seconds in ((1, 30), (2, 10), (3, 20)):
            await a_refund(stores, number, at=after(seconds))
        assert await self.waiting(stores) == [invoice(2), invoice(3), invoice(1)]
        assert await self.waiting(stores, limit=2) == [invoice(2), invoice(3)]

    async def test_a_file_for_the_bank_is_told_to_the_audit_trail_and_settles_nothing(self, stores: Stores) -> None:
        await a_refund(stores)
        await stores.payments.paid_out(entry("payout.written", "method:card"))
        assert len(await audit_of(stores, "payout.written")) == 1
        assert await self.waiting(stores) == [invoice()]
