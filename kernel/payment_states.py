"""The states of payment as data, and the folds over them. Pure: no I/O, no time of its own.

Everything merges upwards: a movement by `max()` of its state, an operation by rank along `LEGAL`. So duplicates, reordering
and replays of the same facts end alike.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec.structs import replace

from kassa.ports.payment import Movement, MovementKind, MovementState
from kassa.ports.payment_records import Operation, OperationKind, OperationState, PaymentStatus
from kassa.ports.values import Instant, Value

Word: TypeAlias = Literal[
    "reply", "silence", "query", "webhook", "statement", "operator", "void", "superseded", "expiry", "not_executed"
]
"""Who says so: the call's result, a query, a verified notice, a bank file, an operator with evidence; `silence` is a call
or a query without a usable answer; `expiry` is the sweep after expiry, grace and one last query that found no money;
`superseded` is a local cancel where only the customer can send money; `not_executed` is "not found", twice and late."""

S = OperationState
PROVIDER: frozenset[Word] = frozenset({"reply", "query", "webhook", "statement", "operator"})
MONEY: frozenset[Word] = PROVIDER

LEGAL: dict[OperationState, dict[OperationState, frozenset[Word]]] = {
    S.SENT: {
        S.UNKNOWN: frozenset({"silence"}),
        S.PENDING: PROVIDER,
        S.EXPIRED: PROVIDER,
        S.CANCELED: PROVIDER | {"void"},
        S.FAILED: PROVIDER,
        S.SUCCEEDED: PROVIDER,
    },
    S.UNKNOWN: {
        S.PENDING: PROVIDER,
        S.EXPIRED: PROVIDER,
        S.CANCELED: PROVIDER | {"void"},
        S.FAILED: PROVIDER | {"not_executed"},
        S.SUCCEEDED: PROVIDER,
    },
    S.PENDING: {
        S.EXPIRED: PROVIDER | {"expiry"},
        S.CANCELED: PROVIDER | {"void", "superseded"},
        S.FAILED: PROVIDER,
        S.SUCCEEDED: PROVIDER,
    },
    S.EXPIRED: {S.CANCELED: PROVIDER | {"void"}, S.FAILED: PROVIDER, S.SUCCEEDED: MONEY},
    S.CANCELED: {S.FAILED: PROVIDER, S.SUCCEEDED: MONEY},
    S.FAILED: {S.SUCCEEDED: MONEY},
    S.SUCCEEDED: {},
}
"""The legal steps of an operation and whose word is enough for each. No clock is among them: a timer alone moves nothing.
What `SUCCEEDED` needs beside a word is money evidence (`payment_apply`)."""

ENDED_WITHOUT_MONEY = frozenset({S.EXPIRED, S.CANCELED, S.FAILED})
IN_DOUBT = frozenset({S.SENT, S.UNKNOWN})


def moved(current: OperationState, said: OperationState, word: Word) -> OperationState:
    """The state after `word` says `said`: a step that is not legal changes nothing."""
    return said if word in LEGAL[current].get(said, frozenset()) else current


class Merged(Value, frozen=True, kw_only=True):
    """Two reports of one movement as one; `conflict` where they disagree on its amount (the first amount stays)."""

    movement: Movement
    conflict: bool


def merged(known: Movement, told: Movement) -> Merged:
    """Merge what is told of a movement into what is known of it."""
    moments = [at for at in (known.at, told.at) if at is not None]
    movement = replace(known, state=max(known.state, told.state), at=min(moments, default=None))
    return Merged(movement=movement, conflict=known.amount != told.amount)


def total(movements: Iterable[Movement], *kinds: MovementKind) -> int:
    """Minor units of the succeeded movements of these kinds."""
    return sum(m.amount.amount for m in movements if m.kind in kinds and m.state is MovementState.SUCCEEDED)


class Totals(Value, frozen=True, kw_only=True):
    """Sums of succeeded movements in minor units. `refunded` holds refunds and chargebacks, at most `captured`;
    `excess` is what went out beyond what came in (then a person has to look)."""

    authorized: int
    captured: int
    refunded: int
    excess: int


def totals(movements: Iterable[Movement]) -> Totals:
    """Fold movements into sums."""
    known = tuple(movements)
    captured, gone = total(known, "capture"), total(known, "refund", "chargeback")
    return Totals(
        authorized=total(known, "auth"),
        captured=captured,
        refunded=min(gone, captured),
        excess=max(0, gone - captured),
    )


def status(
    start: OperationState, sums: Totals, nominal: int, *, voided: bool, needs_customer: bool, let_off: int = 0
) -> PaymentStatus:
    """What clients see: money first, then the START's state. `let_off` is what the shop let go of, in minor units."""
    if sums.captured:
        return _paid_status(sums, nominal, let_off)
    if sums.authorized and not voided:
        return PaymentStatus.AUTHORIZED
    if start is S.PENDING:
        return PaymentStatus.REQUIRES_ACTION if needs_customer else PaymentStatus.PROCESSING
    return {
        S.SENT: PaymentStatus.PROCESSING,
        S.UNKNOWN: PaymentStatus.PROCESSING,
        S.EXPIRED: PaymentStatus.EXPIRED,
        S.CANCELED: PaymentStatus.CANCELED,
        S.FAILED: PaymentStatus.FAILED,
        S.SUCCEEDED: PaymentStatus.CANCELED if voided else PaymentStatus.FAILED,
    }[start]


