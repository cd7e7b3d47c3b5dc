"""Rows of outgoing webhooks into values and back; the same for both databases."""

from collections.abc import Iterable
from typing import Final

from msgspec import UNSET, Raw

from kassa.ports.deliveries import (
    Delivery,
    DeliveryAttempt,
    DeliveryLog,
    DeliveryPage,
    DeliveryState,
    DueDelivery,
    Message,
    Signing,
)
from kassa.ports.endpoints import Endpoint, EndpointChange, NewEndpoint, SecretSeed
from kassa.ports.values import Instant

from .rows import Row, Values

LOG_LINES: Final = 100
"""How many attempts a log tells at most: the latest."""


def filters_text(filters: Iterable[str]) -> str:
    """As `endpoints.events` keeps them: a space before, between and after, so that one is found with its spaces."""
    return f" {' '.join(filters)} "


def endpoint_from_row(row: Row) -> Endpoint:
    """An endpoint, without what its secret is made from."""
    return Endpoint(
        id=row.id,
        url=row.url,
        events=tuple(row.events.split()),
        description=row.description,
        is_enabled=row.is_enabled,
        disabled=row.disabled,
        failing_since=row.failing_since,
        old_secret_until=row.old_until,
        created_at=row.created_at,
        version=row.version,
    )


def endpoint_values(act: NewEndpoint) -> Values:
    """A new row of `endpoints`."""
    return {
        "id": act.id,
        "url": act.draft.url,
        "events": filters_text(act.draft.events),
        "description": act.draft.description,
        "salt": act.seed.salt,
        "proof": act.seed.proof,
        "created_at": act.audit.at,
    }


def changed_endpoint(row: Row, change: EndpointChange) -> Values:
    """The columns of an endpoint's row after a change."""
    enabled = row.is_enabled if change.is_enabled is UNSET else change.is_enabled
    begun_again = (enabled and not row.is_enabled) or change.url not in (UNSET, row.url)
    return {
        "url": row.url if change.url is UNSET else change.url,
        "events": row.events if change.events is UNSET else filters_text(change.events),
        "description": row.description if change.description is UNSET else change.description,
        "is_enabled": enabled,
        "disabled": None if enabled else row.disabled or "operator",
        "failing_since": None if begun_again else row.failing_since,
        "version": row.version + 1,
    }


def rotated_endpoint(row: Row, seed: SecretSeed, old_until: Instant) -> Values:
    """The columns of an endpoint's row after its secret was replaced."""
    return {
        "salt": seed.salt,
        "proof": seed.proof,
        "old_salt": row.salt,
        "old_proof": row.proof,
        "old_until": old_until,
        "version": row.version + 1,
    }


def delivery_from_row(row: Row) -> Delivery:
    """A delivery. Its number of attempts is its fence: every claim raises it."""
    state = DeliveryState(row.state)
    return Delivery(
        id=row.id,
        endpoint_id=row.endpoint_id,
        message_id=row.message_id,
        type=row.type,
        sequence=row.event_id,
        state=state,
        attempts=row.fence,
        next_try_at=row.next_try_at if state is DeliveryState.WAITING else None,
        created_at=row.created_at,
        settled_at=row.settled_at,
        status=row.status,
        reason=row.reason,
    )


def page_from_rows(rows: Iterable[Row], limit: int) -> DeliveryPage:
    """Of at most `limit` + 1 rows, newest first."""
    found = [delivery_from_row(row) for row in rows]
    more = len(found) > limit
    return DeliveryPage(items=tuple(found[:limit]), next=str(found[limit - 1].id) if more else None)


def log_from_rows(row: Row, attempts: Iterable[Row]) -> DeliveryLog:
    """A delivery with its attempts, oldest first."""
    return DeliveryLog(
        delivery=delivery_from_row(row),
        message=Raw(row.body),
        attempts=tuple(
            DeliveryAttempt(
                number=line.number, at=line.at, duration_ms=line.duration_ms, status=line.status, reason=line.reason
            )
            for line in attempts
        ),
    )


def due_from_row(row: Row) -> DueDelivery:
    """Of a delivery's row with its endpoint's `url`, `version`, seeds and `failing_since` beside it."""
    signing = [Signing(salt=row.salt, proof=row.proof)]
    if row.old_salt is not None:
        signing.append(Signing(salt=row.old_salt, proof=row.old_proof, until=row.old_until))
    return DueDelivery(
        id=row.id,
        endpoint_id=row.endpoint_id,
        endpoint_version=row.version,
        url=row.url,
        signing=tuple(signing),
        failing_since=row.failing_since,
        message=Message(id=row.message_id, type=row.type, body=row.body),
        is_test=row.event_id is None,
        attempt=row.attempt,
        fence=row.fence,
    )
