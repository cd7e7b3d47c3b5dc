"""What a plugin says of itself is true: entry point, capabilities, configuration; and it keeps its secrets."""

import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import msgspec
import pytest

from kassa.adapters.provider_http import HttpxProviders
from kassa.kernel.plugin_vetting import Refused, checked_factory
from kassa.ports.hooks import ENTRY_POINT_GROUP
from kassa.ports.payment import NotExecuted, PaymentMethod, RawWebhook
from kassa.ports.secret import Secret
from tests.plugins.till import CANARY, PACKAGES, Till, built, method_class, settings

NAMES = tuple(PACKAGES)
URL = "http://127.0.0.1:9"
SWITCHED = {"capture": "auth_capture", "void": "void", "resume": "resume"}


@pytest.mark.parametrize("name", NAMES)
def test_its_entry_point_leads_to_its_hook(name: str):
    """The installed package names it, and what is found there is the one factory of that name."""
    [found] = [one for one in entry_points(group=ENTRY_POINT_GROUP) if one.name == name]
    package = found.load()
    assert package is PACKAGES[name]
    [factory] = package.kassa_payment_methods()
    assert (factory.id, factory.api) == (name, (1, 0))
    assert checked_factory(factory) is factory


@pytest.mark.parametrize("name", NAMES)
def test_what_it_declares_is_what_it_implements(name: str):
    """Each capability is there and nothing else is."""
    kind = method_class(name)
    declared = kind.capabilities
    overridden = {one for one in vars(kind) if callable(getattr(kind, one)) and hasattr(PaymentMethod, one)}
    for method, flag in SWITCHED.items():
        assert (method in overridden) == getattr(declared, flag), method
    assert ("refund" in overridden) == (declared.refund != "none")
    assert ("webhook" in overridden) == (declared.webhook_trust != "none")
    assert ("statement" in overridden) == bool(declared.statements)
    assert ("payout" in overridden) == declared.payouts


@pytest.mark.parametrize("name", NAMES)
def test_importing_it_loads_neither_kernel_nor_adapter_nor_another_plugin(name: str):
    """In a process of its own: only ports and its own modules."""
    script = f"import sys, kassa.plugins.{name}; print(*[m for m in sys.modules if m.startswith('kassa.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    loaded = [m for m in done.stdout.split() if not m.startswith(("kassa.ports", f"kassa.plugins.{name}"))]
    assert loaded == ["kassa.plugins"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "live"}, 'mode = "live" needs a secret_key that starts with sk_live_'),
        ({"secret_key": Secret("sk_live_1")}, 'mode = "test" needs a secret_key that starts with sk_test_'),
        (
            {"mode": "live", "secret_key": Secret("sk_live_1")},
            'mode = "live" needs a base_url that starts with https://',
        ),
        ({"secret_key": Secret("sk_test_é")}, "secret_key holds a character that no HTTP header can carry"),
        ({"secret_key": Secret("sk_test_a\nb")}, "secret_key holds a character that no HTTP header can carry"),
        ({"secret_key": "sk_test_literal"}, "never as a literal"),
        ({"webhook_secret": Secret(" ")}, "blank"),
        ({"previous_webhook_secret": Secret("")}, "blank"),
        ({"webhook_secret": None}, "webhook_secret"),
        ({"base_url": "ftp://127.0.0.1"}, "base_url"),
        ({"base_url": "http://user@127.0.0.1"}, "base_url"),
        ({"base_url": "http://127.0.0.1/path"}, "base_url"),
        ({"driver": "stripe"}, "driver"),
        ({"mode": "TEST"}, "mode"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_by_name(name: str, change: dict[str, object], message: str):
    """The message names what is wrong and shows no secret."""
    with pytest.raises(Refused) as refused:
        built(name, settings(name, URL) | change)
    assert message in str(refused.value)
    assert CANARY not in str(refused.value)
    assert "sk_live_1" not in str(refused.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("missing", ["driver", "mode", "base_url", "secret_key", "webhook_secret"])
def test_a_missing_setting_is_refused_by_name(name: str, missing: str):
    """There is no default that accepts."""
    given = settings(name, URL)
    del given[missing]
    with pytest.raises(Refused, match=missing):
        built(name, given)


@pytest.mark.parametrize("name", NAMES)
def test_a_live_key_with_live_mode_over_tls_is_accepted(name: str):
    """The other side of the refusals above."""
    live = {"mode": "live", "secret_key": Secret("sk_live_1"), "base_url": "https://api.example.com"}
    built(name, settings(name, "") | live)


@pytest.mark.parametrize("source", ["", "4242424242424242", "tok_", "tok_OK", "tok_ok\n", "tok_" + "a" * 97, "card"])
def test_a_card_is_only_ever_a_token(source: str):
    """A card number does not get past the shape of the input."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"source": source}, method_class("card").Input)


def _everything_shown(seen: object) -> str:
    if isinstance(seen, BaseException):
        return f"{seen!r} {seen} {_everything_shown(seen.__cause__) if seen.__cause__ else ''}"
    return f"{seen!r} {msgspec.json.encode(seen).decode()}"


async def test_a_secret_is_shown_by_nothing(till: Till):
    """Neither repr nor exception nor any value it returns holds a part of the keys."""
    method: Any = till.method
    seen = [repr(method), repr(method.config), repr(vars(method)), str(vars(method._driver))]
    for fault in ("ok", "decline", "error_500", "garbage", "truncated", "reset", "timeout_after"):
        till.deadline_s = 0.3 if fault == "timeout_after" else 5.0
        request = till.request()
        await till.script(till.start_op, fault)
        for call in (lambda: till.start(request), lambda: till.query(request)):  # noqa: B023
            try:
                seen.append(_everything_shown(await call()))
            except Exception as error:
                seen.append(_everything_shown(error))
    raw = RawWebhook(slug="x", headers=(), body=b"{}", received_at=till.clock.now())
    seen.append(_everything_shown(await till.method.webhook(till.context(), raw)))
    assert len(seen) == 19
    assert CANARY not in "\n".join(seen)


async def test_the_sandbox_is_told_the_key_so_the_canary_is_a_real_one(till: Till):
    """Otherwise the test above could not fail."""
    config: Any = till.method.config
    assert CANARY in config.secret_key.reveal()
    assert await till.method.health(till.context())
    wrong = till.with_settings(secret_key=Secret("sk_test_wrong"))
    assert not await wrong.method.health(wrong.context())


async def test_a_provider_that_is_not_there_is_unhealthy_and_was_sent_nothing(till: Till):
    """A refused connection is proof: every command says so, and a question raises."""
    away = till.with_settings(base_url="http://127.0.0.1:1")
    away.tools = HttpxProviders().tools("away", allow_hosts=("127.0.0.1:1",), secrets=())
    request = away.request()
    assert not await away.method.health(away.context())
    outcomes = [
        await away.start(request),
        await away.void(away.operation("void", request, provider_ref="ch_1")),
        await away.refund(away.operation("refund", request, amount=5, provider_ref="ch_1")),
    ]
    assert [type(outcome) for outcome in outcomes] == [NotExecuted] * 3
    await away.tools.close()
