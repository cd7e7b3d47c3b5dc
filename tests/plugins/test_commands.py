"""Declines, repetitions, refunds, voids: what the provider proves comes back in our words, and once."""

from typing import Any

import pytest
from msgspec.structs import replace

from kassa.ports.money import Money
from kassa.ports.payment import Declined, MovementState, NotExecuted, Pending, Succeeded
from tests.plugins.test_faults import told
from tests.plugins.till import Till, captures


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("do_not_honor", "card_declined"),
        ("insufficient_funds", "insufficient_funds"),
        ("expired_card", "expired_card"),
        ("fraud_suspected", "fraud_suspected"),
        ("limit_exceeded", "limit_exceeded"),
        ("authentication_failed", "authentication_failed"),
        ("never_heard_of", "other"),
    ],
)
async def test_a_decline_has_our_code_and_theirs(card: Till, theirs: str, ours: str):
    """In the reply and in a later query alike."""
    await card.script("charge", "decline", decline_code=theirs)
    request = card.request()
    outcome: Any = await card.start(request)
    assert (type(outcome), outcome.code, outcome.provider_code) == (Declined, ours, theirs)
    report = await card.query(request)
    assert (report.status, report.decline_code) == ("failed", ours)


async def test_a_customer_who_declines_on_the_page_is_told_from_a_bank_that_declines(till: Till):
    """Three-D Secure and wallets; a bank transfer has no such page."""
    if till.name == "bank_transfer":
        await till.script("va", "decline")
        refused: Any = await till.start(till.request())
        assert (type(refused), refused.code, refused.provider_code) == (Declined, "not_allowed", "declined")
        return
    request = till.request(source="tok_3ds")
    started: Any = await till.start(request)
    assert started.next_action.url == f"{till.sandbox.url}/pay/{started.provider_ref}"
    await till.browser.post(f"/pay/{started.provider_ref}/decline")
    report = await till.query(request)
    assert (report.status, report.decline_code, report.next_action) == ("failed", "canceled_by_customer", None)


async def test_a_payment_is_paid_when_its_customer_has_paid(till: Till):
    """The query shows the money with the provider's own movement id, by either name of the payment."""
    request, provider_ref = await till.paid()
    by_ref, by_id = await till.query(request), await till.query(request, provider_ref)
    assert by_ref == by_id
    assert (by_ref.status, by_ref.provider_ref, by_ref.merchant_ref) == (
        "succeeded",
        provider_ref,
        request.merchant_ref,
    )
    [movement] = by_ref.movements
    assert (movement.kind, movement.state, movement.amount) == ("capture", MovementState.SUCCEEDED, request.amount)
    assert movement.id.startswith("mv_")
    assert movement.at is not None
    assert abs((movement.at - till.clock.now()).total_seconds()) < 60


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD", "IDR"])
async def test_amounts_are_sent_as_they_are_in_every_currency(till: Till, currency: str):
    """Minor units on the wire, whatever the exponent."""
    request = till.request(123400, currency)
    await till.start(request)
    journal = (await till.browser.get("/control/journal")).json()["entries"]
    made = [line["fact"] for line in journal if line["fact"]["fact"] == "changed"]
    thing = next(
        one for fact in made for one in (fact.get("charge"), fact.get("account")) if one is not None
        and one["merchant_ref"] == request.merchant_ref
    )  # fmt: skip
    assert (thing["amount"], thing["currency"]) == (123400, currency)


async def test_the_same_operation_twice_is_one_payment(till: Till):
    """The same key on the wire both times, and the same answer."""
    request = till.request()
    assert await till.start(request) == await till.start(request)
    assert (await till.books(request))["charges"] == 1
    assert [call["key"] for call in await till.calls(till.start_op)] == [request.operation_id] * 2


async def test_a_reference_that_exists_is_looked_up_not_charged_again(till: Till):
    """Another key for the same reference: what the query shows is the outcome."""
    request, provider_ref = await till.paid()
    again = await till.start(replace(request, operation_id="f" * 32))
    assert (type(again), again.provider_ref, captures(again.movements)) == (Succeeded, provider_ref, 1200)
    assert (await till.books(request))["charges"] == 1


@pytest.mark.parametrize("fault", ["not_found", "error_500", "reset", "garbage"])
async def test_a_reference_that_exists_and_cannot_be_seen_is_unknown(till: Till, fault: str):
    """The provider said it exists: neither declined nor not executed, whatever becomes of the look."""
    request, _ = await till.paid()
    await till.script("query", fault)
    with pytest.raises(Exception) as raised:
        await till.start(replace(request, operation_id="e" * 32))
    assert type(raised.value).__name__ in ("ProviderUnclear", "ReplyLost")


