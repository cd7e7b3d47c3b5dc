"""Webhook endpoints in PostgreSQL. They change a few times a year: short transactions, nothing clever."""

from typing import Any, Final

from kassa.adapters.sql import outgoing_rows
from kassa.ports.audit import AuditEntry
from kassa.ports.endpoints import Endpoint, EndpointChange, EndpointId, NewEndpoint, SecretSeed
from kassa.ports.errors import Conflict, EndpointsFull, UnknownEndpoint
from kassa.ports.events import Event
from kassa.ports.values import Instant

from .database import PostgresDatabase, Transaction
from .rows import first
from .statements import TOLD, act, document, statement

_NOTE: Final = statement(act("nothing text"), "done AS (SELECT 1)", TOLD, answer="SELECT 1")
_ALONE: Final = "LOCK TABLE endpoints IN SHARE ROW EXCLUSIVE MODE"
_COUNT: Final = "SELECT count(*) FROM endpoints WHERE removed_at IS NULL"
_ADD: Final = """
INSERT INTO endpoints (id, url, events, description, salt, proof, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING *"""
_ONE: Final = "SELECT * FROM endpoints WHERE id = $1 AND removed_at IS NULL"
_LOCKED: Final = f"{_ONE} FOR NO KEY UPDATE"
_ALL: Final = "SELECT * FROM endpoints WHERE removed_at IS NULL ORDER BY created_at, id"
_CHANGE: Final = """
UPDATE endpoints SET url = $2, events = $3, description = $4, is_enabled = $5, disabled = $6, failing_since = $7, version = $8
WHERE id = $1 RETURNING *"""
_ROTATE: Final = """
UPDATE endpoints SET salt = $2, proof = $3, old_salt = $4, old_proof = $5, old_until = $6, version = $7
WHERE id = $1 RETURNING *"""
_REMOVE: Final = """
UPDATE endpoints SET removed_at = $2, version = version + 1 WHERE id = $1 AND removed_at IS NULL RETURNING id"""


class PostgresEndpoints:
    """The list of endpoints."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def create(self, act: NewEndpoint) -> Endpoint:
        """One creation at a time, so that two cannot both be the last."""

        async def work(transaction: Transaction) -> Any:
            await transaction.run(_ALONE)
            if first(await transaction.run(_COUNT)) >= act.most:
                raise EndpointsFull(f"{act.most} endpoints")
            rows = await transaction.run(_ADD, *outgoing_rows.endpoint_values(act).values())
            await note(transaction, (), act.audit)
            return rows[0]

        return outgoing_rows.endpoint_from_row(await self._database.transact(work))

    async def endpoint(self, endpoint_id: EndpointId) -> Endpoint:
        """By id."""
        rows = await self._database.read(_ONE, endpoint_id)
        if not rows:
            raise UnknownEndpoint(endpoint_id)
        return outgoing_rows.endpoint_from_row(rows[0])

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """Oldest first."""
        return tuple(outgoing_rows.endpoint_from_row(row) for row in await self._database.read(_ALL))

    async def change(
        self, endpoint_id: EndpointId, change: EndpointChange, *, expected_version: int | None, audit: AuditEntry
    ) -> Endpoint:
        """Decided on the locked row."""

        async def work(transaction: Transaction) -> Any:
            row = await _locked(transaction, endpoint_id)
            if expected_version not in (None, row.version):
                raise Conflict(f"the endpoint is at version {row.version}")
            values = outgoing_rows.changed_endpoint(row, change)
            rows = await transaction.run(_CHANGE, endpoint_id, *values.values())
            await note(transaction, (), audit)
            return rows[0]

        return outgoing_rows.endpoint_from_row(await self._database.transact(work))

    async def rotate(
        self, endpoint_id: EndpointId, seed: SecretSeed, *, old_until: Instant, audit: AuditEntry
    ) -> Endpoint:
        """The locked row's seed becomes the old one."""

        async def work(transaction: Transaction) -> Any:
            values = outgoing_rows.rotated_endpoint(await _locked(transaction, endpoint_id), seed, old_until)
            rows = await transaction.run(_ROTATE, endpoint_id, *values.values())
            await note(transaction, (), audit)
            return rows[0]

        return outgoing_rows.endpoint_from_row(await self._database.transact(work))

    async def remove(self, endpoint_id: EndpointId, audit: AuditEntry) -> None:
        """Only marked; the purge drops it."""

        async def work(transaction: Transaction) -> None:
            if not await transaction.run(_REMOVE, endpoint_id, audit.at):
                raise UnknownEndpoint(endpoint_id)
            await note(transaction, (), audit)

        await self._database.transact(work)


async def note(transaction: Transaction, events: tuple[Event, ...], audit: AuditEntry) -> None:
    """Write events and audit entry of a transaction, with its number."""
    await transaction.run(_NOTE, document(events=events, audit=audit))


async def known(transaction: Transaction, endpoint_id: EndpointId) -> None:
    """Raises `UnknownEndpoint`."""
    if not await transaction.run(_ONE, endpoint_id):
        raise UnknownEndpoint(endpoint_id)


async def _locked(transaction: Transaction, endpoint_id: EndpointId) -> Any:
    rows = await transaction.run(_LOCKED, endpoint_id)
    if not rows:
        raise UnknownEndpoint(endpoint_id)
    return rows[0]
