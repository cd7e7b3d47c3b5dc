"""What the webhook checks are made of: a payment's life with its notices, and what can be done to them."""

import contextlib
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from kassa.ports.money import Money
from kassa.ports.payment import (
    Accept,
    AnyVerdict,
    Event,
    Movement,
    MovementKind,
    MovementState,
    PaymentMethod,
    RawWebhook,
)

from .bench import Bench, Payment
from .outcome import Failed, NotOffered
from .subject import Headers

MOST_BODY_POSITIONS = 160
MOST_ORDERS = 24
Facts: TypeAlias = dict[tuple[MovementKind, str], tuple[MovementState, Money]]


# --- judging


async def judged(bench: Bench, method: PaymentMethod[Any], body: bytes, headers: Headers) -> AnyVerdict:
    """The verdict of a certain instance. Raises `Failed` if it raises."""
    raw = RawWebhook(slug=bench.subject.webhook_slug, headers=headers, body=body, received_at=bench.tools.clock.now())
    said = await bench.attempt(method.webhook(bench.context(), raw))
    if isinstance(said, Exception):
        raise Failed(expected="webhook answers", seen=f"it raised {type(said).__name__}: {said}") from said
    return said


async def fresh(bench: Bench) -> PaymentMethod[Any]:
    """Another instance, configured alike, that remembers nothing. Whoever takes it closes it."""
    method = bench.configured(bench.settings())
    await bench.attempt(method.open(bench.context()))
    return method


def events_of(verdict: AnyVerdict) -> tuple[Event, ...]:
    """What is to be processed; nothing of a notice that is not accepted."""
    return verdict.events if isinstance(verdict, Accept) else ()


# --- a payment and its notices


async def noticed(bench: Bench) -> tuple[Payment, tuple[bytes, ...]]:
    """A paid payment, and the bodies of its notices in order; the last one tells that it is paid."""
    payment = await bench.paid()
    return payment, await _bodies(bench)


async def lived(bench: Bench) -> tuple[Payment, tuple[bytes, ...]]:
    """A payment with all that its capabilities allow (reserved, captured and refunded in two equal parts, a refund that came
    back), and its notices. What a command answers is no matter here: the notices and a query have to agree on it."""
    can, part = bench.capabilities, part_of(bench.amount, 4)
    payment = await bench.paid(capture=not can.auth_capture, given=bench.subject.waiting_input)
    if can.auth_capture:
        await _command(bench, payment, "capture", [part, part] if can.multi_capture else [bench.amount])
    if can.refund == "multiple":
        await _command(bench, payment, "refund", [part_of(part, 2)] * 2)
    elif can.refund != "none":
        await _command(bench, payment, "refund", [part if can.auth_capture and can.multi_capture else bench.amount])
    with contextlib.suppress(NotOffered):
        await come_back(bench, payment)
    return payment, await _bodies(bench)


async def _command(bench: Bench, payment: Payment, kind: Any, amounts: Iterable[Money]) -> None:
    for amount in amounts:
        await bench.attempt(bench.command(bench.operation(kind, payment, amount)))
        payment.movements = (await bench.query(payment)).movements


async def come_back(bench: Bench, payment: Payment) -> Movement | None:
    """The first succeeded refund in the books comes back; None if there is none. Raises `NotOffered`."""
    charge = await bench.provider.charge(payment.request.merchant_ref)
    for movement in charge.movements if charge else ():
        if movement.kind == "refund" and movement.state is MovementState.SUCCEEDED:
            await bench.provider.reverse(movement, payment.request.merchant_ref)
            return movement
    return None


async def _bodies(bench: Bench) -> tuple[bytes, ...]:
    bodies = await bench.provider.notices()
    if not bodies:
        raise Failed(expected="notices() tells what became of a payment", seen="none")
    return bodies


def part_of(amount: Money, share: int) -> Money:
    """A part, rounded down to a minor unit, and at least one."""
    return Money(amount=max(1, amount.amount // share), currency=amount.currency)


def folded(movements: Iterable[Movement], facts: Facts | None = None) -> Facts:
    """Movements merged by the greater state, as the kernel does. Raises `Failed` for one that changes its amount."""
    merged: Facts = {} if facts is None else facts
    for one in movements:
        state, amount = merged.get((one.kind, one.id), (one.state, one.amount))
        if amount != one.amount:
            raise Failed(expected=f"one amount for the {one.kind} {one.id}", seen=f"{amount} and {one.amount}")
        merged[one.kind, one.id] = (max(state, one.state), amount)
    return merged


def shown(facts: Facts) -> list[str]:
    """For a report."""
    return sorted(f"{kind} {id} {state.name} {amount}" for (kind, id), (state, amount) in facts.items())


def orders(count: int) -> Iterator[tuple[int, ...]]:
    """Every order of `count` things, or a spread of them that is always the same, from the natural to the reverse one."""
    total = math.factorial(count)
    most = min(total, MOST_ORDERS)
    for number in range(most):
        yield _order(count, number * (total - 1) // max(1, most - 1))


def _order(count: int, rank: int) -> tuple[int, ...]:
    left, order = list(range(count)), []
    for size in range(count, 0, -1):
        index, rank = divmod(rank, math.factorial(size - 1))
        order.append(left.pop(index))
    return tuple(order)


# --- damage


def damaged(text: bytes, positions: Sequence[int]) -> Iterator[tuple[str, bytes]]:
    """Each byte flipped, dropped, doubled; with what was done."""
    for at in positions:
        yield f"byte {at} flipped", text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        yield f"byte {at} dropped", text[:at] + text[at + 1 :]
        yield f"byte {at} doubled", text[: at + 1] + text[at:]


def spread(length: int) -> Sequence[int]:
    """Every position of a short body; of a long one both ends and a spread between."""
    if length <= MOST_BODY_POSITIONS:
        return range(length)
    end = 16
    step = (length - 2 * end) / (MOST_BODY_POSITIONS - 2 * end)
    middle = (end + int(number * step) for number in range(MOST_BODY_POSITIONS - 2 * end))
    return sorted({*range(end), *middle, *range(length - end, length)})
