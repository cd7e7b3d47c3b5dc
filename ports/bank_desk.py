"""The bank desk: what operators do with bank statements."""

from typing import Annotated, Literal, Protocol, TypeAlias

from msgspec import Meta

from kassa.ports.audit import Origin
from kassa.ports.bank_files import (
    KeptLine,
    LineId,
    LinePage,
    LineState,
    Statement,
    StatementId,
    StatementPage,
    Verdict,
)
from kassa.ports.banking import Day, LeftOut
from kassa.ports.ids import InvoiceId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment_records import Suspense
from kassa.ports.treasury import Review
from kassa.ports.values import Page, Value

MatchKind: TypeAlias = Literal["virtual_account", "rf", "invoice", "invoice_nearly", "amount", "payer"]
"""By what a line is recognised, in this order: the virtual account it was sent to; the ISO 11649 reference; the invoice number in
its text; one that is a single slip of the pen away from it; an amount that is given to one payment alone; the payer's account,
known from an earlier payment, with the amount that one open payment needs."""
CONFIRMING: tuple[MatchKind, ...] = ("virtual_account", "rf")
"""Which confirm by themselves, where the configuration says nothing else."""


class BankStatement(Value, frozen=True, kw_only=True):
    """A bank's file to import. `method` may be empty where only one configured method reads bank files, `form` is one of the
    formats that it reads (`csv:<profile>` where it has profiles), or `auto`."""

    method: str
    form: Annotated[str, Meta(max_length=40)] = "auto"
    name: Annotated[str, Meta(max_length=200)] = ""
    data: bytes


class LineReport(Value, frozen=True, kw_only=True):
    """What a line says, what it was taken for, and why. `payments` are those whose money it is (one) or may be. `state` is
    `waiting` while it is not processed: the verdict is then what would be said now."""

    place: str
    line_id: str
    direction: Literal["credit", "debit"]
    amount: Money
    booked_on: Day | None
    payer: str
    account: str
    text: str
    verdict: Verdict
    reason: str
    payments: tuple[PaymentId, ...]
    state: LineState


class StatementReport(Value, frozen=True, kw_only=True):
    """What an import did, or with `dry_run` would do. `statement` is None where nothing is kept: in a dry run, and for a file of
    which every line is known. `verdicts` counts the lines by verdict."""

    dry_run: bool
    method: str
    account: str
    statement: Statement | None
    verdicts: dict[str, int]
    lines: tuple[LineReport, ...]
    left_out: tuple[LeftOut, ...]


class Proposal(Value, frozen=True, kw_only=True):
    """Whose money in suspense may be, and why that is thought."""

    payment_id: PaymentId
    invoice_id: InvoiceId
    reason: str


class ProposedSuspense(Suspense, frozen=True, kw_only=True):
    """Money in suspense with the guesses whose it is."""

    proposals: tuple[Proposal, ...] = ()


class BankDesk(Protocol):
    """Imports bank statements. Money counts once, whatever tells of it: a line, another file, an operator's evidence."""

    async def bring(self, given: BankStatement, origin: Origin, *, dry_run: bool) -> StatementReport:
        """Import the whole file or nothing; `dry_run` writes nothing and reports the same. What this call does not finish is
        finished by the sweep. Raises `UnknownMethod`, `NotCapable` (it does not read this), `StatementRefused`,
        `Unavailable`."""

    async def statements(self, page: Page) -> StatementPage:
        """What was imported, newest first."""

    async def lines(self, statement_id: StatementId, page: Page) -> LinePage:
        """What became of its lines. Raises `UnknownStatement`."""

    async def reviewed(self, line_id: LineId, word: Review, origin: Origin) -> KeptLine:
        """A person has looked at a doubtful line. Nothing is booked by this: money that it was is confirmed, or returned, by
        hand. Raises `UnknownLine`, `Conflict` (there is nothing to review)."""

    async def proposed(self, rows: tuple[Suspense, ...]) -> tuple[ProposedSuspense, ...]:
        """These rows of suspense, each with the guesses whose money it is as things are now."""
