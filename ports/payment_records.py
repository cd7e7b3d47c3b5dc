"""What the shop keeps about money: payables, payments, operations, movements, postings, suspense, and their store."""

from enum import Enum, IntEnum
from typing import Annotated, Literal, Protocol, TypeAlias

from msgspec import Meta

from kassa.ports.approvals import Approvals
from kassa.ports.audit import AuditEntry
from kassa.ports.events import Event
from kassa.ports.idempotency import Answer, Claim, Scope, StoredAnswer
from kassa.ports.ids import AccountId, InvoiceId, OperationId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import Movement
from kassa.ports.payouts import RefundTasks
from kassa.ports.values import Instant, Value


class PayableState(Enum):
    """OPEN: needs money. PAID: has it. CLOSED: its order was canceled or expired; money that comes now is late."""

    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"


class Payable(Value, frozen=True, kw_only=True):
    """What an invoice still needs. Every act on its money compares `version` and raises it by one. `forgiven` (minor units)
    is what the shop lets go of, because so little was missing."""

    invoice_id: InvoiceId
    customer_id: AccountId
    amount: Money
    state: PayableState
    pay_until: Instant
    version: int
    forgiven: int = 0


class OperationState(IntEnum):
    """Merged by rank: a later, lower word never undoes a higher one."""

    SENT = 1
    UNKNOWN = 2
    PENDING = 3
    EXPIRED = 4
    CANCELED = 5
    FAILED = 6
    SUCCEEDED = 7


OperationKind: TypeAlias = Literal["start", "resume", "capture", "void", "refund"]


class PaymentStatus(Enum):
    """What clients see: a fold over operations and movements, computed by `kernel.payment_states`, never set."""

    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    OVERPAID = "overpaid"
    PAID = "paid"
    PARTIALLY_PAID = "partially_paid"
    AUTHORIZED = "authorized"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    EXPIRED = "expired"
    CANCELED = "canceled"
    FAILED = "failed"
    NEW = "new"


class Payment(Value, frozen=True, kw_only=True):
    """One intention to collect for a payable by one method instance. It has exactly one START.

    `id` is 0 until the store numbers it. `method` is the instance's name, `nominal` what was asked. `is_live`: it may
    still collect money by itself (at most one per payable). `authorized`, `captured`, `refunded` are sums of succeeded
    movements in minor units of `nominal.currency`. `return_token_hash` is SHA-256 of the return address's token;
    `return_url` is where the customer goes from there. `next_action` is encoded JSON, empty for none.

    `reserved` is what was drawn for a method that is `reserving`; `forgives` (minor units) is how much less than was due
    `nominal` asks for because of it.
    """

    id: PaymentId
    invoice_id: InvoiceId
    method: str
    merchant_ref: str
    nominal: Money
    status: PaymentStatus
    is_live: bool
    in_doubt: bool
    late: bool
    conflict: bool
    needs_review: bool
    authorized: int
    captured: int
    refunded: int
    expires_at: Instant
    provider_ref: str | None
    plugin_state: bytes
    next_action: bytes
    return_token_hash: bytes
    return_url: str | None
    created_date: Instant
    last_updated: Instant
    reserved: int | None = None
    forgives: int = 0


class Operation(Value, frozen=True, kw_only=True):
    """One command to the provider; `id` is its idempotency key for ever. Committed as SENT before the call.

    `payment_id` is 0 in the START of a payment not numbered yet. `next_check_at` None: nobody needs to ask any more.
    `checks` counts queries since the last news, `not_found` the successive answers "not found". `claim` is the running
    idempotency record that waits for this operation's answer, so that whoever finds the answer can finish it.
    """

    id: OperationId
    payment_id: PaymentId
    kind: OperationKind
    state: OperationState
    amount: Money | None
    attempt: int
    sent_at: Instant
    next_check_at: Instant | None
    checks: int
    not_found: int
    executed: bool | None
    code: str
    last_updated: Instant
    claim: Claim | None = None


class KnownMovement(Value, frozen=True, kw_only=True):
    """A movement as kept: unique on (payment, kind, its provider's id)."""

    payment_id: PaymentId
    movement: Movement
    first_seen_at: Instant


class LedgerEntry(Value, frozen=True, kw_only=True):
    """One side of a posting. `account` is `clearing:<method>`, `payable:<invoice>`, `suspense` or `forgiven`; debit is
    positive."""

    account: Annotated[str, Meta(max_length=100)]
    amount: Money


class Posting(Value, frozen=True, kw_only=True):
    """A balanced set of ledger entries, written once for ever. `key` is `<payment>/<kind>/<movement id>/<STATE>` for a
    movement, `suspense/<key>/<step>` for suspense, `forgiven/<invoice>/<version>` for what is forgiven; a second posting with
    the key violates a constraint."""

    key: str
    payment_id: PaymentId | None
    entries: tuple[LedgerEntry, ...]
    at: Instant


