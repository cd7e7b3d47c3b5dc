"""Queries: authoritative, free of effects, and never sure of what they do not know."""

import asyncio

from kassa.ports.payment import MovementState, NotExecuted, QueryRequest, Report, StartRequest

from .bench import Bench, Payment, query_of
from .check import Check, check, finds_by_ref, has_provider
from .faults import DROPPED, UNCLEAR, Fault
from .outcome import Failed, NotOffered, Skipped, expect

MOST_WAIT_S = 3.0
LOOK_S = 0.1


@check(
    "query.after-lost-reply",
    "A payment whose START was never answered is found by its reference, with all its movements",
    "this is how an unknown payment becomes paid; otherwise it waits for a person, and the customer for the goods",
    has_provider,
    finds_by_ref,
)
async def after_lost_reply(bench: Bench) -> None:
    request = bench.request()
    bench.proxy.arm(DROPPED)
    await bench.attempt(bench.begin(request))
    bench.proxy.arm(None)
    charge = await bench.provider.charge(request.merchant_ref)
    if charge is None:
        raise Skipped("its START sends nothing that makes a payment at the first request")
    report = await _found(bench, query_of(_unanswered(request)))
    expect(report.found, "found=True", report)
    expect(report.provider_ref in (None, charge.provider_ref), f"provider_ref {charge.provider_ref}", report)
    real = {one.id for one in charge.movements}
    expect({one.id for one in report.movements} == real, f"movements {sorted(real)}", report)


@check(
    "query.read-only",
    "Five queries of a paid payment say the same and change nothing in the provider's books",
    "the kernel queries as often as it likes: a query that acts would charge or end payments behind its back",
    has_provider,
)
async def read_only(bench: Bench) -> None:
    payment = await bench.paid()
    before = await bench.provider.charges()
    first = await bench.query(payment)
    for _ in range(4):
        report = await bench.query(payment)
        expect(report.movements == first.movements, "the same movements every time", [first, report])
    after = await bench.provider.charges()
    expect(before == after, "the provider's books as before", after)


@check(
    "query.matches-books",
    "A query tells exactly the movements in the provider's books, with the provider's ids and amounts",
    "the shop's ledger is made of them: what is left out is lost, what is renamed is counted twice",
    has_provider,
)
async def matches_books(bench: Bench) -> None:
    payment = await bench.paid()
    report = await bench.query(payment)
    charge = await bench.provider.charge(payment.request.merchant_ref)
    if charge is None:
        raise Failed(expected="a paid payment is in the books", seen="it is not")
    told = sorted((one.id, one.kind, int(one.state), str(one.amount)) for one in report.movements)
    real = sorted((one.id, one.kind, int(one.state), str(one.amount)) for one in charge.movements)
    expect(told == real, f"{real}", told)
    expect(report.provider_ref in (None, charge.provider_ref), f"provider_ref {charge.provider_ref}", report)
    expect(report.merchant_ref in (None, charge.merchant_ref), f"merchant_ref {charge.merchant_ref}", report)


@check(
    "query.unknown-reference",
    "A reference that the provider has never seen is not found",
    "the kernel sends a command again only when the provider says it never came; 'pending' for ever would block the order",
    has_provider,
    finds_by_ref,
)
async def unknown_reference(bench: Bench) -> None:
    await bench.started(bench.request())
    said = await bench.attempt(bench.ask(query_of(_unanswered(bench.request()))))
    expect(isinstance(said, Report) and not said.found, "found=False", said)
    expect(not getattr(said, "movements", ()), "no movements", said)


