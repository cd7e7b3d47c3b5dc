"""Cards reserved first: captured once or in parts, let go of whole or as a rest, and once each, whatever the wire does."""

from typing import Any

import pytest

from kassa.ports.payment import Declined, Movement, MovementState, NotExecuted, Pending, StartRequest, Succeeded
from tests.plugins.test_faults import told
from tests.plugins.test_notices import HEADER, accepted
from tests.plugins.till import Till, captures
from tests.sandbox.receiver import Receiver

DONE, GONE = MovementState.SUCCEEDED, MovementState.REVERSED


async def reserved(card: Till, amount: int = 1200) -> tuple[StartRequest, str]:
    """A reservation: its request and the provider's id."""
    request = card.request(amount, capture=False)
    outcome = await card.start(request)
    assert isinstance(outcome, Succeeded)
    assert outcome.provider_ref is not None
    return request, outcome.provider_ref


def seen(movements: tuple[Movement, ...]) -> list[tuple[str, int, MovementState]]:
    """Kind, minor units and state."""
    return [(m.kind, m.amount.amount, m.state) for m in movements]


async def take(card: Till, request: StartRequest, provider_ref: str | None, amount: int) -> Any:
    """Capture a part."""
    return await card.capture(card.operation("capture", request, amount=amount, provider_ref=provider_ref))


async def test_a_reservation_is_an_auth_movement_and_no_money(card: Till):
    """Reply and query alike; nothing is captured."""
    request, provider_ref = await reserved(card)
    report = await card.query(request, provider_ref)
    assert (report.status, seen(report.movements)) == ("authorized", [("auth", 1200, DONE)])
    assert (await card.books(request))["captured"] == 0


async def test_a_reservation_with_three_d_secure_waits_for_its_customer(card: Till):
    """Approved there it is reserved, not charged."""
    request = card.request(source="tok_3ds", capture=False)
    started: Any = await card.start(request)
    assert told(started) == "pending redirect"
    await card.browser.post(f"/pay/{started.provider_ref}/approve")
    report = await card.query(request)
    assert (report.status, seen(report.movements)) == ("authorized", [("auth", 1200, DONE)])


async def test_parts_are_movements_of_their_own_up_to_what_is_reserved(card: Till):
    """Three captures, three ids, three keys, exact amounts; a fourth is declined with the provider's reason."""
    request, provider_ref = await reserved(card)
    for amount in (500, 300, 400):
        assert told(await take(card, request, provider_ref, amount)) == "succeeded"
    refused = await take(card, request, provider_ref, 1)
    assert (type(refused), refused.code, refused.provider_code) == (
        Declined,
        "not_allowed",
        "capture_exceeds_authorized",
    )
    report = await card.query(request)
    assert seen(report.movements) == [
        ("auth", 1200, DONE), ("capture", 500, DONE), ("capture", 300, DONE), ("capture", 400, DONE)
    ]  # fmt: skip
    assert len({m.id for m in report.movements}) == 4
    assert report.status == "succeeded"
    assert (await card.books(request))["captured"] == 1200
    keys = [call["key"] for call in await card.calls("capture")]
    assert len(keys) == len(set(keys)) == 4


async def test_the_same_capture_twice_is_one_movement_with_one_key(card: Till):
    """Also when all is captured by it, so that nothing would be left for a second."""
    request, provider_ref = await reserved(card)
    operation = card.operation("capture", request, amount=1200, provider_ref=provider_ref)
    first, second = await card.capture(operation), await card.capture(operation)
    assert first == second
    assert {call["key"] for call in await card.calls("capture")} == {operation.operation_id}
    assert (await card.books(request))["captured"] == 1200


@pytest.mark.parametrize("manner", ["header", "merchant_ref"])
async def test_it_is_found_again_where_only_the_key_or_only_the_name_of_the_movement_is_known(card: Till, manner: str):
    """The provider forgot one of the two: captures and refunds of everything are still done once."""
    await card.manners(manner)
    try:
        request, provider_ref = await reserved(card)
        for kind, command in (("capture", card.capture), ("refund", card.refund)):
            operation = card.operation(kind, request, amount=1200, provider_ref=provider_ref)
            for _ in range(3):
                outcome = await command(operation)
                assert isinstance(outcome, Succeeded)
                assert [m.amount.amount for m in outcome.movements if m.kind == kind] == [1200]
        books = await card.books(request)
        assert (books["captured"], books["refunded"]) == (1200, 1200)
    finally:
        await card.manners("both")


@pytest.mark.parametrize(
    ("fault", "raised", "was_done"),
    [
        ("error_500", "ProviderUnclear", False),
        ("error_500_after", "ProviderUnclear", True),
        ("garbage", "ProviderUnclear", True),
        ("truncated", "ReplyLost", True),
        ("reset", "ReplyLost", True),
        ("reset_before", "ReplyLost", False),
        ("timeout_before", "ReplyLost", False),
        ("timeout_after", "ReplyLost", True),
    ],
)
async def test_a_capture_without_a_clear_answer_raises_and_can_be_sent_again(
    card: Till, fault: str, raised: str, was_done: bool
):
    """Neither done nor declined; a query shows whether it was, and the same key again moves nothing twice."""
    request, provider_ref = await reserved(card)
    operation = card.operation("capture", request, amount=700, provider_ref=provider_ref)
    await card.script("capture", fault)
    card.deadline_s = 0.5
    with pytest.raises(Exception) as caught:
        await card.capture(operation)
    assert type(caught.value).__name__ == raised
    card.deadline_s = 5.0
    assert captures((await card.query(request)).movements) == (700 if was_done else 0)
    assert told(await card.capture(operation)) == "succeeded"
    assert (await card.books(request))["captured"] == 700


