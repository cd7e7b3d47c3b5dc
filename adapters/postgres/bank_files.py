"""Imported bank files in PostgreSQL. The lease of a waiting line is its `next_try_at`."""

# ruff: noqa: S608  # statements are joined from constants at import; values travel as parameters alone

from datetime import timedelta
from typing import Final

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
from kassa.ports.payment import MovementState
from kassa.ports.values import Instant, Page

from .database import PostgresDatabase, Transaction
from .endpoints import note as told
from .payment_reads import WITH_CAPTURE
from .payment_statements import SUSPEND
from .statements import document

_STATEMENT: Final = """
SELECT f.*, (SELECT count(*) FROM bank_lines l WHERE l.file_id = f.id AND l.state = 'waiting') AS waiting,
       (SELECT count(*) FROM bank_lines l WHERE l.file_id = f.id AND l.state = 'review') AS review
FROM bank_files f"""
_BY_DIGEST: Final = f"{_STATEMENT} WHERE f.method = $1 AND f.sha256 = $2"
_BY_ID: Final = f"{_STATEMENT} WHERE f.id = $1"
_NEWEST: Final = f"{_STATEMENT} WHERE f.id < $1 ORDER BY f.id DESC LIMIT $2"
_ADD_FILE: Final = """
INSERT INTO bank_files (method, sha256, name, form, account, actor, at, lines, added, left_out)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (method, sha256) DO NOTHING RETURNING id"""
_ADD_LINES: Final = """
WITH kept AS (
    INSERT INTO bank_lines (file_id, method, line_id, movement_id, account, told, attempts, fence, next_try_at)
    SELECT $2, $3, n.doc->>'line_id', n.doc->>'movement_id', n.doc->>'account', decode(n.doc->>'told', 'base64'), 1, 1, $4
    FROM jsonb_array_elements($1::jsonb->'lines') WITH ORDINALITY AS n(doc, position) ORDER BY n.position
    ON CONFLICT (method, line_id) DO NOTHING
    RETURNING *
) SELECT * FROM kept ORDER BY id"""
_ADDED: Final = "UPDATE bank_files SET added = $2 WHERE id = $1 AND added <> $2"
_CLAIM: Final = """
WITH due AS MATERIALIZED (
    SELECT id FROM bank_lines WHERE state = 'waiting' AND next_try_at <= $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE bank_lines l SET fence = l.fence + 1, attempts = l.attempts + 1, next_try_at = $3 FROM due WHERE l.id = due.id
    RETURNING l.*
) SELECT * FROM leased ORDER BY id"""
_SETTLE: Final = """
UPDATE bank_lines SET state = $3, verdict = $4, reason = $5, payments = $6, settled_at = $7
WHERE id = $1 AND fence = $2 AND state = 'waiting' RETURNING id"""
_REVIEWED: Final = "UPDATE bank_lines SET state = 'done', reviewed = $2 WHERE id = $1 AND state = 'review' RETURNING *"
_IS_THERE: Final = "SELECT id FROM bank_lines WHERE id = $1"
_NAMED: Final = """
SELECT * FROM bank_lines WHERE method = $1 AND (line_id = ANY($2::text[]) OR movement_id = ANY($2::text[])) ORDER BY id"""
_LINES: Final = "SELECT * FROM bank_lines WHERE file_id = $1 AND id > $2 ORDER BY id LIMIT $3"
_BILL: Final = "SELECT p.*, y.customer_id FROM payments p JOIN payables y ON y.invoice_id = p.invoice_id"
_OPEN: Final = f"""
{_BILL} WHERE p.method = $1 AND (p.is_live OR p.expires_at > $2) ORDER BY p.is_live DESC, p.id DESC LIMIT $3"""
_BILLS_NAMED: Final = f"""
{_BILL} WHERE p.method = $1
AND (p.provider_ref = ANY($2::text[]) OR p.invoice_id = ANY($3::text[]) OR p.id = ANY($4::bigint[]))
ORDER BY p.id DESC LIMIT {banking_rows.MOST_BILLS}"""
_PAYERS: Final = f"""
SELECT DISTINCT l.account, y.customer_id FROM bank_lines l
JOIN movements m ON m.id = l.movement_id AND m.kind = 'capture' AND m.state = {int(MovementState.SUCCEEDED)}
JOIN payments p ON p.id = m.payment_id AND p.method = l.method
JOIN payables y ON y.invoice_id = p.invoice_id
WHERE l.method = $1 AND l.account = ANY($2::text[]) ORDER BY l.account, y.customer_id"""
_HOLDERS: Final = """
SELECT m.id, m.payment_id, m.amount, m.currency, p.method FROM movements m JOIN payments p ON p.id = m.payment_id
WHERE m.kind = 'capture' AND m.id = ANY($1::text[]) ORDER BY m.payment_id, m.id"""
_ALIKE: Final = """
SELECT * FROM bank_lines WHERE movement_id = ANY($1::text[])
UNION SELECT l.* FROM unnest($2::text[]) AS n(whole)
JOIN bank_lines l ON l.movement_id > n.whole || '/' AND l.movement_id < n.whole || '0' ORDER BY id"""
_REFUNDS: Final = """
SELECT o.id, o.payment_id FROM operations o JOIN payments p ON p.id = o.payment_id
WHERE p.method = $1 AND o.kind = 'refund' AND o.id = ANY($2::text[]) ORDER BY o.id"""
_BACKLOG: Final = """
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'review') AS review
FROM bank_lines WHERE state <> 'done'"""


