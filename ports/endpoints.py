"""Webhook endpoints: whom the shop tells what happens in it (Standard Webhooks 1.0.0)."""

from typing import Annotated, Final, Literal, Protocol, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.deliveries import Delivery, DeliveryId, DeliveryLog, DeliveryPage, DeliveryState
from kassa.ports.secret import Secret
from kassa.ports.values import Instant, Page, Value

EndpointId: TypeAlias = str
"""`ep_` and 22 URL-safe characters."""
EventFilter: TypeAlias = Annotated[str, Meta(pattern=r"^(\*|[a-z_]+\.(\*|[a-z_]+))\Z", max_length=64)]
"""One type (`order.paid`), all of a family (`payment.*`), or all there are (`*`)."""
Url: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500)]
Description: TypeAlias = Annotated[str, Meta(max_length=200)]
Filters: TypeAlias = Annotated[tuple[EventFilter, ...], Meta(min_length=1, max_length=40)]

MOST_ENDPOINTS: Final = 20
"""How many endpoints a shop has at most, disabled ones too: every event is written once for each that wants it."""


class EndpointDraft(Value, frozen=True, kw_only=True):
    """An endpoint to create: where to send what. It is enabled at once."""

    url: Url
    events: Filters
    description: Description = ""


class EndpointChange(Value, frozen=True, kw_only=True):
    """What to change of an endpoint; what is unset stays. Enabling one makes an end of its failures: what waits for it is
    delivered."""

    url: Url | UnsetType = UNSET
    events: Filters | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET


class Endpoint(Value, frozen=True, kw_only=True):
    """An address that is told what happens. `version` goes up with every change.

    `disabled` says why it is not told: by an operator, because it answered 410 Gone, or because nothing was delivered for
    three days; None while it is enabled. `failing_since` is the first of the failures that no success has ended yet.
    `old_secret_until`: until then messages are signed with the secret before the last rotation, too.
    """

    id: EndpointId
    url: str
    events: tuple[str, ...]
    description: str
    is_enabled: bool
    disabled: Literal["operator", "gone", "failing"] | None
    failing_since: Instant | None
    old_secret_until: Instant | None
    created_at: Instant
    version: int


class SecretSeed(Value, frozen=True, kw_only=True):
    """What is kept of a signing secret: with the shop's own key and `salt` it is made again. `proof` is SHA-256 of the
    secret (32 bytes), by which a shop whose key was changed notices that it can no longer sign."""

    salt: str
    proof: bytes


class NewEndpoint(Value, frozen=True, kw_only=True):
    """The act of creating an endpoint: where there are `most` already, nothing is written."""

    id: EndpointId
    draft: EndpointDraft
    seed: SecretSeed
    most: int
    audit: AuditEntry


class IssuedSecret(Value, frozen=True, kw_only=True):
    """An endpoint and its new signing secret (`whsec_…`), shown this once."""

    endpoint: Endpoint
    secret: Secret


class Endpoints(Protocol):
    """The durable list of endpoints. Every act writes its audit entry. What was removed is unknown at once; its deliveries
    are dropped later, by `Deliveries.purge`."""

    async def create(self, act: NewEndpoint) -> Endpoint:
        """Atomic against other creations. Raises `EndpointsFull`."""

    async def endpoint(self, endpoint_id: EndpointId) -> Endpoint:
        """Raises `UnknownEndpoint`."""

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """All, oldest first."""

    async def change(
        self, endpoint_id: EndpointId, change: EndpointChange, *, expected_version: int | None, audit: AuditEntry
    ) -> Endpoint:
        """A new URL or enabling clears `failing_since`; disabling writes the reason `operator`.
        Raises `UnknownEndpoint`, `Conflict` (another version)."""

    async def rotate(
        self, endpoint_id: EndpointId, seed: SecretSeed, *, old_until: Instant, audit: AuditEntry
    ) -> Endpoint:
        """Replace the seed; the one before is kept until `old_until`, one before that is gone. Raises `UnknownEndpoint`."""

    async def remove(self, endpoint_id: EndpointId, audit: AuditEntry) -> None:
        """Nothing more is written for it or sent to it. Raises `UnknownEndpoint`."""


class Replayed(Value, frozen=True, kw_only=True):
    """How many dead letters wait again; `more`: ask again for the rest."""

    redelivered: int
    more: bool


class Outgoing(Protocol):
    """Outgoing webhooks as an operator manages them."""

    async def create(self, draft: EndpointDraft, origin: Origin) -> IssuedSecret:
        """Raises `InvalidValue` (the URL is not https, its host unknown or not public and not allowed by the settings; an
        event that does not exist), `EndpointsFull`."""

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """All, oldest first."""

    async def endpoint(self, endpoint_id: EndpointId) -> Endpoint:
        """Raises `UnknownEndpoint`."""

    async def change(
        self, endpoint_id: EndpointId, change: EndpointChange, *, expected_version: int | None, origin: Origin
    ) -> Endpoint:
        """Raises `UnknownEndpoint`, `InvalidValue` (as `create`), `Conflict`."""

    async def rotate(self, endpoint_id: EndpointId, origin: Origin) -> IssuedSecret:
        """A new secret; for 24 hours every message is signed with both. Raises `UnknownEndpoint`."""

    async def remove(self, endpoint_id: EndpointId, origin: Origin) -> None:
        """Raises `UnknownEndpoint`."""

    async def test(self, endpoint_id: EndpointId, origin: Origin) -> Delivery:
        """Send a `webhook.test`, once, also to an endpoint that is disabled. Raises `UnknownEndpoint`."""

    async def deliveries(self, endpoint_id: EndpointId, state: DeliveryState | None, page: Page) -> DeliveryPage:
        """Newest first. Raises `UnknownEndpoint`."""

    async def log(self, delivery_id: DeliveryId) -> DeliveryLog:
        """One delivery with its message and attempts. Raises `UnknownDelivery`."""

    async def redeliver(self, delivery_id: DeliveryId, origin: Origin) -> Delivery:
        """Deliver again from the first attempt on, under the same `webhook-id`, whatever became of it before.
        Raises `UnknownDelivery`, `Conflict` (it is being sent just now)."""

    async def redeliver_dead(self, endpoint_id: EndpointId, since: Instant, origin: Origin) -> Replayed:
        """Dead letters of events since then, oldest first, a bounded number at once. Raises `UnknownEndpoint`."""
