"""A payment method behind a guard: deadline, bulkhead, circuit breaker, a lane of its own, and nothing believed that it
returns.

Whatever goes wrong inside becomes `Unknown`: an exception (`SystemExit` too), a hang, a cancellation, a wrong type. Honest
limit: code of the same process can still take the processor or leak on purpose; the guard names it, it cannot contain it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from kassa.kernel.payment_amounts import narrowed
from kassa.kernel.payment_facts import Unknown
from kassa.kernel.plugin_answers import bank_file_of, flag_of, outcome_of, payout_file_of, report_of, verdict_of
from kassa.kernel.plugin_breaker import Breaker
from kassa.kernel.plugin_bulkhead import IN_QUEUE, NOTICES_IN_QUEUE, Bulkhead, Overloaded
from kassa.kernel.plugin_context import GuardedContext
from kassa.kernel.plugin_lane import HELD_S, contained
from kassa.kernel.plugin_tally import Tally, name_of
from kassa.kernel.plugin_watch import Steps, watched
from kassa.ports.banking import BankFile, Payout, PayoutFile, Reserving, Unreadable
from kassa.ports.clock import Clock
from kassa.ports.money import Money
from kassa.ports.payment import (
    AnyOutcome,
    AnyVerdict,
    Capabilities,
    NotExecuted,
    OperationRequest,
    PaymentMethod,
    QueryRequest,
    RawWebhook,
    Report,
    StartRequest,
)
from kassa.ports.plugins import MethodActivity, MethodInstance
from kassa.ports.provider import Lane, ProviderTools

WEBHOOK_S = 2.0
HEALTH_S = 5.0
CLOSE_S = 5.0
LONGEST_S = 30.0

Call: TypeAlias = Callable[[GuardedContext], Awaitable[object]]
Decode: TypeAlias = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Ask:
    """One call: its name, how it is made, how its answer is decoded, how long it may take, its idempotency key."""

    name: str
    call: Call
    decode: Decode
    within_s: float
    key: str = ""
    step: str = ""


class GuardedMethod:
    """One configured instance of a payment method. Every method returns a checked value or `Unknown`, and never raises."""

    def __init__(
        self,
        *,
        instance: MethodInstance,
        title: str,
        method: PaymentMethod[Any],
        tools: ProviderTools,
        lane: Lane,
        clock: Clock,
        reserving: Reserving | None = None,
    ) -> None:
        self.instance, self.title = instance, title
        self.capabilities: Capabilities = type(method).capabilities
        self.input_type: type[Struct] = type(method).Input
        self.reserving = reserving
        self.amounts = narrowed(self.capabilities.amounts, instance.min_amount, instance.max_amount)
        self.deadline_s = min(instance.deadline_s, LONGEST_S)
        self._method, self._tools, self._lane, self._clock = method, tools, lane, clock
        self._calls, self._notices, self._checks = Bulkhead(IN_QUEUE), Bulkhead(NOTICES_IN_QUEUE), Bulkhead(0)
        self._breaker, self._tally = Breaker(clock), Tally(clock)

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.instance.name

    @property
    def is_healthy(self) -> bool:
        """Whether it is offered for new payments. `query` and `webhook` are never stopped."""
        return not self._breaker.is_open and self._lane.held_s <= HELD_S

    @property
    def breaker(self) -> Literal["closed", "open", "half_open"]:
        """How the circuit breaker stands now."""
        return self._breaker.state

    def activity(self) -> MethodActivity:
        """What it did since this process began."""
        return self._tally.view(self._breaker, (self._calls, self._notices), self._lane.held_s)

    def takes(self, amount: Money) -> bool:
        """Whether its amount rules fit, and what the shop says."""
        return any(rule.fits(amount) for rule in self.amounts)

    async def open(self) -> object:
        """`Unknown` when the method would not open. Raises `Overloaded` when it could not be asked."""
        return await self._guarded(
            Ask("open", self._method.open, _nothing, self.deadline_s), self._calls, self._steps()
        )

    async def close(self) -> None:
        """Close the method, its tools and its lane, whatever it does."""
        try:
            closing = Ask("close", lambda ctx: self._method.close(), _nothing, CLOSE_S)
            await self._guarded(closing, self._checks, self._steps())
            await contained(self._lane, self._tools.close, CLOSE_S)
        except Overloaded as error:
            self._tools.log.warning("plugin.not_closed", instance=self.name, why=str(error))
        await self._lane.close()

    async def start(self, request: StartRequest, within_s: float) -> AnyOutcome | Unknown:
        """Authorise or charge."""
        call = lambda ctx: self._method.start(ctx, request)  # noqa: E731
        return await self._command(Ask("start", call, outcome_of, within_s, request.operation_id))

    async def command(
        self, request: OperationRequest, within_s: float, *, key: str | None = None, step: str = ""
    ) -> AnyOutcome | Unknown:
        """Capture, void, refund or resume; `key` and `step` where the idempotency key is derived from another operation."""
        name = request.kind

        def call(ctx: GuardedContext) -> Awaitable[object]:
            command: Callable[[GuardedContext, OperationRequest], Awaitable[object]] = getattr(self._method, name)
            return command(ctx, request)

        return await self._command(Ask(name, call, outcome_of, within_s, key or request.operation_id, step))

    async def query(self, request: QueryRequest, within_s: float | None = None) -> Report | Unknown:
        """Ask what the provider knows."""
        within = self.deadline_s if within_s is None else within_s
        ask = Ask("query", lambda ctx: self._method.query(ctx, request), report_of, within)
        try:
            return await self._asked(ask)  # type: ignore[return-value]
        except Overloaded as error:
            return Unknown(reason=f"busy: {error}")

    async def webhook(self, raw: RawWebhook) -> AnyVerdict | Unknown:
        """Verify and parse a notice, within two seconds. Feeds no breaker: strangers may send notices."""
        ask = Ask("webhook", lambda ctx: self._method.webhook(ctx, raw), verdict_of, WEBHOOK_S)
        return await self._counted(ask, self._notices)  # type: ignore[return-value]

    async def statement(self, data: bytes, form: str) -> BankFile | Unreadable | Unknown:
        """Read a bank file."""
        ask = Ask("statement", lambda ctx: self._method.statement(ctx, data, form), bank_file_of, LONGEST_S)
        return await self._counted(ask, self._checks)  # type: ignore[return-value]

    async def payout(self, payouts: tuple[Payout, ...]) -> PayoutFile | Unknown:
        """Write an order for the bank."""
        ask = Ask("payout", lambda ctx: self._method.payout(ctx, payouts), payout_file_of, LONGEST_S)
        return await self._counted(ask, self._checks)  # type: ignore[return-value]

    async def check_health(self) -> None:
        """Ask the plugin how its provider is. "Well" is only shown: most plugins say it without asking anybody. Anything else
        counts as a failed call."""
        ask = Ask("health", self._method.health, flag_of, min(HEALTH_S, self.deadline_s))
        answer = await self._counted(ask, self._checks)
        if isinstance(answer, Unknown) and answer.reason.startswith("busy"):
            return
        self._tally.health(answer is True)
        if answer is not True:
            self._failed(f"health: {answer.reason if isinstance(answer, Unknown) else 'says no'}")

    async def _command(self, ask: Ask) -> AnyOutcome | Unknown:
        self._breaker.begin()
        try:
            return await self._asked(ask)  # type: ignore[return-value]
        except Overloaded as error:
            return NotExecuted(reason=f"busy: {error}")
        finally:
            self._breaker.end()

    async def _asked(self, ask: Ask) -> object:
        """A call that feeds the breaker: with what is unclear, what did not reach the provider, and what held the loop."""
        steps, began = self._steps(), self._clock.monotonic()
        try:
            answer = await self._guarded(ask, self._calls, steps)
        except Overloaded:
            self._tally.busy(ask.name)
            raise
        self._tally.ended(ask.name, name_of(answer), self._clock.monotonic() - began)
        if isinstance(answer, Unknown):
            self._failed(f"{ask.name}: {answer.reason}")
        elif isinstance(answer, NotExecuted):
            self._failed(f"{ask.name}: did not reach the provider")
        elif steps.is_too_much:
            self._failed(f"{ask.name}: worked too long without awaiting")
        else:
            self._breaker.note(usable=True)
        return answer

    async def _counted(self, ask: Ask, bulkhead: Bulkhead) -> object:
        """A call that is only counted."""
        began = self._clock.monotonic()
        try:
            answer = await self._guarded(ask, bulkhead, self._steps())
        except Overloaded as error:
            self._tally.busy(ask.name)
            return Unknown(reason=f"busy: {error}")
        self._tally.ended(ask.name, name_of(answer), self._clock.monotonic() - began)
        return answer

    async def _guarded(self, ask: Ask, bulkhead: Bulkhead, steps: Steps) -> object:
        """Make one call within its deadline, and decode what it returns, all in its lane. Raises `Overloaded` when it was
        not made."""
        within_s = min(ask.within_s, LONGEST_S)
        ends_at = self._clock.monotonic() + within_s
        await bulkhead.enter(within_s)
        try:
            context = GuardedContext(key=ask.key, step=ask.step, ends_at=ends_at, tools=self._tools, clock=self._clock)

            async def decoded() -> object:
                return ask.decode(await ask.call(context))

            async def work() -> object:
                return await watched(decoded(), steps)

            return await contained(self._lane, work, ends_at - self._clock.monotonic())
        finally:
            bulkhead.leave()

    def _steps(self) -> Steps:
        return Steps(self._clock, self._lane.work_s, self._blocked)

    def _blocked(self, took_s: float) -> None:
        self._tally.blocked(took_s)
        self._tools.log.warning("plugin.blocked_its_loop", instance=self.name, took_ms=round(took_s * 1000))

    def _failed(self, why: str) -> None:
        self._breaker.note(usable=False)
        self._tally.failed(why)
        if self._breaker.failures == Breaker.FAILURES:
            self._tools.log.warning("plugin.breaker_opened", instance=self.name, why=why[:200])


def _nothing(answer: object) -> None:
    """Whatever `open` and `close` return is nothing to us."""
