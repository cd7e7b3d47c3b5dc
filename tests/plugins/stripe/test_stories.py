"""Payments at Stripe from beginning to end, the money moved by localstripe."""

import pytest

from kassa.ports.conformance.payment_method.faults import Fault
from kassa.ports.conformance.payment_method.proxy import FaultProxy
from kassa.ports.payment import (
    AnyOutcome,
    ClientSdk,
    Declined,
    Movement,
    MovementState,
    NotExecuted,
    Pending,
    Redirect,
    StartRequest,
    Succeeded,
    Wait,
)
from kassa.ports.secret import Secret
from tests.plugins.stripe.gateway import Gateway
from tests.plugins.stripe.till import StripeTill

A_DAY_S = 86_400
DONE, BACK, PENDING = MovementState.SUCCEEDED, MovementState.REVERSED, MovementState.PENDING


def told(movements: tuple[Movement, ...]) -> list[tuple[str, int, MovementState]]:
    return sorted((one.kind, one.amount.amount, one.state) for one in movements)


def intent_of(said: AnyOutcome) -> str:
    assert said.provider_ref is not None
    return said.provider_ref


async def started_3ds(till: StripeTill, card: str = "pm_card_threeDSecureRequired") -> tuple[StartRequest, Pending]:
    request = till.request(card)
    said = await till.start(request)
    assert isinstance(said, Pending), said
    return request, said


