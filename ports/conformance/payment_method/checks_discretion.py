"""What a method keeps to itself: importing it does nothing, its secrets are seen nowhere, test mode stays away from live."""

import contextlib
import traceback
from typing import Any

import msgspec

from kassa.ports.hooks import PaymentMethodFactory
from kassa.ports.payment import RawWebhook
from kassa.ports.secret import Secret

from .bench import Bench, query_of
from .check import Check, check
from .faults import DROPPED, UNCLEAR
from .importing import effects, hook_module, offers
from .outcome import Failed, NotOffered, Skipped, expect
from .subject import CANARY, Subject
from .wire import Ear


@check(
    "declare.hook",
    "The hook of its module is synchronous, marked, and hands over this factory",
    "a hook that is misspelt or not marked is a method that is never offered, and nobody notices",
    provider=False,
)
async def hook(bench: Bench) -> None:
    wanted, found = bench.subject.factory, offers(hook_module(bench.subject))
    offered = [(one.id, kind) for one in found for kind in _classes(one)]
    expect((wanted.id, wanted.method) in offered, f"the factory {wanted.id!r} among those offered", found)


def _classes(factory: PaymentMethodFactory) -> list[type | None]:
    """Its class, or those of its drivers that can be imported here."""
    classes: list[type | None] = [factory.method] if not factory.drivers else []
    for driver in factory.drivers:
        with contextlib.suppress(ImportError):
            classes.append(driver.load())
    return classes


@check(
    "declare.import",
    "Importing it has no side effect: no network, no process, no thread, no file, no print",
    "a shop imports every installed plugin, configured or not",
    provider=False,
)
async def import_has_no_effect(bench: Bench) -> None:
    seen = await effects(hook_module(bench.subject))
    expect(not seen, "nothing", seen)


@check(
    "declare.canary",
    "A secret is seen in no repr, log, exception or returned value",
    "logs and error trackers are read by many, and kept for years",
)
async def canary(bench: Bench) -> None:
    _expect_canaries(bench.subject)
    seen = _Seen()
    with Ear(bench.heard):
        await _live_through_everything(bench, seen)
    seen.add("a log line", *bench.heard)
    expect(not seen.leaks, "no secret anywhere", f"one in {', '.join(seen.leaks)}")


async def _live_through_everything(bench: Bench, seen: "_Seen") -> None:
    seen.add("repr of the method", repr(bench.method), repr(bench.method.config), str(bench.method.config))
    for fault in (None, *UNCLEAR, DROPPED):
        request = bench.request()
        bench.proxy.arm(fault)
        what = "a healthy provider" if fault is None else fault.name
        said: Any = await bench.attempt(bench.begin(request))
        seen.add(f"what start makes of {what}", _shown(said))
        if fault is None:
            payment = await bench.started(bench.request())
        seen.add(f"what query makes of {what}", _shown(await bench.attempt(bench.ask(query_of(payment)))))
    bench.proxy.arm(None)
    if bench.capabilities.webhook_trust != "none":
        raw = RawWebhook(
            slug="x", headers=(("Signature", "t=1,v1=0"),), body=b"{}", received_at=bench.tools.clock.now()
        )
        seen.add("what webhook says", _shown(await bench.attempt(bench.method.webhook(bench.context(), raw))))
    await bench.provider.refuse()
    seen.add("what start makes of a refusal", _shown(await bench.attempt(bench.begin(bench.request()))))
    await bench.provider.accept()


@check(
    "declare.mode",
    'With mode = "test" and the settings of a live account it starts no work',
    "a test shop that charges real cards, or a live shop that ships goods for play money",
)
async def mode(bench: Bench) -> None:
    kind = bench.subject.kind.Config
    if "mode" not in {field.name for field in msgspec.structs.fields(kind)}:
        raise Skipped("its settings have no mode")
    live = bench.subject.live_settings()
    if live is None:
        raise NotOffered("live_settings")
    try:
        method = bench.subject.kind(msgspec.convert(bench.settings() | live | {"mode": "test"}, kind))
        await method.open(bench.context())
    except Exception:
        expect(not bench.proxy.sent, "a refusal without asking the provider", f"{len(bench.proxy.sent)} requests")
        return
    request = bench.request()
    await bench.attempt(method.start(bench.context(request.operation_id), request))
    await bench.attempt(method.close())
    sent = [f"{one.method} {one.target}" for one in bench.proxy.sent] + bench.tools.http.strangers
    expect(not sent, "settings of a live account are refused in test mode, or nothing is sent", sent)


class _Seen:
    def __init__(self) -> None:
        self.leaks: list[str] = []

    def add(self, where: str, *texts: str) -> None:
        if where not in self.leaks and any(CANARY in text for text in texts):
            self.leaks.append(where)


def _shown(said: object) -> str:
    if isinstance(said, BaseException):
        return "".join(traceback.format_exception(said)) + repr(said)
    try:
        return repr(said) + msgspec.json.encode(said).decode(errors="replace")
    except (TypeError, msgspec.MsgspecError):
        return repr(said)


def _expect_canaries(subject: Subject) -> None:
    settings = subject.config("http://127.0.0.1:9")
    bare = [name for name, value in settings.items() if isinstance(value, str) and CANARY in value]
    if bare:
        raise Failed(expected="secrets given as kassa.ports.secret.Secret", seen=bare)
    secrets = [value for value in settings.values() if isinstance(value, Secret)]
    if not secrets:
        raise Skipped("its settings hold no secret")
    if not any(CANARY in secret.reveal() for secret in secrets):
        raise Failed(expected="a config made of self.api_key and self.webhook_secret", seen="secrets without CANARY")


CHECKS: tuple[Check, ...] = (hook, import_has_no_effect, canary, mode)
