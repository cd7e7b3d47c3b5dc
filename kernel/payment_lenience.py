"""What the shop lets go of when a payable is short by little: how much that may be, and how it is booked. Pure."""

from msgspec.structs import replace

from kassa.kernel.payment_draft import Draft, allocated, posting
from kassa.ports.money import Money
from kassa.ports.payment_records import PayableState, Payment
from kassa.ports.values import Instant

FORGIVEN = "forgiven"


def lenience(payment: Payment, tolerance: int) -> int:
    """By how many minor units its payable may be short and still count as paid: the method's tolerance, and what was taken off
    to make the amount unique."""
    return tolerance + payment.forgives


def forgive(draft: Draft, units: int, now: Instant) -> None:
    """Let go of so much in all, no more and no less: what was forgiven before and is not any more is due again in the books."""
    payable = draft.payable
    more = Money(amount=units - draft.before.payable.forgiven, currency=payable.amount.currency)
    draft.payable = replace(payable, forgiven=units)
    key = f"{FORGIVEN}/{payable.invoice_id}/{draft.before.payable.version + 1}"
    draft.postings = [made for made in draft.postings if made.key != key]
    if more.amount:
        sides = (FORGIVEN, f"payable:{payable.invoice_id}")
        draft.postings.append(posting(key, draft.payment_id, sides, more, now))


def shortage(draft: Draft) -> int:
    """What the payable lacks without what is forgiven; the payment in hand must be folded. Below zero: it has more."""
    return draft.payable.amount.amount - allocated(draft.outcome().file) + draft.payable.forgiven


def judge(draft: Draft, tolerance: int, now: Instant, *, is_lost: bool, is_back: bool) -> None:
    """Money that was lost (reversed, charged back) takes with it what was forgiven because it was there; money that came, or came
    back, lets the shop be lenient again."""
    if is_lost and draft.payable.forgiven:
        forgive(draft, 0, now)
    if is_back and draft.payable.state is PayableState.PAID:
        short = shortage(draft)
        if 0 < short <= lenience(draft.payment, tolerance):
            forgive(draft, short, now)