DECLINES = {
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("insufficient_funds", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": ("invalid_input", "incorrect_cvc"),
}


@pytest.mark.parametrize("card", DECLINES)
async def test_a_declined_card_is_declined_with_its_reason_and_stays_so(till: StripeTill, card: str):
    request = till.request(card)
    said = await till.start(request)
    assert isinstance(said, Declined)
    assert (said.code, said.provider_code) == DECLINES[card]
    report = await till.query(request, said.provider_ref)
    assert (report.status, report.decline_code, report.movements) == ("failed", DECLINES[card][1], ())
    assert await till.start(request) == said


async def test_a_card_that_stripe_does_not_know_is_declined_as_input(till: StripeTill, gateway: Gateway):
    said = await till.start(till.request("pm_card_of_nobody"))
    assert isinstance(said, Declined)
    assert (said.code, said.provider_code, said.provider_ref) == ("invalid_input", "resource_missing", None)
    assert await gateway.intents() == []


async def test_three_d_secure_sends_the_customer_to_the_issuer_and_the_money_follows(
    till: StripeTill, gateway: Gateway
):
    request, said = await started_3ds(till)
    assert isinstance(said.next_action, Redirect)
    assert (await till.query(request)).next_action == said.next_action
    await gateway.authenticate(intent_of(said), success=True)
    report = await till.query(request)
    assert (report.status, told(report.movements)) == ("succeeded", [("capture", 1200, DONE)])


async def test_three_d_secure_by_stripe_js_hands_out_the_payments_own_secret(till: StripeTill, wire: FaultProxy):
    other = StripeTill.at(wire.url, three_d_secure="stripe_js")
    _, said = await started_3ds(other)
    await other.tools.close()
    assert isinstance(said.next_action, ClientSdk)
    assert said.next_action.client_secret.startswith(f"{said.provider_ref}_secret_")


async def test_three_d_secure_that_fails_is_a_failed_payment(till: StripeTill, gateway: Gateway):
    request, said = await started_3ds(till)
    await gateway.authenticate(intent_of(said), success=False)
    report = await till.query(request)
    assert (report.status, report.movements) == ("failed", ())
    assert report.decline_code == "payment_intent_authentication_failure"


async def test_a_card_may_be_declined_after_three_d_secure(till: StripeTill, gateway: Gateway):
    request, said = await started_3ds(till, "pm_card_threeDSecureRequiredChargeDeclined")
    await gateway.authenticate(intent_of(said), success=True)
    report = await till.query(request)
    assert (report.status, report.decline_code, report.movements) == ("failed", "generic_decline", ())


async def test_a_part_is_captured_once_and_the_rest_let_go_of_is_no_refund(till: StripeTill):
    """Stripe shows what it let go of among the refunds; nobody ordered it, and no money moved."""
    request, intent_id = await till.paid(capture=False)
    said = await till.run(till.command("capture", request, intent_id, 500))
    assert isinstance(said, Succeeded)
    assert told(said.movements) == [("auth", 1200, DONE), ("capture", 500, DONE)]
    assert told((await till.query(request)).movements) == told(said.movements)
    again = await till.run(till.command("capture", request, intent_id, 500))
    assert isinstance(again, Declined)


async def test_what_is_reserved_is_let_go_of_and_a_captured_payment_is_not(till: StripeTill):
    request, intent_id = await till.paid(capture=False)
    said = await till.run(till.command("void", request, intent_id))
    assert isinstance(said, Succeeded)
    assert told(said.movements) == [("auth", 1200, BACK)]
    assert (await till.query(request)).status == "canceled"
    request, intent_id = await till.paid()
    refused = await till.run(till.command("void", request, intent_id))
    assert isinstance(refused, Declined)
    assert told(refused.movements) == [("capture", 1200, DONE)]


async def test_refunds_are_movements_of_their_own_and_one_that_fails_came_back(till: StripeTill, gateway: Gateway):
    request, intent_id = await till.paid()
    for amount in (300, 300):
        assert isinstance(await till.run(till.command("refund", request, intent_id, amount)), Succeeded)
    movements = [one for one in (await till.query(request)).movements if one.kind == "refund"]
    assert [one.amount.amount for one in movements] == [300, 300]
    assert len({one.id for one in movements}) == 2
    gateway.dressing.failed.add(movements[0].id)
    report = await till.query(request)
    assert ("refund", 300, BACK) in told(report.movements)
    assert ("refund", 300, DONE) in told(report.movements)


async def test_a_refund_that_is_pending_is_so_until_stripe_says_more(
    till: StripeTill, gateway: Gateway, wire: FaultProxy
):
    request, intent_id = await till.paid()
    waiting = Fault("pending", rewrites=lambda body: body.replace(b'"status": "succeeded"', b'"status": "pending"'))
    wire.arm(waiting)
    said = await till.run(till.command("refund", request, intent_id, 100))
    wire.arm(None)
    assert isinstance(said, Pending) and said.next_action == Wait()
    gateway.dressing.pending.add(said.movements[0].id)
    assert ("refund", 100, PENDING) in told((await till.query(request)).movements)


async def test_a_command_whose_key_stripe_has_forgotten_is_known_by_its_mark(till: StripeTill, gateway: Gateway):
    """Stripe keeps a key for a day. After that it refuses what is done already, and what it shows is ours."""
    request, intent_id = await till.paid(capture=False)
    capture, refund = (till.command(kind, request, intent_id, 1200) for kind in ("capture", "refund"))
    for command in (capture, refund):
        first = await till.run(command)
        gateway.answers.clear()
        again = await till.run(command)
        assert isinstance(again, Succeeded)
        assert told(again.movements) == told(first.movements)
    assert len(await gateway.refunds(intent_id)) == 1


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("warning_needs_response", PENDING),
        ("warning_closed", MovementState.FAILED),
        ("needs_response", DONE),
        ("under_review", DONE),
        ("lost", DONE),
        ("won", BACK),
        ("of_next_year", PENDING),
    ],
)
async def test_a_dispute_takes_the_money_back_until_it_is_won(
    till: StripeTill, gateway: Gateway, status: str, state: MovementState
):
    request, _ = await till.paid()
    [raw] = await gateway.intents()
    gateway.dressing.dispute(raw, status)
    assert ("chargeback", 1200, state) in told((await till.query(request)).movements)


async def test_a_payment_is_found_by_its_reference_young_or_old(till: StripeTill, gateway: Gateway):
    """The young ones in the list, which is never behind, the old ones by the search, which may be."""
    request, intent_id = await till.paid()
    assert (await till.query(request)).provider_ref == intent_id
    assert not any(path.endswith("/search") for _, path, _ in gateway.calls)
    till.clock.shift_s = A_DAY_S
    assert (await till.query(request)).provider_ref == intent_id
    assert any(path.endswith("/search") for _, path, _ in gateway.calls)
    assert (await till.query(till.request())).found is False


async def test_a_key_that_stripe_refuses_says_nothing_of_the_customers_money(wire: FaultProxy, gateway: Gateway):
    other = StripeTill.at(wire.url, secret_key=Secret("sk_test_of_somebody_else"))
    said = await other.start(other.request())
    assert isinstance(said, NotExecuted)
    assert await other.method.health(other.context()) is False
    await other.tools.close()
    assert await gateway.intents() == []
