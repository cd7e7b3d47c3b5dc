"""The treasury: what operators do to money. Their word is evidence like any other, and goes through the same `apply`."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from kassa.kernel.payment_apply import looked_at
from kassa.kernel.payment_approvals import SecondPerson
from kassa.kernel.payment_books import TRIES, Books, Entry
from kassa.kernel.payment_clearing import Clearing
from kassa.kernel.payment_evidence import (
    bank_reference,
    confirming,
    is_known,
    resolving,
)
from kassa.kernel.payment_facts import bank_movement, from_evidence
from kassa.kernel.payment_orders import Orders
from kassa.kernel.payment_rules import has_stale_doubt
from kassa.kernel.payment_states import IN_DOUBT
from kassa.kernel.payment_suspense_desk import SuspenseDesk, details_of
from kassa.kernel.payment_tasks import Tasks
from kassa.kernel.payment_views import operators_view_of, payment_in, view_of
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.approvals import Approval
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.cashier import OperatorPaymentView, PaymentView
from kassa.ports.clock import Clock
from kassa.ports.errors import (
    Conflict,
    EvidenceRefused,
    NotInDoubt,
    PaymentInDoubt,
    PaymentNotCancelable,
)
from kassa.ports.idempotency import Answer, Claim
from kassa.ports.ids import PaymentId
from kassa.ports.payment_records import (
    Inbox,
    InboxState,
    KeptNotice,
    Operation,
    OperationState,
    PaymentFile,
    Payments,
    Suspense,
    SuspenseState,
)
from kassa.ports.treasury import (
    Assignment,
    CaptureRequest,
    Confirmation,
    RefundRequest,
    Resolution,
    Return,
    Review,
    Split,
    VoidRequest,
)

T = TypeVar("T")


class KernelTreasury:
    """`ports.treasury.Treasury`. What moves money runs in tasks of its own: a client that hangs up tears nothing."""

    def __init__(
        self,
        *,
        payments: Payments,
        inbox: Inbox,
        methods: LoadedMethods,
        books: Books,
        clearing: Clearing,
        orders: Orders,
        tasks: Tasks,
        clock: Clock,
        second_person: bool = False,
    ) -> None:
        self._payments, self._inbox, self._methods, self._books = payments, inbox, methods, books
        self._clearing, self._orders, self._tasks, self._clock = clearing, orders, tasks, clock
        self._second = SecondPerson(approvals=payments, clock=clock, is_needed=second_person)
        self._suspense = SuspenseDesk(
            payments=payments, methods=methods, books=books, clearing=clearing, second=self._second, clock=clock
        )

    # --- looking ----------------------------------------------------------------------------------------------

    async def view(self, payment_id: PaymentId) -> OperatorPaymentView:
        """See `ports.treasury.Treasury`."""
        return operators_view_of(await self._payments.file_of_payment(payment_id), payment_id, self._methods)

    async def to_review(self, *, after: PaymentId, limit: int) -> tuple[OperatorPaymentView, ...]:
        """See `ports.treasury.Treasury`."""
        found = await self._payments.to_review(after=after, limit=limit)
        return tuple([await self.view(payment_id) for payment_id in found])

    async def reviewed(self, payment_id: PaymentId, review: Review, origin: Origin) -> PaymentView:
        """See `ports.treasury.Treasury`."""
        for _ in range(TRIES):
            file = await self._payments.file_of_payment(payment_id)
            if payment_in(file, payment_id).in_doubt:
                raise PaymentInDoubt(str(payment_id))
            applied = looked_at(file, payment_id, self._clock.now())
            entry = Entry(origin=origin, action="payment.reviewed", note=review.reason)
            try:
                return self._view(await self._books.write(file, applied, payment_id, entry), payment_id)
            except Conflict:
                continue
        raise Conflict(str(payment_id))

    # --- commands to the provider -----------------------------------------------------------------------------

    async def refund(self, payment_id: PaymentId, request: RefundRequest, claim: Claim, origin: Origin) -> Answer:
        """See `ports.treasury.Treasury`."""
        return await self._kept(self._orders.refund(payment_id, request, claim, origin))

    async def capture(self, payment_id: PaymentId, request: CaptureRequest, claim: Claim, origin: Origin) -> Answer:
        """See `ports.treasury.Treasury`."""
        return await self._kept(self._orders.capture(payment_id, request, claim, origin))

    async def void(self, payment_id: PaymentId, request: VoidRequest, origin: Origin) -> PaymentView:
        """See `ports.treasury.Treasury`."""
        return await self._kept(self._void(payment_id, request, origin))

    async def _void(self, payment_id: PaymentId, request: VoidRequest, origin: Origin) -> PaymentView:
        for _ in range(TRIES):
            file = await self._payments.file_of_payment(payment_id)
            try:
                file = await self._clearing.without_doubt(file, origin)
                payment = payment_in(file, payment_id)
                if payment.is_live:
                    file = await self._clearing.canceled(file, payment, origin, request.reason)
            except Conflict:
                continue
            payment = payment_in(file, payment_id)
            if payment.in_doubt:
                raise PaymentInDoubt(str(payment_id))
            if payment.is_live or not _is_void(file, payment_id):
                raise PaymentNotCancelable(payment.status.value)
            return self._view(file, payment_id)
        raise Conflict(str(payment_id))

    # --- evidence ---------------------------------------------------------------------------------------------

    async def confirm(self, payment_id: PaymentId, evidence: Confirmation, origin: Origin) -> PaymentView | Approval:
        """See `ports.treasury.Treasury`."""
        return await self._kept(self._confirm(payment_id, evidence, origin))

    async def _confirm(self, payment_id: PaymentId, evidence: Confirmation, origin: Origin) -> PaymentView | Approval:
        file = await self._payments.file_of_payment(payment_id)
        payment = payment_in(file, payment_id)
        movement_id = bank_movement(bank_reference(evidence.bank_reference, evidence.reason))
        method = self._methods.get(payment.method)
        confirming(payment, evidence, None if method is None else method.capabilities)
        for owner in await self._payments.payments_with(payment.method, movement_id):
            if owner != payment_id or not is_known(file, payment_id, movement_id, evidence.amount):
                raise EvidenceRefused("this bank reference is known with another amount or payment")
            return self._view(file, payment_id)
        said = (str(payment_id), f"{evidence.amount.amount} {evidence.amount.currency}", movement_id)
        wish = await self._second.wish("confirm", said, evidence, origin)
        if wish.waits is not None:
            return wish.waits
        facts = from_evidence(evidence.amount, movement_id, self._clock.now())
        entry = Entry(origin=origin, action="payment.confirm", note=evidence.reason.strip(), first=wish.first)
        try:
            file = (await self._books.enter(file, payment_id, facts, entry)).file
        except Conflict:
            if await self._payments.payments_with(payment.method, movement_id):
                raise EvidenceRefused("this bank reference was confirmed for another payment just now") from None
            raise
        await self._second.done(wish)
        return self._view(file, payment_id)

    async def resolve(self, payment_id: PaymentId, word: Resolution, origin: Origin) -> PaymentView:
        """See `ports.treasury.Treasury`."""
        return await self._kept(self._resolve(payment_id, word, origin))

    async def _resolve(self, payment_id: PaymentId, word: Resolution, origin: Origin) -> PaymentView:
        file = await self._payments.file_of_payment(payment_id)
        operation = _in_doubt(file, payment_id, word)
        if not has_stale_doubt(file, self._clock.now()):
            raise PaymentInDoubt("the call is still under way")
        file = await self._clearing.ask(file, payment_in(file, payment_id), origin)
        attempt, operation = operation.attempt, _in_doubt(file, payment_id, word)
        if operation.attempt != attempt:
            raise PaymentInDoubt("it was sent again just now: what was seen before says nothing of that")
        facts = resolving(file, operation, word, self._is_reserving(file, payment_id), self._clock.now())
        finish = operation.id if operation.claim is not None else None
        entry = Entry(origin=origin, action="payment.resolve", note=word.reason.strip(), finish=finish, once=True)
        return self._view((await self._books.enter(file, payment_id, facts, entry)).file, payment_id)

    def _is_reserving(self, file: PaymentFile, payment_id: PaymentId) -> bool:
        method = self._methods.get(payment_in(file, payment_id).method)
        return method is not None and method.instance.capture == "manual"

    # --- suspense ---------------------------------------------------------------------------------------------

    async def suspense(self, limit: int) -> tuple[Suspense, ...]:
        """See `ports.treasury.Treasury`."""
        return await self._payments.suspense(SuspenseState.OPEN, limit=limit)

    async def split(self, word: Split, origin: Origin) -> tuple[Suspense, ...]:
        """See `ports.treasury.Treasury`."""
        return await self._kept(self._suspense.split(word, origin))

    async def approvals(self, limit: int) -> tuple[Approval, ...]:
        """See `ports.treasury.Treasury`."""
        return await self._payments.approvals(now=self._clock.now(), limit=limit)

    async def assign(self, word: Assignment, origin: Origin) -> PaymentView | Approval:
        """See `ports.treasury.Treasury`."""
        return await self._kept(self._suspense.assign(word, origin))

    async def returned_by_hand(self, word: Return, origin: Origin) -> Suspense | Approval:
        """See `ports.treasury.Treasury`."""
        return await self._kept(self._suspense.returned(word, origin))

    # --- notices ----------------------------------------------------------------------------------------------

    async def notices(self, state: InboxState, *, after: int, limit: int) -> tuple[KeptNotice, ...]:
        """See `ports.treasury.Treasury`."""
        return await self._inbox.kept(state, after=after, limit=limit)

    async def replay(self, notice_id: int, origin: Origin) -> KeptNotice:
        """See `ports.treasury.Treasury`."""
        audit = AuditEntry(
            action="notice.replay",
            subject=f"notice:{notice_id}",
            origin=origin,
            at=self._clock.now(),
            details=details_of(),
        )
        return await self._inbox.reopen(notice_id, audit)

    async def _kept(self, work: Coroutine[Any, Any, T]) -> T:
        return await self._tasks.wait(work)

    def _view(self, file: PaymentFile, payment_id: PaymentId) -> PaymentView:
        return view_of(file, payment_id, self._methods)


def _in_doubt(file: PaymentFile, payment_id: PaymentId, word: Resolution) -> Operation:
    mine = [o for o in file.operations if o.payment_id == payment_id and o.state in IN_DOUBT]
    payment_in(file, payment_id)
    for operation in mine:
        if operation.kind == word.command:
            return operation
    raise NotInDoubt(f"no {word.command} of this payment is in doubt")


def _is_void(file: PaymentFile, payment_id: PaymentId) -> bool:
    mine = [o for o in file.operations if o.payment_id == payment_id]
    let_go = any(o.kind == "void" and o.state is OperationState.SUCCEEDED for o in mine)
    return let_go or any(o.kind == "start" and o.state is OperationState.CANCELED for o in mine)
