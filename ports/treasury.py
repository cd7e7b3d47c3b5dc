"""Money as operators handle it: captures, refunds, doubts, suspense, notices. Every act names who did it and why."""

from typing import Annotated, Literal, Protocol

from msgspec import Meta

from kassa.ports.approvals import Approval
from kassa.ports.audit import Origin
from kassa.ports.cashier import OperatorPaymentView, PaymentView
from kassa.ports.idempotency import Answer, Claim
from kassa.ports.ids import PaymentId
from kassa.ports.money import Money
from kassa.ports.payment_records import InboxState, KeptNotice, Suspense
from kassa.ports.values import Value

Reason = Annotated[str, Meta(min_length=3, max_length=200)]


class RefundRequest(Value, frozen=True, kw_only=True):
    """A refund of all that is left (`amount` None) or a part."""

    amount: Money | None = None
    reason: Reason


class CaptureRequest(Value, frozen=True, kw_only=True):
    """Take all that is still reserved (`amount` None) or a part."""

    amount: Money | None = None
    reason: Reason


class VoidRequest(Value, frozen=True, kw_only=True):
    """Let go of what is reserved and not taken."""

    reason: Reason


class Confirmation(Value, frozen=True, kw_only=True):
    """Evidence: the money is on the bank account. `bank_reference` is the statement's own reference."""

    amount: Money
    bank_reference: Annotated[str, Meta(min_length=3, max_length=140)]
    reason: Reason


class Resolution(Value, frozen=True, kw_only=True):
    """Evidence about a command in doubt, from the provider's own dashboard or support. `command` names the kind, so that the word
    is not taken for another doubt. With `executed`, `movement_id` is the provider's id of the money that moved (not needed for
    a void), `provider_ref` its id of the payment, where one is known."""

    command: Literal["start", "resume", "capture", "void", "refund"]
    executed: bool
    movement_id: Annotated[str, Meta(min_length=3, max_length=200)] | None = None
    provider_ref: Annotated[str, Meta(min_length=3, max_length=200)] | None = None
    reason: Reason


class Review(Value, frozen=True, kw_only=True):
    """A person has looked at the payment and this is what was found."""

    reason: Reason


class Assignment(Value, frozen=True, kw_only=True):
    """Whose money in suspense this is. Unmatched money goes to a payment of the same method; money that came late or as surplus
    goes to its own payment's invoice, which is then paid if it is enough."""

    key: Annotated[str, Meta(min_length=1, max_length=300)]
    payment_id: PaymentId
    reason: Reason


class Return(Value, frozen=True, kw_only=True):
    """Money in suspense that a person sent back by hand; `bank_reference` is that transfer's own reference."""

    key: Annotated[str, Meta(min_length=1, max_length=300)]
    bank_reference: Annotated[str, Meta(min_length=3, max_length=140)]
    reason: Reason


class Split(Value, frozen=True, kw_only=True):
    """One transfer for several invoices: money without a name, as the sums that it is made of."""

    key: Annotated[str, Meta(min_length=1, max_length=300)]
    amounts: Annotated[tuple[Money, ...], Meta(min_length=2, max_length=20)]
    reason: Reason


class Treasury(Protocol):
    """What operators do to money. A money command is written ahead, sent once per claim, and never guesses: an unclear answer
    is a view `in_doubt`.

    In a shop that wants a second person, `confirm`, `assign` and `returned_by_hand` only keep the wish and answer with it; they
    do it when another operator says the same, whatever reason either gives. The same person twice changes nothing."""

    async def view(self, payment_id: PaymentId) -> OperatorPaymentView:
        """Raises `UnknownPayment`."""

    async def to_review(self, *, after: PaymentId, limit: int) -> tuple[OperatorPaymentView, ...]:
        """At most `limit` payments with an id above `after` that a person has to look at: a doubt or an open end that asking does
        not resolve, reports that contradict each other, a chargeback."""

    async def reviewed(self, payment_id: PaymentId, review: Review, origin: Origin) -> PaymentView:
        """A person has looked: off the list until something new comes up. Raises `UnknownPayment`, `PaymentInDoubt` (a doubt
        is resolved, not looked away)."""

    async def refund(self, payment_id: PaymentId, request: RefundRequest, claim: Claim, origin: Origin) -> Answer:
        """Give captured money back; the body is a `PaymentView`. Raises `UnknownPayment`, `AmountRefused`, `NotCapable`,
        `PaymentInDoubt`, `KeyReused`, `KeyInUse`."""

    async def capture(self, payment_id: PaymentId, request: CaptureRequest, claim: Claim, origin: Origin) -> Answer:
        """Take reserved money; the body is a `PaymentView`. Raises as `refund`."""

    async def void(self, payment_id: PaymentId, request: VoidRequest, origin: Origin) -> PaymentView:
        """Let go of what is reserved; again is as good as once. Raises `UnknownPayment`, `PaymentInDoubt`,
        `PaymentNotCancelable`."""

    async def confirm(self, payment_id: PaymentId, evidence: Confirmation, origin: Origin) -> PaymentView | Approval:
        """Record money seen on the bank account as a capture. The same bank reference counts once.
        Raises `UnknownPayment`, `EvidenceRefused`."""

    async def resolve(self, payment_id: PaymentId, word: Resolution, origin: Origin) -> PaymentView:
        """End a doubt by evidence, after the provider was asked once more and did not know.

        Raises `UnknownPayment`, `NotInDoubt` (nothing is, or the provider has just answered), `EvidenceRefused`.
        """

    async def suspense(self, limit: int) -> tuple[Suspense, ...]:
        """Money that waits for a name, oldest first."""

    async def assign(self, word: Assignment, origin: Origin) -> PaymentView | Approval:
        """Give money in suspense its name; the payment as it is then. Raises `UnknownSuspense`, `UnknownPayment`,
        `EvidenceRefused`, `OutOfStock` (the order had ended and its goods are gone), `Conflict`."""

    async def split(self, word: Split, origin: Origin) -> tuple[Suspense, ...]:
        """Put several sums, `<key>/1` and so on, in the place of one that has no name; each is then assigned by itself. Whatever
        tells of the whole transfer again counts nothing. Raises `UnknownSuspense`, `EvidenceRefused`, `Conflict`."""

    async def approvals(self, limit: int) -> tuple[Approval, ...]:
        """What waits for a second person, oldest first."""

    async def returned_by_hand(self, word: Return, origin: Origin) -> Suspense | Approval:
        """Record that money in suspense was sent back by a transfer of our own; money that can go back the way it came is
        refunded instead. Raises `UnknownSuspense`, `EvidenceRefused`, `PaymentInDoubt`, `Conflict`."""

    async def notices(self, state: InboxState, *, after: int, limit: int) -> tuple[KeptNotice, ...]:
        """At most `limit` notices in this state with an id above `after`."""

    async def replay(self, notice_id: int, origin: Origin) -> KeptNotice:
        """Process a notice once more, as if it had just come; a repetition of what is known changes nothing. Raises
        `UnknownNotice`, `Conflict` (it waits already)."""
