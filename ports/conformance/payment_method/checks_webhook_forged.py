"""Webhooks that are not genuine: nothing of them is believed."""

from collections.abc import Iterable
from datetime import timedelta

from kassa.ports.payment import Accept, Reject

from .bench import Bench
from .check import Check, check, has_provider, hears, signs_all, signs_fields
from .checks_webhook_fields import Path, changed_fields, fields, name_of, with_field, without_field
from .checks_webhook_notices import damaged, noticed, spread
from .checks_webhook_signing import AN_HOUR, WRONG_SECRET, is_covered, marks, sent, signature
from .outcome import Failed, NotOffered, Skipped, expect
from .subject import Headers

A_DAY = timedelta(days=1)
SLOW_NETWORK = timedelta(seconds=20)
BLANK = ("", " ", "0")


async def _expect_rejected(bench: Bench, what: str, body: bytes, headers: Headers) -> None:
    verdict = await bench.judge(body, headers)
    expect(isinstance(verdict, Reject), f"Reject: {what}", verdict)


async def _expect_genuine(bench: Bench, body: bytes) -> Headers:
    """Its signature; the notice must be believed with it, because otherwise no forgery proves anything. Raises `Skipped`."""
    headers = signature(bench, body)
    if not isinstance(await bench.judge(body, headers), Accept):
        raise Skipped("the genuine notice is not accepted: see webhook.genuine")
    return headers


@check(
    "webhook.unsigned",
    "A notice without its signature is rejected",
    "the address is known to everybody who has read the documentation: anybody could mark an order as paid",
    has_provider,
    hears,
)
async def unsigned(bench: Bench) -> None:
    _, bodies = await noticed(bench)
    headers = await _expect_genuine(bench, bodies[-1])
    body, where = bodies[-1], marks(bench, bodies[-1])
    for name in where.headers:
        await _expect_rejected(bench, "no header at all", body, ())
        await _expect_rejected(bench, f"{name} is missing", body, _without(headers, name))
        for value in BLANK:
            await _expect_rejected(bench, f"{name} is {value!r}", body, (*_without(headers, name), (name, value)))
    for path in where.fields:
        await _expect_rejected(bench, f"{name_of(path)} is missing", without_field(body, path), headers)
        for other in (*BLANK, None):
            await _expect_rejected(bench, f"{name_of(path)} is {other!r}", with_field(body, path, other), headers)


@check(
    "webhook.wrong-secret",
    "A notice signed with another secret is rejected, and so is one signed with none",
    "everybody can sign with the empty secret, and with the one that somebody else was given",
    has_provider,
    hears,
)
async def wrong_secret(bench: Bench) -> None:
    _, bodies = await noticed(bench)
    await _expect_genuine(bench, bodies[-1])
    marks(bench, bodies[-1])
    secret = bench.subject.webhook_secret
    for what, wrong in (("another", WRONG_SECRET), ("a part of the", secret[:-1]), ("an empty", ""), ("a blank", " ")):
        try:
            forged, headers = sent(bench, bodies[-1], secret=wrong)
        except Failed:  # a double that cannot sign with nothing
            continue
        await _expect_rejected(bench, f"{what} secret", forged, headers)


@check(
    "webhook.tampered-signature",
    "A notice with a byte of its signature flipped, dropped or doubled is rejected",
    "a comparison that looks at a part can be guessed by parts",
    has_provider,
    hears,
)
async def tampered_signature(bench: Bench) -> None:
    _, bodies = await noticed(bench)
    headers = await _expect_genuine(bench, bodies[-1])
    where = marks(bench, bodies[-1])
    true = await bench.judge(bodies[-1], headers)
    for name, value in headers:
        text = value.encode("latin-1")
        for what, told in damaged(text, range(len(text))):
            forged = (*_without(headers, name), (name, told.decode("latin-1")))
            if name in where.headers:
                await _expect_rejected(bench, f"{name} with {what}", bodies[-1], forged)
                continue
            verdict = await bench.judge(bodies[-1], forged)
            expect(isinstance(verdict, Reject) or verdict == true, f"{name} with {what} changes nothing", verdict)
    await _expect_damage_seen(bench, bodies[-1], where.fields, headers)


