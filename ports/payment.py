"""The contract of a payment method: what a plugin is, what it is asked, what it may answer. Version (1, 0).

A plugin *translates* between Kassa and one provider. Kassa asks (`StartRequest`, `QueryRequest`, `OperationRequest`,
`RawWebhook`), the plugin speaks the provider's protocol through its `Context`, and answers in the words of this page
(`Outcome`, `Report`, `Verdict`). Everything else is Kassa's: it stores, retries, asks again, expires, merges, posts, and shows.

So a plugin owns no storage, no HTTP route, no retry, no timer and no state machine, and it never decides what an unclear answer
means. What it does not *know* it does not say: it raises, or lets the exception of its client pass, and Kassa calls the command
UNKNOWN, asks `query` until it is known, and lets no second command touch the money before that. The words that claim something
(`Declined`, `NotExecuted`, `found=False`) are only for what the provider said or what provably never left.

To begin: `kassa plugin new NAME`; to be sure: `kassa plugin check NAME.conformance`. Money is integers of minor units everywhere
(`ports.money`): 12.50 EUR is 1250, 1250 JPY is 1250, 1.250 KWD is 1250; never a float.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Annotated, Any, ClassVar, Generic, Literal, Protocol, TypeAlias, TypeVar

from msgspec import Meta, Struct

from kassa.ports.banking import BankFile, Payout, PayoutFile, Reserving, Unreadable
from kassa.ports.clock import Clock
from kassa.ports.errors import KassaError
from kassa.ports.money import Money
from kassa.ports.next_action import (
    AnyNextAction as AnyNextAction,
)
from kassa.ports.next_action import (
    ApproveInApp as ApproveInApp,
)
from kassa.ports.next_action import (
    ClientSdk as ClientSdk,
)
from kassa.ports.next_action import (
    Collect as Collect,
)
from kassa.ports.next_action import (
    Instruction as Instruction,
)
from kassa.ports.next_action import (
    NextAction as NextAction,
)
from kassa.ports.next_action import (
    Redirect as Redirect,
)
from kassa.ports.next_action import (
    ShowAccount as ShowAccount,
)
from kassa.ports.next_action import (
    ShowQr as ShowQr,
)
from kassa.ports.next_action import (
    Wait as Wait,
)
from kassa.ports.values import Instant, Value

MAX_STATE_BYTES = 8 * 1024
Reference: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
PluginState: TypeAlias = Annotated[bytes, Meta(max_length=MAX_STATE_BYTES)]

# --- what may happen to money at the provider ----------------------------------------------------------------


class MovementState(IntEnum):
    """How far a movement has come. Kassa merges what it is told by `max()`, so that duplicates, reordering and replays are
    harmless; a plugin may tell the same movement any number of times, and need not remember what it told before.

    PENDING: the provider has it and may still refuse. FAILED: it will not happen. SUCCEEDED: the money moved.
    REVERSED: it had moved and came back (a refund to a closed account, a reservation that lapsed or was let go of, a dispute
    that was won).
    """

    PENDING = 1
    FAILED = 2
    SUCCEEDED = 3
    REVERSED = 4


MovementKind: TypeAlias = Literal["auth", "capture", "refund", "chargeback"]


class Movement(Value, frozen=True, kw_only=True):
    """One fact about money at the provider: reserved (`auth`), taken (`capture`), given back (`refund`), or taken back by the
    customer's bank (`chargeback`).

    `id` must be the provider's id of *this movement*, the same wherever it is told (reply, query, webhook, bank file): the same
    id is the same money, once. It must never be the payment's id where a payment can have two movements of a kind, and never
    be made up. `amount` is absolute, positive and whole, never a balance or a difference. `at` is when the provider says it
    happened, None if it does not say.
    """

    kind: MovementKind
    id: Reference
    state: MovementState
    amount: Money
    at: Instant | None = None


# --- what a command answers ----------------------------------------------------------------------------------


class Outcome(Value, frozen=True, kw_only=True, tag_field="outcome"):
    """What is *known* after a command. There is deliberately no error member: raise, and the kernel treats the command as
    UNKNOWN and asks `query`; so it does with a time-out, a cancellation, None, or anything that is not one of the four.

    `provider_ref` is the provider's id of the payment, as soon as there is one: later requests carry it, and webhooks are matched
    by it. `movements` may be all of the payment's movements or only the new ones. `state` (at most 8 KiB) is private to the
    plugin and handed back with every later request of this payment; None keeps what is stored. It must never hold a secret.
    """

    provider_ref: Reference | None = None
    movements: tuple[Movement, ...] = ()
    state: PluginState | None = None


class Succeeded(Outcome, frozen=True, kw_only=True, tag="succeeded"):
    """The provider did it. `movements` must tell what moved: without one nothing counts as paid, reserved or given back, and
    Kassa goes on asking. (A `void` or a `resume` needs none.)"""


class Pending(Outcome, frozen=True, kw_only=True, tag="pending"):
    """The provider accepted it and the end is open. `next_action` is what the customer has to do, `Wait` if nothing.
    `expires_at`, where the provider says it, is the last moment at which the customer can pay."""

    next_action: AnyNextAction
    expires_at: Instant | None = None


class Declined(Outcome, frozen=True, kw_only=True, tag="declined"):
    """The provider said no, finally, for this operation: a repetition with the same key would be told the same. Must never be
    inferred from silence, from a status code without a reason, or from an answer that cannot be read. `code` is what the client
    is told, mapped from the provider's own `provider_code`; `retry=True` (of a `resume`) lets the customer type again."""

    code: Literal[
        "insufficient_funds", "card_declined", "expired_card", "invalid_input", "authentication_failed", "limit_exceeded",
        "fraud_suspected", "canceled_by_customer", "not_allowed", "other",
    ]  # fmt: skip
    provider_code: Annotated[str, Meta(max_length=100)] = ""
    retry: bool = False


