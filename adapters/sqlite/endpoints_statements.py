"""What is said to SQLite about deliveries: the statements of `endpoints_deliveries`."""

from sqlalchemy import String, bindparam, delete, func, insert, literal_column, or_, select, update

from kassa.adapters.sql import outgoing_rows, tables
from kassa.adapters.sql.tables_outgoing import deliveries, delivery_attempts, endpoints

_D, _E, _L, _O = deliveries.c, endpoints.c, delivery_attempts.c, tables.outbox.c
FILTERS = 3
"""An event is wanted by one of three filters: all, its family, itself."""

SETTLE = (
    update(tables.outbox)
    .where(_O.id == bindparam("item"), _O.fence == bindparam("held"), _O.state == "waiting")
    .values(state="done", next_try_at=bindparam("moment"), note="")
)
_NEW = ("endpoint_id", "event_id", "message_id", "type", "body", "next_try_at", "created_at")
FAN_OUT = insert(deliveries).from_select(
    _NEW,
    select(
        _E.id,
        bindparam("item", type_=_D.event_id.type),
        bindparam("message", type_=_D.message_id.type),
        bindparam("kind", type_=_D.type.type),
        bindparam("content", type_=_D.body.type),
        bindparam("moment", type_=_D.next_try_at.type),
        bindparam("written", type_=_D.created_at.type),
    )
    .where(
        _E.is_enabled,
        _E.removed_at.is_(None),
        or_(*(func.instr(_E.events, bindparam(f"filter_{n}", type_=String())) > 0 for n in range(FILTERS))),
    )
    .order_by(_E.created_at, _E.id),
)
HELD = select(func.count()).where(_D.endpoint_id == bindparam("endpoint"), _D.lease_until > bindparam("now"))
_WAITS = _D.state == literal_column("'waiting'")
"""A constant, not a parameter: only so does SQLite use the indexes that hold nothing else."""
_IS_DUE = (_WAITS, _D.next_try_at <= bindparam("now"), or_(_E.is_enabled, _D.event_id.is_(None)))
OWED = (
    select(_E.id)
    .where(
        _E.removed_at.is_(None),
        _E.failing_since.is_not(None) == bindparam("failing"),
        select(_D.id).where(_D.endpoint_id == _E.id, *_IS_DUE).correlate(endpoints).exists(),
    )
    .order_by(_E.created_at, _E.id)
)
DUE = (
    select(_D.id, _D.next_try_at)
    .join(endpoints, _E.id == _D.endpoint_id)
    .where(_D.endpoint_id == bindparam("endpoint"), *_IS_DUE)
    .order_by(_D.next_try_at, _D.id)
    .limit(bindparam("most"))
)
LEASE = (
    update(deliveries)
    .where(_D.id == bindparam("delivery"))
    .values(attempt=_D.attempt + 1, fence=_D.fence + 1, next_try_at=bindparam("until"), lease_until=bindparam("until"))
)
_SIGNING = (_E.url, _E.version, _E.salt, _E.proof, _E.old_salt, _E.old_proof, _E.old_until, _E.failing_since)
LEASED = (
    select(deliveries, *_SIGNING).join(endpoints, _E.id == _D.endpoint_id).where(_D.id == bindparam("delivery"))
)  # fmt: skip
RECORD = (
    update(deliveries)
    .where(_D.id == bindparam("delivery"), _D.fence == bindparam("held"), _D.state == "waiting")
    .values(
        state=bindparam("new_state"),
        next_try_at=func.coalesce(bindparam("until", type_=_D.next_try_at.type), _D.next_try_at),
        lease_until=None,
        settled_at=bindparam("settled"),
        status=bindparam("answer"),
        reason=bindparam("why"),
    )
)
LOG = insert(delivery_attempts)
_SAME = (_E.id == bindparam("endpoint"), _E.version == bindparam("seen"))
WELL = update(endpoints).where(*_SAME, _E.failing_since.is_not(None)).values(failing_since=None)
ILL = update(endpoints).where(*_SAME, _E.failing_since.is_(None)).values(failing_since=bindparam("moment"))
DISABLE = (
    update(endpoints)
    .where(
        *_SAME,
        _E.is_enabled,
        or_(
            bindparam("failing_before", type_=_E.failing_since.type).is_(None),
            _E.failing_since <= bindparam("failing_before", type_=_E.failing_since.type),
        ),
    )
    .values(is_enabled=False, disabled=bindparam("why"), version=_E.version + 1)
)
KNOWN = select(_E.id).where(_E.id == bindparam("endpoint"), _E.removed_at.is_(None))
ADD = insert(deliveries).returning(*_D)
PAGE = (
    select(deliveries)
    .where(
        _D.endpoint_id == bindparam("endpoint"),
        _D.id < bindparam("below"),
        or_(bindparam("wanted", type_=String()).is_(None), _D.state == bindparam("wanted", type_=String())),
    )
    .order_by(_D.id.desc())
    .limit(bindparam("most"))
)
ONE = (
    select(deliveries)
    .join(endpoints, _E.id == _D.endpoint_id)
    .where(_D.id == bindparam("delivery"), _E.removed_at.is_(None))
)
LINES = (
    select(delivery_attempts)
    .where(_L.delivery_id == bindparam("delivery"))
    .order_by(_L.number.desc())
    .limit(outgoing_rows.LOG_LINES)
)
_AGAIN = {"state": "waiting", "attempt": 0, "next_try_at": bindparam("moment"), "settled_at": None}
REDELIVER = (
    update(deliveries)
    .where(_D.id == bindparam("delivery"), or_(_D.lease_until.is_(None), _D.lease_until <= bindparam("moment")))
    .values(**_AGAIN, lease_until=None)
    .returning(*_D)
)
_DEAD = _D.state == literal_column("'dead'")
_DEAD_SINCE = (
    select(_D.id)
    .where(_D.endpoint_id == bindparam("endpoint"), _DEAD, _D.created_at >= bindparam("since"))
    .order_by(_D.created_at, _D.id)
    .limit(bindparam("most"))
)
REDELIVER_DEAD = update(deliveries).where(_D.id.in_(_DEAD_SINCE)).values(**_AGAIN)
_NOT_REMOVED = (_E.id == _D.endpoint_id, _E.removed_at.is_(None))
BACKLOG = select(
    select(func.count())
    .select_from(deliveries, endpoints)
    .where(*_NOT_REMOVED, _WAITS, or_(_E.is_enabled, _D.event_id.is_(None)))
    .scalar_subquery()
    .label("waiting"),
    select(func.count()).select_from(deliveries, endpoints).where(*_NOT_REMOVED, _DEAD).scalar_subquery().label("dead"),
)
_REMOVED = select(_E.id).where(_E.removed_at < bindparam("before"))
OLD = (
    select(_D.id).where(or_(_D.settled_at < bindparam("before"), _D.endpoint_id.in_(_REMOVED))).limit(bindparam("most"))
)
DROP_LINES = delete(delivery_attempts).where(_L.delivery_id == bindparam("delivery"))
DROP = delete(deliveries).where(_D.id == bindparam("delivery"))
DROP_ENDPOINTS = delete(endpoints).where(
    _E.removed_at < bindparam("before"), ~select(literal_column("1")).where(_D.endpoint_id == _E.id).exists()
)
