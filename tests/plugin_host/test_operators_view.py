"""What an operator is told at night: what each instance did, why it failed, when it is tried again."""

import asyncio
from typing import Any

import msgspec
import pytest

from kassa.adapters.http.metrics import Metrics
from kassa.kernel.plugin_breaker import Breaker
from kassa.kernel.plugin_tally import WINDOW, Tally
from kassa.ports.banking import BankFile, Unreadable
from kassa.ports.errors import Unavailable
from kassa.ports.payment import Declined, NotExecuted, Report, Succeeded
from kassa.ports.plugins import PluginRules, PluginStatus
from kassa.ports.secret import Secret
from tests.kernel.machine import NOON, SeededIds, SetClock
from tests.plugin_host.plugs import (
    QUERY,
    Plain,
    factory,
    guarded,
    installed,
    instance,
    loaded,
    method_class,
    start_request,
)


def scripted(*answers):
    """Gives one answer after the other; raises what is an exception."""
    left = list(answers)

    async def act(ctx):
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return act


async def test_calls_are_counted_by_how_they_ended():
    method = await guarded(
        scripted(
            Succeeded(), Declined(code="other"), NotExecuted(reason="refused sk_canary"), RuntimeError("sk_canary"), 7
        )
    )
    for n in range(5):
        await method.start(start_request(f"{n:032x}"), 1)
    activity = method.activity()
    counts = {(c.call, c.outcome): c.count for c in activity.counts}
    assert counts == {
        ("start", "succeeded"): 1,
        ("start", "declined"): 1,
        ("start", "not_executed"): 1,
        ("start", "unknown"): 2,
    }
    assert (activity.calls, activity.unclear, activity.failures_in_a_row) == (5, 2, 3)
    assert activity.last_failure == "start: returned int"
    assert "canary" not in msgspec.json.encode(activity).decode()


async def test_failures_are_told_in_the_kernels_words():
    method = await guarded(scripted(NotExecuted(reason="sk_canary"), RuntimeError("sk_canary")))
    await method.start(start_request(), 1)
    assert method.activity().last_failure == "start: did not reach the provider"
    await method.query(QUERY)
    assert method.activity().last_failure == "query: raised RuntimeError"
    assert method.activity().last_failure_at == NOON


def test_median_and_percentile_are_of_recent_calls_alone():
    clock = SetClock()
    tally, breaker = Tally(clock), Breaker(clock)
    for _ in range(WINDOW):
        tally.ended("start", "succeeded", 9.0)
    for n in range(1, WINDOW + 1):
        tally.ended("start", "succeeded", n / 1000)
    tally.ended("webhook", "accept", 99.0)
    view = tally.view(breaker, (), 0)
    assert (view.median_ms, view.p95_ms, view.calls) == (128, 244, 2 * WINDOW)
    assert sum(view.within) == 2 * WINDOW
    assert view.within[:3] == (5, 5, 15)


async def test_an_open_breaker_tells_when_it_tries_again():
    clock = SetClock()
    method = await guarded(scripted(RuntimeError()), clock=clock)
    for n in range(Breaker.FAILURES):
        await method.start(start_request(f"{n:032x}"), 1)
    tries_at = method.activity().breaker_tries_at
    assert (method.breaker, tries_at is not None and (tries_at - NOON).total_seconds()) == ("open", Breaker.OPEN_S)
    clock.advance(Breaker.OPEN_S)
    assert (method.breaker, method.is_healthy, method.activity().breaker_tries_at) == ("half_open", True, None)


async def test_half_open_lets_one_through_at_a_time():
    clock, release = SetClock(), asyncio.Event()
    answers: list[object] = []

    async def act(ctx):
        if not answers:
            raise RuntimeError
        await release.wait()
        return answers[0]

    method = await guarded(act, clock=clock, deadline_s=5)
    for n in range(Breaker.FAILURES):
        await method.start(start_request(f"{n:032x}"), 1)
    clock.advance(Breaker.OPEN_S)
    answers.append(Succeeded())
    trial = asyncio.create_task(method.start(start_request("f" * 32), 5))
    await asyncio.sleep(0.01)
    assert not method.is_healthy
    release.set()
    await trial
    assert (method.breaker, method.is_healthy) == ("closed", True)


