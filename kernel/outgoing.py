"""Outgoing webhooks as an operator manages them: whom to tell, with which secret, and what to tell again."""

from datetime import timedelta
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from kassa.kernel import outgoing_messages
from kassa.kernel.outgoing_signing import Signer
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.clock import Clock
from kassa.ports.deliveries import (
    Deliveries,
    Delivery,
    DeliveryId,
    DeliveryLog,
    DeliveryPage,
    DeliveryState,
    WebhookSender,
)
from kassa.ports.endpoints import (
    MOST_ENDPOINTS,
    Endpoint,
    EndpointChange,
    EndpointDraft,
    EndpointId,
    Endpoints,
    IssuedSecret,
    NewEndpoint,
    Replayed,
)
from kassa.ports.errors import InvalidValue
from kassa.ports.ids import Ids
from kassa.ports.values import Instant, Page

OLD_SECRET_FOR: Final = timedelta(hours=24)
_AT_ONCE: Final = 1000
"""How many dead letters one request brings back."""


class KernelOutgoing:
    """`Outgoing`."""

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        deliveries: Deliveries,
        sender: WebhookSender,
        signer: Signer,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._endpoints, self._deliveries, self._sender, self._signer = endpoints, deliveries, sender, signer
        self._clock, self._ids = clock, ids

    async def create(self, draft: EndpointDraft, origin: Origin) -> IssuedSecret:
        """See the port."""
        await self._judge(draft.url, draft.events)
        endpoint_id = f"ep_{self._ids.short_token()}"
        seed, secret = self._signer.new(self._ids)
        details = {"url": draft.url, "events": draft.events}
        audit = self._audit("endpoint.created", endpoint_id, origin, **details)
        act = NewEndpoint(id=endpoint_id, draft=draft, seed=seed, most=MOST_ENDPOINTS, audit=audit)
        return IssuedSecret(endpoint=await self._endpoints.create(act), secret=secret)

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """See the port."""
        return await self._endpoints.endpoints()

    async def endpoint(self, endpoint_id: EndpointId) -> Endpoint:
        """See the port."""
        return await self._endpoints.endpoint(endpoint_id)

    async def change(
        self, endpoint_id: EndpointId, change: EndpointChange, *, expected_version: int | None, origin: Origin
    ) -> Endpoint:
        """See the port."""
        await self._endpoints.endpoint(endpoint_id)
        await self._judge(change.url, change.events)
        told = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
        audit = self._audit("endpoint.changed", endpoint_id, origin, **told)
        return await self._endpoints.change(endpoint_id, change, expected_version=expected_version, audit=audit)

    async def rotate(self, endpoint_id: EndpointId, origin: Origin) -> IssuedSecret:
        """See the port."""
        seed, secret = self._signer.new(self._ids)
        until = self._clock.now() + OLD_SECRET_FOR
        audit = self._audit("endpoint.secret_rotated", endpoint_id, origin)
        rotated = await self._endpoints.rotate(endpoint_id, seed, old_until=until, audit=audit)
        return IssuedSecret(endpoint=rotated, secret=secret)

    async def remove(self, endpoint_id: EndpointId, origin: Origin) -> None:
        """See the port."""
        await self._endpoints.remove(endpoint_id, self._audit("endpoint.removed", endpoint_id, origin))

    async def test(self, endpoint_id: EndpointId, origin: Origin) -> Delivery:
        """See the port."""
        now = self._clock.now()
        message = outgoing_messages.test_message(endpoint_id, now, self._ids)
        audit = self._audit("endpoint.tested", endpoint_id, origin)
        return await self._deliveries.send_test(endpoint_id, message, at=now, audit=audit)

    async def deliveries(self, endpoint_id: EndpointId, state: DeliveryState | None, page: Page) -> DeliveryPage:
        """See the port."""
        return await self._deliveries.deliveries(endpoint_id, state, page)

    async def log(self, delivery_id: DeliveryId) -> DeliveryLog:
        """See the port."""
        return await self._deliveries.log(delivery_id)

    async def redeliver(self, delivery_id: DeliveryId, origin: Origin) -> Delivery:
        """See the port."""
        found = (await self._deliveries.log(delivery_id)).delivery
        audit = self._audit("endpoint.redelivered", found.endpoint_id, origin, delivery=delivery_id)
        return await self._deliveries.redeliver(delivery_id, at=self._clock.now(), audit=audit)

    async def redeliver_dead(self, endpoint_id: EndpointId, since: Instant, origin: Origin) -> Replayed:
        """See the port."""
        audit = self._audit("endpoint.redelivered", endpoint_id, origin, since=since)
        count = await self._deliveries.redeliver_dead(
            endpoint_id, since=since, limit=_AT_ONCE, at=self._clock.now(), audit=audit
        )
        return Replayed(redelivered=count, more=count == _AT_ONCE)

    async def _judge(self, url: str | UnsetType, events: tuple[str, ...] | UnsetType) -> None:
        if events is not UNSET:
            unknown = [wanted for wanted in events if not outgoing_messages.is_known(wanted)]
            if unknown:
                raise InvalidValue("events", f"no such event: {', '.join(unknown)[:200]}")
            if len(set(events)) != len(events):
                raise InvalidValue("events", "an event is named twice")
        if url is not UNSET:
            await self._sender.judge(url)

    def _audit(self, action: str, endpoint_id: EndpointId, origin: Origin, **details: object) -> AuditEntry:
        return AuditEntry(
            action=action,
            subject=f"endpoint:{endpoint_id}"[:100],
            origin=origin,
            at=self._clock.now(),
            details=msgspec.json.encode(details),
        )
