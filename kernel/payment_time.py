"""When an operation is asked about again. Pure."""

from datetime import timedelta

from msgspec.structs import replace

from kassa.kernel.payment_draft import GRACE_S, Policy
from kassa.ports.payment_records import Operation, OperationState, Payment
from kassa.ports.values import Instant

DAY_S = 86_400
LATE_POLL_S = (3_600, DAY_S, 3 * DAY_S, 7 * DAY_S)
"""A payment that ended without money is still asked about for its quarantine: notices of late money do get lost."""


def later(moment: Instant, seconds: float) -> Instant:
    """`seconds` after `moment`."""
    return moment + timedelta(seconds=seconds)


def is_over(payment: Payment, now: Instant) -> bool:
    """Whether its expiry and grace are past."""
    return now >= later(payment.expires_at, GRACE_S)


def scheduled(operation: Operation, payment: Payment, now: Instant, policy: Policy) -> Operation:
    """The operation with its next check: by the method's poll list with a tenth of jitter, daily after the list, not later
    than the end of a START's grace; a settled one has none, except one whose claim still waits for an answer."""
    wait_s = _wait_s(operation, payment, policy)
    if wait_s is None:
        return replace(operation, next_check_at=operation.next_check_at if operation.claim is not None else None)
    at = later(now, wait_s * (0.95 + 0.1 * policy.jitter))
    if operation.kind == "start" and operation.state is OperationState.PENDING and not is_over(payment, now):
        at = min(at, later(payment.expires_at, GRACE_S))
    return replace(operation, next_check_at=at)


def _wait_s(operation: Operation, payment: Payment, policy: Policy) -> float | None:
    if operation.state in (OperationState.UNKNOWN, OperationState.PENDING):
        poll = policy.capabilities.poll_s or (DAY_S,)
        wait = poll[operation.checks] if operation.checks < len(poll) else DAY_S
        return max(wait, policy.capabilities.query_consistency_s) if operation.not_found else wait
    if operation.kind == "start" and operation.state in (OperationState.EXPIRED, OperationState.CANCELED):
        return LATE_POLL_S[operation.checks] if operation.checks < len(LATE_POLL_S) else None
    if operation.kind == "start" and operation.state is OperationState.SUCCEEDED and payment.is_live:
        return DAY_S  # reserved money lapses at the provider, and not every provider tells
    return None


def is_exhausted(operation: Operation, payment: Payment, now: Instant, policy: Policy) -> bool:
    """Whether the poll list is through without an end, so that a person has to look. A START that its customer may still
    pay in time waits without blame."""
    if operation.state not in (OperationState.UNKNOWN, OperationState.PENDING):
        return False
    if operation.state is OperationState.PENDING and operation.kind == "start" and not is_over(payment, now):
        return False
    return operation.checks >= len(policy.capabilities.poll_s)