async def test_a_trial_that_is_given_up_does_not_close_the_door_for_ever():
    clock = SetClock()

    async def act(ctx):
        await asyncio.sleep(60)

    method = await guarded(act, clock=clock, deadline_s=5)
    for _ in range(Breaker.FAILURES):
        method._breaker.note(usable=False)
    clock.advance(Breaker.OPEN_S)
    trial = asyncio.create_task(method.start(start_request(), 5))
    await asyncio.sleep(0.01)
    trial.cancel()
    await asyncio.wait({trial})
    assert method.is_healthy


async def test_a_call_that_was_never_made_feeds_no_breaker():
    release = asyncio.Event()

    async def act(ctx):
        await release.wait()
        return Report(found=False)

    method = await guarded(act, deadline_s=5)
    calls = [asyncio.create_task(method.query(QUERY, 5)) for _ in range(16)]
    await asyncio.sleep(0.01)
    for _ in range(10):
        await method.query(QUERY, 0.001)
        await method.start(start_request(), 0.001)
    view = method.activity()
    assert (view.failures_in_a_row, view.under_way) == (0, 16)
    assert {(c.call, c.count) for c in view.counts if c.outcome == "busy"} == {("query", 10), ("start", 10)}
    release.set()
    await asyncio.gather(*calls)


async def scripted_health(self, ctx):
    answer = self.answers.pop(0)
    if isinstance(answer, BaseException):
        raise answer
    return answer


def with_health(*answers):
    async def health(self, ctx):
        return await scripted_health(self, ctx)

    return method_class(scripted(Succeeded()), health=health, answers=list(answers))


async def test_health_is_shown_and_only_its_failures_count():
    methods = await loaded(installed(factory(with_health(True, False, RuntimeError("x"), "fine", True))))
    method = methods.get("main")
    assert method is not None
    seen = []
    for _ in range(5):
        await methods.check_health()
        activity = method.activity()
        seen.append((activity.health, activity.failures_in_a_row, activity.last_failure))
    assert seen == [
        ("well", 0, ""),
        ("unwell", 1, "health: says no"),
        ("unwell", 2, "health: raised RuntimeError"),
        ("unwell", 3, "health: returned str"),
        ("well", 3, "health: returned str"),
    ]
    await method.start(start_request(), 1)
    assert method.activity().failures_in_a_row == 0


async def test_a_default_health_closes_no_breaker():
    """It says "well" without asking anybody."""
    clock = SetClock()
    methods = await loaded(installed(factory(method_class(scripted(RuntimeError())))), clock=clock)
    method = methods.get("main")
    assert method is not None
    for n in range(Breaker.FAILURES):
        await method.start(start_request(f"{n:032x}"), 1)
    clock.advance(Breaker.OPEN_S)
    await methods.check_health()
    assert method.breaker == "half_open"


async def test_health_that_hangs_is_given_up_and_asked_again():
    asked = []

    async def health(self, ctx):
        asked.append(1)
        await asyncio.sleep(60)

    clock = SetClock()
    methods = await loaded(
        installed(factory(method_class(health=health))), instances=(instance(deadline_s=0.05),), clock=clock
    )
    watching = asyncio.create_task(methods.watch_health(clock, SeededIds()))
    for _ in range(200):
        if len(asked) >= 2:
            break
        await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.wait({watching})
    assert len(asked) >= 2
    (status,) = methods.statuses()
    assert status.activity is not None
    assert (status.activity.health, status.activity.last_failure) == ("unwell", "health: no answer in time")


async def test_notices_and_statements_are_counted_and_feed_no_breaker():
    """Strangers may send notices."""

    async def webhook(self, ctx, raw):
        raise RuntimeError

    cls = method_class(
        webhook=webhook, capabilities=msgspec.structs.replace(Plain.capabilities, webhook_trust="signed_body")
    )
    methods = await loaded(installed(factory(cls)))
    method = methods.get("main")
    assert method is not None
    for _ in range(10):
        await method.webhook(None)  # type: ignore[arg-type]
    assert (method.breaker, method.activity().failures_in_a_row) == ("closed", 0)
    assert [(c.call, c.outcome, c.count) for c in method.activity().counts] == [("webhook", "unknown", 10)]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (BankFile(account="", lines=()), "read"),
        (Unreadable(place="line 1", reason="no statement"), "unreadable"),
        (("lines",), "unknown"),
    ],
)
async def test_a_bank_file_is_read_or_unreadable_and_anything_else_is_unclear(answer: Any, word: str):
    async def statement(self, ctx, data, format):
        return answer

    cls = method_class(
        statement=statement, capabilities=msgspec.structs.replace(Plain.capabilities, statements=("auto",))
    )
    method = (await loaded(installed(factory(cls)))).get("main")
    assert method is not None
    await method.statement(b"", "auto")
    assert [(c.call, c.outcome) for c in method.activity().counts] == [("statement", word)]


