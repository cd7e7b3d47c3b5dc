"""Who did what to what, written in the act that does it."""

from typing import Annotated, Protocol

from msgspec import Meta

from kassa.ports.values import Instant, Value


class Origin(Value, frozen=True, kw_only=True):
    """On whose behalf and in which request something happens.

    `actor` is `account:7`, `operator:7`, `anonymous`, `system:sweep` or `provider:card`.
    """

    actor: Annotated[str, Meta(max_length=100)]
    request_id: Annotated[str, Meta(max_length=64)]
    address: Annotated[str, Meta(max_length=64)] | None = None


class AuditEntry(Value, frozen=True, kw_only=True):
    """One line of the audit trail. `details` is a JSON object without secrets, at most 4 KiB."""

    action: str
    subject: str
    origin: Origin
    at: Instant
    details: bytes = b"{}"


class AuditRecord(Value, frozen=True, kw_only=True):
    """An audit entry as stored, with its number and the transaction that wrote it."""

    id: int
    tx: int
    entry: AuditEntry


class AuditTrail(Protocol):
    """The append-only trail. Acts write to it; only reading and sealing have methods."""

    async def entries(
        self, *, subject: str | None, actor: str | None, after: int, limit: int
    ) -> tuple[AuditRecord, ...]:
        """At most `limit` (1 to 100) records with an id above `after`, oldest first, filtered by subject and actor."""

    async def seal(self, *, now: Instant, limit: int) -> int:
        """Chain at most `limit` further records into a block (hash over the previous hash and the rows); how many.

        Safe to run on several instances at once: a record is in exactly one block.
        """

    async def violations(self) -> tuple[str, ...]:
        """Rows of the invariant view, one line each as `CHECK subject: what is wrong`; empty means all promises hold."""
