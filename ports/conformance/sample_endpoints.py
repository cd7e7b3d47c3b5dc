"""Sample webhook endpoints and deliveries, and how they come into a store."""

from hashlib import sha256

from kassa.ports.deliveries import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Disabling,
    DueDelivery,
    Message,
    RecordAttempt,
)
from kassa.ports.endpoints import Endpoint, EndpointChange, EndpointDraft, NewEndpoint, SecretSeed
from kassa.ports.events import Event
from kassa.ports.values import Page

from .samples import after, entry, event
from .stores import Stores

URL = "https://books.example/kassa"
FILTERS = ("*", "order.*", "order.paid")
"""What an endpoint may have among its filters to be told of `order.paid`."""
LEASE = 30
DEAD, WAITING, DELIVERED = DeliveryState.DEAD, DeliveryState.WAITING, DeliveryState.DELIVERED


def seed(name: str = "a") -> SecretSeed:
    """What a secret is made from."""
    return SecretSeed(salt=f"salt-{name}", proof=sha256(name.encode()).digest())


def creating(endpoint_id: str = "ep_1", *events: str, seconds: float = 0) -> NewEndpoint:
    """The act of creating an endpoint for `events` (none: all)."""
    draft = EndpointDraft(url=URL, events=events or ("*",))
    audit = entry("endpoint.created", f"endpoint:{endpoint_id}", at=after(seconds))
    return NewEndpoint(id=endpoint_id, draft=draft, seed=seed(), most=20, audit=audit)


async def an_endpoint(stores: Stores, endpoint_id: str = "ep_1", *events: str, seconds: float = 0) -> Endpoint:
    """An enabled endpoint."""
    return await stores.endpoints.create(creating(endpoint_id, *events, seconds=seconds))


def message(name: str = "1", type_: str = "order.paid") -> Message:
    """A message to deliver."""
    return Message(id=f"msg_{name}", type=type_, body=b'{"type":"%s"}' % type_.encode())


async def events_told(stores: Stores, count: int = 1, *, seconds: float = 0) -> list[Message]:
    """Events written by an act, claimed from the outbox and fanned out to whoever wants `order.paid`."""
    await stores.accounts.note(tuple(event("order.paid") for _ in range(count)), entry("noted", at=after(seconds)))
    told = []
    for item in await stores.outbox.claim(now=after(seconds), limit=100, lease_s=LEASE):
        told.append(message(str(item.id)))
        await stores.deliveries.fan_out(item, told[-1], FILTERS, at=after(seconds))
    return told


async def claimed(
    stores: Stores, *, seconds: float = 0, limit: int = 100, per_endpoint: int = 100, failing: bool = False
) -> tuple[DueDelivery, ...]:
    """Claim `seconds` after the beginning."""
    return await stores.deliveries.claim(
        now=after(seconds), limit=limit, per_endpoint=per_endpoint, failing=failing, lease_s=LEASE
    )


def attempted(
    due: DueDelivery,
    state: DeliveryState = DeliveryState.DELIVERED,
    *,
    seconds: float = 1,
    again: float | None = None,
    counts: bool = True,
    disabling: Disabling | None = None,
) -> RecordAttempt:
    """The record of an attempt; `again` is when to try next, in seconds after the beginning."""
    waits = state is DeliveryState.WAITING
    status, reason = (200, "") if state is DeliveryState.DELIVERED else (None, "no answer in time")
    line = DeliveryAttempt(number=due.fence, at=after(seconds), duration_ms=12, status=status, reason=reason)
    return RecordAttempt(
        due=due,
        attempt=line,
        state=state,
        next_try_at=after(seconds + 10 if again is None else again) if waits else None,
        counts=counts,
        disabling=disabling,
        at=after(seconds),
    )


def ending(due: DueDelivery, *, failing_before: float | None = None) -> Disabling:
    """The end of its endpoint: gone, or, with `failing_before`, failing since then or earlier."""
    subject = f"endpoint:{due.endpoint_id}"
    return Disabling(
        why="gone" if failing_before is None else "failing",
        failing_before=None if failing_before is None else after(failing_before),
        event=Event(kind="endpoint.disabled", subject=subject),
        audit=entry("endpoint.disabled", subject),
    )


async def kept(stores: Stores, endpoint_id: str = "ep_1", state: DeliveryState | None = None) -> tuple[Delivery, ...]:
    """What there is for an endpoint, newest first."""
    return (await stores.deliveries.deliveries(endpoint_id, state, Page(limit=100))).items


async def switch(stores: Stores, endpoint_id: str = "ep_1", *, on: bool) -> None:
    """Enable or disable an endpoint."""
    change = EndpointChange(is_enabled=on)
    await stores.endpoints.change(endpoint_id, change, expected_version=None, audit=entry("endpoint.changed"))
