"""What is held for a while in SQLite: numbers and amounts that a payment has for itself, wishes that wait for a second person."""

from sqlalchemy import Connection, bindparam, delete, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from kassa.adapters.sql import payment_rows, tables, tables_held
from kassa.ports.approvals import Approval, AskApproval
from kassa.ports.errors import ReferenceTaken
from kassa.ports.ids import PaymentId
from kassa.ports.payment_records import Reservation
from kassa.ports.values import Instant

from .database import Act, SqliteDatabase

_R, _P, _A = tables_held.reservations.c, tables.payments.c, tables_held.approvals.c

_HOLDERS = select(_R.value, _R.payment_id).where(
    _R.method == bindparam("the_method"), _R.value.in_(bindparam("wanted", expanding=True))
)
_TAKEN = (
    select(_R.value)
    .select_from(tables_held.reservations.join(tables.payments))
    .where(
        _R.method == bindparam("the_method"),
        _R.value.in_(bindparam("wanted", expanding=True)),
        or_(_R.held_until > bindparam("now"), _P.is_live),
    )
)
_new_reservation = upsert(tables_held.reservations)
_RESERVE = _new_reservation.on_conflict_do_update(
    index_elements=[_R.method, _R.value],
    set_={name: _new_reservation.excluded[name] for name in ("payment_id", "held_until")},
)
_WAITING = select(tables_held.approvals).where(_A.key == bindparam("the_key"), _A.until > bindparam("now"))
_new_approval = upsert(tables_held.approvals)
_PUT_APPROVAL = _new_approval.on_conflict_do_update(
    index_elements=[_A.key],
    set_={name: _new_approval.excluded[name] for name in _A.keys() if name != "key"},  # noqa: SIM118
)
_DROP_APPROVAL = delete(tables_held.approvals).where(_A.key == bindparam("the_key"))
_APPROVALS = (
    select(tables_held.approvals)
    .where(_A.until > bindparam("now"))
    .order_by(_A.at, _A.key)
    .limit(bindparam("most"))
)  # fmt: skip


def reserve(write: Act, method: str, wanted: Reservation, payment_id: PaymentId, now: Instant) -> None:
    """Give a payment what it is to have for itself. Raises `ReferenceTaken`."""
    if taken(write.connection, method, (wanted.value,), now):
        raise ReferenceTaken("another payment has this number or amount")
    row = {"method": method, "value": wanted.value, "payment_id": payment_id, "held_until": wanted.held_until}
    write.run(_RESERVE, row)


def holders(read: Connection, method: str, values: tuple[str, ...]) -> dict[str, PaymentId]:
    """Whose these are, or were last."""
    found = read.execute(_HOLDERS, {"the_method": method, "wanted": values})
    return {row.value: row.payment_id for row in found}


def taken(read: Connection, method: str, values: tuple[str, ...], now: Instant) -> frozenset[str]:
    """Which of these nobody else may have at `now`."""
    return frozenset(read.execute(_TAKEN, {"the_method": method, "wanted": values, "now": now}).scalars())


class SqliteApprovals:
    """`Approvals` on SQLite."""

    _database: SqliteDatabase

    async def ask_approval(self, act: AskApproval) -> Approval:
        """See the port."""
        wish = act.approval
        async with self._database.act() as write:
            found = write.run(_WAITING, {"the_key": wish.key, "now": act.audit.at}).one_or_none()
            if found is not None:
                return payment_rows.approval_from_row(found)
            write.run(_PUT_APPROVAL, payment_rows.approval_values(wish))
            write.note((), act.audit)
        return wish

    async def approved(self, key: str) -> None:
        """See the port."""
        async with self._database.act() as write:
            write.run(_DROP_APPROVAL, {"the_key": key})

    async def approvals(self, *, now: Instant, limit: int) -> tuple[Approval, ...]:
        """See the port."""
        async with self._database.reading() as read:
            found = read.execute(_APPROVALS, {"now": now, "most": limit}).all()
        return tuple(payment_rows.approval_from_row(row) for row in found)