class NotExecuted(Outcome, frozen=True, kw_only=True, tag="not_executed"):
    """*Proof* that the provider did nothing: the connection was refused (`NotSent`), or it said so before acting (it does not
    know our key, it is closed for maintenance). Earns a retry with the same key, then "failed, nothing happened"; anything less
    certain must never be this: a wrong one lets a customer pay twice. `reason` is for the operator, without secrets."""

    reason: Annotated[str, Meta(max_length=200)]


AnyOutcome: TypeAlias = Succeeded | Pending | Declined | NotExecuted

ProviderStatus: TypeAlias = Literal[
    "pending", "requires_action", "authorized", "succeeded", "failed", "canceled", "expired"
]


class Report(Value, frozen=True, kw_only=True):
    """The provider's authoritative word on one payment, with *all* its movements so far: a refund or a capture in doubt that is
    not among them counts as not done once that was so twice, long enough after it was sent.

    A status that the plugin does not recognise must be `pending`: it was added by the provider since, and may mean anything.
    `found=False` must mean that the provider said it does not know this payment (yet), never that it did not answer.
    `merchant_ref` should be given where the provider tells it: a report that names another payment than was asked about touches
    nothing. `decline_code` is the provider's own word where the payment failed.
    """

    found: bool
    status: ProviderStatus = "pending"
    provider_ref: Reference | None = None
    merchant_ref: Reference | None = None
    movements: tuple[Movement, ...] = ()
    next_action: AnyNextAction | None = None
    decline_code: Annotated[str, Meta(max_length=100)] = ""


class Event(Value, frozen=True, kw_only=True):
    """Something a provider or a bank tells. `event_id` must be equal for every delivery of the same event and different for
    different ones (the provider's event id; where it sends none, a digest of the signed body): each is processed once.

    Names its payment by `provider_ref` or `merchant_ref`, or by neither. `report` must be None where the signature does not cover
    everything in it: the event is then a hint, and Kassa asks `query`. `unmatched` is money that names no payment (a transfer
    without a reference): Kassa keeps it in suspense under its movement's id, until it is known whose it is.
    """

    event_id: Reference
    provider_ref: Reference | None = None
    merchant_ref: Reference | None = None
    report: Report | None = None
    unmatched: Movement | None = None


class Reply(Value, frozen=True, kw_only=True):
    """The literal answer a provider insists on; by default 200 and an empty body. It is sent when the events are safely stored
    and before they are processed."""

    status: Annotated[int, Meta(ge=200, le=299)] = 200
    content_type: str = "text/plain"
    body: Annotated[bytes, Meta(max_length=4096)] = b""