def _paid_status(sums: Totals, nominal: int, let_off: int) -> PaymentStatus:
    if sums.refunded:
        full = sums.refunded >= sums.captured
        return PaymentStatus.REFUNDED if full else PaymentStatus.PARTIALLY_REFUNDED
    if sums.captured > nominal:
        return PaymentStatus.OVERPAID
    return PaymentStatus.PAID if sums.captured + let_off >= nominal else PaymentStatus.PARTIALLY_PAID


def in_doubt(operations: Iterable[Operation]) -> bool:
    """Whether some command may have moved money without our knowing: rule (b), no money command until it is known."""
    return any(operation.state in IN_DOUBT for operation in operations)


def is_resent(operation: Operation, now: Instant) -> bool:
    """Whether a command in doubt was sent again so lately that "not found" says nothing of that yet: nobody was to ask."""
    is_waited_for = operation.next_check_at is not None and operation.next_check_at > now
    again = operation.kind != "start" and operation.attempt > 1 and operation.checks == 0
    return operation.state is S.UNKNOWN and again and is_waited_for


def refundable(movements: Iterable[Movement], operations: Iterable[Operation]) -> int:
    """Minor units that may still be refunded: rule (c), refunds done, pending and in flight never exceed what was captured."""
    return _left(movements, operations, "refund", have="capture", gone=("refund", "chargeback"))


def capturable(movements: Iterable[Movement], operations: Iterable[Operation]) -> int:
    """Minor units that may still be captured of what was authorised: rule (d)."""
    return _left(movements, operations, "capture", have="auth", gone=("capture",))


def _left(
    movements: Iterable[Movement],
    operations: Iterable[Operation],
    command: OperationKind,
    *,
    have: MovementKind,
    gone: tuple[MovementKind, ...],
) -> int:
    known, commands = tuple(movements), [o for o in operations if o.kind == command and o.amount is not None]
    pending = sum(m.amount.amount for m in known if m.kind in gone and m.state is MovementState.PENDING)
    waiting = sum(o.amount.amount for o in commands if o.amount is not None and o.state is S.PENDING)
    in_flight = sum(o.amount.amount for o in commands if o.amount is not None and o.state in IN_DOUBT)
    return total(known, have) - total(known, *gone) - max(pending, waiting) - in_flight


_OWN = {
    MovementState.PENDING: S.PENDING,
    MovementState.FAILED: S.FAILED,
    MovementState.SUCCEEDED: S.SUCCEEDED,
    MovementState.REVERSED: S.SUCCEEDED,
}


def seen(command: Operation, others: Iterable[Operation], movements: Iterable[Movement]) -> OperationState | None:
    """What the provider's list of movements says of a refund or a capture; None: the list does not show it (yet).

    A movement whose id is our command's own (a transfer of ours, by its end-to-end id) is that command's. Other movements do not
    name our command, so amounts are matched: of the movements of just this amount, those that no other command of the kind and
    amount accounts for are this one's. At most one command is in doubt (rule b).
    """
    movements = tuple(movements)
    for own in movements:
        if own.kind == command.kind and own.id == command.id:
            return _OWN[own.state]
    listed = [m for m in movements if m.kind == command.kind and m.amount == command.amount]
    rivals = [o for o in others if o.kind == command.kind and o.id != command.id and o.amount == command.amount]
    done = sum(1 for m in listed if m.state >= MovementState.SUCCEEDED)
    under_way = sum(1 for m in listed if m.state is MovementState.PENDING)
    claimed_done = sum(1 for o in rivals if o.state is S.SUCCEEDED)
    claimed = claimed_done + sum(1 for o in rivals if o.state is S.PENDING)
    if done > claimed_done:
        return S.SUCCEEDED
    if done + under_way > claimed:
        return S.PENDING
    failed = sum(1 for m in listed if m.state is MovementState.FAILED)
    known = sum(1 for o in rivals if o.state is S.FAILED and o.executed)
    return S.FAILED if failed > known else None
