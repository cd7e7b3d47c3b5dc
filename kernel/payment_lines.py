"""What a bank's line leads to: counted, put aside with or without a guess, a refund that is done, nothing, or a person. Pure."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec.structs import replace

from kassa.kernel.payment_matching import Known, Match, is_foreign, matched
from kassa.ports.bank_desk import MatchKind
from kassa.ports.bank_files import Holder, LineState, Verdict
from kassa.ports.banking import BankLine
from kassa.ports.ids import OperationId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import Movement, MovementState
from kassa.ports.payment_records import Operation, OperationState
from kassa.ports.values import Value

_OPEN: Final = (OperationState.SENT, OperationState.UNKNOWN, OperationState.PENDING)
_LIVE_ONLY: Final[frozenset[MatchKind]] = frozenset({"amount", "payer", "invoice_nearly"})
"""These say something only of a payment that is waited for."""


class OwnRefund(Value, frozen=True, kw_only=True):
    """A refund of ours that a line names: its command, and the payment's refunds that the bank has not carried out yet."""

    operation: Operation
    amount: Money
    pending: tuple[Movement, ...]


class Sight(Value, frozen=True, kw_only=True):
    """What is known when lines are judged: what they are matched with; who has the money already, by movement id; why it may be
    money that something else told of, by movement id; what a person confirmed for a payment and no line told of; the refunds of
    ours, by operation id; and which kinds of recognition are enough."""

    known: Known
    holders: Mapping[str, Holder]
    doubles: Mapping[str, str]
    by_hand: Mapping[PaymentId, tuple[Money, ...]]
    refunds: Mapping[OperationId, OwnRefund]
    confirms: frozenset[MatchKind]


class Judgement(Value, frozen=True, kw_only=True):
    """What is to be done with a line, and why. `does`: enter its money for the one of `payments`, suspend it, tell that `refund`
    was carried out, or nothing."""

    verdict: Verdict
    reason: str
    does: Literal["enter", "suspend", "refund", "nothing"]
    payments: tuple[PaymentId, ...] = ()
    refund: Movement | None = None
    operation_id: OperationId | None = None

    @property
    def state(self) -> LineState:
        """How the line is settled."""
        return LineState.REVIEW if self.verdict == "review" else LineState.DONE


def judged(line: BankLine, movement_id: str, sight: Sight, *, is_again: bool = False) -> Judgement:
    """The judgement on a line. `is_again`: it was in hand before, and may have had its effect already."""
    if line.doubt:
        return _review(line.doubt)
    if line.direction == "debit":
        return _of_debit(line, sight, is_again=is_again)
    if _own_refund(line, sight) is not None:
        return _review("a refund of ours came back")
    holder = sight.holders.get(movement_id)
    if holder is not None:
        return _of_held(line, holder)
    if movement_id in sight.doubles:
        return _review(sight.doubles[movement_id])
    return _of_match(line, matched(line, sight.known), sight)


def learned(sight: Sight, line: BankLine, judgement: Judgement) -> Sight:
    """What is known after a line was counted: the payment is owed less, and who paid from its account; a refund is done once."""
    if judgement.does == "refund" and judgement.operation_id is not None:
        own = sight.refunds[judgement.operation_id]
        done = replace(own, operation=replace(own.operation, state=OperationState.SUCCEEDED), pending=())
        return replace(sight, refunds={**sight.refunds, judgement.operation_id: done})
    if judgement.does != "enter":
        return sight
    known, paid = sight.known, judgement.payments[0]
    (bill,) = known.bills.get(paid)
    left = max(0, bill.due.amount - line.amount.amount)
    owing = replace(bill, due=replace(bill.due, amount=left), is_live=bill.is_live and left > 0)
    bills = known.bills.with_changed(owing)
    payers = dict(known.payers)
    if line.account:
        payers[line.account] = payers.get(line.account, frozenset()) | {bill.customer_id}
    return replace(sight, known=replace(known, bills=bills, payers=payers))


def _of_held(line: BankLine, holder: Holder) -> Judgement:
    if holder.amount != line.amount:
        return _review(f"payment {holder.payment_id} has this reference with another amount: {holder.amount}")
    return Judgement(
        verdict="known",
        reason=f"counted before, for payment {holder.payment_id}",
        does="nothing",
        payments=(holder.payment_id,),
    )


def _of_match(line: BankLine, match: Match | None, sight: Sight) -> Judgement:
    if match is None:
        why = "nothing in it names a payment that is open, or was lately"
        if is_foreign(line, sight.known):
            why = f"it names a payment that is not in {line.amount.currency}"
        return Judgement(verdict="unmatched", reason=why, does="suspend")
    is_certain = len(match.bills) == 1 and (match.kind not in _LIVE_ONLY or match.bills[0].is_live)
    if is_certain and match.kind in sight.confirms:
        if line.amount in sight.by_hand.get(match.payments[0], ()):
            return _review(f"{match.reason}, for which a person confirmed {line.amount}: it may be the same money")
        return Judgement(verdict="confirmed", reason=match.reason, does="enter", payments=match.payments)
    return Judgement(verdict="proposed", reason=match.reason, does="suspend", payments=match.payments)


def _of_debit(line: BankLine, sight: Sight, *, is_again: bool) -> Judgement:
    own = _own_refund(line, sight)
    if own is None:
        return Judgement(verdict="not_ours", reason="it went out, and is no refund of the shop's", does="nothing")
    operation = own.operation
    if own.amount != line.amount:
        return _review(f"it is a refund of ours, but that was of {own.amount}")
    done = f"the refund {operation.id} was carried out"
    if is_again and operation.state is OperationState.SUCCEEDED:
        return _refunded(operation, done)
    if operation.state not in _OPEN:
        return _review(f"it is a refund of ours that was {operation.state.name.lower()} already")
    movement = _movement_of(own)
    return replace(_refunded(operation, done), does="refund", refund=movement)


def _refunded(operation: Operation, reason: str) -> Judgement:
    return Judgement(
        verdict="refund_done",
        reason=reason,
        does="nothing",
        payments=(operation.payment_id,),
        operation_id=operation.id,
    )


def _movement_of(own: OwnRefund) -> Movement:
    """The refund's movement as the plugin told it, done; by the command's own id where it told none."""
    named = [m for m in own.pending if m.id == own.operation.id]
    alike = [m for m in own.pending if m.amount == own.amount]
    told = next(iter((*named, *alike)), None)
    if told is not None:
        return replace(told, state=MovementState.SUCCEEDED)
    return Movement(kind="refund", id=own.operation.id, state=MovementState.SUCCEEDED, amount=own.amount)


def named_refunds(line: BankLine) -> tuple[OperationId, ...]:
    """The commands of ours that the line may name: banks may write them in capitals."""
    return tuple({one.value.lower() for one in line.references if one.kind == "end_to_end"})


def _own_refund(line: BankLine, sight: Sight) -> OwnRefund | None:
    return next((sight.refunds[name] for name in named_refunds(line) if name in sight.refunds), None)


def _review(reason: str) -> Judgement:
    return Judgement(verdict="review", reason=reason[:300], does="nothing")