async def test_one_key_for_two_requests_is_unknown_not_declined(till: Till):
    """That the key is taken says nothing of what was done under it."""
    request = till.request()
    await till.start(request)
    other = replace(till.request(), operation_id=request.operation_id)
    with pytest.raises(Exception) as raised:
        await till.start(other)
    assert type(raised.value).__name__ == "ProviderUnclear"


async def test_an_answer_about_another_payment_is_not_believed(till: Till):
    """The provider's id of one payment with our reference of another."""
    _, provider_ref = await till.paid()
    with pytest.raises(Exception) as raised:
        await till.query(till.request(), provider_ref)
    assert type(raised.value).__name__ == "ProviderUnclear"


async def test_what_the_provider_refuses_to_read_is_declined_and_a_key_it_does_not_know_is_no_decline(till: Till):
    """A 400 and a 401 with their reason are proof that nothing was done; the second is our fault, not the customer's."""
    nothing = replace(till.request(), amount=Money(amount=0, currency="EUR"))
    refused: Any = await till.start(nothing)
    assert (type(refused), refused.code, refused.provider_code) == (Declined, "invalid_input", "invalid_request")
    from kassa.ports.secret import Secret

    stranger = till.with_settings(secret_key=Secret("sk_test_stranger"))
    barred: Any = await stranger.start(till.request())
    assert (type(barred), barred.reason) == (NotExecuted, "the provider refuses our key: unauthorized")
    with pytest.raises(Exception, match="the provider answered 401"):
        await stranger.query(nothing)


async def test_an_unknown_card_token_is_declined_as_invalid(card: Till):
    """The provider knows its tokens."""
    refused: Any = await card.start(card.request(source="tok_nobody_knows"))
    assert (refused.code, refused.provider_code) == ("invalid_input", "unknown_source")


async def test_refunds_are_movements_of_their_own_and_end_with_what_was_captured(till: Till):
    """Two refunds, two ids, two keys; the third would be too much."""
    request, provider_ref = await till.paid()
    first, second, third = (
        till.operation("refund", request, amount=amount, provider_ref=provider_ref) for amount in (500, 700, 1)
    )
    assert told(await till.refund(first)) == "succeeded"
    assert told(await till.refund(first)) == "succeeded"
    outcome = await till.refund(second)
    refunds = [m for m in outcome.movements if m.kind == "refund"]
    assert [m.amount.amount for m in refunds] == [500, 700]
    assert len({m.id for m in outcome.movements}) == 3
    refused: Any = await till.refund(third)
    assert (type(refused), refused.code, refused.provider_code) == (Declined, "not_allowed", "refund_exceeds_captured")
    assert (await till.books(request))["refunded"] == 1200
    keys = [call["key"] for call in await till.calls("refund")]
    assert keys == [first.operation_id, first.operation_id, second.operation_id, third.operation_id]


async def test_a_refund_without_the_providers_id_finds_the_payment_first(till: Till):
    """No answer ever came for the START: our reference is enough. A stranger's is proof that nothing is sent."""
    request, _ = await till.paid()
    assert told(await till.refund(till.operation("refund", request, amount=300))) == "succeeded"
    for kind, call in (("refund", till.refund), ("void", till.void)):
        nothing = await call(till.operation(kind, till.request(), amount=300))
        assert isinstance(nothing, NotExecuted)
    assert len(await till.calls("refund")) == 1


async def test_a_refund_that_waits_fails_or_comes_back_is_told_by_its_movement(till: Till):
    """Pending, failed, and reversed after success."""
    request, provider_ref = await till.paid()
    await till.script("refund", "pending")
    waits = await till.refund(till.operation("refund", request, amount=100, provider_ref=provider_ref))
    assert isinstance(waits, Pending)
    [waiting] = [m for m in waits.movements if m.kind == "refund"]
    assert waiting.state is MovementState.PENDING
    await till.script("refund", "decline")
    failed: Any = await till.refund(till.operation("refund", request, amount=200, provider_ref=provider_ref))
    assert (type(failed), failed.provider_code) == (Declined, "failed")
    for status in ("succeeded", "reversed"):
        answer = await till.browser.post(f"/control/movements/{waiting.id}/settle", json={"status": status})
        assert answer.status_code == 200, answer.text
    states = {m.amount.amount: m.state for m in (await till.query(request)).movements if m.kind == "refund"}
    assert states == {100: MovementState.REVERSED, 200: MovementState.FAILED}


async def test_a_refund_whose_reference_exists_is_found_again(till: Till):
    """The provider forgot the key but not the movement: the movement tells what became of it."""
    request, provider_ref = await till.paid()
    operation = till.operation("refund", request, amount=400, provider_ref=provider_ref)
    thing = "virtual-accounts" if till.name == "bank_transfer" else "charges"
    config: Any = till.method.config
    made = await till.browser.post(
        f"/v1/{thing}/{provider_ref}/refunds",
        json={"amount": 400, "merchant_ref": operation.operation_id},
        headers={"authorization": f"Bearer {config.secret_key.reveal()}"},
    )
    assert made.status_code == 201
    outcome = await till.refund(operation)
    assert isinstance(outcome, Succeeded)
    assert [m.amount.amount for m in outcome.movements if m.kind == "refund"] == [400]
    assert (await till.books(request))["refunded"] == 400


