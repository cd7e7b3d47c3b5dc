"""Webhooks that are genuine: what is believed of them, and what is nothing to us. Forged ones: `checks_webhook_forged`."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from kassa.ports.payment import Accept, AnyVerdict, Ignore, Reject, Report

from . import checks_webhook_forged, checks_webhook_garbage
from .bench import Bench
from .check import Check, check, has_provider, hears, signs_all, signs_less
from .checks_webhook_fields import changed_fields
from .checks_webhook_notices import events_of, folded, fresh, judged, lived, noticed, orders, shown
from .checks_webhook_signing import WRONG_SECRET, sent, signature
from .outcome import Failed, NotOffered, expect

A_MOMENT = timedelta(seconds=5)
AT_ONCE_S = 0.5
TRIES = 3
"""A busy machine is late now and then; a plugin is late every time."""


@check(
    "webhook.genuine",
    "Genuine notices are accepted, however their headers are spelled, and name the payment that they are about",
    "a notice that is refused comes again for days, and then the provider turns the address off",
    has_provider,
    hears,
)
async def genuine(bench: Bench) -> None:
    payment, bodies = await noticed(bench)
    ours = {payment.provider_ref, payment.request.merchant_ref}
    is_named = False
    for body in bodies:
        headers = signature(bench, body)
        for spelled in (headers, _spelled(headers, str.lower), _spelled(headers, str.upper)):
            verdict = await bench.judge(body, spelled)
            if not isinstance(verdict, Accept | Ignore):
                raise Failed(expected="a genuine notice is accepted", seen=verdict)
            expect(200 <= verdict.reply.status < 300, "a reply of 2xx", verdict)
            expect(_refusal(verdict) == "", "values within their bounds", _refusal(verdict))
            for event in events_of(verdict):
                names = {event.provider_ref, event.merchant_ref} - {None}
                expect(names <= ours, f"only the payment {payment.request.merchant_ref} is named", event)
                is_named = is_named or bool(names)
    expect(is_named, f"an event that names {payment.request.merchant_ref}", f"none in {len(bodies)} notices")


def _spelled(headers: tuple[tuple[str, str], ...], write: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
    return tuple((write(name), value) for name, value in headers)


def _refusal(verdict: AnyVerdict) -> str:
    try:
        msgspec.json.decode(msgspec.json.encode(verdict), type=AnyVerdict)
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        return str(error)
    return ""


@check(
    "webhook.report",
    "A notice whose body is signed carries a report, and says what a query says",
    "it is merged as it stands: what it leaves out waits for the next query, what it gets wrong is in the books",
    has_provider,
    signs_all,
)
async def report(bench: Bench) -> None:
    payment, bodies = await noticed(bench)
    truth = await bench.query(payment)
    verdict = await bench.judge(bodies[-1], signature(bench, bodies[-1]))
    told = [event.report for event in events_of(verdict)]
    if not told or told[-1] is None:
        raise Failed(expected="a report", seen=verdict)
    last: Report = told[-1]
    expect(last.found and last.status == truth.status, f"found, and {truth.status}", last)
    expect(shown(folded(last.movements)) == shown(folded(truth.movements)), f"{shown(folded(truth.movements))}", last)


@check(
    "webhook.hint-only",
    "No notice carries a report or money where the signature does not cover the body, whatever field was changed",
    "whoever can send a notice decides what is paid: it may only make the kernel ask",
    has_provider,
    signs_less,
)
async def hint_only(bench: Bench) -> None:
    _, bodies = await noticed(bench)
    for body in bodies:
        for what, told in [("nothing", body), *changed_fields(body)]:
            for notice, headers in {(told, signature(bench, body)), sent(bench, told)}:
                for event in events_of(await bench.judge(notice, headers)):
                    expect(event.report is None and event.unmatched is None, f"a hint ({what} was changed)", event)


@check(
    "webhook.event-ids",
    "A notice has the same event ids every time it comes, and different notices have different ones",
    "one notice that counts twice is money twice; two that count as one is a refund that is never seen",
    has_provider,
    hears,
)
async def event_ids(bench: Bench) -> None:
    _, bodies = await lived(bench)
    seen: dict[str, bytes] = {}
    for body in dict.fromkeys(bodies):
        later = bench.tools.clock.now() + A_MOMENT
        first = [event.event_id for event in events_of(await bench.judge(body, signature(bench, body)))]
        again = [event.event_id for event in events_of(await bench.judge(body, signature(bench, body, at=later)))]
        expect(first == again, f"{first} for the second delivery too", again)
        expect(len({*first}) == len(first), "an id for every event of a notice", first)
        known = [one for one in first if one in seen]
        expect(not known, "an id that no other notice has", known)
        seen |= dict.fromkeys(first, body)


@check(
    "webhook.order",
    "The notices of a payment, in any order, add up to what a query says",
    "they overtake each other every day; whoever counts on their order loses a refund or invents one",
    has_provider,
    signs_all,
)
async def order(bench: Bench) -> None:
    payment, bodies = await lived(bench)
    asked = folded((await bench.query(payment)).movements)
    for places in orders(len(bodies)):
        told = await _told(bench, [bodies[place] for place in places], asked=lambda: bench.query(payment))
        expect(told == shown(asked), f"{shown(asked)} in the order {places}", told)


async def _told(bench: Bench, bodies: list[bytes], *, asked: Callable[[], Awaitable[Report]]) -> list[str]:
    """What follows from notices in this order, for a method that has heard nothing before; a hint is looked up."""
    method = await fresh(bench)
    facts = folded(())
    for body in bodies:
        for event in events_of(await judged(bench, method, body, signature(bench, body))):
            folded((event.report or await asked()).movements, facts)
    await bench.attempt(method.close())
    return shown(facts)


@check(
    "webhook.unknown-type",
    "An event of a type that does not exist yet is acknowledged and ignored",
    "providers add types without notice, and turn off addresses that refuse them",
    has_provider,
    hears,
)
async def unknown_type(bench: Bench) -> None:
    body = await bench.provider.unknown_notice()
    verdict = await bench.judge(*sent(bench, body))
    if not isinstance(verdict, Accept | Ignore):
        raise Failed(expected="Ignore", seen=verdict)
    expect(not events_of(verdict), "no event", verdict)
    expect(200 <= verdict.reply.status < 300, "a reply of 2xx", verdict)


@check(
    "webhook.asks-nobody",
    "A notice is judged without calling anybody, and at once",
    "the provider waits two seconds for the reply; a flood of notices would become a flood of calls",
    has_provider,
    hears,
)
async def asks_nobody(bench: Bench) -> None:
    _, bodies = await noticed(bench)
    before = len(bench.proxy.sent)
    for body in bodies:
        headers = signature(bench, body)
        took_s = [await _took(bench, body, headers) for _ in range(TRIES)]
        expect(min(took_s) < AT_ONCE_S, f"a verdict within {AT_ONCE_S} s", f"{min(took_s):.2f} s")
    sent = [f"{one.method} {one.target}" for one in bench.proxy.sent[before:]] + bench.tools.http.strangers
    expect(not sent, "nothing is sent", sent)


async def _took(bench: Bench, body: bytes, headers: tuple[tuple[str, str], ...]) -> float:
    began = bench.tools.clock.monotonic()
    await bench.judge(body, headers)
    return bench.tools.clock.monotonic() - began


@check(
    "webhook.rotation",
    "While a secret is being changed, notices signed with either are accepted, and with no other",
    "between the change at the provider and the change here every notice would be lost",
    has_provider,
    hears,
)
async def rotation(bench: Bench) -> None:
    both = bench.subject.rotation()
    if both is None:
        raise NotOffered("rotation")
    _, bodies = await noticed(bench)
    method = bench.configured(bench.settings() | both)
    await bench.attempt(method.open(bench.context()))
    for which, secret in (
        ("the current", bench.subject.webhook_secret),
        ("the previous", bench.subject.previous_webhook_secret),
    ):
        verdict = await judged(bench, method, *sent(bench, bodies[-1], secret=secret))
        expect(isinstance(verdict, Accept), f"{which} secret is accepted", verdict)
    verdict = await judged(bench, method, *sent(bench, bodies[-1], secret=WRONG_SECRET))
    expect(isinstance(verdict, Reject), "Reject for a third secret", verdict)
    await bench.attempt(method.close())


CHECKS: tuple[Check, ...] = (
    genuine, report, hint_only, event_ids, order, unknown_type, asks_nobody, rotation,
    *checks_webhook_forged.CHECKS, *checks_webhook_garbage.CHECKS,
)  # fmt: skip
