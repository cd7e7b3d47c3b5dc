"""Making way: ending doubt on the fly, letting go of a live payment, so that another may begin or the order may end."""

from kassa.kernel.payment_books import TRIES, Books, Entered, Entry
from kassa.kernel.payment_desk import ASK_AT_LEAST_S, ProviderDesk
from kassa.kernel.payment_draft import is_doubtful
from kassa.kernel.payment_facts import Facts, Unknown, from_outcome
from kassa.kernel.payment_rules import can_be_left, has_stale_doubt, live_payment
from kassa.kernel.payment_states import IN_DOUBT
from kassa.kernel.payment_time import is_over
from kassa.kernel.payment_views import payment_in, start_in
from kassa.ports.audit import Origin
from kassa.ports.clock import Clock
from kassa.ports.errors import Conflict, NothingDue, PaymentInDoubt, PaymentLive, PaymentNotCancelable
from kassa.ports.failpoints import Failpoints
from kassa.ports.ids import InvoiceId
from kassa.ports.payment_records import (
    Operation,
    OperationState,
    PayableState,
    Payment,
    PaymentFile,
    Payments,
    PaymentStatus,
)


class Clearing:
    """Ends what is in the way, where that can be done without guessing."""

    def __init__(
        self,
        *,
        payments: Payments,
        desk: ProviderDesk,
        books: Books,
        clock: Clock,
        failpoints: Failpoints,
    ) -> None:
        self._payments, self._desk, self._books = payments, desk, books
        self._clock, self._failpoints = clock, failpoints

    async def without_doubt(self, file: PaymentFile, origin: Origin) -> PaymentFile:
        """The file with no money in doubt: asks about a doubt once, if it is old enough. Raises `PaymentInDoubt`."""
        if has_stale_doubt(file, self._clock.now()):
            doubtful = {o.payment_id for o in file.operations if o.state in IN_DOUBT}
            for payment_id in sorted(doubtful):
                file = await self.ask(file, payment_in(file, payment_id), origin)
        if is_doubtful(file):
            raise PaymentInDoubt(file.payable.invoice_id)
        return file

    async def ask(self, file: PaymentFile, payment: Payment, origin: Origin) -> PaymentFile:
        """Query one payment and enter what is told."""
        facts = await self._desk.ask(payment)
        entry = Entry(origin=origin, action="payment.query")
        return (await self._books.enter(file, payment.id, facts, entry)).file

    async def without_live(self, file: PaymentFile, origin: Origin) -> PaymentFile:
        """The file with no live payment: one whose time is over is asked about, one that can be voided is. Raises
        `PaymentLive`, `PaymentInDoubt`."""
        live = live_payment(file)
        if live is not None and is_over(live, self._clock.now()):
            file = await self.ask(file, live, origin)
            live = live_payment(file)
        if is_doubtful(file):  # the query may have brought a file in which somebody else's command is under way
            raise PaymentInDoubt(file.payable.invoice_id)
        if live is not None:
            file = await self.canceled(file, live, origin)
        if is_doubtful(file):
            raise PaymentInDoubt(file.payable.invoice_id)
        if live_payment(file) is not None:
            raise PaymentLive(file.payable.invoice_id)
        return file

    async def canceled(self, file: PaymentFile, payment: Payment, origin: Origin, note: str = "") -> PaymentFile:
        """Cancel a live payment, locally or by a void; a file in which it still lives if neither can be done."""
        if can_be_left(file, payment):
            facts = Facts(word="superseded", said=OperationState.CANCELED)
            entry = Entry(origin=origin, action="payment.cancel", note=note)
            return (await self._books.enter(file, payment.id, facts, entry)).file
        method = self._desk.method(payment.method)
        reachable = start_in(file, payment.id).state in (OperationState.PENDING, OperationState.SUCCEEDED)
        if method is None or not method.capabilities.void or not reachable:
            return file
        operation = self._desk.command(payment, "void", None)
        return await self.carried_out(
            file, operation, Entry(origin=origin, action="payment.void", note=note, point="operation")
        )

    async def carried_out(
        self, file: PaymentFile, operation: Operation, entry: Entry, given: dict[str, str] | None = None
    ) -> PaymentFile:
        """Write a command ahead, send it, enter its answer (or, if that is unclear, the query's). Raises `Conflict` when
        it could not be written: then nothing was sent."""
        ends_at = self._clock.monotonic() + self._desk.policy(payment_in(file, operation.payment_id).method).deadline_s
        file = await self._books.begin(file, operation, None, entry)
        return (await self.sent(file, operation, entry, ends_at, given)).file

    async def sent(
        self,
        file: PaymentFile,
        operation: Operation,
        entry: Entry,
        ends_at: float,
        given: dict[str, str] | None = None,
    ) -> Entered:
        """Send what was written, and enter what came of it; an unclear answer is asked about at once, in what time is left."""
        payment = payment_in(file, operation.payment_id)
        outcome = await self._desk.send(file, operation, ends_at - self._clock.monotonic(), given)
        await self._failpoints.reach("operation.after_call")
        facts = from_outcome(operation.id, outcome)
        left_s = ends_at - self._clock.monotonic()
        if isinstance(outcome, Unknown) and left_s >= ASK_AT_LEAST_S:
            silent = Entry(origin=entry.origin, action=entry.action, point=entry.point)
            file = (await self._books.enter(file, payment.id, facts, silent)).file
            facts = await self._desk.ask(payment, left_s)
        return await self._books.enter(file, payment.id, facts, entry)

    async def cancel(self, file: PaymentFile, payment: Payment, origin: Origin) -> PaymentFile:
        """Cancel for the customer; again is as good as once. Raises `PaymentInDoubt`, `PaymentNotCancelable`."""
        file = await self.without_doubt(file, origin)
        payment = payment_in(file, payment.id)
        if payment.is_live:
            file = await self.canceled(file, payment, origin)
            payment = payment_in(file, payment.id)
        if payment.in_doubt:
            raise PaymentInDoubt(str(payment.id))
        if payment.is_live or payment.captured or payment.status is not PaymentStatus.CANCELED:
            raise PaymentNotCancelable(payment.status.value)
        return file

    async def release(self, invoice_id: InvoiceId, *, cancel_live: bool, origin: Origin) -> int:
        """See `ports.checkout.Release`. What was paid in part goes to suspense, to be refunded by a person."""
        for _ in range(TRIES):
            file = await self._payments.file(invoice_id)
            if file.payable.state is not PayableState.OPEN:
                raise NothingDue(invoice_id)
            try:
                file = await self.without_doubt(file, origin)
                live = live_payment(file)
                if live is not None and not cancel_live and not is_over(live, self._clock.now()):
                    raise PaymentLive(invoice_id)
                file = await self.without_live(file, origin)
                file = await self._books.set_aside(file, Entry(origin=origin, action="payment.set_aside"))
            except Conflict:
                continue
            if file.payable.state is not PayableState.OPEN:
                raise NothingDue(invoice_id)
            return file.payable.version
        raise Conflict(invoice_id)
