"""Payment as customers, providers and the sweep use it; what operators do to money is `ports.treasury`."""

from typing import Annotated, Literal, Protocol

from msgspec import UNSET, Meta, Raw, UnsetType

from kassa.ports.audit import Origin
from kassa.ports.checkout import MethodOffer
from kassa.ports.idempotency import Answer, Claim
from kassa.ports.ids import AccountId, InvoiceId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, RawWebhook, Reply
from kassa.ports.payment_records import PaymentStatus
from kassa.ports.plugins import PluginStatus
from kassa.ports.texts import Texts
from kassa.ports.values import Instant, Value


class PaymentView(Value, frozen=True, kw_only=True):
    """A payment as its customer sees it. `poll_after_s` is 0 when nothing will change by itself. `due` is what is still to be
    paid of the order, by this payment while it is open; `forgiven` what the shop let go of, because so little was missing."""

    id: PaymentId
    invoice_id: InvoiceId
    status: PaymentStatus
    method: str
    nominal: Money
    authorized: Money
    captured: Money
    refunded: Money
    due: Money
    forgiven: Money
    in_doubt: bool
    next_action: AnyNextAction | None
    decline_code: str
    poll_after_s: int
    methods_left: tuple[str, ...]
    expires_at: Instant
    created_date: Instant
    last_updated: Instant


class OperatorPaymentView(PaymentView, frozen=True, kw_only=True):
    """A payment as operators see it. Where the method's fee is configured: what its provider is expected to keep of what was
    taken, and what the shop is left with after refunds. An expectation, never a fact: the provider's statement is that."""

    expected_fee: Money | UnsetType = UNSET
    expected_net: Money | UnsetType = UNSET


class MethodName(Value, frozen=True, kw_only=True):
    """What a method is called: `given` by the operator, by language; else by its `plugin` and `driver`, whose own word is
    `title`."""

    plugin: str
    title: str
    given: Texts
    driver: str = ""


class ReceiptLine(Value, frozen=True, kw_only=True):
    """Money that moved: paid by the customer, refunded by the shop, or returned (taken back by the customer's bank)."""

    kind: Literal["paid", "refund", "returned"]
    amount: Money
    at: Instant


class Receipt(Value, frozen=True, kw_only=True):
    """What was paid and given back, oldest first. It names the method and the shop's own reference, and never holds what the
    customer paid with: no card number, no account, no token."""

    payment_id: PaymentId
    invoice_id: InvoiceId
    reference: str
    method: str
    lines: tuple[ReceiptLine, ...]
    paid: Money
    refunded: Money
    kept: Money


class StartPayment(Value, frozen=True, kw_only=True):
    """What a customer says to pay. `input` fits the method's JSON Schema; `return_url` is on the shop's allow-list."""

    invoice_id: Annotated[str, Meta(max_length=40)]
    method: Annotated[str, Meta(max_length=40)]
    input: Raw = Raw(b"{}")
    return_url: Annotated[str, Meta(max_length=500)] | None = None


class Cashier(Protocol):
    """Takes money, and always knows what it does not know."""

    async def methods(self, customer_id: AccountId, invoice_id: InvoiceId | None) -> tuple[MethodOffer, ...]:
        """Enabled, healthy methods; with an invoice, those that fit what is due. Raises `UnknownOrder`."""

    async def start(self, customer_id: AccountId, request: StartPayment, claim: Claim, origin: Origin) -> Answer:
        """Begin a payment over what is due, once per claim; the body is a `PaymentView`. A live payment by another method
        is canceled first where that can be done.

        Raises `UnknownOrder`, `UnknownMethod`, `NothingDue`, `PaymentInDoubt`, `PaymentLive`, `InvalidValue` (input,
        return_url), `KeyReused`, `KeyInUse`. A provider's silence is not an error: the answer is ACCEPTED, in doubt.
        """

    async def payment(self, customer_id: AccountId, payment_id: PaymentId) -> PaymentView:
        """Raises `UnknownPayment`."""

    async def payments(self, customer_id: AccountId, invoice_id: InvoiceId) -> tuple[PaymentView, ...]:
        """Oldest first. Raises `UnknownOrder`."""

    async def receipt(self, customer_id: AccountId, payment_id: PaymentId) -> Receipt:
        """Raises `UnknownPayment`, `NoReceipt`."""

    def name_of(self, method: str) -> MethodName:
        """What an instance is called; its own name where it is not loaded any more."""

    async def give_input(
        self, customer_id: AccountId, payment_id: PaymentId, given: dict[str, str], origin: Origin
    ) -> PaymentView:
        """Hand collected input to the provider. Raises `UnknownPayment`, `NotCapable`, `PaymentInDoubt`, `Conflict`."""

    async def cancel(self, customer_id: AccountId, payment_id: PaymentId, origin: Origin) -> PaymentView:
        """Raises `UnknownPayment`, `PaymentInDoubt`, `PaymentNotCancelable`."""

    async def returned(self, token: str) -> str:
        """The browser came back: ask the provider, and tell where to send the customer (an allow-listed URL or the shop's
        own page). Raises `UnknownPayment`."""

    async def webhook(self, instance: str, raw: RawWebhook) -> Reply:
        """Verify, keep, answer; processing follows. Raises `UnknownWebhook`, `WebhookRejected` (nothing was written),
        `Unavailable` (the plugin failed: the provider shall try again)."""

    def plugins(self) -> tuple[PluginStatus, ...]:
        """Operator: every plugin found and every instance configured."""

    def ready(self) -> bool:
        """Whether every configured method that is not optional is loaded."""


class Sweep(Protocol):
    """One bounded round of the shop's housekeeping; safe on any number of instances, resumable, idempotent."""

    async def run_once(self) -> int:
        """Do what is due, at most a fixed number of items; how many were done."""
