"""A payment provider inside the test, with its own books and scripted faults, and the plugins that speak to it.

The plugins go through the real host and the real guard; the provider never sees our database.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from kassa.kernel.plugin_host import Installed
from kassa.ports.banking import BankFile, Unreadable
from kassa.ports.hooks import API, PaymentMethodFactory, hookimpl
from kassa.ports.money import Money
from kassa.ports.payment import (
    Accept,
    AmountRule,
    AnyOutcome,
    AnyVerdict,
    Capabilities,
    Collect,
    Context,
    Declined,
    Event,
    Movement,
    MovementState,
    NotExecuted,
    OperationRequest,
    PaymentMethod,
    Pending,
    QueryRequest,
    RawWebhook,
    Redirect,
    Reject,
    ReplyLost,
    Report,
    ShowAccount,
    StartRequest,
    Succeeded,
)

S = MovementState


@dataclass
class Charge:
    """What the provider knows of one payment."""

    id: str
    merchant_ref: str
    amount: Money
    method: str = "card"
    status: str = "pending"
    direct: bool = False
    movements: dict[str, Movement] = field(default_factory=dict)

    def move(self, kind: str, name: str, amount: Money, state: MovementState = S.SUCCEEDED) -> Movement:
        movement = Movement(kind=kind, id=name, state=state, amount=amount)
        self.movements[name] = movement
        return movement

    def total(self, kind: str) -> int:
        return sum(m.amount.amount for m in self.movements.values() if m.kind == kind and m.state is S.SUCCEEDED)

    def report(self) -> Report:
        return Report(
            found=True,
            status=self.status,
            provider_ref=self.id,
            merchant_ref=self.merchant_ref,
            movements=tuple(self.movements.values()),
        )


class Provider:
    """Charges by idempotency key. `script` holds a fault for each coming command, `asked` for each coming query."""

    def __init__(self) -> None:
        self.charges: dict[str, Charge] = {}
        self.done: dict[str, AnyOutcome] = {}
        self.script: deque[str] = deque()
        self.asked: deque[str] = deque()
        self.calls: list[tuple[str, str]] = []
        self.effects: Counter[str] = Counter()
        self.numbers = 0

    def fresh(self, prefix: str) -> str:
        self.numbers += 1
        return f"{prefix}_{self.numbers}"

    def by_merchant_ref(self, merchant_ref: str) -> Charge:
        return next(c for c in self.charges.values() if c.merchant_ref == merchant_ref)

    def pay(self, charge: Charge, amount: int | None = None) -> None:
        """The customer pays, in time or not."""
        money = charge.amount if amount is None else Money(amount=amount, currency=charge.amount.currency)
        charge.move("capture", self.fresh("mv"), money)
        if charge.total("capture") >= charge.amount.amount:
            charge.status = "succeeded"

    def kept(self) -> int:
        return sum(c.total("capture") - c.total("refund") for c in self.charges.values())

    async def command(self, name: str, key: str, operation_id: str, do: Any) -> AnyOutcome:
        """Carry out one command under the next fault of the script; `operation_id` is only counted."""
        self.calls.append((name, key))
        fault = self.script.popleft() if self.script else "ok"
        if fault == "not_executed":
            return NotExecuted(reason="connection refused")
        if fault == "lost_before":
            raise ReplyLost("before")
        if fault == "exit":
            raise SystemExit(3)
        if key not in self.done:
            self.done[key] = do(fault)
            self.effects[operation_id] += 1
        if fault == "lost_after":
            raise ReplyLost("after")
        if fault == "garbage":
            return {"outcome": "succeeded"}
        return self.done[key]

    def query(self, merchant_ref: str) -> Report:
        fault = self.asked.popleft() if self.asked else "ok"
        if fault == "lost":
            raise ReplyLost("query")
        found = [c for c in self.charges.values() if c.merchant_ref == merchant_ref]
        if fault == "not_found" or not found:
            return Report(found=False)
        return found[0].report()


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class CardInput(Struct, frozen=True, forbid_unknown_fields=True):
    token: str = "tok"


ANY = (AmountRule(currency="*"),)


def notice(charge: Charge, event_id: str, *, report: Report | None = None, secret: str = "s3cret") -> RawWebhook:
    """What the provider posts: JSON, with its secret in a header."""
    from tests.kernel.machine import NOON

    event = Event(event_id=event_id, provider_ref=charge.id, merchant_ref=charge.merchant_ref, report=report)
    return RawWebhook(
        slug="notices", headers=(("x-secret", secret),), body=msgspec.json.encode(event), received_at=NOON
    )


class Card(PaymentMethod[Config]):
    """Charges at once; can void, refund, capture more, ask for a one-time password; trusted webhooks."""

    Config: ClassVar[type[Struct]] = Config
    Input: ClassVar[type[Struct]] = CardInput
    provider: ClassVar[Provider]
    capabilities = Capabilities(
        amounts=ANY,
        idempotency="header",
        void=True,
        refund="multiple",
        resume=True,
        webhook_trust="signed_body",
        query_by_merchant_ref=True,
        next_actions=("redirect", "collect"),
        expiry_s=(300, 3600),
    )

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        provider = self.provider
        return await provider.command(
            "start", ctx.key(), request.operation_id, lambda fault: self._start(provider, request, fault)
        )

    def _start(self, provider: Provider, request: StartRequest, fault: str) -> AnyOutcome:
        charge = Charge(
            id=provider.fresh("ch"),
            merchant_ref=request.merchant_ref,
            amount=request.amount,
            method=request.webhook_url.split("/")[-2],
        )
        provider.charges[charge.id] = charge
        if fault == "decline":
            charge.status = "failed"
            return Declined(code="card_declined", provider_ref=charge.id)
        if fault == "redirect":
            action = Redirect(url="https://pay.example/" + charge.id)
            return Pending(next_action=action, provider_ref=charge.id)
        if fault == "otp":
            return Pending(next_action=Collect(field="otp", label="Code"), provider_ref=charge.id)
        extra = {"wrong_amount": 1, "short": -1}.get(fault, 0)
        currency = "USD" if fault == "wrong_currency" else request.amount.currency
        charge.status, charge.direct = "succeeded", True
        movement = charge.move(
            "capture", provider.fresh("mv"), Money(amount=request.amount.amount + extra, currency=currency)
        )
        return Succeeded(provider_ref=charge.id, movements=(movement,))

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        return self.provider.query(request.merchant_ref)

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        if raw.header("x-secret") != "s3cret":
            return Reject(reason="secret")
        if raw.body == b"crash":
            raise RuntimeError("crash")
        return Accept(events=(msgspec.json.decode(raw.body, type=Event),))

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        charge = self.provider.by_merchant_ref(request.merchant_ref)

        def do(fault: str) -> AnyOutcome:
            if charge.status != "pending":
                return Declined(code="not_allowed")
            charge.status = "canceled"
            return Succeeded()

        return await self.provider.command("void", ctx.key(), request.operation_id, do)

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        charge = self.provider.by_merchant_ref(request.merchant_ref)

        def do(fault: str) -> AnyOutcome:
            assert request.amount is not None
            left = charge.total("capture") - charge.total("refund")
            if fault == "decline" or request.amount.amount > left:
                return Declined(code="not_allowed")
            state = S.PENDING if fault == "pending" else S.SUCCEEDED
            return Succeeded(movements=(charge.move("refund", self.provider.fresh("rf"), request.amount, state),))

        return await self.provider.command("refund", ctx.key(), request.operation_id, do)

    async def resume(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        charge = self.provider.by_merchant_ref(request.merchant_ref)

        def do(fault: str) -> AnyOutcome:
            if request.input.get("otp") != "123456":
                return Declined(code="authentication_failed", retry=True)
            self.provider.pay(charge)
            return Succeeded(movements=tuple(charge.movements.values()))

        return await self.provider.command("resume", ctx.key(), request.operation_id, do)


class Wallet(Card):
    """Like the card, but its webhooks are hints, it refunds whole payments only and cannot be voided."""

    capabilities = msgspec.structs.replace(
        Card.capabilities, void=False, resume=False, refund="full", webhook_trust="shared_token"
    )
    void = PaymentMethod.void
    resume = PaymentMethod.resume


class Bank(PaymentMethod[Config]):
    """An account to pay to; only the customer can send money, any amount, at any time."""

    Config: ClassVar[type[Struct]] = Config
    provider: ClassVar[Provider]
    capabilities = Capabilities(
        amounts=ANY,
        idempotency="merchant_ref",
        webhook_trust="signed_body",
        query_by_merchant_ref=True,
        next_actions=("show_account",),
        expiry_s=(3600, 7 * 86_400),
        open_amount=True,
        statements=("json",),
    )

    async def statement(self, ctx: Context, data: bytes, format: str) -> BankFile | Unreadable:
        """A file of this bank is a `BankFile` in JSON."""
        try:
            return msgspec.json.decode(data, type=BankFile)
        except msgspec.MsgspecError as error:
            return Unreadable(place="byte 1", reason=str(error)[:200])

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        provider = self.provider

        def do(fault: str) -> AnyOutcome:
            charge = Charge(id=provider.fresh("va"), merchant_ref=request.merchant_ref, amount=request.amount)
            provider.charges[charge.id] = charge
            action = ShowAccount(
                bank="B", holder="H", account_number=charge.id, reference=request.invoice_id, amount=request.amount
            )
            return Pending(next_action=action, provider_ref=charge.id)

        return await provider.command("start", ctx.key(), request.operation_id, do)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        return self.provider.query(request.merchant_ref)

    webhook = Card.webhook


def plugin(provider: Provider, classes: Iterable[type[PaymentMethod[Any]]] = (Card, Wallet, Bank)) -> Installed:
    """The methods as an installed plugin that speaks to this provider."""
    factories = tuple(
        PaymentMethodFactory(
            id=cls.__name__.lower(),
            api=API,
            method=type(cls.__name__, (cls,), {"provider": provider}),
            title=cls.__name__,
        )
        for cls in classes
    )

    @hookimpl
    def kassa_payment_methods() -> Iterable[PaymentMethodFactory]:
        return factories

    module = SimpleNamespace(kassa_payment_methods=kassa_payment_methods)
    return Installed(name="scripted", distribution="tests", version="1", requires=(), load=lambda: module)
