"""Money that goes back: in parts, never too much, never twice, and sometimes back again."""

from msgspec.structs import replace

from kassa.ports.payment import MovementState, OperationRequest

from .bench import Bench, Payment
from .check import Check, check, has_provider, is_idempotent, refunds
from .checks_money_books import (
    books,
    expect_agreement,
    expect_refused,
    expect_through,
    learned,
    moved,
    of_kind,
    parts,
    told,
)
from .checks_webhook_notices import come_back
from .faults import DROPPED
from .outcome import Failed, Skipped, expect

MOST_STEPS = 4


@check(
    "money.refunds",
    "Each refund has an id of its own, and all of them total what the provider says",
    "two refunds under one id are one in the shop's books, and the third is paid out of the shop's pocket",
    has_provider,
    refunds,
)
async def in_parts(bench: Bench) -> None:
    part = parts(bench)
    amounts = {"multiple": [part, part + part], "partial": [part]}.get(bench.capabilities.refund, [bench.amount])
    payment = await bench.paid()
    await moved(bench, payment, "refund", amounts)
    await expect_agreement(bench, payment, "refund", amounts)
    await expect_agreement(bench, payment, "capture", [bench.amount])


@check(
    "money.over-refund",
    "Refunding more than was captured is Declined, and changes nothing",
    "a refund that seems to have worked is told to the customer, who waits for it",
    has_provider,
    refunds,
)
async def over_refund(bench: Bench) -> None:
    payment = await bench.paid()
    await moved(bench, payment, "refund", [bench.amount])
    await expect_refused(bench, payment, "refund", parts(bench))


@check(
    "money.refund-once",
    "The same refund, asked for twice, is one refund, and both answers say that it went through",
    "the kernel repeats what it has no answer to: with something left to refund the customer would get it twice",
    has_provider,
    refunds,
    is_idempotent,
)
async def refund_once(bench: Bench) -> None:
    payment = await bench.paid()
    operation = _refund(bench, payment)
    for attempt in ("the first", "the second"):
        expect_through(await bench.operate(operation), f"{attempt} time it goes through")
    await learned(bench, payment, await bench.operate(replace(operation, movements=payment.movements)))
    made = of_kind((await books(bench, payment)).movements, "refund")
    expect(len(made) == 1, "one refund in the books", told(made))


@check(
    "money.refund-lost-reply",
    "A refund whose answer was lost is shown by a query",
    "this is how the kernel learns that the customer has the money; otherwise a person sends it again",
    has_provider,
    refunds,
)
async def refund_lost_reply(bench: Bench) -> None:
    for at in range(MOST_STEPS):
        payment = await bench.paid()
        bench.proxy.arm(DROPPED, at)
        await bench.attempt(bench.command(_refund(bench, payment)))
        was_met = bench.proxy.met > 0
        bench.proxy.arm(None)
        made = of_kind((await books(bench, payment)).movements, "refund")
        if not was_met:
            break
        if made:
            said = of_kind((await bench.query(payment)).movements, "refund")
            seen = sorted(str(one.amount) for one in said)
            expect(seen == sorted(str(one.amount) for one in made), f"{told(made)} by query", told(said))
            return
    raise Skipped("no request of its refund moves money and is answered afterwards")


@check(
    "money.reversed-refund",
    "A refund that comes back after it succeeded is REVERSED",
    "the account that it went to is closed: the shop has the money again, and owes it",
    has_provider,
    refunds,
)
async def reversed_refund(bench: Bench) -> None:
    payment = await bench.paid()
    await moved(bench, payment, "refund", [bench.amount])
    movement = await come_back(bench, payment)
    if movement is None:
        raise Failed(expected="a refund that succeeded in the books", seen="none")
    said = of_kind((await bench.query(payment)).movements, "refund")
    expect([one.state for one in said] == [MovementState.REVERSED], "one refund that is REVERSED", told(said))


def _refund(bench: Bench, payment: Payment) -> OperationRequest:
    """Of a part where the method can, so that a second one would fit too."""
    is_partial = bench.capabilities.refund in ("partial", "multiple")
    return bench.operation("refund", payment, parts(bench) if is_partial else bench.amount)


CHECKS: tuple[Check, ...] = (in_parts, over_refund, refund_once, refund_lost_reply, reversed_refund)
