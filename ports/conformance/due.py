"""The contract of what `kassa.ports.payment_records.Payments` says is due: operations to ask about, orders to expire."""

import asyncio

import pytest
from msgspec.structs import replace

from kassa.ports.payment_records import DueOperation, PayableState, PaymentStatus

from .sample_orders import a_placed_order, ending, invoice
from .sample_payments import a_payment, captured, recording
from .samples import after
from .stores import Stores


def invoices(due: tuple[DueOperation, ...]) -> list[str]:
    """Whose operations are due, in order."""
    return [operation.invoice_id for operation in due]


class DueContract:
    """Every clause of `Payments.claim_due` and `overdue`. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    # --- operations

    async def test_a_due_operation_is_claimed_with_its_names(self, stores: Stores) -> None:
        file = await a_payment(stores, due=after(10))
        assert await stores.payments.claim_due(now=after(10), limit=10, lease_s=30) == (
            DueOperation(invoice_id=invoice(), payment_id=file.payments[0].id, operation_id=file.operations[0].id),
        )

    async def test_an_operation_is_not_claimed_before_its_time_or_when_nobody_needs_to_ask(
        self, stores: Stores
    ) -> None:
        await a_payment(stores, 1, due=after(10))
        await a_payment(stores, 2, due=None)
        assert await stores.payments.claim_due(now=after(9), limit=10, lease_s=30) == ()

    async def test_the_oldest_are_claimed_first_and_not_more_than_asked(self, stores: Stores) -> None:
        for number, seconds in ((1, 30), (2, 10), (3, 20)):
            await a_payment(stores, number, due=after(seconds))
        assert invoices(await stores.payments.claim_due(now=after(60), limit=2, lease_s=30)) == [invoice(2), invoice(3)]
        assert invoices(await stores.payments.claim_due(now=after(60), limit=2, lease_s=30)) == [invoice(1)]

    async def test_a_leased_operation_is_nobody_elses(self, stores: Stores) -> None:
        await a_payment(stores, due=after(10))
        await stores.payments.claim_due(now=after(10), limit=10, lease_s=30)
        assert await stores.payments.claim_due(now=after(39), limit=10, lease_s=30) == ()

    async def test_a_lease_that_ran_out_is_given_to_the_next(self, stores: Stores) -> None:
        await a_payment(stores, due=after(10))
        first = await stores.payments.claim_due(now=after(10), limit=10, lease_s=30)
        assert await stores.payments.claim_due(now=after(41), limit=10, lease_s=30) == first

    async def test_four_callers_at_once_never_get_one_operation_twice(self, stores: Stores) -> None:
        for number in range(1, 9):
            await a_payment(stores, number, due=after(number))
        calls = (stores.payments.claim_due(now=after(60), limit=3, lease_s=30) for _ in range(4))
        claimed = [operation for due in await asyncio.gather(*calls) for operation in due]
        claimed += await stores.payments.claim_due(now=after(60), limit=100, lease_s=30)
        assert sorted(invoices(tuple(claimed))) == sorted(invoice(number) for number in range(1, 9))

    async def test_an_operation_that_was_asked_about_is_due_at_its_next_time(self, stores: Stores) -> None:
        file = await a_payment(stores, due=after(10))
        await stores.payments.claim_due(now=after(10), limit=10, lease_s=30)
        asked = replace(file.operations[0], checks=1, next_check_at=after(50))
        await stores.payments.record(recording(file, operations=(asked,)))
        assert await stores.payments.claim_due(now=after(49), limit=10, lease_s=30) == ()
        assert len(await stores.payments.claim_due(now=after(50), limit=10, lease_s=30)) == 1

    # --- orders

    async def overdue(self, stores: Stores, *, hours: float = 2, limit: int = 100) -> tuple[str, ...]:
        """What is overdue; sample orders are to be paid within an hour."""
        return await stores.payments.overdue(now=after(hours * 3600), limit=limit)

    async def test_an_unpaid_order_is_overdue_when_its_time_is_over(self, stores: Stores) -> None:
        await a_placed_order(stores)
        assert await self.overdue(stores, hours=0.99) == ()
        assert await self.overdue(stores, hours=1.01) == (invoice(),)

    async def test_the_oldest_are_overdue_first_and_not_more_than_asked(self, stores: Stores) -> None:
        for number, seconds in ((1, 3), (2, 1), (3, 2)):
            await a_placed_order(stores, number, at=after(seconds))
        assert await self.overdue(stores) == (invoice(2), invoice(3), invoice(1))
        assert await self.overdue(stores, limit=2) == (invoice(2), invoice(3))

    async def test_an_order_with_a_live_payment_is_not_overdue(self, stores: Stores) -> None:
        file = await a_payment(stores)
        assert await self.overdue(stores) == ()
        over = replace(file.payments[0], is_live=False, status=PaymentStatus.FAILED)
        await stores.payments.record(recording(file, payments=(over,)))
        assert await self.overdue(stores) == (invoice(),)

    async def test_an_order_with_a_doubtful_payment_is_not_overdue(self, stores: Stores) -> None:
        file = await a_payment(stores)
        doubtful = replace(file.payments[0], is_live=False, in_doubt=True)
        await stores.payments.record(recording(file, payments=(doubtful,)))
        assert await self.overdue(stores) == ()

    async def test_paid_and_ended_orders_are_not_overdue(self, stores: Stores) -> None:
        act = captured(await a_payment(stores, 1))
        await stores.payments.record(replace(act, payable=replace(act.payable, state=PayableState.PAID)))
        await a_placed_order(stores, 2)
        await stores.orders.end(ending(invoice(2)))
        assert await self.overdue(stores) == ()
