"""What a method declares: factory, capabilities, settings, input. No provider is asked."""

import inspect
from typing import Any, get_args

import msgspec

from kassa.ports.hooks import API, PaymentMethodFactory
from kassa.ports.money import EXPONENTS
from kassa.ports.payment import AnyNextAction, Capabilities, PaymentMethod
from kassa.ports.secret import Secret

from .bench import Bench
from .check import Check, check
from .outcome import Skipped, expect

CALLS = (
    "open", "close", "health", "start", "query", "webhook", "capture", "void", "refund", "resume", "statement", "payout",
)  # fmt: skip
NOWHERE = "http://127.0.0.1:9"


@check(
    "declare.factory",
    "Its factory is made for this version of the contract, with an id and a title that can be shown",
    "the shop does not load a plugin that is made for another contract",
    provider=False,
)
async def factory(bench: Bench) -> None:
    offer = bench.subject.factory
    expect(offer.api[0] == API[0] and offer.api <= API, f"api = {API} or an earlier minor of it", offer.api)
    told = {field.name: getattr(offer, field.name) for field in msgspec.structs.fields(PaymentMethodFactory)}
    refused = _refusal(PaymentMethodFactory, told)
    expect(refused == "", "an id and a title within their bounds", refused)


@check(
    "declare.coroutines",
    "Every call of the contract is a coroutine function",
    "a synchronous call would stop the whole shop while it waits, and cannot be canceled",
    provider=False,
)
async def coroutines(bench: Bench) -> None:
    method = bench.subject.kind
    found = [name for name in CALLS if not inspect.iscoroutinefunction(getattr(method, name))]
    expect(not found, "async def for every call", found)


@check(
    "declare.flags",
    "It implements what its capabilities declare, and nothing else",
    "the shop offers a refund or a void by its declaration alone: it would fail when a customer needs it",
    provider=False,
)
async def flags(bench: Bench) -> None:
    method = bench.subject.kind
    declared = method.capabilities
    is_declared = {
        "capture": declared.auth_capture,
        "void": declared.void,
        "refund": declared.refund != "none",
        "resume": declared.resume,
        "webhook": declared.webhook_trust != "none",
        "statement": bool(declared.statements),
        "payout": declared.payouts,
    }
    is_there = {name: getattr(method, name) is not getattr(PaymentMethod, name) for name in is_declared}
    wrong = [
        f"{name}: declared {is_declared[name]}, implemented {is_there[name]}"
        for name in is_declared
        if is_declared[name] != is_there[name]
    ]
    expect(not wrong, "capabilities and overridden methods agree", "; ".join(wrong))


@check(
    "declare.capabilities",
    "Its capabilities make sense",
    "they are data that the kernel acts on: what cannot be, cannot be acted on",
    provider=False,
)
async def capabilities(bench: Bench) -> None:
    declared = bench.capabilities
    refused = _refusal(Capabilities, msgspec.to_builtins(declared))
    expect(refused == "", "values of the declared types", refused)
    known = {action.__struct_config__.tag for action in get_args(AnyNextAction)}
    expect(bool(declared.amounts), "at least one amount rule", declared.amounts)
    for rule in declared.amounts:
        expect(rule.currency in ("*", *EXPONENTS), "a currency of ISO 4217, or *", rule)
        expect(1 <= rule.min <= rule.max and rule.step >= 1, "1 <= min <= max, step >= 1", rule)
        expect(rule.max // rule.step * rule.step >= rule.min, "an amount that fits min, max and step", rule)
    expect(set(declared.next_actions) <= known, f"next actions out of {sorted(known)}", declared.next_actions)
    expect(0 < declared.expiry_s[0] <= declared.expiry_s[1], "0 < least expiry <= most expiry", declared.expiry_s)
    polls = declared.poll_s
    expect(bool(polls) and polls[0] >= 1 and list(polls) == sorted(polls), "a poll list that rises from 1 s", polls)
    expect(declared.auth_capture or not declared.partial_capture, "partial_capture with auth_capture only", declared)
    expect(declared.partial_capture or not declared.multi_capture, "multi_capture with partial_capture only", declared)


@check(
    "declare.config-unknown",
    "A setting that it does not know is refused",
    "a misspelt setting that is ignored leaves its default in force, and nobody is told",
    provider=False,
)
async def config_unknown(bench: Bench) -> None:
    _expect_refused(bench, {"surely_unknown": 1}, "surely_unknown")


@check(
    "declare.config-missing",
    "A required setting or a secret that is missing is refused",
    "there is no default that accepts: a shop must not open half configured",
    provider=False,
)
async def config_missing(bench: Bench) -> None:
    settings = bench.subject.config(NOWHERE)
    kind = bench.subject.kind.Config
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    secret = {name for name, value in settings.items() if isinstance(value, Secret)}
    for name in sorted(settings.keys() & (required | secret)):
        rest = {key: value for key, value in settings.items() if key != name}
        expect(_refusal(kind, rest) != "", f"a refusal without {name}", "it was accepted")


@check(
    "declare.config-blank",
    "A blank secret is refused",
    "an empty variable of the environment would sign and verify with the empty key, which everybody has",
    provider=False,
)
async def config_blank(bench: Bench) -> None:
    for name in _secrets(bench.subject.config(NOWHERE)):
        _expect_refused(bench, {name: Secret(" ")}, f"a blank {name}")


@check(
    "declare.input-unknown",
    "Input that it does not know is refused",
    "what a customer misspells would be dropped silently, and the payment made in another way than was asked",
    provider=False,
)
async def input_unknown(bench: Bench) -> None:
    kind = bench.subject.kind.Input
    refused = _refusal(kind, dict(bench.subject.input))
    expect(refused == "", "the subject's own input is accepted", refused)
    told = dict(bench.subject.input) | {"surely_unknown": 1}
    expect(_refusal(kind, told) != "", "a refusal of surely_unknown", "it was accepted")


@check(
    "declare.input-bounded",
    "Every text that it asks a customer for has a greatest length",
    "a request body is a stranger's: what is not bounded is a megabyte",
    provider=False,
)
async def input_bounded(bench: Bench) -> None:
    _, schemas = msgspec.json.schema_components([bench.subject.kind.Input])
    endless = [name for schema in schemas.values() for name in _endless(schema)]
    expect(not endless, "a max_length on every text and list", endless)


def _endless(schema: dict[str, Any]) -> list[str]:
    found = []
    for name, field in schema.get("properties", {}).items():
        for one in (field, *field.get("anyOf", ())):
            is_text = one.get("type") == "string" and "maxLength" not in one and "enum" not in one
            is_list = one.get("type") == "array" and "maxItems" not in one
            found += [name] if is_text or is_list else []
    return found


def _expect_refused(bench: Bench, change: dict[str, Any], what: str) -> None:
    """The settings with a change must be refused, and without it accepted: otherwise the check could not fail."""
    settings, kind = bench.subject.config(NOWHERE), bench.subject.kind.Config
    refused = _refusal(kind, settings)
    expect(refused == "", "the subject's own settings are accepted", refused)
    expect(_refusal(kind, settings | change) != "", f"a refusal of {what}", "it was accepted")


def _refusal(kind: Any, told: Any) -> str:
    try:
        msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _secrets(settings: dict[str, Any]) -> list[str]:
    names = [name for name, value in settings.items() if isinstance(value, Secret)]
    if not names:
        raise Skipped("its settings hold no secret")
    return names


CHECKS: tuple[Check, ...] = (
    factory, coroutines, flags, capabilities, config_unknown, config_missing, config_blank, input_unknown, input_bounded,
)  # fmt: skip
