"""Facts leave the act that made them: the outbox is delivered, the audit trail is sealed."""

from datetime import timedelta

import msgspec

from kassa.kernel.outgoing_messages import filters_of, message_of
from kassa.ports.audit import AuditTrail
from kassa.ports.clock import Clock
from kassa.ports.deliveries import Deliveries, Message
from kassa.ports.errors import Conflict, KassaError
from kassa.ports.events import Event, Notifications, Outbox, OutboxItem
from kassa.ports.failpoints import Failpoints
from kassa.ports.ids import Ids
from kassa.ports.mail import Mail, Mailer

MAIL_KIND = "mail.send"
"""The kind of an event whose payload is a `Mail` to be sent."""
_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 3600.0


def mail_event(mail: Mail, subject: str) -> Event:
    """The event that sends `mail`; written in the act that is the reason for it."""
    return Event(kind=MAIL_KIND, subject=subject, payload=msgspec.json.encode(mail))


def pause_s(attempt: int, jitter: float) -> float:
    """Seconds to wait after the `attempt`th failure (1 is the first): doubled each time up to an hour, and spread over
    half to one and a half of that by `jitter` in [0, 1)."""
    doubled = _FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 20)
    return min(doubled, _LONGEST_PAUSE_S) * (0.5 + jitter)


class OutboxRelay:
    """Sweep: delivers events in order of their number, at least once. `mail.send` goes to the mailer, everything else is
    announced by its subject; and what integrators are told becomes one delivery for each endpoint that wants it, in the act
    that settles the event, so that a crash neither loses nor doubles one.

    What fails is tried again after a growing pause, `attempts` times in all; then it is a dead letter for the operator.
    A round stops at half of its lease, so that what it still holds is not delivered by two at once.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        deliveries: Deliveries,
        mailer: Mailer,
        notifications: Notifications,
        clock: Clock,
        ids: Ids,
        failpoints: Failpoints,
        limit: int = 50,
        lease_s: int = 120,
        attempts: int = 10,
    ) -> None:
        self._outbox, self._deliveries, self._mailer, self._notifications = outbox, deliveries, mailer, notifications
        self._clock, self._ids, self._failpoints = clock, ids, failpoints
        self._limit, self._lease_s, self._attempts = limit, lease_s, attempts

    async def run_once(self) -> int:
        """How many were taken in hand."""
        until = self._clock.monotonic() + self._lease_s / 2
        items = await self._outbox.claim(now=self._clock.now(), limit=self._limit, lease_s=self._lease_s)
        await self._failpoints.reach("outbox.after_claim")
        done = 0
        for item in items:
            if self._clock.monotonic() >= until:
                break
            try:
                await self._handle(item)
            except Conflict:
                continue  # somebody with a newer fence has it
            done += 1
        return done

    async def _handle(self, item: OutboxItem) -> None:
        if item.attempt > self._attempts:  # it took its deliverer down every time
            await self._postpone(item, "never came back")
            return
        try:
            message = message_of(item, self._ids)
            await self._deliver(item.event)
        except KassaError as error:
            await self._postpone(item, f"{error.code}: {error}")
        except Exception as error:  # whatever a mail library may raise: one poisoned event must not hold up the others
            await self._postpone(item, type(error).__name__)
        else:
            await self._failpoints.reach("outbox.after_delivery")
            await self._settle(item, message)

    async def _settle(self, item: OutboxItem, message: Message | None) -> None:
        now = self._clock.now()
        if message is None:
            await self._outbox.settle(item, at=now)
        else:
            await self._deliveries.fan_out(item, message, filters_of(message.type), at=now)

    async def _deliver(self, event: Event) -> None:
        if event.kind == MAIL_KIND:
            await self._mailer.send(msgspec.json.decode(event.payload, type=Mail))
        else:
            await self._notifications.publish(event.subject)

    async def _postpone(self, item: OutboxItem, reason: str) -> None:
        until = self._clock.now() + timedelta(seconds=pause_s(item.attempt, self._ids.jitter()))
        await self._outbox.postpone(item, until=until, reason=reason[:200], dead=item.attempt >= self._attempts)


class AuditSeal:
    """Sweep: chains what was written to the audit trail since the last round, at most `limit` records."""

    def __init__(self, *, audit: AuditTrail, clock: Clock, limit: int = 1000) -> None:
        self._audit, self._clock, self._limit = audit, clock, limit

    async def run_once(self) -> int:
        """How many were sealed."""
        return await self._audit.seal(now=self._clock.now(), limit=self._limit)
