"""Sweeps over what is not settled, and the worker that runs every sweep of the shop."""

import asyncio
from collections.abc import Iterable

from kassa.kernel.payment import KernelCashier
from kassa.kernel.payment_books import Entry
from kassa.kernel.payment_draft import is_doubtful
from kassa.kernel.payment_facts import Facts
from kassa.kernel.payment_states import IN_DOUBT
from kassa.kernel.payment_views import payment_in
from kassa.kernel.payment_webhooks import LEASE_S as INBOX_LEASE_S
from kassa.ports.audit import Origin
from kassa.ports.cashier import Sweep
from kassa.ports.clock import Clock
from kassa.ports.errors import Conflict
from kassa.ports.failpoints import Failpoints
from kassa.ports.ids import Ids
from kassa.ports.payment import Log
from kassa.ports.payment_records import DueOperation, Inbox, Operation, OperationState, PayableState, Payments

LEASE_S = 45
"""Longer than a call may take: what a worker that died had in hand is taken up after this."""
_ASKED = (*IN_DOUBT, OperationState.PENDING, OperationState.EXPIRED, OperationState.CANCELED)


class PaymentSweep:
    """Sweep: operations whose next check has come are asked about at their provider. A SENT one among them is a call
    whose process died. Nothing here decides by time alone: what the query brings goes through the same `apply`.
    A payment that nobody needs any more is let go of, where that can be done."""

    def __init__(
        self,
        *,
        cashier: KernelCashier,
        payments: Payments,
        clock: Clock,
        ids: Ids,
        failpoints: Failpoints,
        log: Log,
        limit: int = 16,
    ) -> None:
        self._payments, self._desk, self._books, self._clearing = (
            payments,
            cashier.desk,
            cashier.books,
            cashier.clearing,
        )
        self._clock = clock
        self._ids, self._failpoints, self._log, self._limit = ids, failpoints, log, limit

    async def run_once(self) -> int:
        """How many were taken in hand; one that fails is left to its lease."""
        due = await self._payments.claim_due(now=self._clock.now(), limit=self._limit, lease_s=LEASE_S)
        await self._failpoints.reach("sweep.after_claim")
        origin = Origin(actor="system:sweep", request_id=self._ids.short_token())
        results = await asyncio.gather(*(self._check(one, origin) for one in due), return_exceptions=True)
        for one, result in zip(due, results, strict=True):
            if isinstance(result, Conflict):
                self._log.info("sweep.overtaken", payment=one.payment_id)
            elif isinstance(result, BaseException):
                self._log.warning("sweep.failed", payment=one.payment_id, error=type(result).__name__)
        return len(due)

    async def _check(self, due: DueOperation, origin: Origin) -> None:
        file = await self._payments.file(due.invoice_id)
        operation = next((o for o in file.operations if o.id == due.operation_id), None)
        if operation is None or not self._is_due(operation):
            return  # settled by somebody else since it was leased
        payment = payment_in(file, due.payment_id)
        facts = Facts(word="reply")
        if operation.state in _ASKED or payment.is_live:
            facts = await self._desk.ask(payment)
            await self._failpoints.reach("sweep.after_query")
        finish = operation.id if operation.claim is not None else None
        entry = Entry(origin=origin, action="payment.sweep", finish=finish, point="sweep")
        file = (await self._books.enter(file, payment.id, facts, entry)).file
        payment = payment_in(file, payment.id)
        if file.payable.state is PayableState.PAID and payment.is_live and not is_doubtful(file):
            await self._clearing.canceled(file, payment, origin, "the order was paid by another payment")

    def _is_due(self, operation: Operation) -> bool:
        return operation.next_check_at is not None and operation.next_check_at <= self._clock.now()


class InboxSweep:
    """Sweep: notices whose first processing did not end, or that found nobody yet."""

    def __init__(self, *, cashier: KernelCashier, inbox: Inbox, clock: Clock, log: Log, limit: int = 20) -> None:
        self._inbox, self._webhooks, self._clock, self._log, self._limit = inbox, cashier.webhooks, clock, log, limit

    async def run_once(self) -> int:
        """How many were taken in hand. One that fails is left to its lease."""
        items = await self._inbox.claim(now=self._clock.now(), limit=self._limit, lease_s=INBOX_LEASE_S)
        for item in items:
            try:
                await self._webhooks.process(item)
            except Conflict:
                self._log.info("webhook.left", instance=item.method)
            except Exception as error:
                self._log.warning("webhook.failed", instance=item.method, error=type(error).__name__)
        return len(items)


class Worker:
    """Runs sweeps for ever, each at its own pace: at once again while there is work, else after `pause_s` with jitter. A
    sweep that raises is logged and tried again later; canceling the worker ends it after the acts under way."""

    def __init__(self, sweeps: Iterable[Sweep], *, clock: Clock, ids: Ids, log: Log, pause_s: float = 1.0) -> None:
        self._sweeps, self._clock, self._ids, self._log, self._pause_s = tuple(sweeps), clock, ids, log, pause_s

    async def run(self) -> None:
        """Until canceled."""
        async with asyncio.TaskGroup() as group:
            for sweep in self._sweeps:
                group.create_task(self._repeat(type(sweep).__name__, sweep))

    async def run_once(self) -> int:
        """One round of every sweep, one after the other; how many items were taken in hand."""
        return sum([await self._round(type(sweep).__name__, sweep) for sweep in self._sweeps])

    async def _repeat(self, name: str, sweep: Sweep) -> None:
        failures = 0
        while True:
            try:
                done = await self._round(name, sweep)
            except Exception as error:
                failures += 1
                self._log.warning("sweep.broke", sweep=name, error=type(error).__name__, failures=failures)
                pause_s = min(60.0, self._pause_s * 2.0 ** min(failures, 10))
            else:
                failures, pause_s = 0, 0.05 if done else self._pause_s
            await self._clock.sleep(pause_s * (0.5 + self._ids.jitter()))

    async def _round(self, name: str, sweep: Sweep) -> int:
        done = await sweep.run_once()
        if done:
            self._log.info("sweep.done", sweep=name, items=done)
        return done
