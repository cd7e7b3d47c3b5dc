"""Money as banks bring it: in other amounts than asked, on paper, and seen by nobody."""

from kassa.ports.payment import Event, Pending, Succeeded

from .bench import Bench, Kind
from .check import Check, check, has_provider, reads_statements, takes_any_amount
from .checks_command import is_offline
from .checks_money_books import books, expect_agreement, parts, told
from .checks_webhook_notices import folded, shown
from .outcome import Failed, NotOffered, Skipped, expect

RUBBISH = (b"", b"\xff\xfe\x00", b"<!doctype html><title>Log in</title>", b"[" * 100_000, b"a" * 1024 * 1024)


@check(
    "money.open-amount",
    "Less than was asked is reported as it is and is not yet paid; more than was asked is reported too",
    "people mistype: a short payment that counts as paid is goods given away, a surplus that is not told is kept",
    has_provider,
    takes_any_amount,
)
async def open_amount(bench: Bench) -> None:
    payment = await bench.started(bench.request(given=bench.subject.waiting_input))
    action = getattr(payment.outcome, "next_action", None)
    if not isinstance(payment.outcome, Pending) or action is None:
        raise NotOffered("waiting_input for a payment that waits for money")
    part, ref = parts(bench), payment.request.merchant_ref
    await bench.provider.pay_other(action, ref, part)
    report = await bench.query(payment)
    expect(report.status in ("pending", "requires_action"), f"waiting for the rest after {part} arrived", report)
    await expect_agreement(bench, payment, "capture", [part])
    await bench.provider.pay_other(action, ref, bench.amount)
    report = await bench.query(payment)
    expect(report.status == "succeeded", f"succeeded after {bench.amount} more", report)
    await expect_agreement(bench, payment, "capture", [part, bench.amount])


@check(
    "money.unseen",
    "A method without a provider claims no money: neither after START nor by query, and no refund",
    "what nobody has seen is not paid: an operator tells of it, with evidence",
    is_offline,
)
async def unseen(bench: Bench) -> None:
    payment = await bench.started(bench.request())
    report = await bench.query(payment)
    if bench.proxy.sent:
        raise Skipped("it speaks with somebody: see command.offline")
    claims = [*payment.outcome.movements, *report.movements]
    expect(not claims, "no movement", told(claims))
    expect(not isinstance(payment.outcome, Succeeded), "no success of START", payment.outcome)
    expect(report.status in ("pending", "requires_action"), "pending or requires_action by query", report)
    can = bench.capabilities
    declared: dict[Kind, bool] = {"capture": can.auth_capture, "refund": can.refund != "none"}
    for kind in (one for one in declared if declared[one]):
        said = await bench.operate(bench.operation(kind, payment, bench.amount))
        expect(not isinstance(said, Succeeded) and not said.movements, f"no {kind} that succeeded", said)


@check(
    "money.statement",
    "A statement tells the movements in the provider's books, each under its own id, the same every time it is read",
    "the same file is read twice, and overlaps with the next one: what is named anew is counted anew",
    has_provider,
    reads_statements,
)
async def statement(bench: Bench) -> None:
    payment = await bench.paid()
    truth = (await books(bench, payment)).movements
    for format in bench.capabilities.statements:
        data = await bench.provider.statement(format)
        events, again = await _read(bench, data, format), await _read(bench, data, format)
        expect(again == events, f"the same events when a {format} is read again", [events, again])
        ours = {payment.provider_ref, payment.request.merchant_ref} - {None}
        seen = folded(())
        for one in events:
            if {one.provider_ref, one.merchant_ref} & ours:
                folded((one.report or await bench.query(payment)).movements, seen)
        expect(shown(seen) == shown(folded(truth)), f"{shown(folded(truth))} in a {format}", shown(seen))
        for rubbish in RUBBISH:
            said = await bench.attempt(bench.method.statement(bench.context(), rubbish, format))
            made = [] if isinstance(said, Exception) else list(said)
            expect(not made, f"nothing, or an exception, for what is no {format}", made)


async def _read(bench: Bench, data: bytes, format: str) -> list[Event]:
    said = await bench.attempt(bench.method.statement(bench.context(), data, format))
    if isinstance(said, Exception):
        raise Failed(expected=f"a {format} is read", seen=f"it raised {type(said).__name__}: {said}") from said
    events = list(said)
    ids = [one.event_id for one in events]
    expect(len({*ids}) == len(ids), "an id for every event", ids)
    return events


CHECKS: tuple[Check, ...] = (open_amount, unseen, statement)
