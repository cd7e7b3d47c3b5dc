"""Where facts become rows: apply, record on the version it was decided on, again if somebody was faster."""

import msgspec
from msgspec.structs import replace

from kassa.kernel.payment_apply import apply, begun, released
from kassa.kernel.payment_desk import ProviderDesk
from kassa.kernel.payment_draft import Applied, Policy
from kassa.kernel.payment_facts import Facts, from_outcome
from kassa.kernel.payment_suspense import unmatched_key
from kassa.kernel.payment_views import payment_in, view_of
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.clock import Clock
from kassa.ports.errors import Conflict, OutOfStock
from kassa.ports.failpoints import Failpoints
from kassa.ports.idempotency import Answer, AnswerKind, Claim
from kassa.ports.ids import OperationId, PaymentId
from kassa.ports.payment_records import (
    InboxItem,
    Operation,
    OperationState,
    Payment,
    PaymentFile,
    Payments,
    RecordFacts,
    Suspense,
)
from kassa.ports.values import Value

TRIES = 5


class Entry(Value, frozen=True, kw_only=True):
    """How facts are entered: on whose behalf, under which name in the audit trail, settling which notice, and finishing
    the claim of which operation. `once`: they were decided on this very file, and are not entered into a newer one. `first`
    is the person who wished it before the one who carries it out."""

    origin: Origin
    action: str
    inbox: InboxItem | None = None
    finish: OperationId | None = None
    point: str = "payment"
    note: str = ""
    once: bool = False
    first: str = ""


class Entered(Value, frozen=True, kw_only=True):
    """The file as it is now, and the answer if a claim was finished by this entry."""

    file: PaymentFile
    answer: Answer | None