class SuspenseState(Enum):
    """Money nobody can name yet is OPEN; then ASSIGNED to an invoice or REFUNDED, or SPLIT into parts that are OPEN."""

    OPEN = "open"
    ASSIGNED = "assigned"
    REFUNDED = "refunded"
    SPLIT = "split"


class Suspense(Value, frozen=True, kw_only=True):
    """Money that arrived and belongs to no payment, or to one only in part. `key` is unique: the same money once.

    `reason` is `unmatched`, `surplus`, `late` or `conflict`.
    """

    key: Annotated[str, Meta(max_length=300)]
    method: str
    amount: Money
    reason: Literal["unmatched", "surplus", "late", "conflict"]
    state: SuspenseState
    payment_id: PaymentId | None
    note: Annotated[str, Meta(max_length=500)]
    at: Instant


class PaymentFile(Value, frozen=True, kw_only=True):
    """Everything known about one payable's money, as of `payable.version`. `suspense` are the rows that name one of
    `payments`, in every state."""

    payable: Payable
    payments: tuple[Payment, ...]
    operations: tuple[Operation, ...]
    movements: tuple[KnownMovement, ...]
    suspense: tuple[Suspense, ...] = ()


class FileAndPrior(Value, frozen=True, kw_only=True):
    """A file and, from the same read, the record of an idempotency scope."""

    file: PaymentFile
    prior: StoredAnswer | None


class Reservation(Value, frozen=True, kw_only=True):
    """What a payment must have for itself among those of its method: a number, or an amount in minor units, written as digits.
    Nobody else gets it while the payment is live, nor before `held_until`."""

    value: Annotated[str, Meta(pattern=r"^[0-9]{1,20}\Z")]
    held_until: Instant


class BeginPayment(Value, frozen=True, kw_only=True):
    """Write ahead: a new payment and its START as SENT. `payable` is the whole new row (version raised by one).

    `superseded` are payments of the same payable that end in this act (locally canceled), with their operations.
    `reservation` is taken over from whoever had it, if its hold is over.
    """

    expected_version: int
    payable: Payable
    payment: Payment
    operation: Operation
    superseded: tuple[Payment, ...]
    superseded_operations: tuple[Operation, ...]
    claim: Claim | None
    events: tuple[Event, ...]
    audit: AuditEntry
    reservation: Reservation | None = None


class MarkPaid(Value, frozen=True, kw_only=True):
    """The order of the payable becomes paid. `late`: it had ended, so its stock is taken again in the same act."""

    late: bool
    at: Instant


class RecordFacts(Value, frozen=True, kw_only=True):
    """Everything that one answer, notice, query, statement line or command changes. `payable` is the whole new row;
    payments, operations, movements and suspense are whole rows, new or replaced by their key; postings are new.

    `claim` without `answer` opens a running idempotency record (and raises `AlreadyClaimed` if there is one); `claim` with
    `answer` finishes the running record of its scope, writes a finished one where there is none, and leaves one that is
    finished already as it is. `inbox` is settled (done) in the same act.
    """

    expected_version: int
    payable: Payable
    payments: tuple[Payment, ...] = ()
    operations: tuple[Operation, ...] = ()
    movements: tuple[KnownMovement, ...] = ()
    postings: tuple[Posting, ...] = ()
    suspense: tuple[Suspense, ...] = ()
    order: MarkPaid | None = None
    inbox: "InboxItem | None" = None
    claim: Claim | None = None
    answer: Answer | None = None
    events: tuple[Event, ...] = ()
    audit: AuditEntry


class SuspendMoney(Value, frozen=True, kw_only=True):
    """Money that matches no payment: one suspense row, its posting, and the notice that told it."""

    suspense: Suspense
    posting: Posting
    inbox: "InboxItem | None"
    events: tuple[Event, ...]
    audit: AuditEntry


class SettleSuspense(Value, frozen=True, kw_only=True):
    """An operator's word on suspense money that was OPEN: its new row and the posting that moves it. Where it was SPLIT,
    `parts` are the new rows in its place, and `arrivals` their postings."""

    suspense: Suspense
    posting: Posting
    audit: AuditEntry
    parts: tuple[Suspense, ...] = ()
    arrivals: tuple[Posting, ...] = ()


class DueOperation(Value, frozen=True, kw_only=True):
    """An operation to ask about, leased."""

    invoice_id: InvoiceId
    payment_id: PaymentId
    operation_id: OperationId