class Verdict(Value, frozen=True, kw_only=True, tag_field="verdict"):
    """What a webhook is. An exception instead is answered 503, so that the provider sends it again."""


class Accept(Verdict, frozen=True, kw_only=True, tag="accept"):
    """Genuine: the signature (or token) was proved, over the raw bytes, before anything in them was believed. These events, at
    most 1000, are to be processed."""

    events: tuple[Event, ...]
    reply: Reply = Reply()


class Ignore(Verdict, frozen=True, kw_only=True, tag="ignore"):
    """Genuine, and nothing to us: an event type that the plugin does not know. Answered 2xx, because providers switch off
    addresses that refuse."""

    reply: Reply = Reply()


class Reject(Verdict, frozen=True, kw_only=True, tag="reject"):
    """Not proved to come from the provider, or not readable. Answered 401, and nothing is written. `reason` is for the operator,
    never for the sender."""

    reason: Annotated[str, Meta(max_length=200)]


AnyVerdict: TypeAlias = Accept | Ignore | Reject


class RawWebhook(Value, frozen=True, kw_only=True):
    """A notice as it came: raw bytes (at most 256 KiB) and raw header pairs in order. Signatures must be checked over `body`
    itself, never over a parsed and printed copy, and freshness against `received_at`. `slug` is the last part of the address."""

    slug: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    received_at: Instant

    def header(self, name: str) -> str | None:
        """The header's value; None if it is missing *or repeated* (a doubled signature header is an attack)."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[0] if len(found) == 1 else None


# --- what a plugin is asked ----------------------------------------------------------------------------------


class StartRequest(Value, frozen=True, kw_only=True):
    """Collect (or, with `capture=False`, only reserve) exactly `amount`, in its currency's minor units.

    `capture=False` comes only to methods that declare `auth_capture`. `merchant_ref` is unique per START and must reach the
    provider where it has such a field: it is how a payment is found again whose answer was lost. `invoice_id` is what customers
    and bookkeepers know. `input` is an instance of the class's `Input`. `return_url` is where the provider sends the browser
    back and `webhook_url` where it sends notices: Kassa's own addresses, to be used as they are. `expires_at` is when the shop
    stops waiting: the provider should be told, where it can be. `reserved` is what was drawn for a method that is `reserving`.
    """

    operation_id: str
    merchant_ref: Reference
    invoice_id: str
    amount: Money
    capture: bool
    input: Any
    return_url: str
    webhook_url: str
    expires_at: Instant
    reserved: int | None = None


class QueryRequest(Value, frozen=True, kw_only=True):
    """What do you know of this payment? `provider_ref` is None when no answer ever came: look by `merchant_ref` (asked so only of
    methods that declare `query_by_merchant_ref`). `state` is what the plugin last handed over."""

    merchant_ref: Reference
    provider_ref: Reference | None
    amount: Money
    state: PluginState


class OperationRequest(Value, frozen=True, kw_only=True):
    """Capture, void, refund or resume one payment. `amount` is None for void and resume, else exactly what is to move: Kassa has
    checked that it is not more than is left. `input` (resume) is what the customer typed, unchecked.

    `movements` are the payment's movements known so far, for providers that refund a capture by its own id. `provider_ref` may
    be None only where no answer ever told one.
    """

    operation_id: str
    kind: Literal["capture", "void", "refund", "resume"]
    merchant_ref: Reference
    provider_ref: Reference | None
    amount: Money | None
    movements: tuple[Movement, ...]
    input: dict[str, str]
    state: PluginState


# --- what a plugin is given ----------------------------------------------------------------------------------


class NotSent(KassaError):
    """The request did not reach the provider, provably (connection refused, name not found): may become `NotExecuted`, if it was
    the only request of the operation so far."""

    code = "not_sent"


class ReplyLost(KassaError):
    """The request may have reached the provider (time-out, reset, half an answer). Let it pass: the kernel calls it UNKNOWN."""

    code = "reply_lost"


class HttpReply(Value, frozen=True, kw_only=True):
    """A provider's answer: `body` at most 1 MiB."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Http(Protocol):
    """The way to the provider. Deadlines, private addresses, redirects and redaction are looked after, and nothing is ever sent
    twice. A plugin must use it (or an SDK of the provider with its retries switched off and the key passed by hand)."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        timeout_s: float | None = None,
    ) -> HttpReply:
        """Any answer with a status line is returned, 500 too. Raises `NotSent` or `ReplyLost`, nothing else of its own."""


class Log(Protocol):
    """A redacting log: known secrets are masked. Never give it a body or a header."""

    def info(self, event: str, **facts: str | int) -> None:
        """Something the operator may want to know."""

    def warning(self, event: str, **facts: str | int) -> None:
        """Something the operator should look at."""


T = TypeVar("T")


class Context(Protocol):
    """What one call may use. It ends with the call: keep nothing of it, and start no task that outlives it. There is no database
    in it, no cart and no identity: a plugin that seems to need one is doing the kernel's work."""

    @property
    def deadline_s(self) -> float:
        """Seconds left for this call; afterwards it is canceled and UNKNOWN."""

    @property
    def http(self) -> Http:
        """The guarded HTTP client."""

    @property
    def log(self) -> Log:
        """The redacting log."""

    @property
    def clock(self) -> Clock:
        """Time."""

    def key(self, step: str = "") -> str:
        """The operation's idempotency key; with `step`, a stable derivation for a second endpoint of the same operation.
        The same operation gives the same keys at every attempt, after a crash too. At most 64 characters of [0-9a-z-]. A
        plugin must never make a key of its own: one that changes at the second attempt charges twice."""

    async def blocking(self, call: Callable[[], T]) -> T:
        """Run a synchronous SDK call in this method's own bounded threads. Raises `NotSent` when they are taken: it was never
        begun. One that outlives the call's deadline goes on in its thread: give the SDK a time-out of its own."""


