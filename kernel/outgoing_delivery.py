"""Sweeps over outgoing webhooks: deliver what is due, drop what is long over."""

import asyncio
from datetime import timedelta

from kassa.kernel.outgoing_schedule import RETRY_S, verdict
from kassa.kernel.outgoing_signing import Signer
from kassa.ports.audit import Origin
from kassa.ports.clock import Clock
from kassa.ports.deliveries import Deliveries, DeliveryState, DueDelivery, Sent, WebhookSender
from kassa.ports.errors import Conflict
from kassa.ports.failpoints import Failpoints
from kassa.ports.ids import Ids
from kassa.ports.payment import Log

TIMEOUT_S = 15.0
LEASE_S = 30
_PER_FAILING_ENDPOINT = 1
_MOMENT_S = 0.5
_CRASHES = 2
"""How many attempts beyond the last are taken for crashes of ours before a delivery is given up unsent."""


class DeliverySweep:
    """Sweep: sends due deliveries, at least once each, in no order.

    A round only starts what is due and does not wait for the answers, so that a slow receiver holds up nobody: at most
    `at_once` are under way, `per_endpoint` of them to one endpoint, and to endpoints that are failing at most half of them, one
    each. A sender that dies leaves its deliveries to their leases, which are longer than an attempt can take.
    """

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        sender: WebhookSender,
        signer: Signer,
        clock: Clock,
        ids: Ids,
        failpoints: Failpoints,
        log: Log,
        at_once: int = 16,
        per_endpoint: int = 4,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._deliveries, self._sender, self._signer = deliveries, sender, signer
        self._clock, self._ids, self._failpoints, self._log = clock, ids, failpoints, log
        self._at_once, self._per_endpoint, self._timeout_s = at_once, per_endpoint, timeout_s
        self._well: set[asyncio.Task[None]] = set()
        self._failing: set[asyncio.Task[None]] = set()

    async def run_once(self) -> int:
        """How many were started. Where nothing can be while others are under way, waits a moment for one of them to end and
        make room."""
        started = await self._fill()
        if started == 0 and self._under_way:
            await asyncio.wait(self._under_way, timeout=_MOMENT_S, return_when=asyncio.FIRST_COMPLETED)
            started = await self._fill()
        return started

    async def _fill(self) -> int:
        started = await self._start(self._well, self._room, self._per_endpoint, failing=False)
        room = min(self._room, self._at_once // 2 - len(self._failing))
        return started + await self._start(self._failing, room, _PER_FAILING_ENDPOINT, failing=True)

    async def drain(self, within_s: float | None = None) -> None:
        """Wait until what is under way has ended; after `within_s` seconds what is left is canceled, and sent again when its
        lease runs out."""
        if not self._under_way:
            return
        _, left = await asyncio.wait(self._under_way, timeout=within_s)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    @property
    def _under_way(self) -> set[asyncio.Task[None]]:
        return self._well | self._failing

    @property
    def _room(self) -> int:
        return max(0, self._at_once - len(self._well) - len(self._failing))

    async def _start(self, under_way: set[asyncio.Task[None]], room: int, each: int, *, failing: bool) -> int:
        if room <= 0:
            return 0
        due = await self._deliveries.claim(
            now=self._clock.now(), limit=room, per_endpoint=each, failing=failing, lease_s=LEASE_S
        )
        if due:
            await self._failpoints.reach("delivery.after_claim")
        for one in due:
            task = asyncio.create_task(self._deliver(one))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        return len(due)

    async def _deliver(self, due: DueDelivery) -> None:
        """One attempt, whatever happens: what cannot be written down is left to its lease."""
        try:
            await self._attempt(due)
        except Conflict:
            self._log.info("delivery.overtaken", delivery=due.id)
        except Exception as error:  # a defect or a database that is away: this delivery waits, the others go on
            self._log.warning("delivery.failed", delivery=due.id, error=type(error).__name__)

    async def _attempt(self, due: DueDelivery) -> None:
        began, started = self._clock.now(), self._clock.monotonic()
        sent = await self._send(due)
        duration_ms = round((self._clock.monotonic() - started) * 1000)
        await self._failpoints.reach("delivery.after_send")
        act = verdict(
            due,
            sent,
            began=began,
            ended=self._clock.now(),
            duration_ms=duration_ms,
            jitter=self._ids.jitter(),
            origin=Origin(actor="system:delivery", request_id=f"delivery-{due.id}"),
        )
        await self._deliveries.record(act)
        await self._failpoints.reach("delivery.after_record")
        if act.state is DeliveryState.DEAD:
            self._log.warning("delivery.dead", delivery=due.id, endpoint=due.endpoint_id, reason=act.attempt.reason)
        if act.disabling is not None:
            self._log.warning("endpoint.disabled", endpoint=due.endpoint_id, reason=act.disabling.why)

    async def _send(self, due: DueDelivery) -> Sent:
        if due.attempt > len(RETRY_S) + 1 + _CRASHES:
            return Sent(status=None, reason="never came back")  # it took its sender down every time
        headers = self._signer.headers(due.message, due.signing, self._clock.now())
        if headers is None:
            return Sent(status=None, reason="cannot be signed: the shop's secret_key was changed, rotate the secret")
        return await self._sender.send(due.url, headers=headers, body=due.message.body, timeout_s=self._timeout_s)


class DeliveryPurge:
    """Sweep: drops deliveries that were settled longer than `keep` ago, at most `limit` a round, at most one round a minute."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        clock: Clock,
        keep: timedelta = timedelta(days=30),
        limit: int = 500,
        every_s: float = 60.0,
    ) -> None:
        self._deliveries, self._clock = deliveries, clock
        self._keep, self._limit, self._every_s = keep, limit, every_s
        self._next = clock.monotonic()

    async def run_once(self) -> int:
        """How many went."""
        now = self._clock.monotonic()
        if now < self._next:
            return 0
        gone = await self._deliveries.purge(before=self._clock.now() - self._keep, limit=self._limit)
        self._next = now + (0 if gone == self._limit else self._every_s)
        return gone
