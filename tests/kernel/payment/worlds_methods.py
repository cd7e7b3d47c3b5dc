"""The payment methods of a random world: each is served by the faulty provider as its capabilities declare.

card     header keys, signed notices, everything that can be done with a payment; its provider refunds whatever it is told
wallet   no idempotency at all: a repetition executes twice; its notices carry a token that covers nothing
debit    recognises a merchant reference; only the names in its notices are signed; refunds a payment once
voucher  cannot be asked by our reference; its notices name the payment by its own reference, or by ours
bank     an account to pay to, any amount, any time; the provider tells
giro     an account to pay to; nobody tells but the bank's statement, which an operator enters
hold     a card that reserves; an operator takes the money, in parts; its provider takes whatever it is told
"""

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from kassa.kernel.plugin_host import Installed
from kassa.ports.hooks import API, PaymentMethodFactory, hookimpl
from kassa.ports.payment import (
    Accept,
    AmountRule,
    AnyOutcome,
    AnyVerdict,
    Capabilities,
    Context,
    Event,
    OperationRequest,
    PaymentMethod,
    QueryRequest,
    RawWebhook,
    Reject,
    Report,
    StartRequest,
)
from tests.kernel.payment.worlds_books import BankLine, Charge
from tests.kernel.payment.worlds_post import Line, proof
from tests.kernel.payment.worlds_provider import FaultyProvider

LINES = {
    "card": Line(
        "header", "signed_body", takes_too_much=True, starts=("direct", "direct", "redirect", "otp", "decline")
    ),
    "wallet": Line("none", "shared_token"),
    "debit": Line("merchant_ref", "signed_fields", takes_too_much=True),
    "voucher": Line("header", "signed_body", names="ours", can_be_asked=False, starts=("direct", "redirect", "wait")),
    "bank": Line("merchant_ref", "signed_body", names="theirs", starts=("account",)),
    "giro": Line("none", "none", starts=("account",)),
    "hold": Line("header", "signed_body", takes_too_much=True, starts=("direct", "direct", "redirect", "decline")),
}
CONSISTENT_S = 45


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Card(PaymentMethod[Settings]):
    """Translates for the card, and for whatever differs from it only in what it declares."""

    Config: ClassVar[type[Struct]] = Settings
    name: ClassVar[str]
    provider: ClassVar[FaultyProvider]
    capabilities = Capabilities(
        amounts=(AmountRule(currency="*"),),
        idempotency="header",
        void=True,
        refund="multiple",
        resume=True,
        webhook_trust="signed_body",
        query_by_merchant_ref=True,
        query_consistency_s=CONSISTENT_S,
        next_actions=("redirect", "collect", "wait"),
        expiry_s=(300, 3600),
    )

    @property
    def line(self) -> Line:
        return LINES[self.name]

    async def _send(self, ctx: Context, name: str, operation_id: str, do: Callable[[], AnyOutcome]) -> AnyOutcome:
        answer: AnyOutcome = await self.provider.command(self.line, name, ctx.key(), operation_id, do)
        return answer

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        return await self._send(
            ctx, "start", request.operation_id, lambda: self.provider.start(self.name, self.line, request)
        )

    def _charge(self, request: OperationRequest) -> Charge:
        """The charge that a command is for, as the provider finds it."""
        charges = [c for c in self.provider.charges if c.id == request.provider_ref]
        return (charges or self.provider.of(request.merchant_ref))[0]

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        return self.provider.query(self.line, request.merchant_ref, request.provider_ref)

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        given = raw.header("x-proof")
        try:
            event = msgspec.json.decode(raw.body, type=Event)
        except msgspec.MsgspecError:
            return Reject(reason="rubbish")
        if given is None or given != proof(self.name, self.line, event, raw.body):
            return Reject(reason="proof")
        return Accept(events=(event,))

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        charge = self._charge(request)
        return await self._send(ctx, "void", request.operation_id, lambda: self.provider.void(charge))

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        charge, amount = self._charge(request), request.amount
        assert amount is not None
        return await self._send(
            ctx, "refund", request.operation_id, lambda: self.provider.refund(charge, self.line, amount)
        )

    async def resume(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        charge, code = self._charge(request), request.input.get("otp", "")
        return await self._send(ctx, "resume", request.operation_id, lambda: self.provider.resume(charge, code))


def _can(**changes: Any) -> Capabilities:
    return replace(Card.capabilities, **changes)


class Wallet(Card):
    capabilities = _can(idempotency="none", void=False, resume=False, refund="full", webhook_trust="shared_token")
    void, resume = PaymentMethod.void, PaymentMethod.resume


class Debit(Card):
    capabilities = _can(idempotency="merchant_ref", resume=False, refund="partial", webhook_trust="signed_fields")
    resume = PaymentMethod.resume


class Voucher(Card):
    capabilities = _can(query_by_merchant_ref=False, resume=False, void=False)
    void, resume = PaymentMethod.void, PaymentMethod.resume


class Hold(Card):
    capabilities = _can(auth_capture=True, partial_capture=True, multi_capture=True, resume=False)
    resume = PaymentMethod.resume

    async def capture(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        charge, amount = self._charge(request), request.amount
        assert amount is not None
        return await self._send(
            ctx, "capture", request.operation_id, lambda: self.provider.capture(charge, self.line, amount)
        )


class Bank(Card):
    capabilities = _can(
        idempotency="merchant_ref",
        void=False,
        resume=False,
        refund="none",
        next_actions=("show_account",),
        expiry_s=(3600, 7 * 86_400),
        open_amount=True,
    )
    void, resume, refund = PaymentMethod.void, PaymentMethod.resume, PaymentMethod.refund


class Giro(Bank):
    """Nobody is asked: the account is the shop's own."""

    capabilities = replace(Bank.capabilities, idempotency="none", webhook_trust="none")
    webhook = PaymentMethod.webhook

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        return self.provider.start(self.name, self.line, request)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        return Report(found=True, status="pending", merchant_ref=request.merchant_ref)


def transferred(provider: FaultyProvider, charge: Charge, units: int) -> BankLine:
    """Money that only the statement of the bank account shows."""
    line = BankLine(
        reference=provider.fresh("BANK REF"),
        merchant_ref=charge.merchant_ref,
        amount=replace(charge.asked, amount=units),
    )
    provider.statement.append(line)
    provider.note(f"transfer of {units} for {charge.merchant_ref[-6:]}")
    return line


CLASSES: tuple[type[Card], ...] = (Card, Wallet, Debit, Voucher, Bank, Giro, Hold)


def plugin(provider: FaultyProvider) -> Installed:
    """The methods as an installed plugin that speaks to this provider."""
    provider.lines = LINES
    factories = tuple(
        PaymentMethodFactory(
            id=cls.__name__.lower(),
            api=API,
            method=type(cls.__name__, (cls,), {"provider": provider, "name": cls.__name__.lower()}),
            title=cls.__name__,
        )
        for cls in CLASSES
    )

    @hookimpl
    def kassa_payment_methods() -> Iterable[PaymentMethodFactory]:
        return factories

    module = SimpleNamespace(kassa_payment_methods=kassa_payment_methods)
    return Installed(name="random", distribution="tests", version="1", requires=(), load=lambda: module)
