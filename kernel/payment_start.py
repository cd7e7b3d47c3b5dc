"""Beginning a payment: write the intent, ask the provider, write the answer. Three store calls when nobody is in the way."""

import hashlib

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from kassa.kernel.idempotency import replay
from kassa.kernel.payment_apply import apply
from kassa.kernel.payment_books import TRIES, Books, Entry
from kassa.kernel.payment_clearing import Clearing
from kassa.kernel.payment_desk import ProviderDesk
from kassa.kernel.payment_draft import GRACE_S, Applied, event, is_doubtful
from kassa.kernel.payment_facts import Facts, Unknown
from kassa.kernel.payment_reserving import MOST_DRAWN, Drawn, Draws, held
from kassa.kernel.payment_rules import (
    allowed_return,
    amount_due,
    can_be_left,
    decoded_input,
    expiry,
    live_payment,
    offered,
)
from kassa.kernel.payment_time import later
from kassa.kernel.plugin_guard import GuardedMethod
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.cashier import StartPayment
from kassa.ports.clock import Clock
from kassa.ports.errors import AlreadyClaimed, Conflict, KeyInUse, NoReferenceLeft, ReferenceTaken, UnknownOrder
from kassa.ports.failpoints import Failpoints
from kassa.ports.idempotency import Answer, Claim
from kassa.ports.ids import AccountId, Ids
from kassa.ports.payment import AnyOutcome, NotExecuted
from kassa.ports.payment_records import (
    BeginPayment,
    Operation,
    OperationState,
    Payment,
    PaymentFile,
    Payments,
    PaymentStatus,
)
from kassa.ports.values import Instant, Value

RETRIES, RETRY_PAUSE_S = 2, 0.2
"""How often a START that provably did not reach the provider is sent again, with the same key."""


class Plan(Value, frozen=True, kw_only=True):
    """A payment about to begin: its rows, the method, what the customer told it, the return token, what it has for itself."""

    method: GuardedMethod
    given: Struct
    token: str
    payment: Payment
    operation: Operation
    left: Applied | None
    drawn: Drawn | None = None


