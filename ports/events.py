"""Facts that leave the act that made them: the outbox, and live notices between processes."""

from typing import Annotated, Protocol

from msgspec import Meta

from kassa.ports.values import Instant, Value


class Event(Value, frozen=True, kw_only=True):
    """Something that happened, for others to act on. `payload` is a JSON object, at most 16 KiB.

    `kind` is `<noun>.<fact>` (`order.placed`, `payment.succeeded`, `mail.send`), `subject` is `order:KS-…` or `account:7`.
    """

    kind: Annotated[str, Meta(max_length=64)]
    subject: Annotated[str, Meta(max_length=100)]
    payload: bytes = b"{}"


class OutboxItem(Value, frozen=True, kw_only=True):
    """An event claimed for delivery. `fence` must be given back; an older fence settles nothing."""

    id: int
    event: Event
    at: Instant
    attempt: int
    fence: int


class Outbox(Protocol):
    """Events that were committed with the act that made them and wait to be delivered, at least once, in order of id."""

    async def claim(self, *, now: Instant, limit: int, lease_s: int) -> tuple[OutboxItem, ...]:
        """Lease at most `limit` due items for `lease_s` seconds, raising each one's fence. Two callers never get one item."""

    async def settle(self, item: OutboxItem, *, at: Instant) -> None:
        """Mark delivered. Raises `Conflict` if the fence is not the current one."""

    async def postpone(self, item: OutboxItem, *, until: Instant, reason: str, dead: bool) -> None:
        """Give back with the next time to try, or as a dead letter. Raises `Conflict` if the fence is not the current one."""

    async def backlog(self) -> tuple[int, int]:
        """How many items wait, and how many are dead letters."""


class Notifications(Protocol):
    """Tells other processes, now, that a subject changed. Best effort: may lose, never blocks a sale."""

    async def publish(self, subject: str) -> None:
        """Announce a change. Never raises: a lost notice is found again in the database."""