async def _expect_damage_seen(bench: Bench, body: bytes, places: Iterable[Path], headers: Headers) -> None:
    """The same for a signature within the body."""
    for path in places:
        text = str(fields(body)[path]).encode("latin-1")
        for what, told in damaged(text, range(len(text))):
            forged = with_field(body, path, told.decode("latin-1"))
            await _expect_rejected(bench, f"{name_of(path)} with {what}", forged, headers)


@check(
    "webhook.repeated-header",
    "A notice whose signature header is there twice is rejected",
    "a proxy in front and the plugin behind may each read another one of the two",
    has_provider,
    hears,
)
async def repeated_header(bench: Bench) -> None:
    _, bodies = await noticed(bench)
    headers = await _expect_genuine(bench, bodies[-1])
    names = marks(bench, bodies[-1]).headers
    if not names:
        raise Skipped("its signature is in no header")
    wrong = dict(signature(bench, bodies[-1], secret=WRONG_SECRET))
    for name, value in headers:
        if name in names:
            rest = _without(headers, name)
            for what, twice in (
                ("the same twice", (value, value)),
                ("a forged one after it", (value, wrong[name])),
                ("a forged one before it", (wrong[name], value)),
            ):
                pair = ((name, twice[0]), (name.lower(), twice[1]))
                await _expect_rejected(bench, f"{name}, {what}", bodies[-1], (*rest, *pair))


@check(
    "webhook.stale",
    "A notice that was signed an hour ago, or for tomorrow, is rejected; one that took some seconds is not",
    "a notice that was overheard or logged can be sent again at any time, when its payment has long been refunded",
    has_provider,
    hears,
)
async def stale(bench: Bench) -> None:
    _, bodies = await noticed(bench)
    await _expect_genuine(bench, bodies[-1])
    now = bench.tools.clock.now()
    if signature(bench, bodies[-1], at=now) == signature(bench, bodies[-1], at=now - AN_HOUR):
        raise Skipped("the signature holds no time")
    for what, at in (("an hour", now - AN_HOUR), ("a day", now - A_DAY), ("a day too early", now + A_DAY)):
        await _expect_rejected(bench, f"signed {what} ago", bodies[-1], signature(bench, bodies[-1], at=at))
    verdict = await bench.judge(bodies[-1], signature(bench, bodies[-1], at=now - SLOW_NETWORK))
    expect(isinstance(verdict, Accept), f"Accept after {SLOW_NETWORK.seconds} s on the way", verdict)


@check(
    "webhook.tampered-body",
    "A notice with any byte of its body flipped, dropped or doubled, or any value changed, is rejected",
    "what the signature does not cover is what a forger changes: the amount, the status, whose payment it is",
    has_provider,
    signs_all,
)
async def tampered_body(bench: Bench) -> None:
    _, bodies = await noticed(bench)
    body = bodies[-1]
    headers = await _expect_genuine(bench, body)
    forged: Iterable[tuple[str, bytes]] = [*damaged(body, spread(len(body))), *changed_fields(body)]
    for what, told in forged:
        if told != body:
            await _expect_rejected(bench, what, told, headers)
    for what, told in (("nothing", b""), ("the same twice", body + body), ("a space more", body + b" ")):
        await _expect_rejected(bench, f"the body is {what}", told, headers)


@check(
    "webhook.tampered-fields",
    "A notice in which a value that the signature covers is changed is rejected",
    "a signature that was seen once would prove whatever is written beside it: any order, any amount",
    has_provider,
    signs_fields,
)
async def tampered_fields(bench: Bench) -> None:
    _, bodies = await noticed(bench)
    body = bodies[-1]
    headers = await _expect_genuine(bench, body)
    signs = {name_of(path) for path in marks(bench, body).fields}
    others = [(name, told) for name, told in changed_fields(body) if name not in signs]
    covered = [(name, told) for name, told in others if is_covered(bench, body, told)]
    if not covered:
        raise NotOffered("sign() or seal() that covers a value of the body")
    for name, told in covered:
        await _expect_rejected(bench, f"{name} is changed", told, headers)


def _without(headers: Headers, name: str) -> Headers:
    return tuple((key, value) for key, value in headers if key.lower() != name.lower())


CHECKS: tuple[Check, ...] = (
    unsigned, wrong_secret, tampered_signature, repeated_header, stale, tampered_body, tampered_fields,
)  # fmt: skip
