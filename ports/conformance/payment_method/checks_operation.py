"""Capture, void, refund, resume: the same demands as on START, on a payment that is ready for them."""

from msgspec.structs import replace

from kassa.ports.payment import Declined, NotExecuted, OperationRequest, Pending

from .bench import Bench, Kind
from .check import Check, check, has_provider, sends_a_key
from .faults import DROPPED, EMPTY, ERROR_502, TRUNCATED, Fault
from .keys import carriers, changing
from .outcome import NotOffered, expect
from .subject import Subject

LOST = (DROPPED, ERROR_502, TRUNCATED, EMPTY)
MOST_STEPS = 4


def kinds(subject: Subject) -> tuple[Kind, ...]:
    """The commands that a method declares, besides START."""
    can = subject.kind.capabilities
    declared: dict[Kind, bool] = {
        "capture": can.auth_capture,
        "void": can.void,
        "refund": can.refund != "none",
        "resume": can.resume,
    }
    return tuple(kind for kind, is_declared in declared.items() if is_declared)


def operates(subject: Subject) -> str:
    """Applies to methods with any command besides START."""
    return "" if kinds(subject) else "the method declares no capture, void, refund or resume"


async def ready(bench: Bench, kind: Kind) -> OperationRequest:
    """A command that can succeed, on a payment of its own. Raises `NotOffered` when the subject offers no such payment."""
    can, subject = bench.capabilities, bench.subject
    if kind == "capture":
        return bench.operation(kind, await bench.paid(capture=False), bench.amount)
    if kind == "refund":
        return bench.operation(kind, await bench.paid(), bench.amount)
    if kind == "void":
        if can.auth_capture:
            return bench.operation(kind, await bench.paid(capture=False))
        waiting = await bench.started(bench.request(given=subject.waiting_input))
        if not isinstance(waiting.outcome, Pending):
            raise NotOffered("waiting_input for a payment that can be voided")
        return bench.operation(kind, waiting)
    asked = await bench.started(bench.request(given=subject.collecting_input))
    action = await bench.asked(asked, asked.outcome)
    if action is None:
        raise NotOffered("collecting_input for a payment that asks to collect something")
    typed = await bench.provider.collect(action, asked.request.merchant_ref)
    return replace(bench.operation(kind, asked), input=typed)


@check(
    "operation.works",
    "Every command that it declares goes through on a payment that is ready for it",
    "what is declared is offered to operators and customers",
    has_provider,
    operates,
)
async def works(bench: Bench) -> None:
    for kind in kinds(bench.subject):
        said = await bench.operate(await ready(bench, kind))
        expect(not isinstance(said, Declined | NotExecuted), f"a {kind} that goes through", said)


@check(
    "operation.same-key",
    "The same command sent twice carries the same key and moves money once",
    "a refund that is retried without its key pays the customer twice",
    has_provider,
    operates,
)
async def same_key(bench: Bench) -> None:
    for kind in kinds(bench.subject):
        request = await ready(bench, kind)
        count = len(bench.proxy.sent)
        bench.proxy.arm(DROPPED)
        await bench.attempt(bench.command(request))
        bench.proxy.arm(None)
        if not changing(bench.proxy.sent[count:]):  # a question came first, and its answer was lost
            await bench.attempt(bench.command(request))
        first, middle = changing(bench.proxy.sent[count:]), len(bench.proxy.sent)
        await bench.attempt(bench.command(request))
        second = changing(bench.proxy.sent[middle:])
        if bench.capabilities.idempotency == "header" and first:
            keys = carriers(first, bench)
            expect(bool(keys), f"ctx.key() in a header of the {kind}", [[*dict(one.headers)] for one in first])
            seen = carriers(second, bench)
            expect(set(seen) <= set(keys), f"the same key both times for the {kind}", "another one")
        if bench.capabilities.idempotency != "none":
            await _expect_one_movement(bench, request)


async def _expect_one_movement(bench: Bench, request: OperationRequest) -> None:
    charge = await bench.provider.charge(request.merchant_ref)
    made = [one for one in charge.movements if one.kind == request.kind] if charge else []
    if request.kind in ("capture", "refund"):
        expect(len(made) <= 1, f"one {request.kind}", f"{len(made)} of them")


@check(
    "operation.other-keys",
    "Different commands carry different keys",
    "the second refund would be answered with the first one's success, and the customer waits for money that never comes",
    has_provider,
    operates,
    sends_a_key,
)
async def other_keys(bench: Bench) -> None:
    for kind in kinds(bench.subject):
        seen = []
        for _ in range(2):
            request = await ready(bench, kind)
            before = len(bench.proxy.sent)
            await bench.attempt(bench.command(request))
            seen.append(carriers(changing(bench.proxy.sent[before:]), bench))
        expect(not {*seen[0]} & {*seen[1]}, f"another key for another {kind}", "the same")


@check(
    "operation.refused-connection",
    "A refused connection is NotExecuted for every command",
    "it is the one failure that proves that nothing happened",
    has_provider,
    operates,
)
async def refused_connection(bench: Bench) -> None:
    for kind in kinds(bench.subject):
        request = await ready(bench, kind)
        await bench.provider.refuse()
        said = await bench.attempt(bench.command(request))
        await bench.provider.accept()
        expect(isinstance(said, NotExecuted), f"NotExecuted for the {kind}", said)


@check(
    "operation.lost-reply",
    "A command whose answer is lost or says nothing, after execution, is neither Declined nor NotExecuted",
    "a refund taken for declined is paid again by hand; one taken for not executed is sent again",
    has_provider,
    operates,
)
async def lost_reply(bench: Bench) -> None:
    for kind in kinds(bench.subject):
        for fault in LOST:
            for at in range(MOST_STEPS):
                if not await _is_undecided(bench, kind, fault, at):
                    break


async def _is_undecided(bench: Bench, kind: Kind, fault: Fault, at: int) -> bool:
    """With the fault at request `at` of the command; whether there was such a request. Raises `Failed`."""
    request = await ready(bench, kind)
    count = len(bench.proxy.sent)
    bench.proxy.arm(fault, at)
    said = await bench.attempt(bench.command(request))
    was_met = bench.proxy.met > 0
    bench.proxy.arm(None)
    if not was_met:
        return False
    expected = f"neither Declined nor NotExecuted for the {kind} when {fault.name}"
    expect(not isinstance(said, Declined), expected, said)
    was_done = bool(changing(bench.proxy.sent[count:]))
    expect(not (was_done and isinstance(said, NotExecuted)), expected, said)
    return True


CHECKS: tuple[Check, ...] = (works, same_key, other_keys, refused_connection, lost_reply)
