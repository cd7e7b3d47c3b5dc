"""Money that is reserved: taken in parts, never too much, and let go."""

import contextlib

from kassa.ports.payment import AnyOutcome, Pending, ShowAccount, Succeeded

from .bench import Bench, Payment
from .check import Check, captures, captures_partly, check, has_provider, voids
from .checks_money_books import (
    GONE,
    books,
    expect_agreement,
    expect_refused,
    expect_through,
    learned,
    moved,
    of_kind,
    parts,
    told,
    total,
)
from .outcome import Failed, NotOffered, Skipped, expect


@check(
    "money.captures",
    "Each captured part has an id of its own, and all of them total what the provider says",
    "goods leave in several parcels; two captures under one id are one in the shop's books",
    has_provider,
    captures_partly,
)
async def in_parts(bench: Bench) -> None:
    part = parts(bench)
    amounts = [part, part + part] if bench.capabilities.multi_capture else [part]
    payment = await bench.paid(capture=False)
    await moved(bench, payment, "capture", amounts)
    await expect_agreement(bench, payment, "capture", amounts)


@check(
    "money.over-capture",
    "Capturing more than is reserved is Declined, and changes nothing",
    "a capture that seems to have worked is goods that leave unpaid",
    has_provider,
    captures,
)
async def over_capture(bench: Bench) -> None:
    payment = await bench.paid(capture=False)
    await moved(bench, payment, "capture", [bench.amount])
    await expect_refused(bench, payment, "capture", parts(bench))


@check(
    "money.void-reservation",
    "A void lets go of a reservation: afterwards nothing can be captured",
    "the customer's money stays blocked, or is taken for an order that was canceled",
    has_provider,
    captures,
    voids,
)
async def void_reservation(bench: Bench) -> None:
    payment = await bench.paid(capture=False)
    said = await bench.operate(bench.operation("void", payment))
    if not isinstance(said, Succeeded | Pending):
        raise Skipped("its void is refused: see operation.works")
    await _expect_gone(bench, payment, said)
    await expect_refused(bench, payment, "capture", bench.amount)


@check(
    "money.void-waiting",
    "A void ends a payment that waits for its customer: afterwards it cannot be paid",
    "the customer chose another way to pay, and pays both",
    has_provider,
    voids,
)
async def void_waiting(bench: Bench) -> None:
    payment = await bench.started(bench.request(given=bench.subject.waiting_input))
    action = getattr(payment.outcome, "next_action", None)
    if not isinstance(payment.outcome, Pending) or action is None:
        raise NotOffered("waiting_input for a payment that can be voided")
    said = await bench.operate(bench.operation("void", payment))
    expect_through(said, "a void that goes through")
    await _expect_gone(bench, payment, said)
    if isinstance(action, ShowAccount):
        return  # nobody can keep a customer from sending money; it is late, and reported
    with contextlib.suppress(Failed):  # the provider may not even show the page any more
        await bench.provider.pay(action, payment.request.merchant_ref)
    taken = of_kind((await books(bench, payment)).movements, "capture")
    expect(not taken, "nothing can be paid after the void", told(taken))


@check(
    "money.void-paid",
    "The void of a payment that is paid is refused, or gives the money back",
    "the customer paid in the very moment in which the shop canceled: the money would belong to no order",
    has_provider,
    voids,
)
async def void_paid(bench: Bench) -> None:
    payment = await bench.paid()
    said = await bench.operate(bench.operation("void", payment))
    report = await learned(bench, payment, said)
    kept = total((await books(bench, payment)).movements, "capture")
    expect(not (isinstance(said, Succeeded) and kept), "Declined, while the provider keeps the money", said)
    expect(total(report.movements, "capture") == kept, f"{kept} captured by query, as in the books", report)


async def _expect_gone(bench: Bench, payment: Payment, said: AnyOutcome) -> None:
    report = await learned(bench, payment, said)
    expect(report.status in GONE, f"one of {', '.join(GONE)} by query after the void", report)


CHECKS: tuple[Check, ...] = (in_parts, over_capture, void_reservation, void_waiting, void_paid)