class Starting:
    """Begins payments, once per claim."""

    def __init__(
        self,
        *,
        payments: Payments,
        desk: ProviderDesk,
        books: Books,
        clearing: Clearing,
        clock: Clock,
        ids: Ids,
        failpoints: Failpoints,
        return_urls: tuple[str, ...],
    ) -> None:
        self._payments, self._desk, self._books, self._clearing = payments, desk, books, clearing
        self._clock, self._ids, self._failpoints, self._return_urls = clock, ids, failpoints, return_urls
        self._draws = Draws(payments=payments, ids=ids)

    async def start(self, customer_id: AccountId, request: StartPayment, claim: Claim, origin: Origin) -> Answer:
        """See `ports.cashier.Cashier.start`."""
        for _ in range(TRIES):
            found = await self._payments.file_and_prior(request.invoice_id, claim.scope)
            answer = replay(found.prior, claim)
            if answer is not None:
                return answer
            file = found.file
            if file.payable.customer_id != customer_id:
                raise UnknownOrder(request.invoice_id)
            method, given, return_url = self._checked(file, request)
            if self._is_in_the_way(file):
                await self._make_way(file, origin)
                continue
            plan = self._plan(file, method, given, return_url, claim)
            plan = _with(plan, await self._draws.first(method, plan.payment.nominal, self._clock.now()))
            ends_at = self._clock.monotonic() + method.deadline_s
            await self._failpoints.reach("payment.before_begin")
            try:
                begun = await self._begin_alone(file, plan, claim, origin)
            except (Conflict, AlreadyClaimed):
                continue
            return await self._carry_out(begun, plan, claim, origin, ends_at)
        raise Conflict(request.invoice_id)

    def _checked(self, file: PaymentFile, request: StartPayment) -> tuple[GuardedMethod, Struct, str | None]:
        amount = amount_due(file)
        method = offered(self._desk.method(request.method), amount)
        given = decoded_input(request.input, method.input_type)
        return method, given, allowed_return(request.return_url, self._return_urls)

    def _is_in_the_way(self, file: PaymentFile) -> bool:
        live = live_payment(file)
        return is_doubtful(file) or (live is not None and not can_be_left(file, live))

    async def _make_way(self, file: PaymentFile, origin: Origin) -> None:
        """Rules (a) and (b): no money command beside a doubt, none beside a live payment. What can only be left locally is
        left in the act that begins the new payment."""
        try:
            file = await self._clearing.without_doubt(file, origin)
            live = live_payment(file)
            if live is not None and not can_be_left(file, live):
                await self._clearing.without_live(file, origin)
        except Conflict:
            return  # somebody moved it: read again

    def _plan(
        self, file: PaymentFile, method: GuardedMethod, given: Struct, return_url: str | None, claim: Claim
    ) -> Plan:
        now = self._clock.now()
        token, operation_id = self._ids.short_token(), self._ids.operation_id()
        payable, live = file.payable, live_payment(file)
        left = None
        if live is not None:
            facts = Facts(word="superseded", said=OperationState.CANCELED)
            left = apply(file, live.id, facts, now, self._desk.policy(live.method))
        payment = Payment(
            id=0,
            invoice_id=payable.invoice_id,
            method=method.name,
            merchant_ref=f"{payable.invoice_id}-{operation_id[:8]}",
            nominal=amount_due(file),
            status=PaymentStatus.PROCESSING,
            is_live=True,
            in_doubt=True,
            late=False,
            conflict=False,
            needs_review=False,
            authorized=0,
            captured=0,
            refunded=0,
            expires_at=expiry(payable, method.capabilities, now),
            provider_ref=None,
            plugin_state=b"",
            next_action=b"",
            return_token_hash=hashlib.sha256(token.encode()).digest(),
            return_url=return_url,
            created_date=now,
            last_updated=now,
        )
        operation = replace(self._desk.command(payment, "start", payment.nominal), id=operation_id, claim=claim)
        return Plan(method=method, given=given, token=token, payment=payment, operation=operation, left=left)

    async def _begin_alone(self, file: PaymentFile, plan: Plan, claim: Claim, origin: Origin) -> PaymentFile:
        """`_begin`, with another draw for as long as somebody else was given what was drawn. Raises `NoReferenceLeft`."""
        due = amount_due(file)
        for _ in range(MOST_DRAWN):
            try:
                return await self._begin(file, plan, claim, origin)
            except ReferenceTaken:
                plan = _with(plan, await self._draws.free(plan.method, due, self._clock.now()))
        raise NoReferenceLeft(f"{plan.method.name}: others were faster")

    async def _begin(self, file: PaymentFile, plan: Plan, claim: Claim, origin: Origin) -> PaymentFile:
        """Write ahead; the file as it is then. Raises `Conflict`, `AlreadyClaimed`, `PaymentLive`, `ReferenceTaken`."""
        payment, operation, left = plan.payment, plan.operation, plan.left
        payable = replace(
            file.payable,
            version=file.payable.version + 1,
            pay_until=max(file.payable.pay_until, later(payment.expires_at, GRACE_S)),
        )
        act = BeginPayment(
            expected_version=file.payable.version,
            payable=payable,
            payment=payment,
            operation=operation,
            superseded=left.payments if left else (),
            superseded_operations=left.operations if left else (),
            claim=claim,
            events=(*(left.events if left else ()), event(payment, "payment.started")),
            audit=_audit(payment, origin, self._clock.now(), left),
            reservation=held(plan.method, payment, plan.drawn, self._clock.now()),
        )
        payment_id = await self._payments.begin(act)
        await self._failpoints.reach("payment.after_begin")
        before = left.file if left else file
        return replace(
            before,
            payable=payable,
            payments=(*before.payments, replace(payment, id=payment_id)),
            operations=(*before.operations, replace(operation, payment_id=payment_id)),
        )

    async def _carry_out(self, file: PaymentFile, plan: Plan, claim: Claim, origin: Origin, ends_at: float) -> Answer:
        payment, operation = file.payments[-1], file.operations[-1]
        outcome, file = await self._call(file, plan, ends_at, origin)
        await self._failpoints.reach("payment.after_call")
        facts = await self._desk.resolved(payment, operation.id, outcome, ends_at)
        entry = Entry(origin=origin, action="payment.reply", finish=operation.id)
        entered = await self._books.enter(file, payment.id, facts, entry)
        return entered.answer or await self._answer_of_another(payment, claim)

    async def _call(
        self, file: PaymentFile, plan: Plan, ends_at: float, origin: Origin
    ) -> tuple[AnyOutcome | Unknown, PaymentFile]:
        """Send the START; again, with the same key and the attempt committed first, while it provably did not arrive."""
        payment, operation = file.payments[-1], file.operations[-1]
        entry = Entry(origin=origin, action="payment.attempt")
        for retry in range(RETRIES + 1):
            left_s = ends_at - self._clock.monotonic()
            outcome = await self._desk.start(payment, operation, plan.given, plan.token, left_s)
            again = isinstance(outcome, NotExecuted) and not outcome.reason.startswith("busy")
            if not again or retry == RETRIES or ends_at - self._clock.monotonic() < 1:
                break
            try:
                file = await self._books.attempt_again(file, operation.id, entry)
            except Conflict:
                break
            await self._clock.sleep(RETRY_PAUSE_S * (1 + self._ids.jitter()))
        return outcome, file

    async def _answer_of_another(self, payment: Payment, claim: Claim) -> Answer:
        """The sweep took this payment for crashed and finished its claim first: its answer is the answer."""
        found = await self._payments.file_and_prior(payment.invoice_id, claim.scope)
        if found.prior is None or found.prior.answer is None:
            raise KeyInUse(claim.scope.route)
        return found.prior.answer


def _with(plan: Plan, drawn: Drawn | None) -> Plan:
    """The plan of a payment that has this for itself."""
    if drawn is None:
        return plan
    payment = replace(plan.payment, nominal=drawn.nominal, reserved=drawn.number, forgives=drawn.forgives)
    return replace(plan, payment=payment, operation=replace(plan.operation, amount=drawn.nominal), drawn=drawn)


def _audit(payment: Payment, origin: Origin, at: Instant, left: Applied | None) -> AuditEntry:
    details = {
        "method": payment.method,
        "merchant_ref": payment.merchant_ref,
        "nominal": payment.nominal.amount,
        "currency": payment.nominal.currency,
        "canceled": [p.id for p in left.payments] if left else [],
        **({} if payment.reserved is None else {"reserved": payment.reserved}),
    }
    return AuditEntry(
        action="payment.start",
        subject=f"order:{payment.invoice_id}",
        origin=origin,
        at=at,
        details=msgspec.json.encode(details),
    )
