"""Every way the sandbox can misbehave: what is proved is told, what is not proved is never called declined, and the
sandbox's own books say what was really charged."""

from typing import Any

import pytest

from kassa.adapters.sandbox.faults import AMOUNTS, FAULTS, TOKENS
from kassa.ports.payment import AnyOutcome, ReplyLost
from tests.plugins.till import Till, captures

LOST = "ReplyLost"
UNCLEAR = "ProviderUnclear"
CARD_TOKENS = {
    # token: what start leads to, what a query says then, what the sandbox captured of 1200
    "tok_ok": ("succeeded", "succeeded", 1200),
    "tok_decline": ("declined card_declined", "failed", 0),
    "tok_insufficient": ("declined insufficient_funds", "failed", 0),
    "tok_3ds": ("pending redirect", "requires_action", 0),
    "tok_timeout_before": (LOST, "not found", 0),
    "tok_timeout_after": (LOST, "succeeded", 1200),
    "tok_slow": ("succeeded", "succeeded", 1200),
    "tok_pending": ("pending wait", "pending", 0),
    "tok_late_success": ("pending wait", "late", 1200),
    "tok_wrong_amount": ("succeeded", "succeeded", 1201),
    "tok_wrong_currency": ("succeeded", "succeeded", 1200),
    "tok_unknown_status": ("pending wait", "pending", 0),
    "tok_dup_webhook": ("succeeded", "succeeded", 1200),
    "tok_reorder_webhook": ("succeeded", "succeeded", 1200),
    "tok_no_webhook": ("succeeded", "succeeded", 1200),
    "tok_500": (UNCLEAR, "not found", 0),
    "tok_500_after": (UNCLEAR, "succeeded", 1200),
    "tok_garbage": (UNCLEAR, "succeeded", 1200),
    "tok_truncated": (LOST, "succeeded", 1200),
    "tok_reset": (LOST, "succeeded", 1200),
    "tok_reset_before": (LOST, "not found", 0),
    "tok_refund_pending": ("succeeded", "succeeded", 1200),
    "tok_refund_decline": ("succeeded", "succeeded", 1200),
}
WAITING = {
    # fault: what start leads to with a wallet and a bank, where nothing is paid yet, and whether a query finds it
    "ok": ("pending", True),
    "decline": ("declined", None),
    "timeout_before": (LOST, False),
    "timeout_after": (LOST, True),
    "slow": ("pending", True),
    "pending": ("pending", True),
    "late_success": ("pending", True),
    "wrong_amount": ("pending", True),
    "wrong_currency": ("pending", True),
    "unknown_status": ("pending", True),
    "dup_webhook": ("pending", True),
    "reorder_webhook": (None, True),
    "no_webhook": ("pending", True),
    "error_500": (UNCLEAR, False),
    "error_500_after": (UNCLEAR, True),
    "garbage": (UNCLEAR, True),
    "truncated": (LOST, True),
    "reset": (LOST, True),
}


def told(outcome: AnyOutcome) -> str:
    """An outcome in the words of the tables above."""
    seen: Any = outcome
    kind = type(outcome).__name__.lower()
    if kind == "pending":
        return f"pending {type(seen.next_action).__name__.lower()}"
    return f"declined {seen.code}" if kind == "declined" else kind


async def what_starts(till: Till, request: Any) -> str:
    """What a START leads to, an exception by its name."""
    try:
        return told(await till.start(request))
    except Exception as error:
        return type(error).__name__


def test_no_fault_of_the_sandbox_is_forgotten():
    """A new fault makes this fail until the tables say what it leads to."""
    assert set(CARD_TOKENS) == set(TOKENS)
    assert set(WAITING) == {"ok", *AMOUNTS.values()}
    assert set(FAULTS) - set(WAITING) == {"3ds", "reset_before", "not_found"}


@pytest.mark.parametrize("token", CARD_TOKENS)
async def test_a_card_with_each_token(card: Till, token: str):
    """Start, then query: neither says more than the provider did, and the same key charges once."""
    expected, status, captured = CARD_TOKENS[token]
    card.deadline_s = 0.5 if "timeout" in token else 5.0
    request = card.request(source=token)
    assert await what_starts(card, request) == expected
    if status == "late":
        await card.clock.sleep(0.4)
        status = "succeeded"
    card.deadline_s = 5.0
    report = await card.query(request)
    assert (report.status if report.found else "not found") == status
    assert (await card.books(request)).get("captured", 0) == captured
    assert captures(report.movements) == captured
    assert len({key["key"] for key in await card.calls("charge")}) == 1


