"""The contract of `kassa.ports.idempotency.IdempotencyRecords`."""

import pytest
from msgspec.structs import replace

from kassa.ports.errors import Conflict
from kassa.ports.idempotency import AnswerKind, Claim

from .sample_orders import a_placed_order
from .sample_payments import a_payment
from .samples import after, answer, claim
from .stores import Stores


class IdempotencyRecordsContract:
    """Every clause of `IdempotencyRecords`. Provide the fixture `stores`. That acts write them: `checkout`, `payment`."""

    pytestmark = pytest.mark.asyncio

    async def running(self, stores: Stores, number: int = 1) -> Claim:
        """A claim whose request still runs."""
        claimed = claim(f"running-{number}")
        await a_payment(stores, number, claimed=claimed)
        return claimed

    async def test_a_request_never_made_has_no_record(self, stores: Stores) -> None:
        assert await stores.idempotency.find(claim("never").scope) is None

    async def test_a_finished_record_tells_answer_fingerprint_and_time(self, stores: Stores) -> None:
        act = await a_placed_order(stores)
        kept = await stores.idempotency.find(act.claim.scope)
        assert kept is not None
        assert (kept.fingerprint, kept.answer, kept.at) == (act.claim.fingerprint, act.answer, act.order.placed_at)

    async def test_the_same_key_of_another_caller_or_route_is_another_key(self, stores: Stores) -> None:
        scope = (await a_placed_order(stores)).claim.scope
        assert await stores.idempotency.find(replace(scope, principal="account:999")) is None
        assert await stores.idempotency.find(replace(scope, route="POST /v1/other")) is None
        assert await stores.idempotency.find(replace(scope, key=scope.key + "x")) is None

    async def test_a_running_record_has_no_answer(self, stores: Stores) -> None:
        claimed = await self.running(stores)
        kept = await stores.idempotency.find(claimed.scope)
        assert kept is not None
        assert (kept.answer, kept.fingerprint) == (None, claimed.fingerprint)

    @pytest.mark.parametrize("kind", list(AnswerKind))
    async def test_a_running_record_is_finished_byte_for_byte(self, stores: Stores, kind: AnswerKind) -> None:
        claimed = await self.running(stores)
        given = replace(answer(b'{ "odd" :\t"\xc3\xa4"}\n'), kind=kind)
        await stores.idempotency.finish(claimed, given)
        kept = await stores.idempotency.find(claimed.scope)
        assert kept is not None
        assert kept.answer == given

    async def test_a_finished_record_is_left_as_it_is(self, stores: Stores) -> None:
        claimed = await self.running(stores)
        await stores.idempotency.finish(claimed, answer(b"first"))
        await stores.idempotency.finish(claimed, answer(b"second"))
        kept = await stores.idempotency.find(claimed.scope)
        assert kept is not None
        assert kept.answer == answer(b"first")

    async def test_what_was_never_claimed_cannot_be_finished(self, stores: Stores) -> None:
        with pytest.raises(Conflict):
            await stores.idempotency.finish(claim("never"), answer())
        assert await stores.idempotency.find(claim("never").scope) is None

    async def test_old_finished_records_are_dropped_and_counted(self, stores: Stores) -> None:
        act = await a_placed_order(stores)
        assert await stores.idempotency.purge(before=after(1), limit=10) == 1
        assert await stores.idempotency.find(act.claim.scope) is None

    async def test_younger_records_are_not_dropped(self, stores: Stores) -> None:
        act = await a_placed_order(stores, at=after(10))
        assert await stores.idempotency.purge(before=after(9), limit=10) == 0
        assert await stores.idempotency.find(act.claim.scope) is not None

    async def test_running_records_are_not_dropped(self, stores: Stores) -> None:
        claimed = await self.running(stores)
        await stores.idempotency.purge(before=after(86_400), limit=10)
        assert await stores.idempotency.find(claimed.scope) is not None

    async def test_dropping_is_bounded(self, stores: Stores) -> None:
        for number in range(1, 4):
            await a_placed_order(stores, number)
        assert [await stores.idempotency.purge(before=after(1), limit=2) for _ in range(3)] == [2, 1, 0]