async def test_the_page_for_prometheus_shows_each_instance():
    methods = await loaded(
        installed(factory(method_class(scripted(Succeeded(), RuntimeError())))),
        instances=(instance(), instance("gone", "gone", optional=True)),
    )
    method = methods.get("main")
    assert method is not None
    for n in range(6):
        await method.start(start_request(f"{n:032x}"), 1)
    metrics = Metrics("1")
    metrics.from_plugins(methods.statuses)
    lines = (await metrics.page()).body.decode().splitlines()
    for line in (
        'kassa_payment_method_loaded{instance="main"} 1.0',
        'kassa_payment_method_loaded{instance="gone"} 0.0',
        'kassa_payment_method_breaker_open{instance="main"} 1.0',
        'kassa_payment_method_calls_total{call="start",instance="main",outcome="succeeded"} 1.0',
        'kassa_payment_method_calls_total{call="start",instance="main",outcome="unknown"} 5.0',
        'kassa_payment_method_seconds_bucket{instance="main",le="+Inf"} 6.0',
        'kassa_payment_method_seconds_count{instance="main"} 6.0',
        'kassa_payment_method_blocked_total{instance="main"} 0.0',
    ):
        assert line in lines, line


async def test_a_number_that_cannot_be_read_is_no_number_and_spoils_no_page():
    metrics = Metrics("1")

    async def seven() -> float:
        return 7

    async def away() -> float:
        raise Unavailable("database")

    metrics.gauge("kassa_dead", "Dead letters.", seven)
    metrics.gauge("kassa_other", "Other.", away)
    lines = (await metrics.page()).body.decode().splitlines()
    assert "kassa_dead 7.0" in lines
    assert "kassa_other NaN" in lines


@pytest.mark.parametrize(
    ("rules", "state", "why"),
    [
        (PluginRules(), "loaded", ""),
        (PluginRules(allow=frozenset({"trial"})), "loaded", ""),
        (PluginRules(allow=frozenset({"other"})), "blocked", "not on the allow list"),
        (PluginRules(block=frozenset({"trial"})), "blocked", "on the block list"),
        (PluginRules(allow=frozenset({"trial"}), block=frozenset({"trial"})), "blocked", "on the block list"),
    ],
)
async def test_lists_decide_before_the_import(rules: PluginRules, state: str, why: str):
    def load() -> object:
        raise AssertionError("imported")

    plugin = installed(factory(), **({"load": load} if state == "blocked" else {}))
    methods = await loaded(plugin, rules=rules)
    (status,) = methods.statuses()
    assert (status.state, why in status.reason, methods.is_complete()) == (state, True, state == "loaded")


async def test_a_blocked_method_of_a_plugin_of_another_name_is_blocked_too():
    methods = await loaded(installed(factory(), name="acme"), rules=PluginRules(block=frozenset({"trial"})))
    assert [(s.instance, s.state) for s in methods.statuses()] == [("main", "blocked")]


async def test_what_hides_behind_a_broken_entry_point_is_hinted_at():
    def load() -> object:
        raise RuntimeError("no\nlicence")

    methods = await loaded(installed(name="acme", load=load))
    statuses: dict[str | None, PluginStatus] = {s.instance: s for s in methods.statuses()}
    assert statuses["main"].reason == "no installed plugin offers it (not loaded: acme)"
    assert statuses[None].reason == "import: RuntimeError: no licence"


async def test_a_configuration_with_a_secret_shows_none():
    methods = await loaded(installed(factory()), instances=(instance(config={"key": Secret("sk_canary"), "x": 1}),))
    assert "canary" not in msgspec.json.encode(methods.statuses()).decode()