async def test_a_capture_that_waits_or_fails_is_told_by_its_movement(card: Till):
    """The reservation stays, and what is decided later is seen by a query."""
    request, provider_ref = await reserved(card)
    await card.script("capture", "pending")
    waits = await take(card, request, provider_ref, 800)
    assert isinstance(waits, Pending)
    assert seen(waits.movements) == [("auth", 1200, DONE), ("capture", 800, MovementState.PENDING)]
    await card.script("capture", "decline")
    failed = await take(card, request, provider_ref, 400)
    assert (type(failed), failed.provider_code) == (Declined, "failed")
    waiting = waits.movements[1].id
    await card.browser.post(f"/control/movements/{waiting}/settle", json={"status": "succeeded"})
    assert captures((await card.query(request)).movements) == 800


async def test_what_was_charged_at_once_cannot_be_captured_again(card: Till):
    """Declined, not a second charge."""
    request, provider_ref = await card.paid()
    refused = await take(card, request, provider_ref, 1200)
    assert (type(refused), refused.provider_code) == (Declined, "not_authorized")
    assert (await card.books(request))["captured"] == 1200


async def test_a_capture_without_the_providers_id_finds_the_reservation_first(card: Till):
    """No answer ever came for the START: our reference is enough. A stranger's is proof that nothing is sent."""
    request, _ = await reserved(card)
    assert told(await take(card, request, None, 300)) == "succeeded"
    assert isinstance(await take(card, card.request(), None, 300), NotExecuted)
    assert len(await card.calls("capture")) == 1


@pytest.mark.parametrize(("parts", "status"), [((), "canceled"), ((500, 300), "succeeded")])
async def test_a_void_lets_the_rest_go_and_keeps_what_was_captured(card: Till, parts: tuple[int, ...], status: str):
    """Succeeded means that nothing more can be taken: the auth movement is reversed, twice is as good as once."""
    request, provider_ref = await reserved(card)
    for amount in parts:
        await take(card, request, provider_ref, amount)
    operation = card.operation("void", request, provider_ref=provider_ref)
    taken = [("capture", amount, DONE) for amount in parts]
    for _ in range(2):
        outcome = await card.void(operation)
        assert isinstance(outcome, Succeeded)
        assert seen(outcome.movements) == [("auth", 1200, GONE), *taken]
    report = await card.query(request)
    assert (report.status, seen(report.movements)) == (status, [("auth", 1200, GONE), *taken])
    refused = await take(card, request, provider_ref, 1)
    assert (type(refused), refused.provider_code) == (Declined, "not_authorized")
    assert (await card.books(request))["captured"] == sum(parts)


async def test_what_is_captured_whole_or_about_to_be_is_not_voided(card: Till):
    """Declined, with the money in hand."""
    request, provider_ref = await reserved(card)
    await card.script("capture", "pending")
    waits = await take(card, request, provider_ref, 1200)
    void = card.operation("void", request, provider_ref=provider_ref)
    assert told(await card.void(void)) == "declined not_allowed"
    await card.browser.post(f"/control/movements/{waits.movements[1].id}/settle", json={"status": "succeeded"})
    outcome = await card.void(card.operation("void", request, provider_ref=provider_ref))
    assert (told(outcome), captures(outcome.movements)) == ("declined not_allowed", 1200)


@pytest.mark.parametrize("fault", ["error_500_after", "garbage", "truncated", "reset", "timeout_after"])
async def test_a_void_of_a_rest_whose_answer_is_lost_is_seen_by_a_query(card: Till, fault: str):
    """And told again by the same command."""
    request, provider_ref = await reserved(card)
    await take(card, request, provider_ref, 500)
    operation = card.operation("void", request, provider_ref=provider_ref)
    await card.script("void", fault)
    card.deadline_s = 0.5
    with pytest.raises(Exception) as caught:
        await card.void(operation)
    assert type(caught.value).__name__ in ("ProviderUnclear", "ReplyLost")
    card.deadline_s = 5.0
    assert seen((await card.query(request)).movements)[0] == ("auth", 1200, GONE)
    assert told(await card.void(operation)) == "succeeded"


@pytest.mark.parametrize("part", [0, 500])
async def test_a_reservation_that_lapses_at_the_provider_is_told(card: Till, part: int):
    """Nobody voided it: the auth movement is reversed all the same."""
    request, provider_ref = await reserved(card)
    if part:
        await take(card, request, provider_ref, part)
    await card.browser.post(f"/control/charges/{provider_ref}/settle", json={"status": "expired"})
    report = await card.query(request)
    assert report.status == ("succeeded" if part else "expired")
    assert (seen(report.movements)[0], captures(report.movements)) == (("auth", 1200, GONE), part)


@pytest.mark.parametrize("till", ["card"], indirect=True)
async def test_every_step_is_told_by_a_notice_as_a_query_tells_it(till: Till, hook: Receiver):
    """Reserve, capture a part, let the rest go, give the part back: the last notice is the last query."""
    request, provider_ref = await reserved(till)
    await take(till, request, provider_ref, 500)
    await till.void(till.operation("void", request, provider_ref=provider_ref))
    await till.refund(till.operation("refund", request, amount=500, provider_ref=provider_ref))
    notices = await hook.wait_for(4)
    reports = [accepted(await till.judge(one.body, (HEADER, one.signature))).report for one in notices]
    last = max(reports, key=lambda report: sum(m.state for m in report.movements))
    assert last == await till.query(request)
    assert seen(last.movements) == [("auth", 1200, GONE), ("capture", 500, DONE), ("refund", 500, DONE)]
