"""Refunds and captures that an operator orders: write the intent, ask the provider, write the answer; once per claim."""

from collections.abc import Callable

from msgspec.structs import replace

from kassa.kernel.idempotency import replay
from kassa.kernel.payment_books import TRIES, Books, Entry
from kassa.kernel.payment_clearing import Clearing
from kassa.kernel.payment_desk import ProviderDesk
from kassa.kernel.payment_rules import capture_amount, refund_amount
from kassa.kernel.payment_views import payment_in
from kassa.ports.audit import Origin
from kassa.ports.clock import Clock
from kassa.ports.errors import AlreadyClaimed, Conflict, KeyInUse, NotCapable
from kassa.ports.idempotency import Answer, Claim
from kassa.ports.ids import InvoiceId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import Capabilities
from kassa.ports.payment_records import OperationKind, Payment, PaymentFile, Payments
from kassa.ports.treasury import CaptureRequest, RefundRequest

Rule = Callable[[PaymentFile, Payment, Money | None, Capabilities], Money]
"""How much may be moved. Raises `NotCapable`, `AmountRefused`."""


class Orders:
    """Carries out what an operator orders of a provider."""

    def __init__(
        self, *, payments: Payments, desk: ProviderDesk, books: Books, clearing: Clearing, clock: Clock
    ) -> None:
        self._payments, self._desk, self._books, self._clearing = payments, desk, books, clearing
        self._clock = clock

    async def refund(self, payment_id: PaymentId, request: RefundRequest, claim: Claim, origin: Origin) -> Answer:
        """See `ports.treasury.Treasury.refund`."""
        entry = Entry(origin=origin, action="payment.refund", note=request.reason, point="operation")
        return await self._ordered(payment_id, request.amount, claim, entry, kind="refund", rule=refund_amount)

    async def capture(self, payment_id: PaymentId, request: CaptureRequest, claim: Claim, origin: Origin) -> Answer:
        """See `ports.treasury.Treasury.capture`."""
        entry = Entry(origin=origin, action="payment.capture", note=request.reason, point="operation")
        return await self._ordered(payment_id, request.amount, claim, entry, kind="capture", rule=capture_amount)

    async def _ordered(
        self,
        payment_id: PaymentId,
        wanted: Money | None,
        claim: Claim,
        entry: Entry,
        *,
        kind: OperationKind,
        rule: Rule,
    ) -> Answer:
        known = await self._payments.file_of_payment(payment_id)
        invoice_id = known.payable.invoice_id
        for _ in range(TRIES):
            found = await self._payments.file_and_prior(invoice_id, claim.scope)
            answer = replay(found.prior, claim)
            if answer is not None:
                return answer
            try:
                file = await self._clearing.without_doubt(found.file, entry.origin)
                payment = payment_in(file, payment_id)
                method = self._desk.method(payment.method)
                if method is None:
                    raise NotCapable(f"{payment.method} is not loaded")
                amount = rule(file, payment, wanted, method.capabilities)
                operation = replace(self._desk.command(payment, kind, amount), claim=claim)
                ends_at = self._clock.monotonic() + method.deadline_s
                file = await self._books.begin(file, operation, claim, entry)
            except (Conflict, AlreadyClaimed):
                continue
            finishing = replace(entry, finish=operation.id)
            entered = await self._clearing.sent(file, operation, finishing, ends_at)
            return entered.answer or await self._answer_of_another(invoice_id, claim)
        raise Conflict(str(payment_id))

    async def _answer_of_another(self, invoice_id: InvoiceId, claim: Claim) -> Answer:
        found = await self._payments.file_and_prior(invoice_id, claim.scope)
        if found.prior is None or found.prior.answer is None:
            raise KeyInUse(claim.scope.route)
        return found.prior.answer
