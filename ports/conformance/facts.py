"""The contract of `kassa.ports.payment_records.Payments.record`: what an answer, notice or command changes."""

import pytest
import pytest_asyncio
from msgspec.structs import replace

from kassa.ports.checkout import OrderStatus
from kassa.ports.errors import AlreadyClaimed, Conflict, OutOfStock
from kassa.ports.payment import MovementState
from kassa.ports.payment_records import (
    InboxState,
    KnownMovement,
    MarkPaid,
    OperationState,
    PayableState,
    PaymentFile,
    PaymentStatus,
    RecordFacts,
    Suspense,
    SuspenseState,
)

from .sample_orders import ending, invoice
from .sample_payments import a_payment, captured, known, notice, posting, recording
from .samples import NOW, after, answer, claim, entry, event, money
from .stores import Stores
from .witness import audit_of, nothing_changes, race, waiting


def paying(file: PaymentFile, *, late: bool = False) -> RecordFacts:
    """The act of recording a full capture that completes the payable: its order becomes paid."""
    act, subject = captured(file), f"order:{file.payable.invoice_id}"
    return replace(
        act,
        payable=replace(act.payable, state=PayableState.PAID),
        order=MarkPaid(late=late, at=after(60)),
        events=(*act.events, event("order.paid", subject)),
        audit=entry("payment.changed", subject, at=after(60)),
    )


