"""Money as banks bring it: in other amounts than asked, on paper, and seen by nobody."""

from kassa.ports.banking import BankFile, Payout, PayoutFile, Unreadable
from kassa.ports.payment import MovementState, Pending, ShowAccount, Succeeded

from .bench import Bench, Kind, Payment
from .check import Check, check, has_provider, reads_statements, takes_any_amount, writes_orders
from .checks_command import is_offline
from .checks_money_books import books, expect_agreement, parts, told
from .checks_webhook_notices import folded, shown
from .outcome import Failed, NotOffered, Skipped, expect
from .samples import new_operation_id

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
        moved = [one for one in said.movements if one.state >= MovementState.SUCCEEDED]
        expect(not isinstance(said, Succeeded) and not moved, f"no {kind} that succeeded", said)


@check(
    "money.statement",
    "A statement tells what came in according to the bank's books, each line under its own id, the same every time it is read",
    "the same file is read twice, and overlaps with the next one: what is named anew is counted anew",
    reads_statements,
)
async def statement(bench: Bench) -> None:
    payment = await (_sent_to_the_bank(bench) if bench.subject.offline else bench.paid())
    truth = [m for m in (await books(bench, payment)).movements if m.kind == "capture"]
    for format in bench.capabilities.statements:
        data = await bench.provider.statement(format)
        file, again = await _read(bench, data, format), await _read(bench, data, format)
        expect(again == file, f"the same lines when a {format} is read again", [file, again])
        came = sorted(line.amount.amount for line in file.lines if line.direction == "credit")
        expect(came == sorted(m.amount.amount for m in truth), f"{shown(folded(truth))} in a {format}", came)
        for rubbish in RUBBISH:
            said = await bench.attempt(bench.method.statement(bench.context(), rubbish, format))
            made = () if isinstance(said, Exception | Unreadable) else said.lines
            expect(not made, f"nothing, or Unreadable, for what is no {format}", made)


@check(
    "money.payout",
    "The same refunds give the same order for the bank, which names each of them, by whatever they are called",
    "a person uploads it: a second file that looks like another order is money sent twice",
    writes_orders,
)
async def payout(bench: Bench) -> None:
    part = parts(bench)
    payouts = [
        Payout(
            end_to_end=new_operation_id(), amount=part, name=name, account="GB33BUKB20201555555555", text="Refund KS-1"
        )
        for name in ("Ada Lovelace", "Gröẞe & Söhne <x>", "\u674e")
    ]
    written = [await bench.attempt(bench.method.payout(bench.context(), payouts)) for _ in range(2)]
    first = written[0]
    if not isinstance(first, PayoutFile):
        raise Failed(expected="an order is written", seen=first)
    expect(written[1] == first, "the same file for the same refunds", written)
    unnamed = [one.end_to_end for one in payouts if one.end_to_end.encode() not in first.data]
    expect(not unnamed, "every refund by its end-to-end id", unnamed)


async def _sent_to_the_bank(bench: Bench) -> Payment:
    """A payment whose customer did what is shown: of a method without a provider only the bank's file tells of it."""
    payment = await bench.started(bench.request())
    action = getattr(payment.outcome, "next_action", None)
    if not isinstance(action, ShowAccount):
        raise Skipped("it shows no account that money could be sent to")
    await bench.provider.pay(action, payment.request.merchant_ref)
    return payment


async def _read(bench: Bench, data: bytes, format: str) -> BankFile:
    said = await bench.attempt(bench.method.statement(bench.context(), data, format))
    if isinstance(said, Exception):
        raise Failed(expected=f"a {format} is read", seen=f"it raised {type(said).__name__}: {said}") from said
    if not isinstance(said, BankFile):
        raise Failed(expected=f"a {format} is read", seen=said)
    ids = [line.id for line in said.lines]
    expect(len({*ids}) == len(ids), "an id for every line", ids)
    return said


CHECKS: tuple[Check, ...] = (open_amount, unseen, statement, payout)
