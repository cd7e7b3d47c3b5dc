"""Deliveries: one event on its way to one endpoint, from the outbox until it arrived or is a dead letter."""

from enum import Enum
from typing import Annotated, Literal, Protocol, TypeAlias

from msgspec import Meta, Raw

from kassa.ports.audit import AuditEntry
from kassa.ports.events import Event, OutboxItem
from kassa.ports.values import Instant, Page, Value

DeliveryId: TypeAlias = int


class DeliveryState(Enum):
    """`waiting` for its next attempt, `delivered` (a 2xx), or `dead`: nothing happens without an operator."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


class Message(Value, frozen=True, kw_only=True):
    """What is sent, byte for byte the same at every attempt. `id` is the header `webhook-id`, by which a receiver knows
    what it has seen; `type` is `order.paid` and the like; `body` is a JSON object, at most 16 KiB."""

    id: Annotated[str, Meta(max_length=64)]
    type: Annotated[str, Meta(max_length=64)]
    body: bytes


class Delivery(Value, frozen=True, kw_only=True):
    """A message for one endpoint. `attempts` were made so far, all rounds together; `status` and `reason` are the last
    one's. `next_try_at` is None unless it waits, `settled_at` while it does; `sequence` is that of the message, None for a
    test."""

    id: DeliveryId
    endpoint_id: str
    message_id: str
    type: str
    sequence: int | None
    state: DeliveryState
    attempts: int
    next_try_at: Instant | None
    created_at: Instant
    settled_at: Instant | None
    status: int | None
    reason: str


class DeliveryAttempt(Value, frozen=True, kw_only=True):
    """One line of the delivery log. `status` is the receiver's, None if none came; `reason` is empty or a short word of
    ours. Nothing of the receiver's answer but its status is kept: it may hold anything, and an operator who may name
    addresses must not be able to read what stands there."""

    number: int
    at: Instant
    duration_ms: int
    status: int | None
    reason: Annotated[str, Meta(max_length=200)]


class DeliveryLog(Value, frozen=True, kw_only=True):
    """A delivery, the message as it was sent, and its attempts, oldest first (the latest hundred)."""

    delivery: Delivery
    message: Raw
    attempts: tuple[DeliveryAttempt, ...]


class DeliveryPage(Value, frozen=True, kw_only=True):
    """A part of the deliveries and the cursor of the next."""

    items: tuple[Delivery, ...]
    next: str | None


class Signing(Value, frozen=True, kw_only=True):
    """A seed as in `kassa.ports.endpoints.SecretSeed`; `until`: it signs until then (None: for ever)."""

    salt: str
    proof: bytes
    until: Instant | None = None


class DueDelivery(Value, frozen=True, kw_only=True):
    """A delivery claimed for one attempt, with its endpoint as it is now. `attempt` is 1 at the first of a round, `fence`
    must be given back, `signing` are the seeds, the current one first."""

    id: DeliveryId
    endpoint_id: str
    endpoint_version: int
    url: str
    signing: tuple[Signing, ...]
    failing_since: Instant | None
    message: Message
    is_test: bool
    attempt: int
    fence: int


class Disabling(Value, frozen=True, kw_only=True):
    """The end of an endpoint, told and written down: in effect only if the endpoint is enabled, at the version that was
    seen, and, for `failing`, if nothing has arrived since (`failing_since` is not later than `failing_before`)."""

    why: Literal["gone", "failing"]
    failing_before: Instant | None
    event: Event
    audit: AuditEntry


class RecordAttempt(Value, frozen=True, kw_only=True):
    """The act of writing down one attempt: the log's line, what becomes of the delivery (`next_try_at` if it waits), and of
    its endpoint: a success ends `failing_since`, a failure that `counts` begins it, `disabling` may end it."""

    due: DueDelivery
    attempt: DeliveryAttempt
    state: DeliveryState
    next_try_at: Instant | None
    counts: bool
    disabling: Disabling | None
    at: Instant


class Deliveries(Protocol):
    """Deliveries on their way: none is lost between outbox and endpoint, and no two senders hold one at the same time."""

    async def fan_out(self, item: OutboxItem, message: Message, filters: tuple[str, ...], *, at: Instant) -> int:
        """Settle the outbox item and write one waiting delivery for every enabled endpoint that has one of `filters` among
        its own, in one act; how many. Raises `Conflict` if the item's fence is not the current one: nothing was written."""

    async def send_test(self, endpoint_id: str, message: Message, *, at: Instant, audit: AuditEntry) -> Delivery:
        """A delivery without an event. Raises `UnknownEndpoint`."""

    async def claim(
        self, *, now: Instant, limit: int, per_endpoint: int, failing: bool, lease_s: int
    ) -> tuple[DueDelivery, ...]:
        """Lease at most `limit` due deliveries for `lease_s` seconds, raising each one's attempt and fence: of endpoints that
        are failing, or of those that are not. Disabled endpoints are passed over but for tests, removed ones always.

        No endpoint gets more than `per_endpoint` leases at once, those that are held included; and of two endpoints, the
        one that holds fewer comes first, so that none is starved by another's backlog.
        """

    async def record(self, act: RecordAttempt) -> None:
        """Raises `Conflict` if the fence is not the current one or the delivery is settled: nothing was written."""

    async def deliveries(self, endpoint_id: str, state: DeliveryState | None, page: Page) -> DeliveryPage:
        """Newest first; a bad cursor is the beginning. Raises `UnknownEndpoint`."""

    async def log(self, delivery_id: DeliveryId) -> DeliveryLog:
        """Raises `UnknownDelivery` (one of a removed endpoint is)."""

    async def redeliver(self, delivery_id: DeliveryId, *, at: Instant, audit: AuditEntry) -> Delivery:
        """Due at once, at the beginning of its attempts, whatever its state. Raises `UnknownDelivery`, `Conflict` (leased)."""

    async def redeliver_dead(
        self, endpoint_id: str, *, since: Instant, limit: int, at: Instant, audit: AuditEntry
    ) -> int:
        """The same for at most `limit` dead ones that were created at `since` or later, oldest first; how many.
        Raises `UnknownEndpoint`."""

    async def backlog(self) -> tuple[int, int]:
        """How many wait for an enabled endpoint, and how many are dead letters; those of removed endpoints do not count."""

    async def purge(self, *, before: Instant, limit: int) -> int:
        """Drop at most `limit` deliveries that were settled before then, or whose endpoint was removed before then, with their
        log; and those endpoints when they have none left. How many deliveries went."""


class Sent(Value, frozen=True, kw_only=True):
    """What came of one attempt: the receiver's `status`, or None and the `reason` why there is none."""

    status: int | None
    reason: str = ""


class WebhookSender(Protocol):
    """Sends messages into the internet: https and public addresses only, or hosts that the settings allow by name."""

    async def judge(self, url: str) -> None:
        """Whether this address may be told anything. Resolves its name. Raises `InvalidValue` (url) with the reason."""

    async def send(self, url: str, *, headers: tuple[tuple[str, str], ...], body: bytes, timeout_s: float) -> Sent:
        """POST `body` once. The address is judged again, and the connection goes to the very address that was judged; no
        redirect is followed, and the answer's body is not read. Never raises but when canceled."""