@pytest.mark.parametrize("token", ["tok_timeout_after", "tok_500_after", "tok_garbage", "tok_truncated", "tok_reset"])
async def test_a_card_whose_answer_was_lost_is_charged_once_however_often_it_is_sent(card: Till, token: str):
    """The same key five times: one charge in the sandbox's own books."""
    card.deadline_s = 0.3
    request = card.request(source=token)
    for _ in range(5):
        assert await what_starts(card, request) in ("succeeded", LOST, UNCLEAR)
    books = await card.books(request)
    assert (books["captured"], books["charges"]) == (1200, 1)


async def test_money_of_another_amount_or_currency_is_told_as_it_is(card: Till):
    """The plugin does not correct the provider: comparing is the kernel's."""
    for token, amount, currency in (("tok_wrong_amount", 1201, "EUR"), ("tok_wrong_currency", 1200, "XTS")):
        outcome = await card.start(card.request(source=token))
        [movement] = outcome.movements
        assert (movement.amount.amount, movement.amount.currency) == (amount, currency)


@pytest.mark.parametrize("till", ["e_wallet", "bank_transfer"], indirect=True)
@pytest.mark.parametrize("fault", WAITING)
async def test_a_wallet_and_a_bank_with_each_fault(till: Till, fault: str):
    """Chosen by the amount's last digits; what was lost is found by our own reference."""
    expected, found = WAITING[fault]
    ending = next((digits for digits, one in AMOUNTS.items() if one == fault), 0)
    start = till.request(amount=1200 + ending)
    till.deadline_s = 0.5 if fault.startswith("timeout") else 5.0
    outcome = await what_starts(till, start)
    assert expected is None or outcome.split()[0] == expected
    till.deadline_s = 5.0
    report = await till.query(start)
    assert found is None or report.found is found
    assert report.merchant_ref in (None, start.merchant_ref)
    assert captures(report.movements) == (await till.books(start)).get("captured", 0)


@pytest.mark.parametrize("fault", ["error_500", "garbage", "truncated", "reset", "reset_before", "timeout_before"])
async def test_a_question_without_a_clear_answer_raises_and_does_not_say_not_found(till: Till, fault: str):
    """Silence is not absence."""
    request, provider_ref = await till.paid()
    for asked in (None, provider_ref):
        await till.script("query", fault)
        till.deadline_s = 0.5
        with pytest.raises(Exception) as raised:
            await till.query(request, asked)
        assert type(raised.value).__name__ in (LOST, UNCLEAR)


async def test_a_payment_that_the_provider_does_not_know_is_not_found(till: Till):
    """By our reference and by its id; and a provider that does not find it yet says so too."""
    stranger = till.request()
    assert not (await till.query(stranger)).found
    assert not (await till.query(stranger, "ch_nothing/../x")).found
    request, provider_ref = await till.paid()
    for asked in (None, provider_ref):
        await till.script("query", "not_found")
        assert not (await till.query(request, asked)).found
        assert (await till.query(request, asked)).found


@pytest.mark.parametrize("kind", ["void", "refund"])
@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("error_500", UNCLEAR),
        ("error_500_after", UNCLEAR),
        ("garbage", UNCLEAR),
        ("truncated", LOST),
        ("reset", LOST),
        ("reset_before", LOST),
        ("timeout_before", LOST),
        ("timeout_after", LOST),
    ],
)
async def test_a_void_or_refund_without_a_clear_answer_raises_and_can_be_sent_again(
    till: Till, kind: str, fault: str, raised: str
):
    """Neither done nor declined; the same key again brings the truth and moves nothing twice."""
    if kind == "void":
        request = till.request(source="tok_pending")
        provider_ref = (await till.start(request)).provider_ref
    else:
        request, provider_ref = await till.paid()
    operation = till.operation(kind, request, amount=700 if kind == "refund" else None, provider_ref=provider_ref)
    command = till.void if kind == "void" else till.refund
    await till.script(kind, fault)
    till.deadline_s = 0.5
    with pytest.raises(Exception) as caught:
        await command(operation)
    assert type(caught.value).__name__ == raised
    till.deadline_s = 5.0
    assert told(await command(operation)) == "succeeded"
    assert (await till.books(request))["refunded"] == (700 if kind == "refund" else 0)


async def test_the_deadline_is_kept(till: Till):
    """A provider that hangs is left when the time is up, not later."""
    till.deadline_s = 0.4
    await till.script(till.start_op, "timeout_before")
    began = till.clock.monotonic()
    with pytest.raises(ReplyLost):
        await till.start(till.request())
    assert 0.35 < till.clock.monotonic() - began < 1.0