async def test_a_chargeback_is_a_movement(card: Till):
    """The customer's bank takes the money back: the query tells."""
    request, provider_ref = await card.paid()
    await card.browser.post(f"/control/charges/{provider_ref}/dispute", json={})
    kinds = [(m.kind, m.amount.amount, m.state) for m in (await card.query(request)).movements]
    assert kinds == [("capture", 1200, MovementState.SUCCEEDED), ("chargeback", 1200, MovementState.SUCCEEDED)]


async def test_a_void_lets_another_method_be_chosen(till: Till):
    """It ends a payment that waits, twice as well, and nothing can be paid on it by its customer."""
    request = till.request(source="tok_3ds")
    provider_ref = (await till.start(request)).provider_ref
    operation = till.operation("void", request, provider_ref=provider_ref)
    assert told(await till.void(operation)) == "succeeded"
    assert told(await till.void(operation)) == "succeeded"
    assert told(await till.void(till.operation("void", request))) == "succeeded"
    report = await till.query(request)
    assert (report.status, report.next_action, captures(report.movements)) == ("canceled", None, 0)


async def test_what_is_paid_cannot_be_voided(till: Till):
    """Declined, with the money that arrived, so that it is not lost."""
    request, provider_ref = await till.paid()
    outcome = await till.void(till.operation("void", request, provider_ref=provider_ref))
    assert (told(outcome), captures(outcome.movements)) == ("declined not_allowed", 1200)
    assert (await till.query(request)).status == "succeeded"


@pytest.mark.parametrize("till", ["card", "e_wallet"], indirect=True)
async def test_a_void_that_is_refused_has_not_happened(till: Till):
    """The payment still waits; and one that has ended otherwise counts as let go."""
    request = till.request(source="tok_3ds")
    provider_ref = (await till.start(request)).provider_ref
    await till.script("void", "decline")
    operation = till.operation("void", request, provider_ref=provider_ref)
    assert told(await till.void(operation)) == "declined not_allowed"
    assert (await till.query(request)).status == "requires_action"
    await till.browser.post(f"/pay/{provider_ref}/decline")
    assert told(await till.void(till.operation("void", request, provider_ref=provider_ref))) == "succeeded"


@pytest.mark.parametrize("till", ["card", "e_wallet"], indirect=True)
async def test_money_that_comes_after_the_end_is_still_told(till: Till):
    """Late money is a fact, whatever the payment's state."""
    request = till.request(source="tok_3ds")
    provider_ref = (await till.start(request)).provider_ref
    for status in ("expired", "succeeded"):
        await till.browser.post(f"/control/charges/{provider_ref}/settle", json={"status": status})
        report = await till.query(request)
        assert report.status == status
    assert captures(report.movements) == 1200


async def test_an_account_is_shown_until_all_has_arrived(bank: Till):
    """Short money leaves the rest to be shown; excess money is told as it came, each transfer by itself."""
    request = bank.request()
    started: Any = await bank.start(request)
    assert (started.next_action.amount, started.expires_at) == (
        request.amount,
        request.expires_at.replace(microsecond=0),
    )
    await bank.send_money(request, 500)
    report: Any = await bank.query(request)
    assert (report.status, report.next_action.amount.amount) == ("requires_action", 700)
    assert captures(report.movements) == 500
    await bank.send_money(request, 900)
    report = await bank.query(request)
    assert (report.status, report.next_action, captures(report.movements)) == ("succeeded", None, 1400)
    assert len({m.id for m in report.movements}) == 2


@pytest.mark.parametrize("ended", ["closed", "expired"])
async def test_money_on_a_closed_account_is_late_money(bank: Till, ended: str):
    """The account is not shown any more, and what arrives on it is told."""
    request = bank.request()
    started: Any = await bank.start(request)
    if ended == "closed":
        await bank.void(bank.operation("void", request, provider_ref=started.provider_ref))
    else:
        await bank.browser.post(f"/control/virtual-accounts/{started.provider_ref}/expire", json={})
    report = await bank.query(request)
    assert (report.status, report.next_action) == ("canceled" if ended == "closed" else "expired", None)
    transfer = {"account_number": started.next_action.account_number, "amount": 1200, "currency": "EUR"}
    assert (await bank.browser.post("/bank/transfers", json=transfer)).status_code == 201
    report = await bank.query(request)
    assert (report.status, captures(report.movements)) == ("succeeded", 1200)
