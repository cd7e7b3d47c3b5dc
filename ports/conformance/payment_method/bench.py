"""What a check works with: a configured method, its provider, and the requests that Kassa would make."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from kassa.ports.money import Money
from kassa.ports.payment import (
    AnyOutcome,
    AnyVerdict,
    Capabilities,
    Collect,
    Movement,
    OperationRequest,
    Outcome,
    PaymentMethod,
    Pending,
    QueryRequest,
    RawWebhook,
    Report,
    StartRequest,
    Wait,
)

from .outcome import Failed
from .provider import Provider
from .proxy import FaultProxy
from .samples import new_number, new_operation_id, usual_amount
from .subject import Headers, Subject
from .wire import KitContext, KitTools

T = TypeVar("T")
DEADLINE_S = 5.0
Kind = Literal["capture", "void", "refund", "resume"]


class Payment(Struct, kw_only=True):
    """A payment that the kit started: what was asked, what was said last, and what the kernel would remember."""

    request: StartRequest
    outcome: AnyOutcome
    provider_ref: str | None
    state: bytes
    movements: tuple[Movement, ...]

    def learn(self, outcome: Outcome) -> None:
        """Remember what an outcome tells, as the kernel does."""
        self.provider_ref = outcome.provider_ref or self.provider_ref
        self.state = self.state if outcome.state is None else outcome.state
        if outcome.movements:
            self.movements = outcome.movements


class Bench:
    """One check's own method, provider and ears; nothing of it outlives the check."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.provider = subject, Provider(subject)
        self.heard: list[str] = []
        """Every line of the log that plugins are given."""
        self._stack = AsyncExitStack()
        self._tools: KitTools | None = None
        self._method: PaymentMethod[Any] | None = None

    # --- life

    async def open(self) -> None:
        """Start the provider and configure the method. Raises `Failed` when it cannot be configured or opened."""
        self._stack.push_async_callback(self.provider.close)
        await self.provider.open()
        self._tools = KitTools(f"127.0.0.1:{self.proxy.port}")
        self.tools.log.lines = self.heard
        self._stack.push_async_callback(self.tools.close)
        method = self.configured(self.settings())
        await self._answered("open", method.open(self.context()))
        self._stack.push_async_callback(method.close)
        self._method = method
        self.proxy.sent.clear()

    async def close(self) -> None:
        """Close everything, last first."""
        await self._stack.aclose()

    # --- what is examined

    @property
    def capabilities(self) -> Capabilities:
        """As declared."""
        return self.subject.kind.capabilities

    @property
    def proxy(self) -> FaultProxy:
        """Between the method and its provider: `sent`, `arm`."""
        return self.provider.proxy

    @property
    def tools(self) -> KitTools:
        """What the contexts share."""
        if self._tools is None:
            raise RuntimeError("the bench is not open")
        return self._tools

    @property
    def method(self) -> PaymentMethod[Any]:
        """Configured and open."""
        if self._method is None:
            raise RuntimeError("the bench is not open")
        return self._method

    def settings(self) -> dict[str, Any]:
        """The subject's settings, its provider behind the proxy."""
        return self.subject.config(self.proxy.url)

    def configured(self, settings: dict[str, Any]) -> PaymentMethod[Any]:
        """Another instance of the method, not opened. Raises `Failed` when the settings are refused."""
        kind = self.subject.kind
        try:
            return kind(msgspec.convert(settings, kind.Config))
        except Exception as error:
            raise Failed(
                expected="the subject's settings are accepted", seen=f"{type(error).__name__}: {error}"
            ) from error

    # --- what is asked

    @property
    def amount(self) -> Money:
        """The usual amount: divisible by four in steps, so that it can be captured and refunded in parts."""
        return self.subject.amount or usual_amount(self.capabilities)

    def context(self, operation_id: str = "", deadline_s: float = DEADLINE_S) -> KitContext:
        """The context of one call."""
        return KitContext(self.tools, operation_id=operation_id or new_operation_id(), deadline_s=deadline_s)

    def input(self, given: Any = None) -> Any:
        """The customer's input (by default `subject.input`) as the method's `Input`. Raises `Failed` when it is refused."""
        told = self.subject.input if given is None else given
        try:
            return msgspec.convert(dict(told), self.subject.kind.Input)
        except Exception as error:
            raise Failed(expected="the subject's input is accepted", seen=f"{type(error).__name__}: {error}") from error

    def request(self, amount: Money | None = None, *, capture: bool = True, given: Any = None) -> StartRequest:
        """A START with an operation and a reference of its own; with `given` as what the customer tells."""
        number = new_number()
        return StartRequest(
            operation_id=new_operation_id(),
            merchant_ref=f"KS-{number}-1",
            invoice_id=f"KS-{number}",
            amount=amount or self.amount,
            capture=capture,
            input=self.input(given),
            return_url="https://shop.example/v1/returns/9c1ad4d8b06f4a6f8a6b0d5f4a8a7f11",
            webhook_url=f"https://shop.example/webhooks/{self.subject.factory.id}/{self.subject.webhook_slug}",
            expires_at=self.tools.clock.now() + timedelta(seconds=self.capabilities.expiry_s[1]),
            reserved=None if self._method is None or self._method.reserving is None else self._method.reserving.first,
        )

    def operation(self, kind: Kind, payment: Payment, amount: Money | None = None, **given: str) -> OperationRequest:
        """A command on a payment, with an operation of its own."""
        return OperationRequest(
            operation_id=new_operation_id(),
            kind=kind,
            merchant_ref=payment.request.merchant_ref,
            provider_ref=payment.provider_ref,
            amount=amount,
            movements=payment.movements,
            input=given,
            state=payment.state,
        )

    # --- asking: the healthy way, where anything but an answer is a failure

    async def start(self, request: StartRequest) -> AnyOutcome:
        """What START says. Raises `Failed` if it raises."""
        return await self._answered("start", self.begin(request))

    async def started(self, request: StartRequest) -> Payment:
        """A payment as the kernel remembers it after START. Raises `Failed` unless it went through."""
        outcome = await self.start(request)
        if outcome.__class__.__name__ not in ("Succeeded", "Pending"):
            raise Failed(expected="a START with the subject's input goes through", seen=outcome)
        payment = Payment(request=request, outcome=outcome, provider_ref=None, state=b"", movements=())
        payment.learn(outcome)
        return payment

    async def operate(self, request: OperationRequest) -> AnyOutcome:
        """What a command says. Raises `Failed` if it raises."""
        return await self._answered(request.kind, self.command(request))

    async def query(self, payment: Payment) -> Report:
        """What the provider knows of a payment. Raises `Failed` if it raises."""
        return await self._answered("query", self.ask(query_of(payment)))

    async def judge(self, body: bytes, headers: Headers) -> AnyVerdict:
        """The verdict on a notice. Raises `Failed` if it raises."""
        now = self.tools.clock.now()
        raw = RawWebhook(slug=self.subject.webhook_slug, headers=headers, body=body, received_at=now)
        return await self._answered("webhook", self.method.webhook(self.context(), raw))

    # --- asking: the bare call, which a check wraps itself

    def begin(self, request: StartRequest, deadline_s: float = DEADLINE_S) -> Awaitable[AnyOutcome]:
        """START."""
        return self.method.start(self.context(request.operation_id, deadline_s), request)

    def command(self, request: OperationRequest, deadline_s: float = DEADLINE_S) -> Awaitable[AnyOutcome]:
        """Capture, void, refund or resume."""
        call = getattr(self.method, request.kind)
        answered: Awaitable[AnyOutcome] = call(self.context(request.operation_id, deadline_s), request)
        return answered

    def ask(self, request: QueryRequest, deadline_s: float = DEADLINE_S) -> Awaitable[Report]:
        """QUERY."""
        return self.method.query(self.context(deadline_s=deadline_s), request)

    async def attempt(self, call: Awaitable[T], deadline_s: float = DEADLINE_S) -> T | Exception:
        """What it answers or raises, as the kernel sees it: canceled at the deadline."""
        try:
            async with asyncio.timeout(deadline_s):
                return await call
        except Exception as error:
            return error

    async def _answered(self, name: str, call: Awaitable[T]) -> T:
        said = await self.attempt(call)
        if isinstance(said, Exception):
            raise Failed(expected=f"{name} answers", seen=f"it raised {type(said).__name__}: {said}") from said
        return said

    # --- stories

    async def act(self, payment: Payment) -> None:
        """The customer does what is left to do after START, resumes included."""
        outcome = payment.outcome
        for _ in range(5):
            action = await self.asked(payment, outcome)
            if action is None:
                return
            typed = await self.provider.collect(action, payment.request.merchant_ref)
            outcome = await self.operate(replace(self.operation("resume", payment), input=typed))
            payment.learn(outcome)

    async def asked(self, payment: Payment, outcome: AnyOutcome) -> Collect | None:
        """What a resume has to bring: asked for at once or, after the customer was where the next action leads, by a query. None
        where there is nothing left to do."""
        if not isinstance(outcome, Pending) or isinstance(outcome.next_action, Wait):
            return None
        if isinstance(outcome.next_action, Collect):
            return outcome.next_action
        await self.provider.pay(outcome.next_action, payment.request.merchant_ref)
        action = (await self.query(payment)).next_action if self.capabilities.resume else None
        return action if isinstance(action, Collect) else None

    async def paid(self, amount: Money | None = None, *, capture: bool = True, given: Any = None) -> Payment:
        """A payment whose customer has paid (with `capture=False`: whose money is reserved). Raises `Failed` unless a query
        says so."""
        payment = await self.started(self.request(amount, capture=capture, given=given))
        await self.act(payment)
        report = await self.query(payment)
        status = "succeeded" if capture else "authorized"
        if report.status != status:
            raise Failed(expected=f"a query says {status} once the customer has paid", seen=report)
        payment.provider_ref = report.provider_ref or payment.provider_ref
        payment.movements = report.movements
        return payment

    async def sent_by(self, call: Awaitable[T]) -> int:
        """How many requests a call puts on the wire."""
        before = len(self.proxy.sent)
        await self.attempt(call)
        return len(self.proxy.sent) - before


def query_of(payment: Payment, *, by_ref: bool = True) -> QueryRequest:
    """What the kernel asks about a payment; without `by_ref` as if no answer had ever come."""
    return QueryRequest(
        merchant_ref=payment.request.merchant_ref,
        provider_ref=payment.provider_ref if by_ref else None,
        amount=payment.request.amount,
        state=payment.state if by_ref else b"",
    )
