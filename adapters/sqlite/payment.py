"""Payments in SQLite."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, bindparam, literal_column, or_, select, update

from kassa.adapters.sql import payment_rows, tables
from kassa.ports.errors import Conflict, PaymentLive, UnknownPayment
from kassa.ports.idempotency import Scope
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

from .database import SqliteDatabase
from .failures import refusing
from .idempotency import claim_in, find_record, finish_in
from .order_rows import mark_paid
from .payment_held import SqliteApprovals, holders, reserve, taken
from .payment_reads import BY_MERCHANT_REF, BY_PROVIDER_REF, BY_RETURN_TOKEN, OF_PAYMENT, WITH_CAPTURE, read_file
from .payment_writes import (
    add_payment,
    add_postings,
    has_suspense,
    leave_open,
    put_movements,
    put_operations,
    put_suspense,
    refuse_unnamed,
    set_payable,
    set_payments,
    settle_notice,
)
from .payouts import SqliteRefundTasks

_Y, _P, _O, _S = tables.payables.c, tables.payments.c, tables.operations.c, tables.suspense.c

_DUE = (
    select(_O.id)
    .where(
        _O.next_check_at <= bindparam("now"),
        or_(_O.lease_until.is_(None), _O.lease_until <= bindparam("now")),
    )
    .order_by(_O.next_check_at, _O.id)
    .limit(bindparam("most"))
)
_LEASE = (
    update(tables.operations)
    .where(_O.id.in_(_DUE))
    .values(lease_until=bindparam("until"), fence=_O.fence + 1)
    .returning(_O.id)
)
_LEASED = (
    select(_O.id, _O.payment_id, _P.invoice_id)
    .select_from(tables.operations.join(tables.payments))
    .where(_O.id.in_(bindparam("leased", expanding=True)))
    .order_by(_O.next_check_at, _O.id)
)
_OVERDUE = (
    select(_Y.invoice_id)
    .where(
        _Y.state == literal_column("'open'"),  # a literal: SQLite uses no partial index for a parameter
        _Y.pay_until <= bindparam("now"),
        ~select(_P.id).where(_P.invoice_id == _Y.invoice_id, or_(_P.is_live, _P.in_doubt)).exists(),
    )
    .order_by(_Y.pay_until, _Y.invoice_id)
    .limit(bindparam("most"))
)
_SUSPENSE = (
    select(tables.suspense)
    .where(_S.state == bindparam("wanted"))
    .order_by(_S.at, _S.key)
    .limit(bindparam("most"))
)  # fmt: skip


_NAMED = select(tables.suspense).where(_S.key.in_(bindparam("keys", expanding=True))).order_by(_S.key)
_TO_REVIEW = (
    select(_P.id)
    .where(_P.needs_review, _P.id > bindparam("last"))
    .order_by(_P.id)
    .limit(bindparam("most"))
)  # fmt: skip


class SqlitePayments(SqliteApprovals, SqliteRefundTasks):
    """`Payments` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def file(self, invoice_id: InvoiceId) -> PaymentFile:
        """See the port."""
        async with self._database.reading() as read:
            return read_file(read, invoice_id)

    async def file_and_prior(self, invoice_id: InvoiceId, scope: Scope) -> FileAndPrior:
        """See the port."""
        async with self._database.reading() as read:
            return FileAndPrior(file=read_file(read, invoice_id), prior=find_record(read, scope))

    async def file_of_payment(self, payment_id: PaymentId) -> PaymentFile:
        """See the port."""
        file, _ = await self._find((OF_PAYMENT, {"payment": payment_id}))
        return file

    async def file_by_reference(
        self, method: str, *, provider_ref: str | None, merchant_ref: str | None
    ) -> PaymentFile:
        """See the port."""
        ways: list[tuple[Select[Any], dict[str, Any]]] = []
        if provider_ref is not None:
            ways.append((BY_PROVIDER_REF, {"the_method": method, "reference": provider_ref}))
        if merchant_ref is not None:
            ways.append((BY_MERCHANT_REF, {"the_method": method, "reference": merchant_ref}))
        file, _ = await self._find(*ways)
        return file

    async def file_by_return_token(self, token_hash: bytes) -> tuple[PaymentFile, PaymentId]:
        """See the port."""
        return await self._find((BY_RETURN_TOKEN, {"hash": token_hash}))

    async def _find(self, *ways: tuple[Select[Any], dict[str, Any]]) -> tuple[PaymentFile, PaymentId]:
        """The file and the payment that the first successful way leads to."""
        async with self._database.reading() as read:
            for statement, parameters in ways:
                found = read.execute(statement, parameters).one_or_none()
                if found is not None:
                    return read_file(read, found.invoice_id), found.id
        raise UnknownPayment("no such payment")

    async def payments_with(self, method: str, movement_id: str) -> tuple[PaymentId, ...]:
        """See the port."""
        async with self._database.reading() as read:
            return tuple(read.execute(WITH_CAPTURE, {"the_method": method, "movement": movement_id}).scalars())

    async def begin(self, act: BeginPayment) -> PaymentId:
        """See the port."""
        with refusing({"payments.invoice_id": _live, "payments.merchant_ref": _taken}):
            async with self._database.act() as write:
                if act.claim is not None:
                    claim_in(write, act.claim, None, act.audit.at)
                set_payable(write, act.payable, act.expected_version)
                set_payments(write, act.superseded)
                put_operations(write, act.superseded_operations)
                payment_id = add_payment(write, act.payment)
                put_operations(write, (act.operation,), payment_id=payment_id)
                if act.reservation is not None:
                    reserve(write, act.payment.method, act.reservation, payment_id, act.audit.at)
                write.note(act.events, act.audit)
        return payment_id

    async def reserved(self, method: str, values: tuple[str, ...]) -> dict[str, PaymentId]:
        """See the port."""
        async with self._database.reading() as read:
            return holders(read, method, values)

    async def taken(self, method: str, values: tuple[str, ...], *, now: Instant) -> frozenset[str]:
        """See the port."""
        async with self._database.reading() as read:
            return taken(read, method, values, now)

    async def record(self, act: RecordFacts) -> None:
        """See the port. Spans two contexts: money that completes the payable marks its order paid."""
        with refusing({"payments.invoice_id": _live, "postings.key": _posted, "movements.id": _posted}):
            async with self._database.act() as write:
                if act.claim is not None and act.answer is None:
                    claim_in(write, act.claim, None, act.audit.at)
                set_payable(write, act.payable, act.expected_version)
                refuse_unnamed(write, act)
                set_payments(write, act.payments)
                put_operations(write, act.operations)
                put_movements(write, act.movements)
                add_postings(write, act.postings)
                put_suspense(write, act.suspense)
                if act.order is not None:
                    mark_paid(write, act.payable.invoice_id, act.order)
                if act.inbox is not None:
                    settle_notice(write, act.inbox, "done", act.audit.at)
                if act.claim is not None and act.answer is not None:
                    finish_in(write, act.claim, act.answer, act.audit.at)
                write.note(act.events, act.audit)

    async def suspend(self, act: SuspendMoney) -> None:
        """See the port."""
        async with self._database.act() as write:
            if not has_suspense(write, act.suspense.key):
                put_suspense(write, (act.suspense,))
                add_postings(write, (act.posting,))
                write.note(act.events, act.audit)
            if act.inbox is not None:
                settle_notice(write, act.inbox, "done", act.audit.at)

    async def settle_suspense(self, act: SettleSuspense) -> None:
        """See the port."""
        with refusing({"postings.key": _posted}):
            async with self._database.act() as write:
                leave_open(write, act.suspense)
                put_suspense(write, act.parts)
                add_postings(write, (act.posting, *act.arrivals))
                write.note((), act.audit)

    async def suspense(self, state: SuspenseState, *, limit: int) -> tuple[Suspense, ...]:
        """See the port."""
        async with self._database.reading() as read:
            found = read.execute(_SUSPENSE, {"wanted": state.value, "most": limit}).all()
        return tuple(payment_rows.suspense_from_row(row) for row in found)

    async def suspense_named(self, keys: tuple[str, ...]) -> tuple[Suspense, ...]:
        """See the port."""
        async with self._database.reading() as read:
            return tuple(payment_rows.suspense_from_row(row) for row in read.execute(_NAMED, {"keys": keys}))

    async def to_review(self, *, after: PaymentId, limit: int) -> tuple[PaymentId, ...]:
        """See the port."""
        async with self._database.reading() as read:
            return tuple(read.execute(_TO_REVIEW, {"last": after, "most": limit}).scalars())

    async def claim_due(self, *, now: Instant, limit: int, lease_s: int) -> tuple[DueOperation, ...]:
        """See the port."""
        until = now + timedelta(seconds=lease_s)
        async with self._database.act() as write:
            leased = write.run(_LEASE, {"now": now, "until": until, "most": limit}).scalars().all()
            due = write.run(_LEASED, {"leased": leased}).all() if leased else []
        return tuple(
            DueOperation(invoice_id=row.invoice_id, payment_id=row.payment_id, operation_id=row.id) for row in due
        )

    async def overdue(self, *, now: Instant, limit: int) -> tuple[InvoiceId, ...]:
        """See the port."""
        async with self._database.reading() as read:
            return tuple(read.execute(_OVERDUE, {"now": now, "most": limit}).scalars())


def _live() -> PaymentLive:
    return PaymentLive("another payment of this invoice is live")


def _taken() -> Conflict:
    return Conflict("the merchant reference is taken")


def _posted() -> Conflict:
    return Conflict("this was posted before")
