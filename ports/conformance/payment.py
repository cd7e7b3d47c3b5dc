"""The contract of `kassa.ports.payment_records.Payments`: finding files and beginning payments.

What answers record: `facts`. What is due: `due`. Money without a name: `suspense`. Notices: `inbox`.
"""

import pytest
import pytest_asyncio
from msgspec.structs import replace

from kassa.ports.errors import AlreadyClaimed, Conflict, PaymentLive, UnknownOrder, UnknownPayment
from kassa.ports.payment_records import OperationState, PayableState, PaymentFile, PaymentStatus

from .sample_orders import a_placed_order, ending, invoice
from .sample_payments import a_payment, beginning, captured, known, raised, recording, return_token
from .samples import after, claim, money
from .stores import Stores
from .witness import audit_of, nothing_changes, race, waiting


class PaymentsContract:
    """Every clause of `Payments` about files and beginning. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    @pytest_asyncio.fixture
    async def fresh(self, stores: Stores) -> PaymentFile:
        """The file of an order nobody began to pay."""
        await a_placed_order(stores)
        return await stores.payments.file(invoice())

    # --- finding

    async def test_the_file_of_an_order_nobody_placed_is_unknown(self, stores: Stores, fresh: PaymentFile) -> None:
        with pytest.raises(UnknownOrder):
            await stores.payments.file(invoice(2))
        with pytest.raises(UnknownOrder):
            await stores.payments.file_and_prior(invoice(2), claim().scope)

    async def test_the_file_holds_everything_of_its_payable_and_nothing_else(self, stores: Stores) -> None:
        await a_payment(stores, 2)
        file = await a_payment(stores, 1)
        moved = known(file, money(100))
        await stores.payments.record(recording(file, movements=(moved,)))
        found = await stores.payments.file(invoice(1))
        assert found.payable == raised(file.payable)
        assert (found.payments, found.operations) == (file.payments, file.operations)
        assert found.movements == (moved,)
        assert {payment.invoice_id for payment in found.payments} == {invoice(1)}
        assert (await stores.payments.file(invoice(2))).movements == ()

    async def test_a_file_and_the_record_of_a_request_come_together(self, stores: Stores, fresh: PaymentFile) -> None:
        claimed = claim("pay-1")
        found = await stores.payments.file_and_prior(invoice(), claimed.scope)
        assert (found.file, found.prior) == (fresh, None)
        await stores.payments.begin(beginning(fresh, claimed=claimed))
        found = await stores.payments.file_and_prior(invoice(), claimed.scope)
        assert found.file == await stores.payments.file(invoice())
        assert found.prior is not None
        assert (found.prior.fingerprint, found.prior.answer) == (claimed.fingerprint, None)

    async def test_a_file_is_found_by_its_payment(self, stores: Stores) -> None:
        file, other = await a_payment(stores, 1), await a_payment(stores, 2)
        assert await stores.payments.file_of_payment(file.payments[0].id) == file
        with pytest.raises(UnknownPayment):
            await stores.payments.file_of_payment(max(file.payments[0].id, other.payments[0].id) + 1)

    async def test_a_file_is_found_by_our_reference(self, stores: Stores) -> None:
        file, _ = await a_payment(stores, 1), await a_payment(stores, 2)
        ours = file.payments[0].merchant_ref
        found = await stores.payments.file_by_reference("card", provider_ref=None, merchant_ref=ours)
        assert found == file

    async def test_a_file_is_found_by_the_providers_reference_first(self, stores: Stores) -> None:
        first, second = await a_payment(stores, 1), await a_payment(stores, 2)
        await stores.payments.record(recording(first, payments=(replace(first.payments[0], provider_ref="ch_first"),)))
        found = await stores.payments.file_by_reference(
            "card", provider_ref="ch_first", merchant_ref=second.payments[0].merchant_ref
        )
        assert found.payable.invoice_id == invoice(1)
        found = await stores.payments.file_by_reference(
            "card", provider_ref="ch_never_heard_of", merchant_ref=second.payments[0].merchant_ref
        )
        assert found.payable.invoice_id == invoice(2)

    async def test_a_reference_counts_for_its_own_method_only(self, stores: Stores) -> None:
        file = await a_payment(stores, 1)
        await stores.payments.record(recording(file, payments=(replace(file.payments[0], provider_ref="ch_1"),)))
        for provider_ref, merchant_ref in (("ch_1", None), (None, file.payments[0].merchant_ref)):
            with pytest.raises(UnknownPayment):
                await stores.payments.file_by_reference(
                    "e_wallet", provider_ref=provider_ref, merchant_ref=merchant_ref
                )

    async def test_no_reference_is_no_payment(self, stores: Stores) -> None:
        await a_payment(stores, 1)
        with pytest.raises(UnknownPayment):
            await stores.payments.file_by_reference("card", provider_ref=None, merchant_ref=None)
        with pytest.raises(UnknownPayment):
            await stores.payments.file_by_reference("card", provider_ref="ch_x", merchant_ref="x")

    async def test_a_payment_is_found_by_its_return_token(self, stores: Stores) -> None:
        file, _ = await a_payment(stores, 1), await a_payment(stores, 2)
        found = await stores.payments.file_by_return_token(return_token(invoice(1)))
        assert found == (file, file.payments[0].id)
        with pytest.raises(UnknownPayment):
            await stores.payments.file_by_return_token(return_token(invoice(3)))

    # --- beginning

    async def test_a_payment_begun_is_numbered_and_kept_with_its_start(
        self, stores: Stores, fresh: PaymentFile
    ) -> None:
        act = beginning(fresh, due=after(30))
        payment_id = await stores.payments.begin(act)
        assert payment_id > 0
        assert await stores.payments.file(invoice()) == PaymentFile(
            payable=act.payable,
            payments=(replace(act.payment, id=payment_id),),
            operations=(replace(act.operation, payment_id=payment_id),),
            movements=(),
        )

    async def test_beginning_opens_a_running_record_for_its_claim(self, stores: Stores, fresh: PaymentFile) -> None:
        claimed = claim("pay-1")
        await stores.payments.begin(beginning(fresh, claimed=claimed))
        kept = await stores.idempotency.find(claimed.scope)
        assert kept is not None
        assert (kept.fingerprint, kept.answer) == (claimed.fingerprint, None)

    async def test_beginning_writes_its_events_and_its_audit_entry(self, stores: Stores, fresh: PaymentFile) -> None:
        before = await waiting(stores)
        await stores.payments.begin(beginning(fresh))
        assert await waiting(stores) == before + 1
        assert len(await audit_of(stores, "payment.started")) == 1

    async def test_a_payment_decided_on_another_version_does_not_begin(
        self, stores: Stores, fresh: PaymentFile
    ) -> None:
        await stores.payments.record(recording(fresh))
        claimed = claim("pay-1")
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.payments.begin(beginning(fresh, claimed=claimed))
        assert await stores.idempotency.find(claimed.scope) is None

    async def test_a_payment_of_an_order_that_ended_meanwhile_does_not_begin(
        self, stores: Stores, fresh: PaymentFile
    ) -> None:
        await stores.orders.end(ending(invoice()))
        async with nothing_changes(stores):
            with pytest.raises(Conflict):
                await stores.payments.begin(beginning(fresh))
        assert (await stores.payments.file(invoice())).payable.state is PayableState.CLOSED

    async def test_a_claim_that_was_used_begins_nothing(self, stores: Stores, fresh: PaymentFile) -> None:
        claimed = claim("pay-1")
        await a_payment(stores, 2, claimed=claimed)
        async with nothing_changes(stores):
            with pytest.raises(AlreadyClaimed):
                await stores.payments.begin(beginning(fresh, claimed=claimed))

    async def test_a_payable_has_at_most_one_live_payment(self, stores: Stores) -> None:
        file = await a_payment(stores)
        claimed = claim("pay-2")
        async with nothing_changes(stores):
            with pytest.raises(PaymentLive):
                await stores.payments.begin(beginning(file, 2, claimed=claimed))
        assert await stores.idempotency.find(claimed.scope) is None

    async def test_a_superseded_payment_ends_in_the_act_that_begins_the_next(self, stores: Stores) -> None:
        file = await a_payment(stores, due=after(5))
        ended = replace(file.payments[0], is_live=False, status=PaymentStatus.CANCELED, last_updated=after(1))
        stopped = replace(file.operations[0], state=OperationState.CANCELED, next_check_at=None)
        payment_id = await stores.payments.begin(
            beginning(file, 2, superseded=(ended,), superseded_operations=(stopped,))
        )
        found = await stores.payments.file(invoice())
        assert found.payments[0] == ended
        assert [(payment.id, payment.is_live) for payment in found.payments] == [(ended.id, False), (payment_id, True)]
        assert stopped in found.operations

    async def test_a_new_payment_can_begin_once_the_first_is_over(self, stores: Stores) -> None:
        file = await a_payment(stores)
        await stores.payments.record(captured(file))
        again = await stores.payments.file(invoice())
        payment_id = await stores.payments.begin(beginning(again, 2))
        assert payment_id > file.payments[0].id

    async def test_of_eight_payments_at_once_one_begins(self, stores: Stores, fresh: PaymentFile) -> None:
        result = await race(*(stores.payments.begin(beginning(fresh, number)) for number in range(1, 9)))
        assert len(result.won) == 1
        assert result.reasons() <= {"Conflict", "PaymentLive"}
        found = await stores.payments.file(invoice())
        assert [payment.id for payment in found.payments] == result.won
        assert found.payable.version == fresh.payable.version + 1
        assert len(await audit_of(stores, "payment.started")) == 1

    async def test_of_eight_twins_of_one_claim_one_begins(self, stores: Stores, fresh: PaymentFile) -> None:
        claimed = claim("pay-1")
        result = await race(*(stores.payments.begin(beginning(fresh, n, claimed=claimed)) for n in range(1, 9)))
        assert len(result.won) == 1
        assert result.reasons() <= {"AlreadyClaimed", "Conflict", "PaymentLive"}
        assert len((await stores.payments.file(invoice())).payments) == 1

    async def test_an_order_is_either_ended_or_being_paid(self, stores: Stores, fresh: PaymentFile) -> None:
        async def end() -> str:
            await stores.orders.end(ending(invoice()))
            return "ended"

        async def begin() -> str:
            await stores.payments.begin(beginning(fresh))
            return "begun"

        result = await race(end(), begin())
        assert (len(result.won), result.reasons()) == (1, {"Conflict"})
        found = await stores.payments.file(invoice())
        assert (found.payable.state is PayableState.CLOSED) == (result.won == ["ended"])
        assert len(found.payments) == result.won.count("begun")
