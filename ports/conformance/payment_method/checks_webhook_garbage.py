"""Webhooks that are no notices at all."""

from kassa.ports.payment import Ignore, Reject

from .bench import Bench
from .check import Check, check, hears
from .checks_webhook_signing import sent
from .outcome import Failed, NotOffered, expect
from .subject import Headers

MOST_S = 1.0
TRIES = 3
DEEP = 100_000
NO_JSON: tuple[tuple[str, bytes], ...] = (
    ("nothing", b""),
    ("no text", b"\xff\xfe\x00\x80"),
    ("text that is not UTF-8", b'{"event_id": "\xff\xfe", "type": "\xc3\x28"}'),
    ("a megabyte", b"a" * 1024 * 1024),
    ("a hundred thousand brackets", b"[" * DEEP),
    ("a hundred thousand lists", b"[" * DEEP + b"]" * DEEP),
    ("a hundred thousand objects", b'{"data":' * DEEP + b"1" + b"}" * DEEP),
    ("half an object", b'{"event_id": "ev_1", "type": "pay'),
    ("a null byte", b"\x00"),
)
NO_NOTICE: tuple[tuple[str, bytes], ...] = (
    ("null", b"null"),
    ("an empty object", b"{}"),
    ("an empty list", b"[]"),
    ("a number", b"12345678901234567890123456789012345678901234567890"),
    ("a text", b'"payment"'),
    ("fields of other types", b'{"event_id": [], "id": {}, "type": 7, "event": null, "data": "x", "object": 1}'),
)


@check(
    "webhook.garbage",
    "Rubbish, a megabyte, bytes that are no text and endless nesting are rejected within a second, signed or not",
    "an exception is a 503, and the sender is asked to come again; a second of work for each is a way to stop the shop",
    hears,
)
async def garbage(bench: Bench) -> None:
    for what, body in (*NO_JSON, *NO_NOTICE):
        for headers in ((), (("Content-Type", "application/json"),), (("Authorization", "Bearer 0"),)):
            await _expect_refused(bench, f"{what}, unsigned", body, headers, may_ignore=False)
    if bench.subject.offline:
        return
    try:
        sent(bench, b"{}")
    except NotOffered:
        raise
    except Failed:  # a provider that cannot sign rubbish does not send it
        return
    for what, body in NO_JSON:
        await _expect_refused(bench, f"{what}, signed", *sent(bench, body), may_ignore=False)
    for what, body in NO_NOTICE:
        await _expect_refused(bench, f"{what}, signed", *sent(bench, body), may_ignore=True)


async def _expect_refused(bench: Bench, what: str, body: bytes, headers: Headers, *, may_ignore: bool) -> None:
    for attempt in range(TRIES):
        began = bench.tools.clock.monotonic()
        verdict = await bench.judge(body, headers)
        took_s = bench.tools.clock.monotonic() - began
        is_good = isinstance(verdict, Reject | Ignore) if may_ignore else isinstance(verdict, Reject)
        expect(is_good, f"Reject for {what}", verdict)
        if took_s < MOST_S:
            return
        expect(attempt + 1 < TRIES, f"a verdict on {what} within {MOST_S:g} s", f"{took_s:.1f} s")


CHECKS: tuple[Check, ...] = (garbage,)