class Books:
    """The only writer of payment facts."""

    def __init__(
        self,
        *,
        payments: Payments,
        desk: ProviderDesk,
        methods: LoadedMethods,
        clock: Clock,
        failpoints: Failpoints,
    ) -> None:
        self._payments, self._desk, self._methods = payments, desk, methods
        self._clock, self._failpoints = clock, failpoints

    async def enter(
        self,
        file: PaymentFile,
        payment_id: PaymentId,
        facts: Facts,
        entry: Entry,
        unnamed: tuple[Suspense, ...] = (),
    ) -> Entered:
        """Merge facts, then carry out what a policy orders because of them. `unnamed` is money without a name that they may
        name; more is looked for when the act is refused. Raises `Conflict` after `TRIES`."""
        applied, entered = await self._merge(file, payment_id, facts, entry, unnamed)
        for operation_id in applied.send:
            entered = await self._carry_out(entered, operation_id, entry)
        return entered

    async def begin(self, file: PaymentFile, operation: Operation, claim: Claim | None, entry: Entry) -> PaymentFile:
        """Write a command ahead as SENT. Raises `Conflict`, `AlreadyClaimed`; nothing is tried again here, because the
        caller has to decide again."""
        applied = begun(file, operation, self._clock.now())
        await self._failpoints.reach("operation.before_begin")
        await self._payments.record(self._act(file, applied, operation.payment_id, entry, claim=claim))
        await self._failpoints.reach("operation.after_begin")
        return applied.file

    async def attempt_again(self, file: PaymentFile, operation_id: OperationId, entry: Entry) -> PaymentFile:
        """Commit one more attempt of an operation before it is sent again with the same key. Raises `Conflict`."""
        operation = next(o for o in file.operations if o.id == operation_id)
        applied = begun(file, replace(operation, attempt=operation.attempt + 1), self._clock.now())
        await self._payments.record(self._act(file, applied, operation.payment_id, entry))
        return applied.file

    async def write(self, file: PaymentFile, applied: Applied, payment_id: PaymentId, entry: Entry) -> PaymentFile:
        """Record what was decided on this file; the file as it is then. Raises `Conflict`, `OutOfStock`: the caller has to
        decide again."""
        await self._payments.record(self._act(file, applied, payment_id, entry))
        return applied.file

    def policy_of(self, payment: Payment) -> Policy:
        """How facts of this payment are taken."""
        return self._desk.policy(payment.method)

    async def set_aside(self, file: PaymentFile, entry: Entry) -> PaymentFile:
        """Move what was paid in part out of a payable that is about to close. Raises `Conflict`."""
        for payment in file.payments:
            applied = released(file, payment.id, self._clock.now())
            if applied is not None:
                file = await self.write(file, applied, payment.id, entry)
        return file

    async def _merge(
        self,
        file: PaymentFile,
        payment_id: PaymentId,
        facts: Facts,
        entry: Entry,
        unnamed: tuple[Suspense, ...] = (),
    ) -> tuple[Applied, Entered]:
        policy = self._desk.policy(payment_in(file, payment_id).method)
        for _ in range(TRIES):
            applied = apply(file, payment_id, facts, self._clock.now(), policy, finish=entry.finish, unnamed=unnamed)
            if not applied.is_news and entry.inbox is None:
                return applied, Entered(file=file, answer=None)
            answer, claim = self._answer(file, applied, payment_id, entry)
            if entry.point in _BEFORE:
                await self._failpoints.reach(f"{entry.point}.before_record")
            try:
                await self._payments.record(self._act(file, applied, payment_id, entry, claim=claim, answer=answer))
            except Conflict:
                if entry.once:
                    raise
                file = await self._payments.file(file.payable.invoice_id)
                unnamed = await self._unnamed(payment_in(file, payment_id).method, facts)
            except OutOfStock:
                policy = _without_goods(policy)
            else:
                await self._failpoints.reach(f"{entry.point}.after_record")
                return applied, Entered(file=applied.file, answer=answer)
        raise Conflict(f"payment {payment_id}: {TRIES} others were faster")

    async def _unnamed(self, method: str, facts: Facts) -> tuple[Suspense, ...]:
        """Money that came before its payment was known, and that these facts name."""
        keys = tuple(unmatched_key(method, m.id) for m in facts.movements if m.kind == "capture")
        return await self._payments.suspense_named(keys) if keys else ()

    def _answer(
        self, file: PaymentFile, applied: Applied, payment_id: PaymentId, entry: Entry
    ) -> tuple[Answer | None, Claim | None]:
        """The answer that finishes the operation's claim, unless somebody else did."""
        claim = next((o.claim for o in file.operations if o.id == entry.finish), None)
        if claim is None:
            return None, None
        view = view_of(applied.file, payment_id, self._methods)
        waits = any(o.id == entry.finish and _is_open_command(o) for o in applied.file.operations)
        kind = AnswerKind.ACCEPTED if view.in_doubt or waits else AnswerKind.CREATED
        return Answer(kind=kind, body=msgspec.json.encode(view)), claim

    async def _carry_out(self, entered: Entered, operation_id: OperationId, entry: Entry) -> Entered:
        """Send a command that was written as SENT (or for the second time), and enter what came of it."""
        operation = next(o for o in entered.file.operations if o.id == operation_id)
        outcome = await self._desk.send(entered.file, operation)
        await self._failpoints.reach("operation.after_call")
        facts = from_outcome(operation.id, outcome)
        after = Entry(origin=entry.origin, action=f"payment.{operation.kind}", point="operation")
        _, done = await self._merge(entered.file, operation.payment_id, facts, after)
        return Entered(file=done.file, answer=entered.answer)

    def _act(
        self,
        file: PaymentFile,
        applied: Applied,
        payment_id: PaymentId,
        entry: Entry,
        *,
        claim: Claim | None = None,
        answer: Answer | None = None,
    ) -> RecordFacts:
        return RecordFacts(
            expected_version=file.payable.version,
            payable=applied.file.payable,
            payments=applied.payments,
            operations=applied.operations,
            movements=applied.movements,
            postings=applied.postings,
            suspense=applied.suspense,
            order=applied.order,
            inbox=entry.inbox,
            claim=claim,
            answer=answer,
            events=applied.events,
            audit=self._audit(file, applied.file, payment_id, entry),
        )

    def _audit(self, before: PaymentFile, after: PaymentFile, payment_id: PaymentId, entry: Entry) -> AuditEntry:
        was, now = payment_in(before, payment_id), payment_in(after, payment_id)
        details = {
            "payment": payment_id,
            "method": now.method,
            "from": was.status.value,
            "to": now.status.value,
            "captured": now.captured,
            "refunded": now.refunded,
            "in_doubt": now.in_doubt,
            **({"note": entry.note} if entry.note else {}),
            **({"first_person": entry.first} if entry.first else {}),
            **({"forgiven": after.payable.forgiven} if after.payable.forgiven != before.payable.forgiven else {}),
        }
        return AuditEntry(
            action=entry.action,
            subject=f"order:{now.invoice_id}",
            origin=entry.origin,
            at=self._clock.now(),
            details=msgspec.json.encode(details),
        )


def _is_open_command(operation: Operation) -> bool:
    """Whether it is under way: a refund that waits for a bank is not done. A payment that waits for its customer is begun."""
    return operation.kind != "start" and operation.state is OperationState.PENDING


_BEFORE = ("payment", "webhook")


def _without_goods(policy: Policy) -> Policy:
    """The stock of a late order is gone: its money is refunded, or held for a person."""
    if policy.late == "refund":
        raise Conflict("stock is missing for an order that takes none")
    return replace(policy, late="refund")
