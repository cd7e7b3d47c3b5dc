"""Bank files as the shop keeps them: which were imported, their lines, what became of each, and what lines are matched with."""

from enum import Enum
from typing import Annotated, Literal, Protocol, TypeAlias

from msgspec import Meta

from kassa.ports.audit import AuditEntry
from kassa.ports.banking import BankLine
from kassa.ports.ids import AccountId, InvoiceId, OperationId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment_records import SuspendMoney
from kassa.ports.values import Instant, Page, Value

StatementId: TypeAlias = int
LineId: TypeAlias = int

Verdict: TypeAlias = Literal["confirmed", "proposed", "unmatched", "review", "refund_done", "not_ours", "known"]
"""What a line is. `confirmed`: counted for a payment by itself; `proposed` and `unmatched`: in suspense, with or without a guess
whose it is; `review`: doubtful, nothing was booked; `refund_done`: the transfer by which a refund of ours was carried out;
`not_ours`: money that went out and is none of the shop's refunds; `known`: it was counted before."""


class LineState(Enum):
    """WAITING: kept, not processed yet. DONE: processed. REVIEW: a person has to look."""

    WAITING = "waiting"
    DONE = "done"
    REVIEW = "review"


class NewLine(Value, frozen=True, kw_only=True):
    """A line to keep, and the id under which its money is a movement (`bank:<LINE ID>`)."""

    line: BankLine
    movement_id: Annotated[str, Meta(max_length=200)]


class KeepStatement(Value, frozen=True, kw_only=True):
    """Write a statement with those of its lines that are not known. `sha256` is the file's, in hexadecimal; `name` what people
    call it, `form` how it was to be read, `account` the shop's account that it tells of."""

    method: str
    sha256: str
    name: Annotated[str, Meta(max_length=200)]
    form: str
    account: str
    lines: tuple[NewLine, ...]
    left_out: int
    audit: AuditEntry


class Statement(Value, frozen=True, kw_only=True):
    """A statement as kept: who imported it and when; `new` of its `lines` were not known before, `waiting` of those are not
    processed yet, `review` need a person."""

    id: StatementId
    method: str
    sha256: str
    name: str
    form: str
    account: str
    actor: str
    at: Instant
    lines: int
    new: int
    left_out: int
    waiting: int = 0
    review: int = 0


class HeldLine(Value, frozen=True, kw_only=True):
    """A line leased to be processed; `fence` settles it. `attempts` is 1 at its first lease, which is the keeper's."""

    id: LineId
    method: str
    line: BankLine
    movement_id: str
    attempts: int
    fence: int


class KeptStatement(Value, frozen=True, kw_only=True):
    """What keeping did: the statement, None where nothing of it was new; and the new lines, leased to the keeper."""

    statement: Statement | None
    held: tuple[HeldLine, ...]


class SettleLine(Value, frozen=True, kw_only=True):
    """What became of a line. `payments` are those it is, or may be, money of. `suspend`: its money goes to suspense in the same
    act."""

    held: HeldLine
    state: LineState
    verdict: Verdict
    reason: Annotated[str, Meta(max_length=500)]
    payments: tuple[PaymentId, ...] = ()
    suspend: SuspendMoney | None = None
    at: Instant


class KeptLine(Value, frozen=True, kw_only=True):
    """A line as operators see it. `reviewed` is what the person said who looked at it."""

    id: LineId
    statement_id: StatementId
    method: str
    line: BankLine
    movement_id: str
    state: LineState
    verdict: Verdict | None
    reason: str
    payments: tuple[PaymentId, ...]
    reviewed: str


class StatementPage(Value, frozen=True, kw_only=True):
    """Statements, newest first."""

    items: tuple[Statement, ...]
    next: str | None


class LinePage(Value, frozen=True, kw_only=True):
    """Lines, as they stand in the file."""

    items: tuple[KeptLine, ...]
    next: str | None


