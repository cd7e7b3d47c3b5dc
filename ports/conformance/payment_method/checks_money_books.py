"""What the money checks are made of: commands, and the method's word compared with the provider's books."""

from collections.abc import Iterable, Sequence

from kassa.ports.money import Money
from kassa.ports.payment import AnyOutcome, Movement, MovementKind, MovementState, Pending, Report, Succeeded

from .bench import Bench, Payment
from .outcome import Failed, expect
from .subject import Charge

GONE = ("canceled", "expired", "failed")
"""What a query says of a payment that nobody will pay any more."""


def parts(bench: Bench, amount: Money | None = None) -> Money:
    """A quarter of the usual amount, or of another, in whole steps."""
    whole = amount or bench.amount
    rules = (rule for rule in bench.capabilities.amounts if rule.currency in ("*", whole.currency))
    step = next((rule.step for rule in rules), 1)
    return Money(amount=max(step, whole.amount // 4 // step * step), currency=whole.currency)


async def books(bench: Bench, payment: Payment) -> Charge:
    """What the provider has of it. Raises `Failed` if nothing."""
    charge = await bench.provider.charge(payment.request.merchant_ref)
    if charge is None:
        raise Failed(expected=f"{payment.request.merchant_ref} is in the books", seen="it is not")
    return charge


def of_kind(movements: Iterable[Movement], kind: MovementKind) -> list[Movement]:
    """All of a kind that did not fail."""
    return [one for one in movements if one.kind == kind and one.state is not MovementState.FAILED]


def total(movements: Iterable[Movement], kind: MovementKind) -> int:
    """Minor units of a kind that moved, and did not come back."""
    return sum(one.amount.amount for one in of_kind(movements, kind) if one.state is not MovementState.REVERSED)


def told(movements: Iterable[Movement]) -> list[str]:
    """For a report."""
    return sorted(f"{one.kind} {one.id} {one.state.name} {one.amount}" for one in movements)


async def moved(bench: Bench, payment: Payment, kind: MovementKind, amounts: Sequence[Money]) -> None:
    """Capture or refund these parts, one after the other. Raises `Failed` unless each goes through."""
    for amount in amounts:
        said = await bench.operate(bench.operation("capture" if kind == "capture" else "refund", payment, amount))
        expect_through(said, f"a {kind} of {amount} goes through")
        await learned(bench, payment, said)


def expect_through(said: AnyOutcome, what: str) -> None:
    """Raises `Failed` for a refusal."""
    expect(isinstance(said, Succeeded | Pending), what, said)


async def learned(bench: Bench, payment: Payment, said: AnyOutcome) -> Report:
    """Remember an outcome and what a query tells after it, as the kernel does."""
    payment.learn(said)
    report = await bench.query(payment)
    payment.movements = report.movements
    return report


async def expect_agreement(bench: Bench, payment: Payment, kind: MovementKind, amounts: Sequence[Money]) -> None:
    """These parts and no others are in the books, and a query tells each of them by the provider's own id."""
    real = of_kind((await books(bench, payment)).movements, kind)
    wanted = sorted(str(amount) for amount in amounts)
    expect(sorted(str(one.amount) for one in real) == wanted, f"{kind}s of {wanted} in the books", told(real))
    said = of_kind((await bench.query(payment)).movements, kind)
    expect(len({one.id for one in said}) == len(said), f"an id for every {kind}", told(said))
    expect(told(said) == told(real), f"{told(real)} by query, as in the books", told(said))


async def expect_refused(bench: Bench, payment: Payment, kind: MovementKind, amount: Money) -> None:
    """It is Declined, and nothing changes in the books."""
    before = await books(bench, payment)
    operation = bench.operation("capture" if kind == "capture" else "refund", payment, amount)
    said = await bench.operate(operation)
    after = await books(bench, payment)
    expect(told(after.movements) == told(before.movements), f"the books as before: {told(before.movements)}", after)
    expect(said.__class__.__name__ == "Declined", f"Declined for a {kind} of {amount}", said)