class FactsContract:
    """Every clause of `Payments.record`. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    @pytest_asyncio.fixture
    async def file(self, stores: Stores) -> PaymentFile:
        """The file of a placed order (2 of 10 in stock) with one live payment."""
        return await a_payment(stores)

    # --- what is written

    async def test_what_is_recorded_is_what_the_file_holds(self, stores: Stores, file: PaymentFile) -> None:
        act = captured(file)
        await stores.payments.record(act)
        assert await stores.payments.file(invoice()) == PaymentFile(
            payable=act.payable, payments=act.payments, operations=act.operations, movements=act.movements
        )

    async def test_recording_nothing_raises_the_version(self, stores: Stores, file: PaymentFile) -> None:
        await stores.payments.record(recording(file))
        assert (await stores.payments.file(invoice())).payable.version == file.payable.version + 1

    async def test_an_operation_is_new_or_replaced_by_its_id(self, stores: Stores, file: PaymentFile) -> None:
        refund = replace(file.operations[0], id="f" * 32, kind="refund", amount=money(5), next_check_at=after(9))
        await stores.payments.record(recording(file, operations=(refund,)))
        file = await stores.payments.file(invoice())
        assert len(file.operations) == 2
        assert refund in file.operations
        known_now = replace(refund, state=OperationState.UNKNOWN, attempt=2, checks=3, executed=False, code="lost")
        await stores.payments.record(recording(file, operations=(known_now,)))
        operations = (await stores.payments.file(invoice())).operations
        assert len(operations) == 2
        assert known_now in operations

    async def test_a_movement_is_new_or_replaced_by_kind_and_id(self, stores: Stores, file: PaymentFile) -> None:
        capture = known(file, money(100))
        pending = replace(capture, movement=replace(capture.movement, state=MovementState.PENDING))
        refund = replace(capture, movement=replace(capture.movement, kind="refund"))
        await stores.payments.record(recording(file, movements=(pending, refund)))
        file = await stores.payments.file(invoice())
        await stores.payments.record(recording(file, movements=(capture,)))

        def order(known_movement: KnownMovement) -> str:
            return known_movement.movement.kind

        found = (await stores.payments.file(invoice())).movements
        assert sorted(found, key=order) == sorted((capture, refund), key=order)

    async def test_suspense_of_a_payment_is_new_or_replaced_by_its_key(self, stores: Stores, file: PaymentFile) -> None:
        surplus = Suspense(
            key="card/surplus-1",
            method="card",
            amount=money(5),
            reason="surplus",
            state=SuspenseState.OPEN,
            payment_id=file.payments[0].id,
            note="",
            at=NOW,
        )
        await stores.payments.record(recording(file, suspense=(surplus,)))
        file = await stores.payments.file(invoice())
        assert file.suspense == (surplus,)
        settled = replace(surplus, state=SuspenseState.REFUNDED, note="sent back")
        await stores.payments.record(recording(file, suspense=(settled,)))
        assert (await stores.payments.file(invoice())).suspense == (settled,)

    async def test_recording_writes_its_events_and_its_audit_entry(self, stores: Stores, file: PaymentFile) -> None:
        before = await waiting(stores)
        await stores.payments.record(recording(file))
        assert await waiting(stores) == before + 1
        assert len(await audit_of(stores, "payment.changed")) == 1

    async def test_bytes_of_a_plugin_come_back_as_they_were(self, stores: Stores, file: PaymentFile) -> None:
        state = bytes(range(256)) * 32
        changed = replace(file.payments[0], plugin_state=state, next_action=b'{"type":"wait"}', return_url=None)
        await stores.payments.record(recording(file, payments=(changed,)))
        assert (await stores.payments.file(invoice())).payments == (changed,)

    # --- the order

    async def test_money_that_completes_a_payable_makes_the_order_paid(self, stores: Stores, file: PaymentFile) -> None:
        await stores.payments.record(paying(file))
        order = await stores.orders.order(invoice())
        assert (order.status, order.last_updated) == (OrderStatus.PAID, after(60))
        assert (await stores.payments.file(invoice())).payable.state is PayableState.PAID
        assert await stores.audit.violations() == ()

    async def test_money_in_time_takes_no_stock_again(self, stores: Stores, file: PaymentFile) -> None:
        product = (await stores.orders.order(invoice())).lines[0].product_id
        await stores.payments.record(paying(file))
        assert (await stores.products.product(product)).quantity == 8

    async def test_late_money_takes_the_stock_again(self, stores: Stores, file: PaymentFile) -> None:
        product = (await stores.orders.order(invoice())).lines[0].product_id
        file = await self.ended(stores, file)
        assert (await stores.products.product(product)).quantity == 10
        await stores.payments.record(paying(file, late=True))
        assert (await stores.products.product(product)).quantity == 8
        assert (await stores.orders.order(invoice())).status is OrderStatus.PAID
        assert await stores.audit.violations() == ()

    async def test_late_money_whose_stock_is_gone_changes_nothing(self, stores: Stores, file: PaymentFile) -> None:
        product = (await stores.orders.order(invoice())).lines[0].product_id
        file = await self.ended(stores, file)
        await stores.products.correct_stock(product, -9, "sold elsewhere", entry("stock"))
        async with nothing_changes(stores):
            with pytest.raises(OutOfStock):
                await stores.payments.record(paying(file, late=True))

    async def ended(self, stores: Stores, file: PaymentFile) -> PaymentFile:
        """Cancel the order beside its payment."""
        await stores.orders.end(ending(invoice(), payable_version=file.payable.version))
        return await stores.payments.file(invoice())

    # --- postings

    async def test_a_posting_is_written_once_for_ever(self, stores: Stores, file: PaymentFile) -> None:
        await stores.payments.record(captured(file))
        file = await stores.payments.file(invoice())
        async with nothing_changes(stores):
            with pytest.raises(Exception):  # noqa: B017 - a defect of the caller has no name; that nothing stays is the clause
                await stores.payments.record(recording(file, postings=(posting(file, file.movements[0]),)))

    async def test_a_full_capture_leaves_all_invariants_whole(self, stores: Stores, file: PaymentFile) -> None:
        await stores.payments.record(paying(file))
        assert await stores.audit.violations() == ()

    async def test_a_capture_without_its_posting_is_a_violation(self, stores: Stores, file: PaymentFile) -> None:
        await stores.payments.record(replace(paying(file), postings=()))
        assert await stores.audit.violations() != ()

    # --- requests done once

    async def test_recording_with_a_claim_opens_a_running_record(self, stores: Stores, file: PaymentFile) -> None:
        claimed = claim("refund-1")
        await stores.payments.record(recording(file, claim=claimed))
        kept = await stores.idempotency.find(claimed.scope)
        assert kept is not None
        assert (kept.fingerprint, kept.answer) == (claimed.fingerprint, None)

    async def test_recording_with_an_answer_finishes_the_record(self, stores: Stores, file: PaymentFile) -> None:
        claimed = claim("refund-1")
        await stores.payments.record(recording(file, claim=claimed))
        file = await stores.payments.file(invoice())
        await stores.payments.record(recording(file, claim=claimed, answer=answer(b'{"refunded":5}')))
        kept = await stores.idempotency.find(claimed.scope)
        assert kept is not None
        assert kept.answer == answer(b'{"refunded":5}')

    async def test_a_claim_that_was_used_records_nothing(self, stores: Stores, file: PaymentFile) -> None:
        claimed = claim("refund-1")
        await stores.payments.record(recording(file, claim=claimed))
        file = await stores.payments.file(invoice())
        async with nothing_changes(stores):
            with pytest.raises(AlreadyClaimed):
                await stores.payments.record(replace(captured(file), claim=claimed))

    # --- notices

    async def test_a_notice_is_settled_in_the_act_that_it_told(self, stores: Stores, file: PaymentFile) -> None:
        (item,) = await stores.inbox.keep((notice(),), lease_s=30)
        await stores.payments.record(recording(file, inbox=item))
        assert await stores.inbox.claim(now=after(86_400), limit=10, lease_s=30) == ()
        with pytest.raises(Conflict):
            await stores.inbox.settle(replace(item, fence=item.fence - 1), InboxState.DONE, at=NOW)

    async def test_a_notice_with_an_old_fence_records_nothing(self, stores: Stores, file: PaymentFile) -> None:
        (old,) = await stores.inbox.keep((notice(),), lease_s=30)
        await stores.inbox.claim(now=after(31), limit=10, lease_s=30)
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.payments.record(replace(captured(file), inbox=old))

    # --- racing

    async def test_what_was_decided_on_another_version_records_nothing(self, stores: Stores, file: PaymentFile) -> None:
        await stores.payments.record(recording(file))
        claimed = claim("refund-1")
        (item,) = await stores.inbox.keep((notice(),), lease_s=30)
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.payments.record(replace(paying(file), claim=claimed, inbox=item))
        assert await stores.idempotency.find(claimed.scope) is None
        assert len(await stores.inbox.claim(now=after(31), limit=10, lease_s=30)) == 1

    async def test_of_eight_words_on_one_version_one_counts(self, stores: Stores, file: PaymentFile) -> None:
        result = await race(*(stores.payments.record(captured(file, number)) for number in range(1, 9)))
        assert (len(result.won), result.reasons()) == (1, {"Conflict"})
        found = await stores.payments.file(invoice())
        assert len(found.movements) == 1
        assert found.payments[0].status is PaymentStatus.PAID

    # --- what needs a person

    async def test_payments_to_review_are_listed_by_id_and_in_parts(self, stores: Stores, file: PaymentFile) -> None:
        assert await stores.payments.to_review(after=0, limit=10) == ()
        odd = replace(file.payments[0], needs_review=True)
        await stores.payments.record(recording(file, payments=(odd,)))
        assert await stores.payments.to_review(after=0, limit=10) == (odd.id,)
        assert await stores.payments.to_review(after=odd.id, limit=10) == ()
        assert await stores.payments.to_review(after=0, limit=1) == (odd.id,)