# --- what a plugin declares ----------------------------------------------------------------------------------


class AmountRule(Value, frozen=True, kw_only=True):
    """Which amounts of a currency are taken, in minor units: from `min` to `max` in steps of `step` (IDR wallets: 100).
    `*` is every currency."""

    currency: Annotated[str, Meta(pattern=r"^([A-Z]{3}|\*)\Z")]
    min: int = 1
    max: int = 2**53 - 1
    step: int = 1

    def fits(self, amount: Money) -> bool:
        """Whether this rule is for the amount's currency and takes the amount."""
        return (
            self.currency in ("*", amount.currency)
            and self.min <= amount.amount <= self.max
            and amount.amount % self.step == 0
        )


class Capabilities(Value, frozen=True, kw_only=True):
    """What a method can do, as data: checked against the class when it is loaded, each switching on its conformance checks.

    A plugin must declare what is true of the provider, not what would be nice: Kassa acts on it.

    - `amounts`: which it takes; anything else is refused before the plugin is asked.
    - `idempotency`: how the *provider* recognises a repeated command: by a header (or field) that carries `ctx.key()`, by a
      `merchant_ref` that it takes once, or not at all; for `idempotency_ttl_s` seconds. With `none` nothing is ever sent again.
    - `auth_capture`: can reserve; `partial_capture`: can take a part of it; `multi_capture`: several times (else the first
      capture lets go of the rest). `void`: can let go of what is reserved, or call off what waits for its customer.
    - `refund`: not at all, only whole, in part but once, or several times.
    - `resume`: continues a START with input (`Collect`).
    - `webhook_trust`: what proves a notice. `signed_body`: a signature over the whole body, whose reports Kassa believes.
      `signed_fields`, `shared_token`: it only hints, and Kassa asks `query`. `none`: there are no webhooks.
    - `query_by_merchant_ref`: can find a payment by our reference alone. Without it a lost first answer can only be resolved by a
      webhook or a person: declare it if the provider can do it at all.
    - `query_consistency_s`: for how long a payment that exists may not be found yet.
    - `next_actions`: the `type`s it may return. `expiry_s`: how long a started payment stays payable, least and most.
      `open_amount`: the customer may pay another amount than asked. `statements`: the bank file formats it reads.
      `payouts`: it writes orders for the bank by which refunds are sent; a refund is then PENDING until a statement shows it.
      `poll_s`: seconds between queries of an open payment; after the last, daily.
    """

    amounts: tuple[AmountRule, ...]
    idempotency: Literal["header", "merchant_ref", "none"]
    idempotency_ttl_s: int = 86_400
    auth_capture: bool = False
    partial_capture: bool = False
    multi_capture: bool = False
    void: bool = False
    refund: Literal["none", "full", "partial", "multiple"] = "none"
    resume: bool = False
    webhook_trust: Literal["signed_body", "signed_fields", "shared_token", "none"] = "none"
    query_by_merchant_ref: bool = False
    query_consistency_s: int = 60
    next_actions: tuple[str, ...] = ()
    expiry_s: tuple[int, int] = (300, 3600)
    open_amount: bool = False
    statements: tuple[str, ...] = ()
    payouts: bool = False
    poll_s: tuple[int, ...] = (5, 15, 60, 300, 1800, 7200, 21600, 86400)

    def takes(self, amount: Money) -> bool:
        """Whether some amount rule fits."""
        return any(rule.fits(amount) for rule in self.amounts)


