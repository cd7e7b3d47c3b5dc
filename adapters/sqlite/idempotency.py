"""Idempotency records in SQLite, as such and as other acts write them."""

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_, update

from kassa.adapters.sql import rows, tables
from kassa.ports.errors import AlreadyClaimed, Conflict
from kassa.ports.idempotency import Answer, Claim, Scope, StoredAnswer
from kassa.ports.values import Instant

from .database import Act, SqliteDatabase

_I = tables.idempotency.c
_KEY = (_I.principal, _I.route, _I.key)
_OF_SCOPE = (
    _I.principal == bindparam("the_principal"),
    _I.route == bindparam("the_route"),
    _I.key == bindparam("the_key"),
)

_FIND = select(tables.idempotency).where(*_OF_SCOPE)
_ADD = insert(tables.idempotency)
_FINISH = (
    update(tables.idempotency)
    .where(*_OF_SCOPE, _I.kind.is_(None))
    .values(kind=bindparam("new_kind"), body=bindparam("new_body"))
)
_PURGE = delete(tables.idempotency).where(
    tuple_(*_KEY).in_(
        select(*_KEY)
        .where(_I.kind.is_not(None), _I.at < bindparam("before"))
        .order_by(_I.at)
        .limit(bindparam("most"))
    )
)  # fmt: skip


class SqliteIdempotencyRecords:
    """`IdempotencyRecords` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def find(self, scope: Scope) -> StoredAnswer | None:
        """See the port."""
        async with self._database.reading() as read:
            return find_record(read, scope)

    async def finish(self, claim: Claim, answer: Answer) -> None:
        """See the port."""
        async with self._database.act() as write:
            if find_record(write.connection, claim.scope) is None:
                raise Conflict("there is no record to finish")
            write.run(_FINISH, {**_scope(claim.scope), **_answer(answer)})

    async def purge(self, *, before: Instant, limit: int) -> int:
        """See the port."""
        async with self._database.act() as write:
            return write.changed(_PURGE, {"before": before, "most": limit})


def find_record(read: Connection, scope: Scope) -> StoredAnswer | None:
    """The record of this scope."""
    row = read.execute(_FIND, _scope(scope)).one_or_none()
    return None if row is None else rows.stored_answer_from_row(row)


def claim_in(write: Act, claim: Claim, answer: Answer | None, at: Instant) -> None:
    """Write a new record, running without `answer`. Raises `AlreadyClaimed`."""
    if find_record(write.connection, claim.scope) is not None:
        raise AlreadyClaimed("a request with this key was done or is running")
    write.run(_ADD, rows.claim_values(claim, answer, at))


def finish_in(write: Act, claim: Claim, answer: Answer, at: Instant) -> None:
    """Finish the running record of this claim, or write it finished when there is none; a finished one stays as it is.

    Raises `AlreadyClaimed` when the record is another request's.
    """
    found = find_record(write.connection, claim.scope)
    if found is None:
        write.run(_ADD, rows.claim_values(claim, answer, at))
    elif found.fingerprint != claim.fingerprint:
        raise AlreadyClaimed("the key belongs to another request")
    else:
        write.run(_FINISH, {**_scope(claim.scope), **_answer(answer)})


def _scope(scope: Scope) -> rows.Values:
    return {"the_principal": scope.principal, "the_route": scope.route, "the_key": scope.key}


def _answer(answer: Answer) -> rows.Values:
    return {"new_kind": answer.kind.value, "new_body": answer.body}
