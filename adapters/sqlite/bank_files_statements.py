"""The statements of imported bank files in SQLite."""

from typing import Any

from sqlalchemy import (
    BindParameter,
    Select,
    Text,
    and_,
    bindparam,
    column,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from kassa.adapters.sql import banking_rows, tables
from kassa.adapters.sql.tables_banking import bank_files, bank_lines
from kassa.ports.payment import MovementState

_F, _L = bank_files.c, bank_lines.c
_P, _Y, _O, _M = tables.payments.c, tables.payables.c, tables.operations.c, tables.movements.c
_WAITS = _L.state == literal_column("'waiting'")
"""As a literal, so that the partial index is used: SQLite does not look into parameters for that."""

_IN_STATE = select(func.count()).select_from(bank_lines).where(_L.file_id == _F.id)
_STATEMENT: Select[Any] = select(
    bank_files,
    _IN_STATE.where(_L.state == "waiting").scalar_subquery().label("waiting"),
    _IN_STATE.where(_L.state == "review").scalar_subquery().label("review"),
)
BY_DIGEST = _STATEMENT.where(_F.method == bindparam("the_method"), _F.sha256 == bindparam("digest"))
BY_ID = _STATEMENT.where(_F.id == bindparam("file"))
NEWEST = _STATEMENT.where(_F.id < bindparam("below")).order_by(_F.id.desc()).limit(bindparam("most"))
KNOWN_LINES = select(_L.line_id).where(
    _L.method == bindparam("the_method"), _L.line_id.in_(bindparam("ids", expanding=True))
)
ADD_FILE = insert(bank_files).returning(_F.id)
ADD_LINE = insert(bank_lines)
OF_FILE = select(bank_lines).where(_L.file_id == bindparam("file")).order_by(_L.id)
_DUE = (
    select(_L.id).where(_WAITS, _L.next_try_at <= bindparam("now")).order_by(_L.id).limit(bindparam("most"))
)  # fmt: skip
LEASE = (
    update(bank_lines)
    .where(_L.id.in_(_DUE))
    .values(fence=_L.fence + 1, attempts=_L.attempts + 1, next_try_at=bindparam("until"))
    .returning(*_L)
)
SETTLE = (
    update(bank_lines)
    .where(_L.id == bindparam("line"), _L.fence == bindparam("held"), _WAITS)
    .values({name: bindparam(f"new_{name}") for name in ("state", "verdict", "reason", "payments", "settled_at")})
)
REVIEWED = (
    update(bank_lines)
    .where(_L.id == bindparam("line"), _L.state == "review")
    .values(state="done", reviewed=bindparam("note"))
    .returning(*_L)
)
IS_THERE = select(_L.id).where(_L.id == bindparam("line"))
_NAMES: BindParameter[Any] = bindparam("names", expanding=True)
NAMED = (
    select(bank_lines)
    .where(_L.method == bindparam("the_method"), or_(_L.line_id.in_(_NAMES), _L.movement_id.in_(_NAMES)))
    .order_by(_L.id)
)
LINES = (
    select(bank_lines)
    .where(_L.file_id == bindparam("file"), _L.id > bindparam("last"))
    .order_by(_L.id)
    .limit(bindparam("most"))
)
_BILL: Select[Any] = (
    select(tables.payments, _Y.customer_id)
    .select_from(tables.payments.join(tables.payables, _Y.invoice_id == _P.invoice_id))
    .where(_P.method == bindparam("the_method"))
)
OPEN = (
    _BILL.where(or_(_P.is_live, _P.expires_at > bindparam("since")))
    .order_by(_P.is_live.desc(), _P.id.desc())
    .limit(bindparam("most"))
)
BILLS_NAMED = (
    _BILL.where(
        or_(
            _P.provider_ref.in_(bindparam("refs", expanding=True)),
            _P.invoice_id.in_(bindparam("invoices", expanding=True)),
            _P.id.in_(bindparam("ids", expanding=True)),
        )
    )
    .order_by(_P.id.desc())
    .limit(banking_rows.MOST_BILLS)
)
PAYERS = (
    select(_L.account, _Y.customer_id)
    .distinct()
    .select_from(
        bank_lines.join(
            tables.movements,
            and_(_M.id == _L.movement_id, _M.kind == "capture", _M.state == int(MovementState.SUCCEEDED)),
        )
        .join(tables.payments, and_(_P.id == _M.payment_id, _P.method == _L.method))
        .join(tables.payables, _Y.invoice_id == _P.invoice_id)
    )
    .where(_L.method == bindparam("the_method"), _L.account.in_(bindparam("accounts", expanding=True)))
    .order_by(_L.account, _Y.customer_id)
)
HOLDERS = (
    select(_M.id, _M.payment_id, _M.amount, _M.currency, _P.method)
    .select_from(tables.movements.join(tables.payments))
    .where(_M.kind == "capture", _M.id.in_(bindparam("movements", expanding=True)))
    .order_by(_M.payment_id, _M.id)
)
CALLED = select(bank_lines).where(_L.movement_id.in_(_NAMES))
_WHOLES = func.json_each(bindparam("wholes")).table_valued(column("value", Text))
_IS_PART = and_(_L.movement_id > _WHOLES.c.value + "/", _L.movement_id < _WHOLES.c.value + "0")
PARTS = select(bank_lines).select_from(_WHOLES.join(bank_lines, _IS_PART))
"""Parts (`<whole>/…`) stand between these two: the character behind a slash is a zero."""
REFUNDS = (
    select(_O.id, _O.payment_id)
    .select_from(tables.operations.join(tables.payments))
    .where(
        _P.method == bindparam("the_method"), _O.kind == "refund", _O.id.in_(bindparam("operations", expanding=True))
    )
    .order_by(_O.id)
)
BACKLOG = select(func.count().filter(_L.state == "waiting"), func.count().filter(_L.state == "review")).select_from(
    bank_lines
)
