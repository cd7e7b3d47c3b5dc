"""Receivers without a network: what they are sent, and what they answer. And a shop that tells them."""

import asyncio
import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from kassa.adapters.mail import FolderMailer
from kassa.kernel.events import OutboxRelay
from kassa.kernel.outgoing import KernelOutgoing
from kassa.kernel.outgoing_delivery import DeliverySweep
from kassa.kernel.outgoing_signing import Signer
from kassa.ports.audit import AuditEntry
from kassa.ports.deliveries import Sent
from kassa.ports.endpoints import EndpointDraft, IssuedSecret
from kassa.ports.errors import InvalidValue
from kassa.ports.events import Event
from tests.kernel.payment.till import Quiet
from tests.kernel.world import OPERATOR, STRANGER, World

KEY = b"k" * 40


@dataclass
class Letter:
    """One request as a receiver saw it."""

    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Standard Webhooks, written down a second time: nothing of the shop's own code."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return f"v1,{wanted}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Internet:
    """Everybody who listens, by URL: a status, a reason why there is none, or an event to wait for before a 200."""

    answers: dict[str, int | str | asyncio.Event] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    async def judge(self, url: str) -> None:
        if not url.startswith("https://"):
            raise InvalidValue("url", "is not https")

    async def send(self, url: str, *, headers: tuple[tuple[str, str], ...], body: bytes, timeout_s: float) -> Sent:
        self.letters.append(Letter(url, dict(headers), body))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            answer = self.answers.get(url, 200)
            if isinstance(answer, asyncio.Event):
                await answer.wait()
                answer = 200
            return Sent(status=answer) if isinstance(answer, int) else Sent(status=None, reason=answer)
        finally:
            self.under_way -= 1

    def to(self, url: str) -> list[Letter]:
        return [letter for letter in self.letters if letter.url == url]


@dataclass
class Teller:
    """A shop with the parts that tell others what happens."""

    world: World
    internet: Internet
    desk: KernelOutgoing
    relay: OutboxRelay
    sweep: DeliverySweep
    log: Quiet

    async def listen(self, name: str, *events: str) -> IssuedSecret:
        """An endpoint at `https://<name>.example`."""
        return await self.desk.create(EndpointDraft(url=url_of(name), events=events or ("*",)), OPERATOR)

    async def happen(self, *kinds: str, **payload: Any) -> None:
        """Events written by an act, and fanned out."""
        facts = {"invoice_id": "KS-1", "total": {"amount": 510, "currency": "GBP"}, **payload}
        events = tuple(Event(kind=k, subject="order:KS-1", payload=msgspec.json.encode(facts)) for k in kinds)
        entry = AuditEntry(action="noted", subject="order:KS-1", origin=STRANGER, at=self.world.clock.now())
        await self.world.accounts.note(events, entry)
        await self.relay.run_once()

    async def deliver(self) -> int:
        """All that is due, to its end."""
        total = 0
        await self.sweep.drain()
        for _ in range(1000):
            started = await self.sweep.run_once()
            await self.sweep.drain()
            total += started
            if not started:
                return total
        raise AssertionError("there is no end of it")


def url_of(name: str) -> str:
    return f"https://{name}.example/hook"


def make_teller(world: World, folder: Path, *, key: bytes = KEY, **bounds: Any) -> Teller:
    """The kernel's parts on the world's stores, with a network of the test's own."""
    internet, signer, log = Internet(), Signer(key), Quiet()
    shared: dict[str, Any] = {"deliveries": world.deliveries, "clock": world.clock, "ids": world.ids}
    return Teller(
        world=world,
        internet=internet,
        desk=KernelOutgoing(endpoints=world.endpoints, sender=internet, signer=signer, **shared),
        relay=OutboxRelay(
            outbox=world.outbox,
            mailer=FolderMailer(folder, world.clock),
            notifications=world.notifications,
            failpoints=world.failpoints,
            **shared,
        ),
        sweep=DeliverySweep(sender=internet, signer=signer, failpoints=world.failpoints, log=log, **shared, **bounds),
        log=log,
    )
