"""Introduces outgoing webhooks: the operator's desk, the sweep that delivers, and the sender between them and the internet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kassa.adapters.main.backroom import Backroom
from kassa.adapters.main.secrets_kept import fingerprint_key
from kassa.adapters.main.settings import Settings
from kassa.adapters.webhook_out import HttpxWebhookSender
from kassa.kernel.outgoing import KernelOutgoing
from kassa.kernel.outgoing_delivery import DeliveryPurge, DeliverySweep
from kassa.kernel.outgoing_signing import Signer
from kassa.ports.cashier import Sweep

_LAST_WORDS_S = 5.0
"""How long a shop that closes waits for deliveries under way; what is left is sent again when its lease runs out."""


@dataclass(frozen=True, kw_only=True)
class OutgoingWebhooks:
    """What HTTP speaks to, and what the worker runs."""

    desk: KernelOutgoing
    sweeps: tuple[Sweep, ...]


@asynccontextmanager
async def open_outgoing(settings: Settings, back: Backroom) -> AsyncIterator[OutgoingWebhooks]:
    """Nothing is opened before something is sent. Raises `SettingRefused`."""
    store, outside = back.store, back.world
    sender = HttpxWebhookSender(settings.webhooks.allow_hosts)
    signer = Signer(fingerprint_key(settings, outside.ids))
    sweep = DeliverySweep(
        deliveries=store.deliveries,
        sender=sender,
        signer=signer,
        clock=outside.clock,
        ids=outside.ids,
        failpoints=outside.failpoints,
        log=outside.log,
    )
    desk = KernelOutgoing(
        endpoints=store.endpoints,
        deliveries=store.deliveries,
        sender=sender,
        signer=signer,
        clock=outside.clock,
        ids=outside.ids,
    )
    try:
        yield OutgoingWebhooks(
            desk=desk, sweeps=(sweep, DeliveryPurge(deliveries=store.deliveries, clock=outside.clock))
        )
    finally:
        await sweep.drain(_LAST_WORDS_S)
        await sender.close()