class OpenBill(Value, frozen=True, kw_only=True):
    """What a line may pay: a payment of the method. `due` is what of it has not come yet (never below zero), `shown` the amount
    that its customer was shown, if one was; `has_money`: some of it came."""

    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: AccountId
    provider_ref: str | None
    due: Money
    shown: Money | None
    is_live: bool
    has_money: bool = False


class Payer(Value, frozen=True, kw_only=True):
    """A customer whose money came from this account before."""

    account: str
    customer_id: AccountId


class Holder(Value, frozen=True, kw_only=True):
    """A payment that has the money of a line already, by which method, and as how much."""

    movement_id: str
    method: str
    payment_id: PaymentId
    amount: Money


class RefundOrder(Value, frozen=True, kw_only=True):
    """A refund of ours that a bank is to carry out."""

    operation_id: OperationId
    payment_id: PaymentId


class BankFiles(Protocol):
    """Imported bank files. A line is unique on (method, line id): the same transfer is kept once, whatever files tell of it."""

    async def keep(self, act: KeepStatement, *, lease_s: int) -> KeptStatement:
        """The statement and its new lines, all or nothing, leased to the caller until `lease_s` after the audit's moment. A file
        of the same digest that this method has, and one of which every line is known, change nothing: the first is returned
        as it is, without lines. Two at once: one keeps."""

    async def claim_lines(self, *, now: Instant, limit: int, lease_s: int) -> tuple[HeldLine, ...]:
        """Lease waiting lines whose lease ran out, oldest first, raising each one's fence. Two callers never get one line."""

    async def settle_line(self, act: SettleLine) -> None:
        """Settle a waiting line, and suspend its money with it. Raises `Conflict`, changing nothing, if the fence is not the
        current one, or if a payment of the method has the money already that is to be suspended."""

    async def reviewed(self, line_id: LineId, note: str, audit: AuditEntry) -> KeptLine:
        """A person has looked: REVIEW becomes DONE, the verdict stays. Raises `UnknownLine`, `Conflict` (not to be reviewed)."""

    async def lines_named(self, method: str, names: tuple[str, ...]) -> tuple[KeptLine, ...]:
        """The lines of the method with one of these (at most 1000) line ids or movement ids, by id."""

    async def statement(self, method: str, sha256: str) -> Statement | None:
        """The file of this digest, if the method has it."""

    async def statements(self, page: Page) -> StatementPage:
        """All statements, newest first."""

    async def lines(self, statement_id: StatementId, page: Page) -> LinePage:
        """The lines that came new with a statement, in order. Raises `UnknownStatement`."""

    async def open_bills(self, method: str, *, ended_since: Instant, limit: int) -> tuple[OpenBill, ...]:
        """The live payments of the method and those that expire after `ended_since`, newest first, live ones before others."""

    async def bills_named(
        self,
        method: str,
        *,
        references: tuple[str, ...] = (),
        invoices: tuple[InvoiceId, ...] = (),
        payments: tuple[PaymentId, ...] = (),
    ) -> tuple[OpenBill, ...]:
        """The payments of the method with one of these provider references, invoices or ids, whatever their age, at most
        1000, newest first."""

    async def payers(self, method: str, accounts: tuple[str, ...]) -> tuple[Payer, ...]:
        """The customers for whose payments money counts that came from these accounts (at most 1000) by lines of this method."""

    async def holders(self, movements: tuple[str, ...]) -> tuple[Holder, ...]:
        """Which payments, of whatever method, have captures of these ids (at most 1000) already."""

    async def alike(self, movements: tuple[str, ...], *, parts_of: tuple[str, ...]) -> tuple[KeptLine, ...]:
        """The lines of every method whose money is called by one of `movements` (at most 1000), or as a part (`<ID>/…`) of
        one of `parts_of` (at most 100), by id."""

    async def refunds_named(self, method: str, operations: tuple[OperationId, ...]) -> tuple[RefundOrder, ...]:
        """Those of these operations (at most 1000) that are refunds of payments of the method."""

    async def backlog(self) -> tuple[int, int]:
        """How many lines wait to be processed, and how many to be reviewed."""
