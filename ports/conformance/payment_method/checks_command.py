"""START: what is sent, what is sent twice, and what is made of the answer."""

from typing import get_args

import msgspec
from msgspec.structs import replace

from kassa.ports.money import EXPONENTS, Money
from kassa.ports.payment import AnyOutcome, Declined, NotExecuted, Pending, Report, Succeeded

from .bench import Bench, query_of
from .check import Check, check, has_provider, sends_a_key
from .faults import DROPPED, Fault
from .keys import carriers, carries_reference, changing
from .outcome import Failed, NotOffered, Skipped, expect
from .samples import amounts_to_try, new_operation_id
from .subject import Subject


def is_offline(subject: Subject) -> str:
    """Applies to methods that speak with nobody."""
    return "" if subject.offline else "the method has a provider"


@check(
    "command.amounts",
    "Amount, currency and reference in the provider's books are those of the request, for every kind of currency",
    "currencies without decimals charged a hundredfold, or rounded where a wallet takes whole units",
    has_provider,
)
async def amounts(bench: Bench) -> None:
    for amount in amounts_to_try(bench.capabilities):
        request = bench.request(amount)
        said = await bench.attempt(bench.begin(request))
        charge = await bench.provider.charge(request.merchant_ref)
        if charge is None:
            raise Failed(expected=f"a charge of {amount} named {request.merchant_ref} in the books", seen=said)
        expect(charge.amount == amount, f"{amount} in the books", f"{charge.amount}")
        told = said.movements if isinstance(said, Succeeded | Pending) else ()
        wrong = [str(one.amount) for one in told if one.amount != amount]
        expect(not wrong, f"movements of {amount} in the outcome", wrong)


@check(
    "command.out-of-range",
    "An amount that its rules exclude is refused without a word to the provider",
    "what happens to an amount that the provider does not take is anybody's guess, rounding included",
)
async def out_of_range(bench: Bench) -> None:
    wrong = _excluded(bench)
    if not wrong:
        raise Skipped("its rules exclude no amount")
    for amount in wrong:
        said = await bench.attempt(bench.begin(bench.request(amount)))
        sent = [f"{one.method} {one.target}" for one in bench.proxy.sent]
        expect(not sent, f"nothing is sent for {amount}", sent)
        expect(isinstance(said, Declined | NotExecuted), f"Declined or NotExecuted for {amount}", said)


