"""The contracts of what `kassa.ports.payment_records.Payments` holds for a while: numbers and amounts that a payment has for
itself, and wishes that wait for a second person (`kassa.ports.approvals`)."""

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from kassa.ports.approvals import Approval, AskApproval
from kassa.ports.errors import PaymentLive, ReferenceTaken
from kassa.ports.payment_records import BeginPayment, Payment, PaymentFile, PaymentStatus, Reservation

from .sample_orders import a_placed_order, invoice
from .sample_payments import beginning, recording
from .samples import NOW, after, claim, entry
from .stores import Stores
from .witness import audit_of, nothing_changes, race

DAY_S = 86_400


async def a_file(stores: Stores, number: int) -> PaymentFile:
    """The file of an order nobody began to pay."""
    await a_placed_order(stores, number)
    return await stores.payments.file(invoice(number))


def reserving(file: PaymentFile, value: str = "7", *, until: float = DAY_S, at: float = 0, **more: str) -> BeginPayment:
    """The act of beginning a payment that has `value` for itself."""
    act = beginning(file, **more)  # type: ignore[arg-type]
    payment = replace(act.payment, reserved=int(value), forgives=3)
    held = Reservation(value=value, held_until=after(until))
    return replace(act, payment=payment, reservation=held, audit=replace(act.audit, at=after(at)))


async def begun(stores: Stores, number: int, value: str = "7", **more: object) -> Payment:
    """A payment of `invoice(number)` that has `value` for itself."""
    act = reserving(await a_file(stores, number), value, **more)  # type: ignore[arg-type]
    await stores.payments.begin(act)
    return (await stores.payments.file(invoice(number))).payments[0]


async def ended(stores: Stores, number: int) -> None:
    """Its payment lives no more."""
    file = await stores.payments.file(invoice(number))
    over = replace(file.payments[0], is_live=False, status=PaymentStatus.EXPIRED)
    await stores.payments.record(recording(file, payments=(over,)))


