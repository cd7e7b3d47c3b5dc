"""What START makes of an answer that never comes or says nothing, although the provider did what was asked."""

from kassa.ports.payment import Declined, NotExecuted, Succeeded

from .bench import Bench
from .check import Check, has_provider
from .faults import (
    BROKEN,
    DROPPED,
    EMPTY,
    ERROR_500,
    ERROR_502,
    ERROR_503,
    HTML_PAGE,
    NO_LIST,
    NO_OBJECT,
    NO_TEXT,
    REDIRECT,
    TRUNCATED,
    Fault,
)
from .outcome import Skipped, expect

MOST_STEPS = 5
_WHY = "declined, the customer pays again; not executed, the kernel sends again: two charges, or goods that nobody paid"


async def undecided(bench: Bench, fault: Fault) -> None:
    """START, with the fault at each of its requests in turn, must not decide what it cannot know."""
    steps = await bench.sent_by(bench.begin(bench.request()))
    if not steps:
        raise Skipped("its START sends nothing")
    for at in range(min(steps, MOST_STEPS)):
        request = bench.request()
        bench.proxy.arm(fault, at)
        said = await bench.attempt(bench.begin(request))
        bench.proxy.arm(None)
        charge = await bench.provider.charge(request.merchant_ref)
        expect(not isinstance(said, Declined), "neither Declined nor NotExecuted", said)
        expect(charge is None or not isinstance(said, NotExecuted), "neither Declined nor NotExecuted", said)
        if isinstance(said, Succeeded):
            real = {one.id for one in charge.movements} if charge else set()
            invented = [one.id for one in said.movements if one.id not in real]
            expect(not invented, "movements that the provider has", invented)


def _unclear(name: str, fault: Fault) -> Check:
    async def run(bench: Bench) -> None:
        await undecided(bench, fault)

    claim = f"{fault.name[0].upper()}{fault.name[1:]}, after execution: neither Declined nor NotExecuted"
    return Check(id=f"command.{name}", claim=claim, why=_WHY, run=run, when=(has_provider,))


CHECKS: tuple[Check, ...] = (
    _unclear("lost-reply", DROPPED),
    _unclear("broken-reply", BROKEN),
    _unclear("error-500", ERROR_500),
    _unclear("error-502", ERROR_502),
    _unclear("error-503", ERROR_503),
    _unclear("truncated-reply", TRUNCATED),
    _unclear("html-reply", HTML_PAGE),
    _unclear("empty-reply", EMPTY),
    _unclear("redirect-reply", REDIRECT),
    _unclear("null-reply", NO_OBJECT),
    _unclear("list-reply", NO_LIST),
    _unclear("binary-reply", NO_TEXT),
)
