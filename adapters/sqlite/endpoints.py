"""Webhook endpoints in SQLite."""

from sqlalchemy import Update, bindparam, func, insert, select, update

from kassa.adapters.sql import outgoing_rows, rows
from kassa.adapters.sql.tables_outgoing import endpoints
from kassa.ports.audit import AuditEntry
from kassa.ports.endpoints import Endpoint, EndpointChange, EndpointId, NewEndpoint, SecretSeed
from kassa.ports.errors import Conflict, EndpointsFull, UnknownEndpoint
from kassa.ports.values import Instant

from .database import Act, SqliteDatabase

_E = endpoints.c

_COUNT = select(func.count()).select_from(endpoints).where(_E.removed_at.is_(None))
_ADD = insert(endpoints).returning(*_E)
_ONE = select(endpoints).where(_E.id == bindparam("endpoint"), _E.removed_at.is_(None))
_ALL = select(endpoints).where(_E.removed_at.is_(None)).order_by(_E.created_at, _E.id)
_REMOVE = (
    update(endpoints)
    .where(_E.id == bindparam("endpoint"), _E.removed_at.is_(None))
    .values(removed_at=bindparam("at"), version=_E.version + 1)
)


class SqliteEndpoints:
    """`Endpoints` on SQLite."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def create(self, act: NewEndpoint) -> Endpoint:
        """See the port."""
        async with self._database.act() as write:
            if write.run(_COUNT).scalar_one() >= act.most:
                raise EndpointsFull(f"{act.most} endpoints")
            row = write.run(_ADD, outgoing_rows.endpoint_values(act)).one()
            write.note((), act.audit)
        return outgoing_rows.endpoint_from_row(row)

    async def endpoint(self, endpoint_id: EndpointId) -> Endpoint:
        """See the port."""
        async with self._database.reading() as read:
            row = read.execute(_ONE, {"endpoint": endpoint_id}).one_or_none()
        if row is None:
            raise UnknownEndpoint(endpoint_id)
        return outgoing_rows.endpoint_from_row(row)

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """See the port."""
        async with self._database.reading() as read:
            return tuple(outgoing_rows.endpoint_from_row(row) for row in read.execute(_ALL))

    async def change(
        self, endpoint_id: EndpointId, change: EndpointChange, *, expected_version: int | None, audit: AuditEntry
    ) -> Endpoint:
        """See the port."""
        async with self._database.act() as write:
            row = _known(write, endpoint_id)
            if expected_version not in (None, row.version):
                raise Conflict(f"the endpoint is at version {row.version}")
            changed = write.run(_set(endpoint_id, outgoing_rows.changed_endpoint(row, change))).one()
            write.note((), audit)
        return outgoing_rows.endpoint_from_row(changed)

    async def rotate(
        self, endpoint_id: EndpointId, seed: SecretSeed, *, old_until: Instant, audit: AuditEntry
    ) -> Endpoint:
        """See the port."""
        async with self._database.act() as write:
            row = _known(write, endpoint_id)
            rotated = write.run(_set(endpoint_id, outgoing_rows.rotated_endpoint(row, seed, old_until))).one()
            write.note((), audit)
        return outgoing_rows.endpoint_from_row(rotated)

    async def remove(self, endpoint_id: EndpointId, audit: AuditEntry) -> None:
        """See the port."""
        async with self._database.act() as write:
            if write.changed(_REMOVE, {"endpoint": endpoint_id, "at": audit.at}) == 0:
                raise UnknownEndpoint(endpoint_id)
            write.note((), audit)


def _known(write: Act, endpoint_id: EndpointId) -> rows.Row:
    row = write.run(_ONE, {"endpoint": endpoint_id}).one_or_none()
    if row is None:
        raise UnknownEndpoint(endpoint_id)
    return row


def _set(endpoint_id: EndpointId, values: rows.Values) -> Update:
    return update(endpoints).where(_E.id == endpoint_id).values(**values).returning(*_E)