class NoInput(Struct, frozen=True, forbid_unknown_fields=True):
    """For methods that need to know nothing from the customer before they start."""


ConfigT = TypeVar("ConfigT")


class PaymentMethod(ABC, Generic[ConfigT]):
    """One way to pay, configured. Subclass it; the minimum is `start`, `query` and the class attributes.

    `Config` is a frozen msgspec Struct that forbids unknown fields; secrets in it are `kassa.ports.secret.Secret`.
    `Input` is what the customer tells when starting (its JSON Schema is shown to clients; strings in it must be bounded).
    A method that a capability switches on must be overridden, and no other; none raises `NotImplementedError` at run time.

    One object serves many calls at once, on an event loop of its own. It may keep what it can lose at any moment (a token that
    it can fetch again); it must never keep what it knows of a payment: the next call may come in another process. It must not
    block the loop (`ctx.blocking` is for synchronous SDKs), and it must let `CancelledError` pass: the deadline is over.
    """

    Config: ClassVar[type[Struct]]
    Input: ClassVar[type[Struct]] = NoInput
    capabilities: ClassVar[Capabilities]

    reserving: Reserving | None = None
    """Set it in `__init__` where the configuration wants something unique for each payment: see `ports.banking.Reserving`."""

    def __init__(self, config: ConfigT) -> None:
        """Keep the configuration. No I/O here: that is `open`."""
        self.config = config

    async def open(self, ctx: Context) -> None:
        """Called once before use, in every process. May ask the provider who we are; must not change anything there. A failure
        here keeps the instance out of the shop, with its reason shown to the operator."""

    async def close(self) -> None:
        """Called once after use."""

    async def health(self, ctx: Context) -> bool:
        """Whether the provider answers. Must not cost money or create anything."""
        return True

    @abstractmethod
    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Authorise or charge. Must send `ctx.key()` (or `merchant_ref`) as declared, so that a repetition is recognised, and the
        amount exactly as asked. May be called again with the same `operation_id`, and must then make no second payment."""

    @abstractmethod
    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """Side-effect free and authoritative; may be called at any time, any number of times, also for a payment whose START
        never arrived (`found=False`). Must raise, or let pass, when the provider gave no usable answer."""

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """Verify and parse in one step, from the raw bytes, within two seconds and without calling anybody. Nothing of the body
        may be believed before the proof; `kassa.ports.webhook_signature` has the delicate lines."""
        return Reject(reason="this method takes no webhooks")

    async def capture(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Take `request.amount` of the reserved money (`auth_capture`)."""
        raise NotImplementedError

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Let go of reserved or not yet paid money (`void`). Succeeded means: nothing can be paid on this any more."""
        raise NotImplementedError

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Give `request.amount` of the captured money back (`refund`). One that comes back later is its movement REVERSED."""
        raise NotImplementedError

    async def resume(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Continue a START with collected input (`resume`). `ctx.key()` is a further step of that START's key."""
        raise NotImplementedError

    async def statement(self, ctx: Context, data: bytes, format: str) -> BankFile | Unreadable:
        """Read a bank file of one of the declared formats (`statements`), whole: `Unreadable`, with the place, says why it cannot
        be. Must not match: which payment a line belongs to is the shop's to decide."""
        raise NotImplementedError

    async def payout(self, ctx: Context, payouts: Sequence[Payout]) -> PayoutFile:
        """Write the order by which the shop's bank sends these refunds (`payouts`). The same ones give the same file."""
        raise NotImplementedError
