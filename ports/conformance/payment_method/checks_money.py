"""Money: captures and refunds in parts, what comes back, what comes late, and every amount as it is."""

from kassa.ports.payment import Movement, Pending

from . import checks_money_captures, checks_money_odd, checks_money_refunds
from .bench import Bench
from .check import Check, check, has_provider, resumes
from .checks_money_books import GONE, books, expect_agreement, moved, of_kind, parts, told
from .outcome import Failed, NotOffered, expect
from .samples import amounts_to_try


@check(
    "money.late",
    "Money that arrives after a payment has expired is reported all the same",
    "the customer has paid: whoever does not look again keeps money without an order",
    has_provider,
)
async def late(bench: Bench) -> None:
    payment = await bench.started(bench.request(given=bench.subject.waiting_input))
    action = getattr(payment.outcome, "next_action", None)
    if not isinstance(payment.outcome, Pending) or action is None:
        raise NotOffered("waiting_input for a payment that can expire")
    await bench.provider.expire(payment.request.merchant_ref)
    report = await bench.query(payment)
    expect(report.status in GONE, f"one of {', '.join(GONE)} by query after it expired", report)
    expect(not of_kind(report.movements, "capture"), "no money yet", report)
    await bench.provider.pay_late(action, payment.request.merchant_ref)
    await expect_agreement(bench, payment, "capture", [bench.amount])


@check(
    "money.chargeback",
    "What the customer's bank takes back is a movement of its own, a chargeback",
    "taken for a refund it is a refund that nobody ordered; not told at all, the books are wrong by the whole amount",
    has_provider,
)
async def chargeback(bench: Bench) -> None:
    payment = await bench.paid()
    await bench.provider.dispute(payment.request.merchant_ref)
    if not of_kind((await books(bench, payment)).movements, "chargeback"):
        raise Failed(expected="a chargeback in the books after dispute()", seen="none")
    await expect_agreement(bench, payment, "chargeback", [bench.amount])
    await expect_agreement(bench, payment, "refund", [])


@check(
    "money.amounts",
    "Every movement has the currency of its payment and a positive amount, for every kind of currency",
    "minus signs, decimals and hundreds are lost in the way back just as easily as in the way there",
    has_provider,
)
async def amounts(bench: Bench) -> None:
    can = bench.capabilities
    for amount in amounts_to_try(can):
        payment = await bench.paid(amount, capture=not can.auth_capture)
        if can.auth_capture:
            await moved(bench, payment, "capture", [amount])
        if can.refund != "none":
            back = amount if can.refund == "full" else parts(bench, amount)
            await moved(bench, payment, "refund", [back])
        wrong = [one for one in payment.movements if one.amount.currency != amount.currency or one.amount.amount <= 0]
        expect(not wrong, f"positive amounts in {amount.currency}", told(wrong))
        real = (await books(bench, payment)).movements
        expect(_amounts(payment.movements) == _amounts(real), f"{told(real)} by query", told(payment.movements))


def _amounts(movements: tuple[Movement, ...]) -> list[tuple[str, str]]:
    return sorted((one.kind, str(one.amount)) for one in movements)


@check(
    "money.resume",
    "Resuming with what was asked for continues the same payment",
    "a second START behind the customer's back is a second charge",
    has_provider,
    resumes,
)
async def resume(bench: Bench) -> None:
    payment = await bench.started(bench.request(given=bench.subject.collecting_input))
    before = await books(bench, payment)
    action = await bench.asked(payment, payment.outcome)
    if action is None:
        raise NotOffered("collecting_input for a payment that asks to collect something")
    payment.outcome = Pending(next_action=action)
    await bench.act(payment)
    made = await bench.provider.charges()
    expect(len(made) == 1, "one payment at the provider", [one.merchant_ref for one in made])
    expect(payment.provider_ref in (None, before.provider_ref), before.provider_ref, payment.provider_ref)
    report = await bench.query(payment)
    expect(report.status == "succeeded", "succeeded by query", report)
    await expect_agreement(bench, payment, "capture", [bench.amount])


CHECKS: tuple[Check, ...] = (
    *checks_money_captures.CHECKS, *checks_money_refunds.CHECKS, late, chargeback, amounts, resume,
    *checks_money_odd.CHECKS,
)  # fmt: skip
