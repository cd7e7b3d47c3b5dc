"""Imported bank files in SQLite. The lease of a waiting line is its `next_try_at`."""

from datetime import timedelta

import msgspec

from kassa.adapters.sql import banking_rows
from kassa.adapters.sql.rows import cursor_number
from kassa.ports.audit import AuditEntry
from kassa.ports.bank_files import (
    HeldLine,
    Holder,
    KeepStatement,
    KeptLine,
    KeptStatement,
    LineId,
    LinePage,
    OpenBill,
    Payer,
    RefundOrder,
    SettleLine,
    Statement,
    StatementId,
    StatementPage,
)
from kassa.ports.errors import Conflict, UnknownLine, UnknownStatement
from kassa.ports.ids import InvoiceId, OperationId, PaymentId
from kassa.ports.payment_records import SuspendMoney
from kassa.ports.values import Instant, Page

from . import bank_files_statements as asked
from .database import Act, SqliteDatabase
from .payment_reads import WITH_CAPTURE
from .payment_writes import add_postings, has_suspense, put_suspense


class SqliteBankFiles:
    """`BankFiles` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def keep(self, act: KeepStatement, *, lease_s: int) -> KeptStatement:
        """See the port."""
        until = act.audit.at + timedelta(seconds=lease_s)
        async with self._database.act() as write:
            known = write.run(asked.BY_DIGEST, {"the_method": act.method, "digest": act.sha256}).one_or_none()
            if known is not None:
                return KeptStatement(statement=banking_rows.statement_from_row(known), held=())
            known_ids = _known_ids(write, act)
            fresh = [new for new in act.lines if new.line.id not in known_ids]
            if not fresh:
                return KeptStatement(statement=None, held=())
            file_id = write.run(asked.ADD_FILE, banking_rows.file_values(act, len(fresh))).scalar_one()
            added = [banking_rows.line_values(act, new, leased_until=until) for new in fresh]
            write.many(asked.ADD_LINE, [{"file_id": file_id, "state": "waiting", **values} for values in added])
            rows = write.run(asked.OF_FILE, {"file": file_id}).all()
            write.note((), act.audit)
            file = write.run(asked.BY_ID, {"file": file_id}).one()
        return KeptStatement(
            statement=banking_rows.statement_from_row(file),
            held=tuple(banking_rows.held_from_row(row) for row in rows),
        )

    async def claim_lines(self, *, now: Instant, limit: int, lease_s: int) -> tuple[HeldLine, ...]:
        """See the port."""
        until = now + timedelta(seconds=lease_s)
        async with self._database.act() as write:
            leased = write.run(asked.LEASE, {"now": now, "until": until, "most": limit}).all()
        return tuple(banking_rows.held_from_row(row) for row in sorted(leased, key=lambda row: row.id))

    async def settle_line(self, act: SettleLine) -> None:
        """See the port."""
        values = {
            "new_state": act.state.value,
            "new_verdict": act.verdict,
            "new_reason": act.reason,
            "new_payments": banking_rows.payments_text(act.payments),
            "new_settled_at": act.at,
        }
        async with self._database.act() as write:
            if write.changed(asked.SETTLE, {"line": act.held.id, "held": act.held.fence, **values}) == 0:
                raise Conflict("the line was leased again or is settled")
            if act.suspend is not None:
                _suspend(write, act.held, act.suspend)

    async def reviewed(self, line_id: LineId, note: str, audit: AuditEntry) -> KeptLine:
        """See the port."""
        async with self._database.act() as write:
            row = write.run(asked.REVIEWED, {"line": line_id, "note": note}).one_or_none()
            if row is None:
                if write.run(asked.IS_THERE, {"line": line_id}).first() is None:
                    raise UnknownLine(str(line_id))
                raise Conflict("the line is not to be reviewed")
            write.note((), audit)
        return banking_rows.line_from_row(row)

    async def lines_named(self, method: str, names: tuple[str, ...]) -> tuple[KeptLine, ...]:
        """See the port."""
        async with self._database.reading() as read:
            rows = read.execute(asked.NAMED, {"the_method": method, "names": names}).all()
        return tuple(banking_rows.line_from_row(row) for row in rows)

    async def statement(self, method: str, sha256: str) -> Statement | None:
        """See the port."""
        async with self._database.reading() as read:
            row = read.execute(asked.BY_DIGEST, {"the_method": method, "digest": sha256}).one_or_none()
        return None if row is None else banking_rows.statement_from_row(row)

    async def statements(self, page: Page) -> StatementPage:
        """See the port."""
        below = cursor_number(page.cursor, beginning=2**63 - 1)
        async with self._database.reading() as read:
            rows = read.execute(asked.NEWEST, {"below": below, "most": page.limit + 1}).all()
        return banking_rows.statements_from_rows(rows, page.limit)

    async def lines(self, statement_id: StatementId, page: Page) -> LinePage:
        """See the port."""
        last = cursor_number(page.cursor, beginning=0)
        async with self._database.reading() as read:
            if read.execute(asked.BY_ID, {"file": statement_id}).one_or_none() is None:
                raise UnknownStatement(str(statement_id))
            rows = read.execute(asked.LINES, {"file": statement_id, "last": last, "most": page.limit + 1}).all()
        return banking_rows.lines_from_rows(rows, page.limit)

    async def open_bills(self, method: str, *, ended_since: Instant, limit: int) -> tuple[OpenBill, ...]:
        """See the port."""
        async with self._database.reading() as read:
            rows = read.execute(asked.OPEN, {"the_method": method, "since": ended_since, "most": limit}).all()
        return tuple(banking_rows.bill_from_row(row) for row in rows)

    async def bills_named(
        self,
        method: str,
        *,
        references: tuple[str, ...] = (),
        invoices: tuple[InvoiceId, ...] = (),
        payments: tuple[PaymentId, ...] = (),
    ) -> tuple[OpenBill, ...]:
        """See the port."""
        wanted = {"the_method": method, "refs": references, "invoices": invoices, "ids": payments}
        async with self._database.reading() as read:
            rows = read.execute(asked.BILLS_NAMED, wanted).all()
        return tuple(banking_rows.bill_from_row(row) for row in rows)

    async def payers(self, method: str, accounts: tuple[str, ...]) -> tuple[Payer, ...]:
        """See the port."""
        async with self._database.reading() as read:
            rows = read.execute(asked.PAYERS, {"the_method": method, "accounts": accounts}).all()
        return tuple(Payer(account=row.account, customer_id=row.customer_id) for row in rows)

    async def holders(self, movements: tuple[str, ...]) -> tuple[Holder, ...]:
        """See the port."""
        async with self._database.reading() as read:
            rows = read.execute(asked.HOLDERS, {"movements": movements}).all()
        return tuple(banking_rows.holder_from_row(row) for row in rows)

    async def alike(self, movements: tuple[str, ...], *, parts_of: tuple[str, ...]) -> tuple[KeptLine, ...]:
        """See the port."""
        async with self._database.reading() as read:
            called = read.execute(asked.CALLED, {"names": movements}).all()
            parts = read.execute(asked.PARTS, {"wholes": msgspec.json.encode(parts_of).decode()}).all()
        rows = {row.id: row for row in (*called, *parts)}
        return tuple(banking_rows.line_from_row(rows[line]) for line in sorted(rows))

    async def refunds_named(self, method: str, operations: tuple[OperationId, ...]) -> tuple[RefundOrder, ...]:
        """See the port."""
        async with self._database.reading() as read:
            rows = read.execute(asked.REFUNDS, {"the_method": method, "operations": operations}).all()
        return tuple(RefundOrder(operation_id=row.id, payment_id=row.payment_id) for row in rows)

    async def backlog(self) -> tuple[int, int]:
        """See the port."""
        async with self._database.reading() as read:
            waiting, review = read.execute(asked.BACKLOG).one()
        return int(waiting), int(review)


def _known_ids(write: Act, act: KeepStatement) -> set[str]:
    ids, known = [new.line.id for new in act.lines], set[str]()
    for start in range(0, len(ids), banking_rows.MOST_ASKED):
        some = ids[start : start + banking_rows.MOST_ASKED]
        known.update(write.run(asked.KNOWN_LINES, {"the_method": act.method, "ids": some}).scalars())
    return known


def _suspend(write: Act, held: HeldLine, act: SuspendMoney) -> None:
    """Raises `Conflict` for money that a payment of the method has."""
    if write.run(WITH_CAPTURE, {"the_method": held.method, "movement": held.movement_id}).first() is not None:
        raise Conflict("this money was counted for a payment")
    if not has_suspense(write, act.suspense.key):
        put_suspense(write, (act.suspense,))
        add_postings(write, (act.posting,))
        write.note(act.events, act.audit)
