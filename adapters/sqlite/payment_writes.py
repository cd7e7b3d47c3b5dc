"""The steps of payment acts in SQLite: each writes rows inside an act that somebody else begins and ends."""

from collections.abc import Iterable

from sqlalchemy import bindparam, case, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from kassa.adapters.sql import payment_rows, tables
from kassa.ports.errors import Conflict
from kassa.ports.ids import PaymentId
from kassa.ports.payment import MovementState
from kassa.ports.payment_records import (
    InboxItem,
    KnownMovement,
    Operation,
    Payable,
    Payment,
    Posting,
    RecordFacts,
    Suspense,
)
from kassa.ports.values import Instant

from .database import Act

_Y, _P, _O, _M, _S, _N = (
    tables.payables.c,
    tables.payments.c,
    tables.operations.c,
    tables.movements.c,
    tables.suspense.c,
    tables.inbox.c,
)

_SET_PAYABLE = (
    update(tables.payables)
    .where(_Y.invoice_id == bindparam("invoice"), _Y.version == bindparam("seen"))
    .values({column: bindparam(f"new_{column.name}") for column in _Y if column.name != "invoice_id"})
)
_ADD_PAYMENT = insert(tables.payments).returning(_P.id)
_SET_PAYMENT = (
    update(tables.payments)
    .where(_P.id == bindparam("payment"))
    .values({column: bindparam(f"new_{column.name}") for column in _P if column.name != "id"})
)

_new_operation = upsert(tables.operations)
_PUT_OPERATION = _new_operation.on_conflict_do_update(
    index_elements=[_O.id],
    set_={
        **{
            name: _new_operation.excluded[name]
            for name in _O.keys()  # noqa: SIM118 - a column collection iterates over columns
            if name not in ("id", "payment_id", "kind", "lease_until", "fence")
        },
        "lease_until": None,
    },
)
"""Recording what is known of an operation ends its lease."""

_new_movement = upsert(tables.movements)
_PUT_MOVEMENT = _new_movement.on_conflict_do_update(
    index_elements=[_M.payment_id, _M.kind, _M.id],
    set_={
        **{name: _new_movement.excluded[name] for name in ("state", "amount", "currency", "at", "first_seen_at")},
        "tx": case((_new_movement.excluded.state > _M.state, _new_movement.excluded.tx), else_=_M.tx),
    },
)

_ADD_POSTING = insert(tables.postings)
_ADD_LEDGER = insert(tables.ledger)
_new_suspense = upsert(tables.suspense)
_PUT_SUSPENSE = _new_suspense.on_conflict_do_update(
    index_elements=[_S.key],
    set_={name: _new_suspense.excluded[name] for name in _S.keys() if name != "key"},  # noqa: SIM118
)
_HAS_SUSPENSE = select(_S.key).where(_S.key == bindparam("the_key"))
_UNNAMED = select(_S.state, _S.payment_id).where(_S.key == bindparam("the_key"))
_METHOD_OF = select(_P.method).where(_P.id == bindparam("payment"))
_LEAVE_OPEN = (
    update(tables.suspense)
    .where(_S.key == bindparam("the_key"), _S.state == "open")
    .values({column: bindparam(f"new_{column.name}") for column in _S if column.name != "key"})
)
_SETTLE_NOTICE = (
    update(tables.inbox)
    .where(_N.id == bindparam("item"), _N.fence == bindparam("held"), _N.state == "waiting")
    .values(state=bindparam("new_state"), settled_at=bindparam("at"))
)


def set_payable(write: Act, payable: Payable, expected_version: int) -> None:
    """Replace a payable's row. Raises `Conflict` when it is not at `expected_version`."""
    values = {f"new_{name}": value for name, value in payment_rows.payable_values(payable).items()}
    seen = {"invoice": payable.invoice_id, "seen": expected_version}
    if write.changed(_SET_PAYABLE, {**seen, **values}) == 0:
        raise Conflict(f"the payable is not at version {expected_version}")


def add_payment(write: Act, payment: Payment) -> PaymentId:
    """A new payment, numbered here."""
    number: PaymentId = write.run(_ADD_PAYMENT, payment_rows.payment_values(payment)).scalar_one()
    return number


def set_payments(write: Act, payments: Iterable[Payment]) -> None:
    """Replace payments' rows; those that are no longer live first, so that a live one may take their place."""
    for payment in sorted(payments, key=lambda payment: payment.is_live):
        values = {f"new_{name}": value for name, value in payment_rows.payment_values(payment).items()}
        if write.changed(_SET_PAYMENT, {"payment": payment.id, **values}) == 0:
            raise Conflict(f"there is no payment {payment.id}")


def put_operations(write: Act, operations: Iterable[Operation], *, payment_id: PaymentId | None = None) -> None:
    """New or replaced operations; `payment_id` for those of a payment that was numbered in this act."""
    write.many(
        _PUT_OPERATION,
        [payment_rows.operation_values(operation, payment_id=payment_id) for operation in operations],
    )


def put_movements(write: Act, movements: Iterable[KnownMovement]) -> None:
    """New or replaced movements; their `tx` moves only with a raised state."""
    write.many(_PUT_MOVEMENT, [payment_rows.movement_values(known, write.tx) for known in movements])


def add_postings(write: Act, postings: Iterable[Posting]) -> None:
    """New postings with their ledger entries."""
    for posting in postings:
        write.run(_ADD_POSTING, payment_rows.posting_values(posting, write.tx))
        write.many(_ADD_LEDGER, payment_rows.ledger_values(posting))


def put_suspense(write: Act, suspense: Iterable[Suspense]) -> None:
    """New or replaced suspense rows."""
    write.many(_PUT_SUSPENSE, [payment_rows.suspense_values(money) for money in suspense])


def refuse_unnamed(write: Act, act: RecordFacts) -> None:
    """Raises `Conflict` for a capture whose money came before as unmatched, unless this act assigns it."""
    methods = {payment.id: payment.method for payment in act.payments}
    assigned = {row.key for row in act.suspense}
    for known in act.movements:
        if known.movement.kind != "capture" or known.movement.state is not MovementState.SUCCEEDED:
            continue
        method = methods.get(known.payment_id) or write.run(_METHOD_OF, {"payment": known.payment_id}).scalar_one()
        key = f"unmatched/{method}/{known.movement.id}"
        row = None if key in assigned else write.run(_UNNAMED, {"the_key": key}).first()
        if row is not None and (row.state, row.payment_id) != ("assigned", known.payment_id):
            raise Conflict("this money is in suspense")


def has_suspense(write: Act, key: str) -> bool:
    """Whether this money is in suspense, or was."""
    return write.run(_HAS_SUSPENSE, {"the_key": key}).first() is not None


def leave_open(write: Act, suspense: Suspense) -> None:
    """Settle suspense money that is open. Raises `Conflict` when it is not open any more."""
    values = {f"new_{name}": value for name, value in payment_rows.suspense_values(suspense).items() if name != "key"}
    if write.changed(_LEAVE_OPEN, {"the_key": suspense.key, **values}) == 0:
        raise Conflict("the money is no longer in suspense")


def settle_notice(write: Act, item: InboxItem, state: str, at: Instant) -> None:
    """End a notice. Raises `Conflict` when it was leased again or is settled."""
    if write.changed(_SETTLE_NOTICE, {"item": item.id, "held": item.fence, "new_state": state, "at": at}) == 0:
        raise Conflict("the notice was leased again or is settled")