class Payments(Approvals, RefundTasks, Protocol):
    """The durable store of money facts. An act compares the payable's version and is whole, or raises `Conflict`."""

    async def file(self, invoice_id: InvoiceId) -> PaymentFile:
        """Raises `UnknownOrder`."""

    async def file_and_prior(self, invoice_id: InvoiceId, scope: Scope) -> FileAndPrior:
        """`file` and the idempotency record in one read. Raises `UnknownOrder`."""

    async def file_of_payment(self, payment_id: PaymentId) -> PaymentFile:
        """The file that holds this payment. Raises `UnknownPayment`."""

    async def file_by_reference(
        self, method: str, *, provider_ref: str | None, merchant_ref: str | None
    ) -> PaymentFile:
        """By the provider's id first, else by ours. Raises `UnknownPayment`."""

    async def file_by_return_token(self, token_hash: bytes) -> tuple[PaymentFile, PaymentId]:
        """Raises `UnknownPayment`."""

    async def payments_with(self, method: str, movement_id: str) -> tuple[PaymentId, ...]:
        """The payments of this method that hold a capture of this id, oldest first: the same money counts once."""

    async def begin(self, act: BeginPayment) -> PaymentId:
        """Raises `Conflict`, `AlreadyClaimed`, `PaymentLive` (another live payment: the unique index), `ReferenceTaken` (what
        it reserves is another payment's; nothing was done)."""

    async def reserved(self, method: str, values: tuple[str, ...]) -> dict[str, PaymentId]:
        """Whose these numbers or amounts of the method are, or were last, even if their hold is over (at most 1000 are asked)."""

    async def taken(self, method: str, values: tuple[str, ...], *, now: Instant) -> frozenset[str]:
        """Which of these numbers or amounts (at most 1000) `begin` would refuse at `now`."""

    async def record(self, act: RecordFacts) -> None:
        """Raises `Conflict`, `AlreadyClaimed`, `OutOfStock` (a late order's stock is gone).

        A conflict is another version, or a capture whose money came before as unmatched (`unmatched/<method>/<movement id>`
        is in suspense and this act does not assign it): the same money counts once.
        """

    async def suspend(self, act: SuspendMoney) -> None:
        """Repeating it with the same suspense key changes nothing but the inbox."""

    async def settle_suspense(self, act: SettleSuspense) -> None:
        """Raises `Conflict` when it is not OPEN any more, or is being assigned."""

    async def suspense(self, state: SuspenseState, *, limit: int) -> tuple[Suspense, ...]:
        """The oldest `limit` (1 to 100) in this state."""

    async def suspense_named(self, keys: tuple[str, ...]) -> tuple[Suspense, ...]:
        """The rows of these keys (at most 1000) that there are, in every state."""

    async def to_review(self, *, after: PaymentId, limit: int) -> tuple[PaymentId, ...]:
        """Payments that need a person, above `after`, by id."""

    async def claim_due(self, *, now: Instant, limit: int, lease_s: int) -> tuple[DueOperation, ...]:
        """Lease operations whose `next_check_at` has come, oldest first. Two callers never get one operation; a lease
        that runs out is given to the next. What a late leaseholder records is fenced by the payable's version."""

    async def overdue(self, *, now: Instant, limit: int) -> tuple[InvoiceId, ...]:
        """Open payables past `pay_until` without a live or doubtful payment, oldest first."""


class InboxItem(Value, frozen=True, kw_only=True):
    """A verified notice, kept before it is processed. `event` is a `ports.payment.Event` as JSON; `fence` settles it;
    `attempts` is 1 at its first lease, which is the keeper's."""

    id: int
    method: str
    event_id: str
    event: bytes
    attempts: int
    fence: int
    received_at: Instant


class NewNotice(Value, frozen=True, kw_only=True):
    """A notice to keep: unique on (method, event_id). `body` are the raw bytes as received."""

    method: str
    event_id: str
    event: bytes
    body: bytes
    received_at: Instant


class InboxState(Enum):
    """Of a notice."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


class KeptNotice(Value, frozen=True, kw_only=True):
    """A notice as an operator sees it."""

    id: int
    method: str
    event_id: str
    state: InboxState
    attempts: int
    received_at: Instant


class Inbox(Protocol):
    """Verified webhooks, kept before they are answered."""

    async def keep(self, notices: tuple[NewNotice, ...], *, lease_s: int) -> tuple[InboxItem, ...]:
        """Store those not seen before and lease them to the caller; seen ones are left out. Committed when it returns."""

    async def claim(self, *, now: Instant, limit: int, lease_s: int) -> tuple[InboxItem, ...]:
        """Lease waiting notices that are due, oldest first, raising each one's fence."""

    async def postpone(self, item: InboxItem, *, until: Instant) -> None:
        """Try again at `until`. Raises `Conflict` if the fence is not the current one."""

    async def settle(self, item: InboxItem, state: InboxState, *, at: Instant) -> None:
        """Done or dead without any other change. Raises `Conflict` if the fence is not the current one."""

    async def kept(self, state: InboxState, *, after: int, limit: int) -> tuple[KeptNotice, ...]:
        """Notices in this state with an id above `after`, by id, at most `limit` (1 to 100)."""

    async def reopen(self, notice_id: int, audit: AuditEntry) -> KeptNotice:
        """A notice that was settled waits again, due at the moment of `audit`, its attempts counted from none; every fence
        given out before is void. Raises `UnknownNotice`, `Conflict` (it waits already)."""

    async def backlog(self) -> tuple[int, int]:
        """How many notices wait, and how many are dead letters."""
