"""Whatever a plugin does, the shop gets a checked answer or `Unknown`, in time, and nothing stays behind."""

import asyncio
import time

import pytest

from kassa.kernel.payment_facts import Unknown
from kassa.kernel.plugin_breaker import Breaker
from kassa.kernel.plugin_bulkhead import AT_ONCE, IN_QUEUE
from kassa.ports.money import Money
from kassa.ports.payment import (
    Declined,
    Movement,
    MovementState,
    NotExecuted,
    Pending,
    Redirect,
    Report,
    ShowQr,
    Succeeded,
)
from tests.kernel.machine import SetClock
from tests.plugin_host.plugs import QUERY, guarded, start_request


def answering(value):
    async def act(ctx):
        return value

    return act


def raising(error):
    async def act(ctx):
        raise error

    return act


def money(amount: int = 100, currency: str = "GBP") -> Money:
    return Money(amount=amount, currency=currency)


def capture(**more):
    return Movement(**({"kind": "capture", "id": "m", "state": MovementState.SUCCEEDED, "amount": money()} | more))


GOOD = [
    Succeeded(provider_ref="r", movements=(capture(),), state=b"x" * 8192),
    Pending(next_action=Redirect(url="https://bank.example/3ds")),
    Pending(next_action=Redirect(url="http://127.0.0.1:9000/approve")),
    Declined(code="card_declined", provider_code="51", retry=True),
    NotExecuted(reason="connection refused"),
]


@pytest.mark.parametrize("outcome", GOOD)
async def test_an_answer_of_the_contract_comes_through_as_it_is(outcome):
    method = await guarded(answering(outcome))
    assert await method.start(start_request(), 1) == outcome


class Sly(Succeeded, frozen=True, kw_only=True, tag="succeeded"):
    """Looks like one of the contract's."""


BAD = {
    "None": None,
    "a dict": {"outcome": "succeeded"},
    "a subclass": Sly(),
    "a report": Report(found=True),
    "text as movements": Succeeded(movements="all"),
    "an unknown code": Declined(code="because"),
    "too much state": Succeeded(state=b"x" * 8193),
    "a naive time": Pending(next_action=ShowQr(payload="q"), expires_at="tomorrow"),
    "no next action": Pending(next_action=None),
    "a script for a redirect": Pending(next_action=Redirect(url="javascript:alert(1)")),
    "a plain redirect": Pending(next_action=Redirect(url="http://bank.example/")),
    "a redirect to nowhere": Pending(next_action=Redirect(url="https://")),
    "a broken redirect": Pending(next_action=Redirect(url="https://[")),
    "money of nothing": Succeeded(movements=(capture(amount=money(0)),)),
    "negative money": Succeeded(movements=(capture(amount=money(-1)),)),
    "a float": Succeeded(movements=(capture(amount=Money(amount=1.5, currency="GBP")),)),
    "a small currency": Succeeded(movements=(capture(amount=money(1, "gbp")),)),
    "a movement twice": Succeeded(movements=(capture(), capture(amount=money(2)))),
    "too many movements": Succeeded(movements=tuple(capture(id=str(n)) for n in range(1001))),
    "a state that is none": Succeeded(movements=(capture(state=9),)),
    "an object": Succeeded(provider_ref=object()),
}


@pytest.mark.parametrize("name", BAD)
async def test_whatever_is_not_of_the_contract_is_unknown(name: str):
    method = await guarded(answering(BAD[name]))
    assert isinstance(await method.start(start_request(), 1), Unknown)


@pytest.mark.parametrize(
    "error", [RuntimeError("sk_canary"), SystemExit(3), KeyboardInterrupt(), MemoryError(), GeneratorExit()]
)
async def test_whatever_is_raised_is_unknown_and_its_text_stays_inside(error: BaseException):
    method = await guarded(raising(error))
    answer = await method.start(start_request(), 1)
    assert answer == Unknown(reason=f"raised {type(error).__name__}")


async def test_a_call_that_cancels_itself_is_unknown():
    method = await guarded(raising(asyncio.CancelledError()))
    assert isinstance(await method.start(start_request(), 1), Unknown)


async def test_a_call_ends_at_its_deadline_and_leaves_no_task():
    ended = []

    async def act(ctx):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    method = await guarded(act)
    before = asyncio.all_tasks()
    began = time.monotonic()
    assert await method.start(start_request(), 0.1) == Unknown(reason="no answer in time")
    assert time.monotonic() - began < 1
    assert ended == [True]
    assert asyncio.all_tasks() == before


