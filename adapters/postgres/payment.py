"""Payments in PostgreSQL: a file is read by one statement, an act is written by one statement."""

from datetime import timedelta

import msgspec

from kassa.adapters.sql.payment_rows import suspense_from_row
from kassa.adapters.sql.rows import stored_answer_from_row
from kassa.ports.checkout import LineProblem
from kassa.ports.errors import AlreadyClaimed, Conflict, OutOfStock, UnknownOrder, UnknownPayment
from kassa.ports.idempotency import Answer, Claim, Scope
from kassa.ports.ids import InvoiceId, PaymentId
from kassa.ports.payment_records import (
    BeginPayment,
    DueOperation,
    FileAndPrior,
    PaymentFile,
    RecordFacts,
    SettleSuspense,
    SuspendMoney,
    Suspense,
    SuspenseState,
)
from kassa.ports.values import Instant

from . import payment_reads as reads
from . import payment_statements as acts
from .database import PostgresDatabase
from .idempotency import find
from .payment_approvals import PostgresApprovals
from .payouts import PostgresRefundTasks
from .rows import Rows


class PostgresPayments(PostgresApprovals, PostgresRefundTasks):
    """The durable store of money facts."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def file(self, invoice_id: InvoiceId) -> PaymentFile:
        """By invoice."""
        rows = await self._database.read(reads.FILE, invoice_id)
        if not rows:
            raise UnknownOrder("no such invoice")
        return _file(rows)

    async def file_and_prior(self, invoice_id: InvoiceId, scope: Scope) -> FileAndPrior:
        """By invoice, and the record of a claim."""
        values = (invoice_id, scope.principal, scope.route, scope.key)
        rows = await self._database.read(reads.FILE_AND_PRIOR, *values)
        if not rows:
            raise UnknownOrder("no such invoice")
        prior = None if rows[0].fingerprint is None else stored_answer_from_row(rows[0])
        return FileAndPrior(file=_file(rows), prior=prior)

    async def file_of_payment(self, payment_id: PaymentId) -> PaymentFile:
        """By payment."""
        return _file(await self._database.read(reads.FILE_OF_PAYMENT, payment_id))

    async def file_by_reference(
        self, method: str, *, provider_ref: str | None, merchant_ref: str | None
    ) -> PaymentFile:
        """By the provider's reference, else by ours."""
        return _file(await self._database.read(reads.FILE_BY_REFERENCE, method, provider_ref, merchant_ref))

    async def file_by_return_token(self, token_hash: bytes) -> tuple[PaymentFile, PaymentId]:
        """By the hash of a return address's token."""
        rows = await self._database.read(reads.FILE_BY_RETURN_TOKEN, token_hash)
        return _file(rows), int(rows[0].id)

    async def payments_with(self, method: str, movement_id: str) -> tuple[PaymentId, ...]:
        """Oldest first."""
        return tuple(int(row.id) for row in await self._database.read(reads.WITH_CAPTURE, method, movement_id))

    async def begin(self, act: BeginPayment) -> PaymentId:
        """A new payment and its START, where the payable is at the expected version."""
        rows = await self._database.write(acts.BEGIN, msgspec.json.encode(act).decode())
        if not rows:
            raise await self._refusal(act.claim, None)
        return int(rows[0].id)

    async def reserved(self, method: str, values: tuple[str, ...]) -> dict[str, PaymentId]:
        """Whose they are, or were last."""
        rows = await self._database.read(reads.RESERVED, method, list(values))
        return {row.value: int(row.payment_id) for row in rows}

    async def taken(self, method: str, values: tuple[str, ...], *, now: Instant) -> frozenset[str]:
        """Those of live payments, and those whose hold is not over."""
        return frozenset(row.value for row in await self._database.read(reads.TAKEN, method, list(values), now))

    async def record(self, act: RecordFacts) -> None:
        """Everything one answer changes, where the payable is at the expected version."""
        try:
            rows = await self._database.write(acts.RECORD, msgspec.json.encode(act).decode())
        except OutOfStock:
            raise await self._shortage(act.payable.invoice_id) from None
        if not rows:
            raise await self._refusal(act.claim, act.answer)

    async def suspend(self, act: SuspendMoney) -> None:
        """Keep money that has no name."""
        if not await self._database.write(acts.SUSPEND, msgspec.json.encode(act).decode()):
            raise Conflict("the notice was leased again or is settled")

    async def settle_suspense(self, act: SettleSuspense) -> None:
        """Give money in suspense a name."""
        fields = msgspec.json.encode({**msgspec.structs.asdict(act), "events": ()}).decode()
        if not await self._database.write(acts.SETTLE_SUSPENSE, fields):
            raise Conflict("the money is no longer in suspense")

    async def suspense(self, state: SuspenseState, *, limit: int) -> tuple[Suspense, ...]:
        """Oldest first."""
        rows = await self._database.read(reads.SUSPENSE, state.value, limit)
        return tuple(suspense_from_row(row) for row in rows)

    async def suspense_named(self, keys: tuple[str, ...]) -> tuple[Suspense, ...]:
        """By key."""
        return tuple(suspense_from_row(row) for row in await self._database.read(reads.NAMED, list(keys)))

    async def to_review(self, *, after: PaymentId, limit: int) -> tuple[PaymentId, ...]:
        """By id."""
        return tuple(int(row.id) for row in await self._database.read(reads.TO_REVIEW, after, limit))

    async def claim_due(self, *, now: Instant, limit: int, lease_s: int) -> tuple[DueOperation, ...]:
        """Lease operations to ask about; those that another instance is leasing now are passed over."""
        rows = await self._database.write(acts.CLAIM_DUE, now, limit, now + timedelta(seconds=lease_s))
        return tuple(
            DueOperation(invoice_id=row.invoice_id, payment_id=row.payment_id, operation_id=row.operation_id)
            for row in rows
        )

    async def overdue(self, *, now: Instant, limit: int) -> tuple[InvoiceId, ...]:
        """Invoices whose time to pay is over."""
        return tuple(row.invoice_id for row in await self._database.read(reads.OVERDUE, now, limit))

    async def _refusal(self, claim: Claim | None, answer: Answer | None) -> AlreadyClaimed | Conflict:
        """Why an act did nothing: the claim was there (a twin's, when the payable moved), or the payable moved."""
        prior = None if claim is None else await find(self._database, claim.scope)
        if claim is not None and prior is not None and (answer is None or prior.fingerprint != claim.fingerprint):
            return AlreadyClaimed("a request with this key was done or is running")
        return Conflict("the payable, its order, or the notice is not as the act expects")

    async def _shortage(self, invoice_id: InvoiceId) -> OutOfStock | Conflict:
        rows = await self._database.read(reads.SHORT_LINES, invoice_id)
        if not rows:
            return Conflict("stock was short and is there again")
        return OutOfStock(
            tuple(
                LineProblem(
                    product_id=row.product_id, reason="out_of_stock", requested=row.requested, available=row.available
                )
                for row in rows
            )
        )


def _file(rows: Rows) -> PaymentFile:
    if not rows:
        raise UnknownPayment("no such payment")
    return msgspec.json.decode(rows[0].file, type=PaymentFile)