@check(
    "query.unrecognised-status",
    "A status that it does not know is pending, and so is a movement in such a state",
    "providers add states without notice: whatever it means, it is neither paid nor failed until we know",
    has_provider,
)
async def unrecognised_status(bench: Bench) -> None:
    payment = await bench.paid()
    rewritten: list[bool] = []

    def strange(body: bytes) -> bytes:
        changed = bench.subject.unrecognised(body)
        rewritten.append(changed != body)
        return changed

    bench.proxy.arm(Fault("a status that nobody knows", rewrites=strange))
    report = await bench.query(payment)
    if not any(rewritten):
        raise NotOffered("status_fields that are in an answer to a query")
    expect(report.found and report.status == "pending", "found, and pending", report)
    decided = [one for one in report.movements if one.state is not MovementState.PENDING]
    expect(not decided, "movements that are pending", report)


@check(
    "query.unanswered",
    "A query that is not answered says nothing: it raises, or tells neither an end nor money",
    "the kernel acts on what a query says: 'not found' out of a gateway's error page lets a payment be made twice",
    has_provider,
)
async def unanswered(bench: Bench) -> None:
    payment = await bench.paid()
    truth = await bench.query(payment)
    for fault in (DROPPED, *UNCLEAR):
        bench.proxy.arm(fault)
        said = await bench.attempt(bench.ask(query_of(payment)))
        bench.proxy.arm(None)
        _expect_silence(said, truth, fault.name)
    await bench.provider.refuse()
    said = await bench.attempt(bench.ask(query_of(payment)))
    await bench.provider.accept()
    _expect_silence(said, truth, "the connection is refused")


def _expect_silence(said: Report | Exception, truth: Report, what: str) -> None:
    if isinstance(said, Exception) or said == truth:
        return
    silent = said.found and said.status == "pending" and not said.movements
    expect(silent, f"an exception, or nothing but pending, when {what}", said)


@check(
    "query.refused-by-customer",
    "A payment that its customer refuses is reported as failed or canceled, without money",
    "the customer is back in the shop and wants to choose another way to pay",
    has_provider,
)
async def refused_by_customer(bench: Bench) -> None:
    payment = await bench.started(bench.request(given=bench.subject.waiting_input))
    action = getattr(payment.outcome, "next_action", None)
    if action is None:
        raise NotOffered("waiting_input for a payment that its customer can refuse")
    await bench.provider.refuse_payment(action, payment.request.merchant_ref)
    report = await bench.query(payment)
    expect(report.status in ("failed", "canceled"), "failed or canceled", report)
    moved = [one for one in report.movements if one.state is MovementState.SUCCEEDED]
    expect(not moved, "no money", moved)


@check(
    "query.health",
    "health tells whether the provider answers, and makes nothing there",
    "it is asked all the time, and decides whether the method is offered",
    has_provider,
)
async def health(bench: Bench) -> None:
    before = await bench.provider.charges()
    said = await bench.attempt(bench.method.health(bench.context()))
    expect(said is True, "True from a provider that answers", said)
    expect(await bench.provider.charges() == before, "the provider's books as before", "they changed")
    if not bench.proxy.sent:
        return
    await bench.provider.refuse()
    said = await bench.attempt(bench.method.health(bench.context()))
    await bench.provider.accept()
    expect(said is not True, "False, or an exception, from a provider that is away", said)


def _unanswered(request: StartRequest) -> Payment:
    outcome = NotExecuted(reason="no answer ever came")
    return Payment(request=request, outcome=outcome, provider_ref=None, state=b"", movements=())


async def _found(bench: Bench, request: QueryRequest) -> Report:
    """Ask until it is found or the provider's own time is over."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + min(bench.capabilities.query_consistency_s, MOST_WAIT_S)
    while True:
        report = await bench.attempt(bench.ask(request))
        if isinstance(report, Exception):
            raise Failed(expected="query answers", seen=repr(report))
        if report.found or loop.time() >= ends_at:
            return report
        await bench.tools.clock.sleep(LOOK_S)


CHECKS: tuple[Check, ...] = (
    after_lost_reply, read_only, matches_books, unknown_reference, unrecognised_status, unanswered, refused_by_customer,
    health,
)  # fmt: skip
