"""Providers' notices: verify, keep, answer; then process, and again until somebody is found or the money is in suspense."""

import hmac

import msgspec
from msgspec.structs import replace

from kassa.kernel.payment_books import Books, Entry
from kassa.kernel.payment_desk import ProviderDesk
from kassa.kernel.payment_facts import Unknown, from_report
from kassa.kernel.payment_suspense import unmatched_key, unmatched_posting
from kassa.kernel.payment_tasks import Tasks
from kassa.kernel.payment_time import later
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.clock import Clock
from kassa.ports.errors import Busy, Unavailable, UnknownPayment, UnknownWebhook, WebhookRejected
from kassa.ports.events import Event as Fact
from kassa.ports.failpoints import Failpoints
from kassa.ports.ids import Ids
from kassa.ports.payment import Accept, Event, Ignore, Log, Movement, MovementState, RawWebhook, Reject, Reply
from kassa.ports.payment_records import (
    Inbox,
    InboxItem,
    InboxState,
    NewNotice,
    Payment,
    PaymentFile,
    Payments,
    SuspendMoney,
    Suspense,
    SuspenseState,
)

RETRY_S = (1, 5, 30, 300, 3600)
"""A notice may come before our own commit: it is tried again so many seconds later before it counts as nobody's."""
LEASE_S = 60


