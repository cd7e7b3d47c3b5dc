"""A payment file while facts are being applied to it: what was, what is, and so what has to be written."""

from datetime import timedelta

import msgspec
from msgspec.structs import replace

from kassa.ports.events import Event
from kassa.ports.ids import OperationId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import Capabilities, Movement
from kassa.ports.payment_records import (
    KnownMovement,
    LedgerEntry,
    MarkPaid,
    Operation,
    OperationKind,
    OperationState,
    Payable,
    Payment,
    PaymentFile,
    PaymentStatus,
    Posting,
    Suspense,
    SuspenseState,
)
from kassa.ports.values import Instant, Value

GRACE_S = 120
"""How long after a payment's expiry money may still be on its way."""
MARGIN_S = 5
"""How long after a call's deadline a SENT operation counts as crashed."""


class Policy(Value, frozen=True, kw_only=True):
    """How facts of one method instance are taken: its declaration, the shop's word on late and surplus money, and a
    jitter drawn from [0, 1) for the next check. `deadline_s` is that of its calls. `tolerance` (minor units) may be missing."""

    capabilities: Capabilities
    late: str
    surplus: str
    deadline_s: float
    jitter: float
    tolerance: int = 0


class Applied(Value, frozen=True, kw_only=True):
    """What facts change: whole rows to write, the file as it is then, and the commands to send now (written as SENT)."""

    file: PaymentFile
    payments: tuple[Payment, ...]
    operations: tuple[Operation, ...]
    movements: tuple[KnownMovement, ...]
    postings: tuple[Posting, ...]
    suspense: tuple[Suspense, ...]
    order: MarkPaid | None
    events: tuple[Event, ...]
    send: tuple[OperationId, ...]

    @property
    def is_news(self) -> bool:
        """Whether anything has to be written."""
        return bool(self.payments or self.operations or self.movements or self.postings or self.suspense or self.order)


class Draft:
    """The file of one payable, with one of its payments in hand."""

    def __init__(self, file: PaymentFile, payment_id: PaymentId) -> None:
        self.before = file
        self.payable: Payable = file.payable
        self.payments = {p.id: p for p in file.payments}
        self.payment_id = payment_id
        self.operations = {o.id: o for o in file.operations}
        self.movements = {(k.payment_id, k.movement.kind, k.movement.id): k for k in file.movements}
        self.suspense = {s.key: s for s in file.suspense}
        self.postings: list[Posting] = []
        self.order: MarkPaid | None = None
        self.send: list[OperationId] = []

    @property
    def payment(self) -> Payment:
        """The payment in hand."""
        return self.payments[self.payment_id]

    def note(self, **changes: object) -> None:
        """Change fields of the payment in hand."""
        self.payments[self.payment_id] = replace(self.payment, **changes)

    def commands(self) -> list[Operation]:
        """The operations of the payment in hand, oldest first."""
        mine = [o for o in self.operations.values() if o.payment_id == self.payment_id]
        return sorted(mine, key=lambda o: (o.sent_at, o.id))

    @property
    def start(self) -> Operation:
        """The START of the payment in hand."""
        return next(o for o in self.commands() if o.kind == "start")

    def known(self) -> list[Movement]:
        """The movements of the payment in hand."""
        return [k.movement for k in self.movements.values() if k.payment_id == self.payment_id]

    @property
    def let_off(self) -> int:
        """By how much the payment in hand may be short of its `nominal`, because the shop let go of that."""
        return max(0, self.payable.forgiven - self.payment.forgives)

    def put(self, operation: Operation) -> None:
        """Replace or add an operation."""
        self.operations[operation.id] = operation

    def outcome(self) -> Applied:
        """Everything that differs from before."""
        was_payments = {p.id: p for p in self.before.payments}
        was_operations = {o.id: o for o in self.before.operations}
        was_suspense = {s.key: s for s in self.before.suspense}
        was_movements = {(k.payment_id, k.movement.kind, k.movement.id): k for k in self.before.movements}
        payable = replace(self.payable, version=self.before.payable.version + 1)
        return Applied(
            file=PaymentFile(
                payable=payable,
                payments=tuple(self.payments.values()),
                operations=tuple(self.operations.values()),
                movements=tuple(self.movements.values()),
                suspense=tuple(self.suspense.values()),
            ),
            payments=tuple(p for key, p in self.payments.items() if was_payments.get(key) != p),
            operations=tuple(o for key, o in self.operations.items() if was_operations.get(key) != o),
            movements=tuple(m for key, m in self.movements.items() if was_movements.get(key) != m),
            postings=tuple(self.postings),
            suspense=tuple(s for key, s in self.suspense.items() if was_suspense.get(key) != s),
            order=self.order,
            events=self._events(was_payments),
            send=tuple(self.send),
        )

    def _events(self, before: dict[PaymentId, Payment]) -> tuple[Event, ...]:
        events = []
        for key, payment in self.payments.items():
            was = before[key]
            if payment.status is not was.status:
                events.append(event(payment, f"payment.{_FACTS.get(payment.status, payment.status.value)}"))
            if payment.needs_review and not was.needs_review:
                events.append(event(payment, "payment.needs_review"))
        if self.order is not None:
            events.append(order_paid(self.payable))
        return tuple(events)