async def test_a_call_that_is_deaf_to_cancellation_does_not_hold_the_shop(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kassa.kernel.plugin_lane.UNWIND_S", 0.05)
    release = asyncio.Event()

    async def act(ctx):
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return Succeeded()

    method = await guarded(act)
    assert isinstance(await asyncio.wait_for(method.start(start_request(), 0.05), 2), Unknown)
    release.set()
    await asyncio.sleep(0.01)


async def test_a_canceled_caller_takes_its_call_with_it():
    ended = asyncio.Event()

    async def act(ctx):
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    method = await guarded(act, deadline_s=30)
    waiting = asyncio.create_task(method.start(start_request(), 30))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()


async def test_sixteen_run_sixty_four_wait_and_the_rest_is_not_executed():
    release, running = asyncio.Event(), []

    async def act(ctx):
        running.append(1)
        await release.wait()
        return Succeeded()

    method = await guarded(act, deadline_s=20)
    calls = [asyncio.create_task(method.start(start_request(), 20)) for _ in range(AT_ONCE + IN_QUEUE + 5)]
    await asyncio.sleep(0.05)
    assert len(running) == AT_ONCE
    refused = [c.result() for c in calls if c.done()]
    assert len(refused) == 5
    assert all(isinstance(r, NotExecuted) and r.reason.startswith("busy") for r in refused)
    release.set()
    done = await asyncio.gather(*calls)
    assert sum(isinstance(d, Succeeded) for d in done) == AT_ONCE + IN_QUEUE
    assert method.is_healthy


async def test_a_turn_that_never_comes_is_not_executed():
    release = asyncio.Event()

    async def act(ctx):
        await release.wait()
        return Succeeded()

    method = await guarded(act, deadline_s=20)
    blocking = [asyncio.create_task(method.start(start_request(), 20)) for _ in range(AT_ONCE)]
    await asyncio.sleep(0.01)
    assert isinstance(await method.start(start_request(), 0.05), NotExecuted)
    release.set()
    await asyncio.gather(*blocking)


async def test_the_breaker_opens_for_new_payments_and_never_for_queries():
    clock = SetClock()
    answers: list[object] = []

    async def act(ctx):
        if not answers:
            raise RuntimeError
        return answers[0]

    method = await guarded(act, clock=clock)
    for _ in range(Breaker.FAILURES):
        assert method.is_healthy
        await method.start(start_request(), 1)
    assert not method.is_healthy
    assert isinstance(await method.query(QUERY), Unknown)
    answers.append(Report(found=True))
    assert await method.query(QUERY) == Report(found=True)
    assert method.is_healthy


async def test_the_breaker_lets_one_through_after_a_while_and_closes_on_its_answer():
    clock = SetClock()
    breaker = Breaker(clock)
    for _ in range(Breaker.FAILURES):
        breaker.note(usable=False)
    assert breaker.is_open
    clock.advance(Breaker.OPEN_S + 1)
    assert not breaker.is_open
    breaker.note(usable=False)
    assert breaker.is_open
    breaker.note(usable=True)
    assert not breaker.is_open


async def test_declines_never_open_the_breaker():
    method = await guarded(answering(Declined(code="other")))
    for _ in range(20):
        await method.start(start_request(), 1)
    assert method.is_healthy


async def test_keys_are_the_operations_own_and_the_same_at_every_attempt():
    keys = []

    async def act(ctx):
        keys.append((ctx.key(), ctx.key("confirm"), ctx.key("other")))
        return Succeeded()

    method = await guarded(act)
    for operation in ("a" * 32, "a" * 32, "b" * 32):
        await method.start(start_request(operation), 1)
    assert keys[0] == keys[1]
    assert keys[0][0] == "a" * 32
    assert len({k for one in (keys[0], keys[2]) for k in one}) == 6
    assert all(len(k) <= 64 and set(k) <= set("0123456789abcdefghijklmnopqrstuvwxyz-") for k in keys[0])


async def test_a_call_knows_its_deadline_and_may_block_in_threads_of_its_own():
    seen = []

    async def act(ctx):
        seen.append((ctx.deadline_s, await ctx.blocking(lambda: 42)))
        return Succeeded()

    method = await guarded(act)
    await method.start(start_request(), 1)
    assert 0 < seen[0][0] <= 1
    assert seen[0][1] == 42


async def test_a_report_is_checked_like_everything_else():
    for bad in (
        None,
        Report(found="yes"),
        Report(found=True, status="odd"),
        Report(found=True, movements=(capture(id=""),)),
    ):
        method = await guarded(answering(bad))
        assert isinstance(await method.query(QUERY), Unknown)


async def test_a_plugin_that_blocks_the_event_loop_is_named():
    from kassa.adapters.system import SystemClock

    async def act(ctx):
        await asyncio.sleep(0)
        time.sleep(0.08)
        await asyncio.sleep(0)
        return Succeeded()

    method = await guarded(act, deadline_s=5, clock=SystemClock())
    await method.start(start_request(), 5)
    lines = method._tools.log.lines
    assert [event for event, _ in lines] == ["plugin.blocked_its_loop"]
    assert lines[0][1]["instance"] == "main"
