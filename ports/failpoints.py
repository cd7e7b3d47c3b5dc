"""Named points at which a test may crash, delay or interleave the shop."""

from typing import Protocol


class Failpoints(Protocol):
    """Reached by name before and after every commit and provider call. Does nothing unless a test build flag says so.

    Names are `<noun>.<step>`, such as `checkout.before_commit`; the full list is `kassa.ports.failpoints.NAMES`.
    """

    async def reach(self, name: str) -> None:
        """Return at once in production. In a test build: kill the process, wait, or raise, as configured for `name`."""


NAMES = (
    "checkout.before_commit",
    "checkout.after_commit",
    "order.before_end",
    "order.after_end",
    "payment.before_begin",
    "payment.after_begin",
    "payment.after_call",
    "payment.before_record",
    "payment.after_record",
    "operation.before_begin",
    "operation.after_begin",
    "operation.after_call",
    "operation.after_record",
    "webhook.before_inbox",
    "webhook.after_inbox",
    "webhook.before_record",
    "webhook.after_record",
    "sweep.after_claim",
    "sweep.after_query",
    "sweep.after_record",
    "statement.before_keep",
    "statement.after_keep",
    "statement.after_record",
    "statement.before_settle",
    "statement.after_settle",
    "statement.before_move",
    "outbox.after_claim",
    "outbox.after_delivery",
    "delivery.after_claim",
    "delivery.after_send",
    "delivery.after_record",
)