_FACTS = {PaymentStatus.PAID: "succeeded", PaymentStatus.OVERPAID: "succeeded"}


def order_paid(payable: Payable) -> Event:
    """The fact that an order is paid, told as the checkout tells its facts: what the order costs, not what this payment was; and
    how much of it the shop let go of."""
    fact: dict[str, object] = {"invoice_id": payable.invoice_id, "status": "paid", "total": payable.amount}
    if payable.forgiven:
        fact["forgiven"] = Money(amount=payable.forgiven, currency=payable.amount.currency)
    return Event(kind="order.paid", subject=f"order:{payable.invoice_id}", payload=msgspec.json.encode(fact))


def event(payment: Payment, kind: str) -> Event:
    """A fact about a payment, for whoever listens."""
    payload = {
        "invoice_id": payment.invoice_id,
        "payment_id": payment.id or None,
        "merchant_ref": payment.merchant_ref,
        "method": payment.method,
        "status": payment.status.value,
        "nominal": payment.nominal.amount,
        "captured": payment.captured,
        "refunded": payment.refunded,
        "currency": payment.nominal.currency,
    }
    return Event(kind=kind, subject=f"order:{payment.invoice_id}", payload=msgspec.json.encode(payload))


def new_operation(
    payment_id: PaymentId,
    operation_id: OperationId,
    amount: Money | None,
    now: Instant,
    deadline_s: float,
    *,
    kind: OperationKind,
) -> Operation:
    """A command to be sent now, as SENT; when its call should have ended long ago, somebody looks after it."""
    return Operation(
        id=operation_id,
        payment_id=payment_id,
        kind=kind,
        state=OperationState.SENT,
        amount=amount,
        attempt=1,
        sent_at=now,
        next_check_at=now + timedelta(seconds=deadline_s + MARGIN_S),
        checks=0,
        not_found=0,
        executed=None,
        code="",
        last_updated=now,
    )


def posting(key: str, payment_id: int | None, sides: tuple[str, str], amount: Money, now: Instant) -> Posting:
    """Debit the first side, credit the second."""
    debit, credit = sides
    entries = (LedgerEntry(account=debit, amount=amount), LedgerEntry(account=credit, amount=-amount))
    return Posting(key=key, payment_id=payment_id, entries=entries, at=now)


def allocated(file: PaymentFile) -> int:
    """Minor units of the payable that are covered: captured less refunded, less what waits in suspense; and what is forgiven."""
    kept = sum(p.captured - p.refunded for p in file.payments)
    currency = file.payable.amount.currency
    waiting = [s for s in file.suspense if s.state is SuspenseState.OPEN and s.amount.currency == currency]
    return kept - sum(s.amount.amount for s in waiting) + file.payable.forgiven


def is_refunding(file: PaymentFile) -> bool:
    """Whether money that counts for the payable is on its way back: more than what waits in suspense anyway."""
    for payment in file.payments:
        mine = [
            o for o in file.operations if o.payment_id == payment.id and o.kind == "refund" and o.amount is not None
        ]
        leaving = sum(o.amount.amount for o in mine if o.amount and o.state <= OperationState.PENDING)
        waiting = [s for s in file.suspense if s.payment_id == payment.id and s.state is SuspenseState.OPEN]
        if leaving > sum(s.amount.amount for s in waiting if s.amount.currency == payment.nominal.currency):
            return True
    return False


def due(file: PaymentFile) -> Money:
    """What is still to be collected; never below zero."""
    amount = file.payable.amount
    return Money(amount=max(0, amount.amount - allocated(file)), currency=amount.currency)


def is_doubtful(file: PaymentFile) -> bool:
    """Whether money of this payable may have moved without our knowing."""
    return any(o.state in (OperationState.SENT, OperationState.UNKNOWN) for o in file.operations)