def _excluded(bench: Bench) -> list[Money]:
    found = []
    for rule in bench.capabilities.amounts:
        if rule.currency not in EXPONENTS:
            continue
        for units in (rule.min - 1, rule.max + 1, rule.min // rule.step * rule.step + rule.step // 2):
            if 0 < units < 2**53:
                found.append(Money(amount=units, currency=rule.currency))
    if all(rule.currency != "*" for rule in bench.capabilities.amounts):
        taken = {rule.currency for rule in bench.capabilities.amounts}
        found.append(Money(amount=bench.amount.amount, currency=next(c for c in sorted(EXPONENTS) if c not in taken)))
    return [amount for amount in found if not bench.capabilities.takes(amount)]


@check(
    "command.same-key",
    "The same operation sent twice carries the same key, the same body, and makes one object at the provider",
    "a retry with a fresh key is a second charge; SDKs invent one when none is passed, and look fine",
    has_provider,
)
async def same_key(bench: Bench) -> None:
    request = bench.request()
    bench.proxy.arm(DROPPED)
    await bench.attempt(bench.begin(request))
    bench.proxy.arm(None)
    first = changing(bench.proxy.sent)
    if not first:
        raise Skipped("its START changes nothing at the provider")
    count = len(bench.proxy.sent)
    await bench.attempt(bench.begin(request))
    second = changing(bench.proxy.sent[count:])
    if bench.capabilities.idempotency == "header":
        keys = carriers(first, bench)
        expect(bool(keys), "ctx.key() in a header", [dict(one.headers).keys() for one in first])
        expect(keys == carriers(second[: len(first)], bench), "the same key both times", "another one")
    if bench.capabilities.idempotency == "merchant_ref":
        expect(carries_reference(first, request.merchant_ref), "merchant_ref in the request", [f.target for f in first])
    bodies = [one.body for one in second[: len(first)]]
    expect(bodies == [one.body for one in first], "the same body both times", bodies)
    made = await bench.provider.charges()
    if bench.capabilities.idempotency != "none":
        expect(len(made) == 1, "one object at the provider", f"{len(made)}")


@check(
    "command.other-keys",
    "Different operations carry different keys",
    "the provider would answer the second payment with the first one's success",
    has_provider,
    sends_a_key,
)
async def other_keys(bench: Bench) -> None:
    seen = []
    for _ in range(2):
        before = len(bench.proxy.sent)
        await bench.attempt(bench.begin(bench.request()))
        seen.append(carriers(changing(bench.proxy.sent[before:]), bench))
    if not all(seen):
        raise Skipped("no header carries a key")
    expect(not {*seen[0]} & {*seen[1]}, "another key for another operation", "the same")


@check(
    "command.refused-connection",
    "A refused connection is NotExecuted",
    "it is the one failure that proves that nothing happened, and that may be tried again at once",
    has_provider,
)
async def refused_connection(bench: Bench) -> None:
    if not await bench.sent_by(bench.begin(bench.request())):
        raise Skipped("its START sends nothing")
    await bench.provider.refuse()
    said = await bench.attempt(bench.begin(bench.request()))
    await bench.provider.accept()
    expect(isinstance(said, NotExecuted), "NotExecuted", said)


@check(
    "command.decline",
    "A decline is Declined, with our code and the provider's",
    "a customer is told what to do by the code: try another card, or wait",
    has_provider,
)
async def decline(bench: Bench) -> None:
    subject = bench.subject
    if subject.declined_input is None:
        try:
            await bench.provider.decline_next()
        except NotOffered:  # the other way to say it
            raise NotOffered("declined_input, and its double no decline_next") from None
    said = await bench.start(bench.request(given=subject.declined_input))
    if not isinstance(said, Declined):
        raise Failed(expected="Declined", seen=said)
    expect(bool(said.provider_code), "a provider_code", said)
    mapped = said.code == subject.declined_code if subject.declined_code else said.code != "other"
    expect(mapped, f"the code {subject.declined_code or 'of a kind, not other'}", said.code)


@check(
    "command.duplicate-reference",
    "When the provider refuses a reference that it knows, what a query shows is the outcome",
    "the reference is known because an earlier attempt went through: 'declined' would let the customer pay twice",
    has_provider,
)
async def duplicate_reference(bench: Bench) -> None:
    first = await bench.started(bench.request())
    said = await bench.attempt(bench.begin(replace(first.request, operation_id=new_operation_id())))
    made = [one for one in await bench.provider.charges() if one.merchant_ref == first.request.merchant_ref]
    if len(made) > 1 and bench.capabilities.idempotency == "header":
        raise Skipped("the provider takes a reference twice, and tells repetitions by the key")
    expect(len(made) == 1, "one object at the provider", f"{len(made)}")
    if not isinstance(said, Succeeded | Pending):
        raise Failed(expected="the outcome of the payment that exists", seen=said)
    expect(said.provider_ref == first.provider_ref, f"provider_ref {first.provider_ref}", said.provider_ref)


@check(
    "command.unrecognised-status",
    "A status that it does not know, in the answer to START, is Pending",
    "providers add states without notice; whatever it means, it is neither paid nor declined until a query says so",
    has_provider,
)
async def unrecognised_status(bench: Bench) -> None:
    rewritten: list[bool] = []

    def strange(body: bytes) -> bytes:
        changed = bench.subject.unrecognised(body)
        rewritten.append(changed != body)
        return changed

    bench.proxy.arm(Fault("a status that nobody knows", rewrites=strange))
    said = await bench.attempt(bench.begin(bench.request()))
    bench.proxy.arm(None)
    if not any(rewritten):
        raise NotOffered("status_fields that are in an answer to START")
    expect(isinstance(said, Pending | Exception), "Pending", said)


@check(
    "command.next-action",
    "It asks the customer only for next actions that it declares",
    "a shop that cannot show an action learns it from the declaration, before it offers the method",
)
async def next_action(bench: Bench) -> None:
    asked = []
    subject = bench.subject
    for given in (subject.input, subject.waiting_input, subject.collecting_input):
        if given is not None:
            payment = await bench.started(bench.request(given=given))
            report = await bench.query(payment)
            asked += [getattr(payment.outcome, "next_action", None), report.next_action]
    tags = {one.__struct_config__.tag for one in asked if one is not None}
    if not tags:
        raise Skipped("nothing is left to do after START")
    expect(
        tags <= {*bench.capabilities.next_actions}, f"one of {bench.capabilities.next_actions}", sorted(map(str, tags))
    )


@check(
    "command.answers",
    "What it answers is of the contract's types and within their bounds",
    "the kernel decodes what a plugin returns; what cannot be decoded is UNKNOWN, whatever the provider did",
)
async def answers(bench: Bench) -> None:
    payment = await bench.started(bench.request())
    expect(type(payment.outcome) in get_args(AnyOutcome), "an Outcome", type(payment.outcome).__name__)
    report = await bench.query(payment)
    expect(type(report) is Report, "a Report", type(report).__name__)
    for said, kind in ((payment.outcome, AnyOutcome), (report, Report)):
        try:
            msgspec.json.decode(msgspec.json.encode(said), type=kind)
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            raise Failed(expected="values within their bounds", seen=f"{type(said).__name__}: {error}") from None


@check(
    "command.only-its-provider",
    "It calls nobody but the provider that it is configured with",
    "payments told to third parties; and the shop's HTTP client refuses them anyway",
)
async def only_its_provider(bench: Bench) -> None:
    payment = await bench.started(bench.request())
    await bench.attempt(bench.ask(query_of(payment)))
    await bench.attempt(bench.method.health(bench.context()))
    expect(not bench.tools.http.strangers, "calls to the configured provider only", bench.tools.http.strangers)


@check(
    "command.offline",
    "A method without a provider sends nothing",
    "a subject that is said to be offline is spared most checks: this is the price",
    is_offline,
)
async def offline(bench: Bench) -> None:
    payment = await bench.started(bench.request())
    await bench.query(payment)
    await bench.attempt(bench.method.health(bench.context()))
    sent = [f"{one.method} {one.target}" for one in bench.proxy.sent] + bench.tools.http.strangers
    expect(not sent, "not a byte", sent)


CHECKS: tuple[Check, ...] = (
    amounts, out_of_range, same_key, other_keys, refused_connection, decline, duplicate_reference, unrecognised_status,
    next_action, answers, only_its_provider, offline,
)  # fmt: skip
