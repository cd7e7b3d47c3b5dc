"""What becomes of a delivery after an attempt: pure decisions, in one place."""

from datetime import timedelta
from typing import Final

from kassa.kernel.outgoing_messages import disabled_event
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.deliveries import DeliveryAttempt, DeliveryState, Disabling, DueDelivery, RecordAttempt, Sent
from kassa.ports.values import Instant

RETRY_S: Final = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between attempts: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; ten attempts in a good three days."""
FAILING_FOR: Final = timedelta(days=3)
"""An endpoint that took nothing for so long is not told any more."""
_SPREAD: Final = 0.1
_GONE: Final = 410


def pause_s(attempt: int, jitter: float) -> float:
    """Seconds to wait after the `attempt`th failure (1 is the first), lengthened by up to a tenth by `jitter` in [0, 1): only
    lengthened, so that the last attempt is never before three days are over."""
    return RETRY_S[attempt - 1] * (1 + _SPREAD * jitter)


def is_last(due: DueDelivery) -> bool:
    """Whether no attempt follows this one. A test is tried once."""
    return due.is_test or due.attempt > len(RETRY_S)


def verdict(
    due: DueDelivery, sent: Sent, *, began: Instant, ended: Instant, duration_ms: int, jitter: float, origin: Origin
) -> RecordAttempt:
    """The act that writes an attempt down: a 2xx is a success, a 410 the end of the endpoint, all else is tried again or, after
    the last attempt, a dead letter."""
    state, next_try_at = _fate(due, sent, ended, jitter)
    reason = sent.reason or ("" if state is DeliveryState.DELIVERED else f"HTTP {sent.status}")
    line = DeliveryAttempt(number=due.fence, at=began, duration_ms=duration_ms, status=sent.status, reason=reason[:200])
    return RecordAttempt(
        due=due,
        attempt=line,
        state=state,
        next_try_at=next_try_at,
        counts=not due.is_test,
        disabling=_end(due, sent, state, ended, origin),
        at=ended,
    )


def _fate(due: DueDelivery, sent: Sent, now: Instant, jitter: float) -> tuple[DeliveryState, Instant | None]:
    if sent.status is not None and 200 <= sent.status < 300:
        return DeliveryState.DELIVERED, None
    if sent.status == _GONE or is_last(due):
        return DeliveryState.DEAD, None
    return DeliveryState.WAITING, now + timedelta(seconds=pause_s(due.attempt, jitter))


def _end(due: DueDelivery, sent: Sent, state: DeliveryState, now: Instant, origin: Origin) -> Disabling | None:
    if state is DeliveryState.DELIVERED or due.is_test:
        return None
    if sent.status == _GONE:
        return _disabling(due, now, origin, failing_before=None)
    if due.failing_since is not None and due.failing_since <= now - FAILING_FOR:
        return _disabling(due, now, origin, failing_before=now - FAILING_FOR)
    return None


def _disabling(due: DueDelivery, now: Instant, origin: Origin, *, failing_before: Instant | None) -> Disabling:
    why = "gone" if failing_before is None else "failing"
    event = disabled_event(due.endpoint_id, why)
    return Disabling(
        why="gone" if failing_before is None else "failing",
        failing_before=failing_before,
        event=event,
        audit=AuditEntry(action=event.kind, subject=event.subject, origin=origin, at=now, details=event.payload),
    )
