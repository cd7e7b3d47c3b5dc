"""Carries out what was judged of bank lines, each once: counted, put aside, told as a refund's end, or left to a person."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from kassa.kernel.payment_books import Books, Entry
from kassa.kernel.payment_facts import Facts
from kassa.kernel.payment_lines import Judgement, judged, learned
from kassa.kernel.payment_lines_sight import AT_ONCE, Sights
from kassa.kernel.payment_suspense import unmatched_key, unmatched_posting
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.bank_files import BankFiles, HeldLine, LineId, NewLine, SettleLine
from kassa.ports.banking import BankLine, Day
from kassa.ports.clock import Clock
from kassa.ports.errors import Conflict, KassaError
from kassa.ports.events import Event
from kassa.ports.failpoints import Failpoints
from kassa.ports.payment import Log, Movement, MovementState
from kassa.ports.payment_records import OperationState, Payments, SuspendMoney, Suspense, SuspenseState
from kassa.ports.values import Instant

LEASE_S: Final = 45
"""Longer than an import processes lines itself: what a crash left is taken up after this."""
TRIES: Final = 5
"""A line that cannot be entered so often is a person's."""
_ENOUGH: Final = 500


class LineWork:
    """Processes lines that were leased."""

    def __init__(
        self,
        *,
        files: BankFiles,
        payments: Payments,
        sights: Sights,
        books: Books,
        clock: Clock,
        failpoints: Failpoints,
        log: Log,
    ) -> None:
        self._files, self._payments, self._sights, self._books = files, payments, sights, books
        self._clock, self._failpoints, self._log = clock, failpoints, log

    async def process(self, held: tuple[HeldLine, ...], origin: Origin, *, within_s: float) -> dict[LineId, Judgement]:
        """Process lines of one method in order, for about `within_s` seconds; what was settled, by line. One that fails is left
        to its lease."""
        ends_at = self._clock.monotonic() + within_s
        done: dict[LineId, Judgement] = {}
        for start in range(0, len(held), AT_ONCE):
            if start and self._clock.monotonic() >= ends_at:
                break
            done |= await self._some(held[start : start + AT_ONCE], origin)
        return done

    async def _some(self, held: tuple[HeldLine, ...], origin: Origin) -> dict[LineId, Judgement]:
        method = held[0].method
        lines = tuple(NewLine(line=one.line, movement_id=one.movement_id) for one in held)
        sight = await self._sights.sight(method, lines, await self._sights.open_bills(method))
        done: dict[LineId, Judgement] = {}
        for one in held:
            try:
                judgement = judged(one.line, one.movement_id, sight, is_again=one.attempts > 1)
                await self._carry_out(one, judgement, origin)
            except Exception as error:
                if not isinstance(error, KassaError) and one.attempts == 1:
                    raise  # whoever brought the file is told; the sweep goes on with the other lines
                given_up = await self._given_up(one, error)
                if given_up is None:
                    continue
                judgement = given_up
            done[one.id] = judgement
            sight = learned(sight, one.line, judgement)
        return done

    async def _given_up(self, one: HeldLine, error: Exception) -> Judgement | None:
        """A line that fails is tried again after its lease; one that cannot be entered is a person's at last."""
        code = error.code if isinstance(error, KassaError) else type(error).__name__
        self._log.warning("statement.line_failed", line=one.id, code=code, attempts=one.attempts)
        passes = isinstance(error, KassaError) and not isinstance(error, Conflict)
        if passes or one.attempts < TRIES:
            return None
        judgement = Judgement(verdict="review", reason="it cannot be entered; was it seen before?", does="nothing")
        try:
            await self._settle(one, judgement, None)
        except Conflict:
            return None  # somebody else has it in hand by now
        return judgement

    async def _carry_out(self, held: HeldLine, judgement: Judgement, origin: Origin) -> None:
        suspended = None
        if judgement.does == "enter":
            await self._enter(held, judgement, origin)
        elif judgement.does == "refund":
            await self._tell_refund(held, judgement, origin)
        elif judgement.does == "suspend":
            suspended = _suspending(held, judgement, origin, self._clock.now())
        await self._failpoints.reach("statement.before_settle")
        await self._settle(held, judgement, suspended)
        await self._failpoints.reach("statement.after_settle")

    async def _settle(self, held: HeldLine, judgement: Judgement, suspended: SuspendMoney | None) -> None:
        act = SettleLine(
            held=held,
            state=judgement.state,
            verdict=judgement.verdict,
            reason=judgement.reason[:_ENOUGH],
            payments=judgement.payments,
            suspend=suspended,
            at=self._clock.now(),
        )
        await self._files.settle_line(act)

    async def _enter(self, held: HeldLine, judgement: Judgement, origin: Origin) -> None:
        line, payment_id = held.line, judgement.payments[0]
        money = Movement(
            kind="capture",
            id=held.movement_id,
            state=MovementState.SUCCEEDED,
            amount=line.amount,
            at=_midnight(line.booked_on),
        )
        facts = Facts(word="statement", movements=(money,), executed=True)
        await self._tell(payment_id, facts, origin, judgement)

    async def _tell_refund(self, held: HeldLine, judgement: Judgement, origin: Origin) -> None:
        assert judgement.refund is not None
        facts = Facts(
            word="statement",
            operation_id=judgement.operation_id,
            said=OperationState.SUCCEEDED,
            movements=(replace(judgement.refund, at=_midnight(held.line.booked_on)),),
            executed=True,
        )
        await self._tell(judgement.payments[0], facts, origin, judgement)

    async def _tell(self, payment_id: int, facts: Facts, origin: Origin, judgement: Judgement) -> None:
        file = await self._payments.file_of_payment(payment_id)
        entry = Entry(origin=origin, action="payment.statement", note=judgement.reason, point="statement")
        await self._books.enter(file, payment_id, facts, entry)


def noted(line: BankLine) -> str:
    """Payer and text of a line, as they stand beside its money."""
    return " / ".join(part for part in (line.counterparty, line.account, line.text) if part)[:_ENOUGH]


def _midnight(day: Day | None) -> Instant | None:
    return None if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC)


def _suspending(held: HeldLine, judgement: Judgement, origin: Origin, now: Instant) -> SuspendMoney:
    row = Suspense(
        key=unmatched_key(held.method, held.movement_id),
        method=held.method,
        amount=held.line.amount,
        reason="unmatched",
        state=SuspenseState.OPEN,
        payment_id=None,
        note=noted(held.line),
        at=now,
    )
    subject = f"suspense:{held.movement_id}"[:100]
    facts = {"key": row.key, "amount": row.amount.amount, "currency": row.amount.currency}
    details = msgspec.json.encode(facts)
    told = msgspec.json.encode({**facts, "why": judgement.reason, "proposed": judgement.payments})
    return SuspendMoney(
        suspense=row,
        posting=unmatched_posting(row),
        inbox=None,
        events=(Event(kind="suspense.arrived", subject=subject, payload=details),),
        audit=AuditEntry(action="suspense.arrived", subject=subject, origin=origin, at=now, details=told),
    )
