"""What an operator reads in the audit trail."""

from typing import Annotated

from msgspec import Meta, Raw

from kassa.ports.audit import AuditRecord, Origin
from kassa.ports.values import Instant, Value

from .route import Access, Answers, Call, Reply, Route, as_json


class AuditQuery(Value, frozen=True, kw_only=True):
    """Which part of the trail."""

    subject: Annotated[str, Meta(max_length=100, description="Such as `order:KS-7F3Q-9MZD-X`.")] | None = None
    actor: Annotated[str, Meta(max_length=100, description="Such as `operator:7`.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(pattern=r"^[0-9]{1,15}\Z")] = "0"


class AuditLine(Value, frozen=True, kw_only=True):
    """Who did what to what, with the number of the transaction that did it."""

    id: int
    tx: int
    action: str
    subject: str
    origin: Origin
    at: Instant
    details: Raw


class AuditList(Value, frozen=True, kw_only=True):
    """A part of the trail, oldest first, and the cursor of the next."""

    items: tuple[AuditLine, ...]
    next: str | None


async def audit(call: Call[None, AuditQuery]) -> Reply:
    """The audit trail."""
    wanted = call.query
    records = await call.shop.audit.entries(
        subject=wanted.subject, actor=wanted.actor, after=int(wanted.cursor), limit=wanted.limit
    )
    more = str(records[-1].id) if len(records) == wanted.limit else None
    return as_json(AuditList(items=tuple(map(_line, records)), next=more))


def _line(record: AuditRecord) -> AuditLine:
    entry = record.entry
    return AuditLine(
        id=record.id,
        tx=record.tx,
        action=entry.action,
        subject=entry.subject,
        origin=entry.origin,
        at=entry.at,
        details=Raw(entry.details),
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/operator/audit",
        name="readAudit",
        tag="Operator",
        summary="Who did what to what",
        handler=audit,
        access=Access.OPERATOR,
        query=AuditQuery,
        answers=(Answers(status=200, says="Oldest first.", type_=AuditList),),
    ),
)