class _NothingNew(Exception):
    """Takes back a statement of which another one, kept meanwhile, has every line."""


class PostgresBankFiles:
    """Bank files and their lines."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def keep(self, act: KeepStatement, *, lease_s: int) -> KeptStatement:
        """In one short transaction."""

        async def work(transaction: Transaction) -> KeptStatement:
            return await _keep(transaction, act, lease_s)

        try:
            return await self._database.transact(work)
        except _NothingNew:
            return KeptStatement(statement=None, held=())

    async def claim_lines(self, *, now: Instant, limit: int, lease_s: int) -> tuple[HeldLine, ...]:
        """Lines that another instance is leasing now are passed over."""
        rows = await self._database.write(_CLAIM, now, limit, now + timedelta(seconds=lease_s))
        return tuple(banking_rows.held_from_row(row) for row in rows)

    async def settle_line(self, act: SettleLine) -> None:
        """The line, and its money in suspense."""

        async def work(transaction: Transaction) -> None:
            held, payments = act.held, banking_rows.payments_text(act.payments)
            outcome = (act.state.value, act.verdict, act.reason, payments, act.at)
            if not await transaction.run(_SETTLE, held.id, held.fence, *outcome):
                raise Conflict("the line was leased again or is settled")
            if act.suspend is not None:
                if await transaction.run(WITH_CAPTURE, held.method, held.movement_id):
                    raise Conflict("this money was counted for a payment")
                await transaction.run(SUSPEND, msgspec.json.encode(act.suspend).decode())

        await self._database.transact(work)

    async def reviewed(self, line_id: LineId, note: str, audit: AuditEntry) -> KeptLine:
        """One line."""

        async def work(transaction: Transaction) -> KeptLine:
            rows = await transaction.run(_REVIEWED, line_id, note)
            if not rows:
                if not await transaction.run(_IS_THERE, line_id):
                    raise UnknownLine(str(line_id))
                raise Conflict("the line is not to be reviewed")
            await told(transaction, (), audit)
            return banking_rows.line_from_row(rows[0])

        return await self._database.transact(work)

    async def lines_named(self, method: str, names: tuple[str, ...]) -> tuple[KeptLine, ...]:
        """By id."""
        rows = await self._database.read(_NAMED, method, list(names))
        return tuple(banking_rows.line_from_row(row) for row in rows)

    async def statement(self, method: str, sha256: str) -> Statement | None:
        """By digest."""
        rows = await self._database.read(_BY_DIGEST, method, sha256)
        return banking_rows.statement_from_row(rows[0]) if rows else None

    async def statements(self, page: Page) -> StatementPage:
        """One more than asked for is read, to know whether there is a next page."""
        below = cursor_number(page.cursor, beginning=2**63 - 1)
        rows = await self._database.read(_NEWEST, below, page.limit + 1)
        return banking_rows.statements_from_rows(rows, page.limit)

    async def lines(self, statement_id: StatementId, page: Page) -> LinePage:
        """In order."""
        if not await self._database.read(_BY_ID, statement_id):
            raise UnknownStatement(str(statement_id))
        last = cursor_number(page.cursor, beginning=0)
        rows = await self._database.read(_LINES, statement_id, last, page.limit + 1)
        return banking_rows.lines_from_rows(rows, page.limit)

    async def open_bills(self, method: str, *, ended_since: Instant, limit: int) -> tuple[OpenBill, ...]:
        """Newest first."""
        rows = await self._database.read(_OPEN, method, ended_since, limit)
        return tuple(banking_rows.bill_from_row(row) for row in rows)

    async def bills_named(
        self,
        method: str,
        *,
        references: tuple[str, ...] = (),
        invoices: tuple[InvoiceId, ...] = (),
        payments: tuple[PaymentId, ...] = (),
    ) -> tuple[OpenBill, ...]:
        """Newest first."""
        rows = await self._database.read(_BILLS_NAMED, method, list(references), list(invoices), list(payments))
        return tuple(banking_rows.bill_from_row(row) for row in rows)

    async def payers(self, method: str, accounts: tuple[str, ...]) -> tuple[Payer, ...]:
        """By account."""
        rows = await self._database.read(_PAYERS, method, list(accounts))
        return tuple(Payer(account=row.account, customer_id=row.customer_id) for row in rows)

    async def holders(self, movements: tuple[str, ...]) -> tuple[Holder, ...]:
        """By payment."""
        rows = await self._database.read(_HOLDERS, list(movements))
        return tuple(banking_rows.holder_from_row(row) for row in rows)

    async def alike(self, movements: tuple[str, ...], *, parts_of: tuple[str, ...]) -> tuple[KeptLine, ...]:
        """By id."""
        rows = await self._database.read(_ALIKE, list(movements), list(parts_of))
        return tuple(banking_rows.line_from_row(row) for row in rows)

    async def refunds_named(self, method: str, operations: tuple[OperationId, ...]) -> tuple[RefundOrder, ...]:
        """By id."""
        rows = await self._database.read(_REFUNDS, method, list(operations))
        return tuple(RefundOrder(operation_id=row.id, payment_id=row.payment_id) for row in rows)

    async def backlog(self) -> tuple[int, int]:
        """Counted."""
        (row,) = await self._database.read(_BACKLOG)
        return int(row.waiting), int(row.review)


async def _keep(transaction: Transaction, act: KeepStatement, lease_s: int) -> KeptStatement:
    values = banking_rows.file_values(act, max(1, len(act.lines)))
    added = await transaction.run(_ADD_FILE, *values.values()) if act.lines else ()
    if not added:
        known = await transaction.run(_BY_DIGEST, act.method, act.sha256)
        return KeptStatement(statement=banking_rows.statement_from_row(known[0]) if known else None, held=())
    until = act.audit.at + timedelta(seconds=lease_s)
    lines = [banking_rows.line_values(act, new, leased_until=until) for new in act.lines]
    rows = await transaction.run(_ADD_LINES, document(lines=lines), added[0].id, act.method, until)
    if not rows:
        raise _NothingNew
    await transaction.run(_ADDED, added[0].id, len(rows))
    await told(transaction, (), act.audit)
    file = await transaction.run(_BY_ID, added[0].id)
    return KeptStatement(
        statement=banking_rows.statement_from_row(file[0]), held=tuple(banking_rows.held_from_row(row) for row in rows)
    )