class Webhooks:
    """Receives and processes notices."""

    def __init__(
        self,
        *,
        payments: Payments,
        inbox: Inbox,
        desk: ProviderDesk,
        books: Books,
        tasks: Tasks,
        clock: Clock,
        ids: Ids,
        failpoints: Failpoints,
        log: Log,
    ) -> None:
        self._payments, self._inbox, self._desk, self._books = payments, inbox, desk, books
        self._tasks, self._clock, self._ids, self._failpoints, self._log = tasks, clock, ids, failpoints, log

    async def receive(self, instance: str, raw: RawWebhook) -> Reply:
        """See `ports.cashier.Cashier.webhook`."""
        method = self._desk.method(instance)
        known = method is not None and hmac.compare_digest(method.instance.slug.encode(), raw.slug.encode())
        if method is None or not known or method.capabilities.webhook_trust == "none":
            raise UnknownWebhook(instance)
        verdict = await method.webhook(raw)
        if isinstance(verdict, Unknown):
            self._log.warning("webhook.unclear", instance=instance, reason=verdict.reason)
            raise Unavailable(f"webhook of {instance}")
        if isinstance(verdict, Reject):
            self._log.warning("webhook.rejected", instance=instance, reason=verdict.reason)
            raise WebhookRejected(instance)
        if isinstance(verdict, Ignore):
            return verdict.reply
        is_trusted = method.capabilities.webhook_trust == "signed_body"
        await self._keep(instance, raw, verdict, is_trusted=is_trusted)
        return verdict.reply

    async def _keep(self, instance: str, raw: RawWebhook, verdict: Accept, *, is_trusted: bool) -> None:
        notices = tuple(
            NewNotice(
                method=instance,
                event_id=event.event_id,
                event=msgspec.json.encode(event if is_trusted else replace(event, report=None, unmatched=None)),
                body=raw.body,
                received_at=raw.received_at,
            )
            for event in verdict.events
        )
        await self._failpoints.reach("webhook.before_inbox")
        items = await self._inbox.keep(notices, lease_s=LEASE_S)
        await self._failpoints.reach("webhook.after_inbox")
        if items:
            try:
                self._tasks.spawn(self._process_all(items))
            except Busy:
                self._log.info("webhook.left_to_the_sweep", instance=instance)

    async def _process_all(self, items: tuple[InboxItem, ...]) -> None:
        for item in items:
            await self.process(item)

    async def process(self, item: InboxItem) -> None:
        """Do what a leased notice says, once: its effect and its end are one act. Raises `Conflict` when the lease went to
        somebody else; whatever else happens, the lease runs out and the notice is tried again."""
        event = msgspec.json.decode(item.event, type=Event)
        if event.provider_ref is None and event.merchant_ref is None:
            await self._nobodys(item, event)
            return
        try:
            file = await self._payments.file_by_reference(
                item.method, provider_ref=event.provider_ref, merchant_ref=event.merchant_ref
            )
            payment = _named(file, item.method, event)
        except UnknownPayment:
            await self._not_found(item, event)
            return
        await self._enter(item, event, file, payment)

    async def _enter(self, item: InboxItem, event: Event, file: PaymentFile, payment: Payment) -> None:
        if event.report is not None and event.report.found:
            facts = from_report(event.report, "webhook")
        else:
            facts = await self._desk.ask(payment)
            if facts.word == "silence":
                await self._unanswered(item)
                return
        entry = Entry(origin=self._origin(item), action="payment.webhook", inbox=item, point="webhook")
        await self._books.enter(file, payment.id, facts, entry)

    async def _unanswered(self, item: InboxItem) -> None:
        """A hint about which nobody could be asked: again later, at last a dead letter, which an operator may replay."""
        if item.attempts <= len(RETRY_S):
            await self._postpone(item)
        else:
            self._log.warning("webhook.dead", instance=item.method)
            await self._inbox.settle(item, InboxState.DEAD, at=self._clock.now())

    async def _not_found(self, item: InboxItem, event: Event) -> None:
        if item.attempts <= len(RETRY_S):
            await self._postpone(item)
        else:
            await self._nobodys(item, event)

    async def _postpone(self, item: InboxItem) -> None:
        until = later(self._clock.now(), RETRY_S[min(item.attempts, len(RETRY_S)) - 1])
        await self._inbox.postpone(item, until=until)

    async def _nobodys(self, item: InboxItem, event: Event) -> None:
        """Money that names no payment goes to suspense; a notice without money is put away as dead."""
        told = event.report.movements if event.report is not None else ()
        money = [event.unmatched] if event.unmatched is not None else list(told)
        arrived = [m for m in money if m.kind == "capture" and m.state is MovementState.SUCCEEDED]
        if not arrived:
            self._log.warning("webhook.dead", instance=item.method)
            await self._inbox.settle(item, InboxState.DEAD, at=self._clock.now())
        for number, movement in enumerate(arrived, 1):
            settles = number == len(arrived)
            if not await self._payments.payments_with(item.method, movement.id):
                await self._suspend(item, movement, settles=settles)
            elif settles:  # its payment told of this money already
                await self._inbox.settle(item, InboxState.DONE, at=self._clock.now())

    async def _suspend(self, item: InboxItem, movement: Movement, *, settles: bool) -> None:
        now = self._clock.now()
        row = Suspense(
            key=unmatched_key(item.method, movement.id),
            method=item.method,
            amount=movement.amount,
            reason="unmatched",
            state=SuspenseState.OPEN,
            payment_id=None,
            note="",
            at=now,
        )
        subject = f"suspense:{movement.id}"[:100]
        details = msgspec.json.encode({"key": row.key, "amount": row.amount.amount, "currency": row.amount.currency})
        act = SuspendMoney(
            suspense=row,
            posting=unmatched_posting(row),
            inbox=item if settles else None,
            events=(Fact(kind="suspense.arrived", subject=subject, payload=details),),
            audit=AuditEntry(
                action="suspense.arrived", subject=subject, origin=self._origin(item), at=now, details=details
            ),
        )
        await self._payments.suspend(act)

    def _origin(self, item: InboxItem) -> Origin:
        return Origin(actor=f"provider:{item.method}", request_id=f"inbox-{item.id}")


def _named(file: PaymentFile, method: str, event: Event) -> Payment:
    mine = [p for p in file.payments if p.method == method]
    for payment in mine:
        if event.provider_ref is not None and payment.provider_ref == event.provider_ref:
            return payment
    for payment in mine:
        if event.merchant_ref is not None and payment.merchant_ref == event.merchant_ref:
            return payment
    raise UnknownPayment(method)