class ReservationsContract:
    """Every clause of `Payments` about what a payment has for itself. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def test_a_payment_holds_what_it_reserved(self, stores: Stores) -> None:
        payment = await begun(stores, 1)
        assert (payment.reserved, payment.forgives) == (7, 3)
        assert await stores.payments.reserved("card", ("7", "8")) == {"7": payment.id}
        assert await stores.payments.taken("card", ("7", "8"), now=NOW) == {"7"}

    async def test_what_is_held_begins_no_other_payment(self, stores: Stores) -> None:
        payment, file = await begun(stores, 1), await a_file(stores, 2)
        await ended(stores, 1)
        claimed = claim("pay-2")
        async with nothing_changes(stores):
            with pytest.raises(ReferenceTaken):
                await stores.payments.begin(replace(reserving(file, at=DAY_S - 1), claim=claimed))
        assert await stores.idempotency.find(claimed.scope) is None
        assert await stores.payments.reserved("card", ("7",)) == {"7": payment.id}
        assert await stores.payments.taken("card", ("7",), now=after(DAY_S - 1)) == {"7"}

    async def test_when_its_hold_is_over_another_payment_may_have_it(self, stores: Stores) -> None:
        await begun(stores, 1)
        await ended(stores, 1)
        assert await stores.payments.taken("card", ("7",), now=after(DAY_S)) == frozenset()
        payment = await begun(stores, 2, at=DAY_S, until=2 * DAY_S)
        assert await stores.payments.reserved("card", ("7",)) == {"7": payment.id}
        assert await stores.payments.taken("card", ("7",), now=after(DAY_S)) == {"7"}

    async def test_a_live_payment_keeps_it_when_its_hold_is_over(self, stores: Stores) -> None:
        await begun(stores, 1)
        file = await a_file(stores, 2)
        assert await stores.payments.taken("card", ("7",), now=after(DAY_S)) == {"7"}
        async with nothing_changes(stores):
            with pytest.raises(ReferenceTaken):
                await stores.payments.begin(reserving(file, at=DAY_S))

    async def test_one_that_was_held_once_is_still_told_whose_it_was(self, stores: Stores) -> None:
        payment = await begun(stores, 1, until=-1)
        await ended(stores, 1)
        assert await stores.payments.reserved("card", ("7",)) == {"7": payment.id}

    async def test_every_method_has_its_own(self, stores: Stores) -> None:
        await begun(stores, 1)
        assert await stores.payments.reserved("wallet", ("7",)) == {}
        assert await stores.payments.taken("wallet", ("7",), now=NOW) == frozenset()
        other = await begun(stores, 2, method="wallet")
        assert await stores.payments.reserved("wallet", ("7",)) == {"7": other.id}

    async def test_a_payment_that_does_not_begin_holds_nothing(self, stores: Stores) -> None:
        await begun(stores, 1)
        file = await stores.payments.file(invoice(1))
        with pytest.raises(PaymentLive):
            await stores.payments.begin(reserving(file, "8", number=2))  # type: ignore[arg-type]
        assert await stores.payments.reserved("card", ("8",)) == {}

    async def test_of_eight_payments_that_want_one_number_one_begins(self, stores: Stores) -> None:
        acts = [reserving(await a_file(stores, number)) for number in range(1, 9)]
        result = await race(*(stores.payments.begin(act) for act in acts))
        assert (len(result.won), result.reasons()) == (1, {"ReferenceTaken"})
        assert await stores.payments.reserved("card", ("7",)) == {"7": result.won[0]}
        files = [await stores.payments.file(invoice(number)) for number in range(1, 9)]
        assert sum(len(file.payments) for file in files) == 1
        assert len(await audit_of(stores, "payment.started")) == 1


# --- wishes that wait for a second person ---------------------------------------------------------------------


def wish(key: str = "confirm/5", actor: str = "account:1", *, at: float = 0, lasts: float = 3600) -> AskApproval:
    """What an operator wants done."""
    approval = Approval(
        key=key,
        deed="confirm",
        word=Raw(msgspec.json.encode({"of": actor})),
        actor=actor,
        at=after(at),
        until=after(at + lasts),
    )
    return AskApproval(approval=approval, audit=entry("approval.asked", at=after(at), actor=actor))


def said(approval: Approval) -> tuple[object, ...]:
    """What an approval says, whatever the blanks in its JSON."""
    return approval.key, approval.deed, approval.actor, approval.at, approval.until, msgspec.json.decode(approval.word)


class ApprovalsContract:
    """Every clause of `Approvals`. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    async def waiting(self, stores: Stores, *, at: float = 0, limit: int = 100) -> list[str]:
        """The keys that wait."""
        return [approval.key for approval in await stores.payments.approvals(now=after(at), limit=limit)]

    async def test_a_wish_is_kept_and_audited(self, stores: Stores) -> None:
        act = wish()
        assert said(await stores.payments.ask_approval(act)) == said(act.approval)
        assert [said(one) for one in await stores.payments.approvals(now=NOW, limit=10)] == [said(act.approval)]
        assert len(await audit_of(stores, "approval.asked")) == 1

    async def test_a_wish_that_waits_already_is_told_and_nothing_changes(self, stores: Stores) -> None:
        first = wish()
        await stores.payments.ask_approval(first)
        for actor in ("account:1", "account:2"):
            async with nothing_changes(stores):
                found = await stores.payments.ask_approval(wish(actor=actor, at=3599))
            assert said(found) == said(first.approval)

    async def test_one_that_is_over_does_not_wait_and_gives_way(self, stores: Stores) -> None:
        await stores.payments.ask_approval(wish())
        assert await self.waiting(stores, at=3600) == []
        again = wish(actor="account:2", at=3600)
        assert said(await stores.payments.ask_approval(again)) == said(again.approval)
        assert await self.waiting(stores, at=3600) == ["confirm/5"]
        assert len(await audit_of(stores, "approval.asked")) == 2

    async def test_what_is_done_waits_no_more(self, stores: Stores) -> None:
        for key in ("a", "b"):
            await stores.payments.ask_approval(wish(key))
        for _ in range(2):
            await stores.payments.approved("a")
        assert await self.waiting(stores) == ["b"]

    async def test_the_oldest_wish_is_told_first_and_not_more_than_asked(self, stores: Stores) -> None:
        for key, seconds in (("new", 3), ("old", 1), ("middle", 2)):
            await stores.payments.ask_approval(wish(key, at=seconds))
        assert await self.waiting(stores) == ["old", "middle", "new"]
        assert await self.waiting(stores, limit=2) == ["old", "middle"]

    async def test_of_eight_who_wish_the_same_at_once_one_is_the_first(self, stores: Stores) -> None:
        acts = [wish(actor=f"account:{number}") for number in range(1, 9)]
        result = await race(*(stores.payments.ask_approval(act) for act in acts))
        assert result.reasons() <= {"Conflict"}
        assert len({one.actor for one in result.won}) == 1
        assert len(await audit_of(stores, "approval.asked")) == 1
