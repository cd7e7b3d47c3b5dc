"""A Stripe that lies: nothing it says makes the driver claim what was not shown for this very command, or look elsewhere."""

import asyncio
from typing import Any

import pytest

from kassa.ports.payment import AnyOutcome, MovementState, Pending, StartRequest, Wait
from tests.plugins.hostile import HostileProvider
from tests.plugins.stripe.till import StripeTill

UNCLEAR = "ProviderUnclear"


def intent(request: StartRequest, **changes: Any) -> dict[str, Any]:
    """A paid payment, as an honest Stripe would show it."""
    charge = {"id": "ch_1", "status": "succeeded", "captured": True, "created": 1_770_000_000}
    told = {"id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 1200, "amount_received": 1200}
    kept = {"currency": "eur", "capture_method": "automatic", "created": 1_770_000_000, "latest_charge": charge}
    return (
        told | kept | {"metadata": {"merchant_ref": request.merchant_ref}, "client_secret": "pi_1_secret_x"} | changes
    )


def refund(key: str, **changes: Any) -> dict[str, Any]:
    """A refund of it, made by the command of this key."""
    told = {"id": "re_1", "status": "succeeded", "amount": 5, "currency": "eur", "created": 1_770_000_000}
    return (
        told | {"payment_intent": "pi_1", "metadata": {"operation_id": key}, "balance_transaction": "txn_1"} | changes
    )


def error(kind: str, **more: Any) -> dict[str, Any]:
    return {"error": {"type": kind, "message": "no", **more}}


def page(*found: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(found), "has_more": more}


async def what(call: Any) -> str:
    """The class of what it answers, or of what it raises."""
    try:
        outcome: AnyOutcome = await call
    except Exception as error:
        return type(error).__name__
    return type(outcome).__name__


BAD_INTENTS: list[dict[str, Any]] = [
    {"metadata": {"merchant_ref": "KS-OTHER"}},
    {"metadata": {}},
    {"metadata": None},
    {"metadata": {"merchant_ref": 7}},
    {"id": ".."},
    {"id": ""},
    {"id": "pi_1/../../admin"},
    {"id": "pi_1?x=y"},
    {"id": "pi_1\r\nx: y"},
    {"id": "pi_" + "x" * 200},
    {"status": 7},
    {"status": "x" * 101},
    {"amount_received": 0},
    {"amount_received": -1200},
    {"amount_received": 2**60},
    {"amount_received": "1200"},
    {"amount_received": 12.5},
    {"currency": "€"},
    {"currency": "ugx"},
    {"latest_charge": {"id": "ch_1"}},
    {"latest_charge": {"id": "../ch_1", "status": "succeeded", "captured": True, "created": 1}},
    {"latest_charge": {"id": "ch_1", "status": "succeeded", "captured": True, "created": 2**60}},
    {"latest_charge": 5},
    {"status": "requires_action", "next_action": None, "client_secret": None},
]


async def test_an_answer_that_cannot_be_or_is_of_another_is_unclear(deceived: StripeTill, liar: HostileProvider):
    """To every command and question alike: neither done, nor declined, nor not found."""
    request = deceived.request()
    capture, void = (deceived.command(kind, request, "pi_1", 5) for kind in ("capture", "void"))
    for change in BAD_INTENTS:
        liar.says((200, intent(request, **change)))
        for call in (
            deceived.start(request),
            deceived.query(request, "pi_1"),
            deceived.run(capture),
            deceived.run(void),
        ):
            assert await what(call) == UNCLEAR, change


async def test_a_status_that_proves_nothing_is_unclear_whatever_its_body_says(
    deceived: StripeTill, liar: HostileProvider
):
    """Not even with the very body of a refusal or of a success."""
    request = deceived.request()
    command = deceived.command("refund", request, "pi_1", 5)
    bodies = (error("card_error", code="card_declined"), intent(request), error("invalid_request_error"))
    for status in (201, 202, 204, 301, 302, 304, 307, 407, 408, 409, 418, 422, 425, 429, 451, 500, 502, 503, 504, 599):
        for body in bodies:
            liar.says((status, body))
            for call in (deceived.start(request), deceived.run(command), deceived.query(request)):
                assert await what(call) in (UNCLEAR, "ReplyLost"), (status, body)


async def test_a_refusal_without_its_reason_is_no_decline(deceived: StripeTill, liar: HostileProvider):
    """A gateway on the way can answer 400, 402, 403 or 404 as well."""
    request = deceived.request()
    void = deceived.command("void", request, "pi_1")
    bodies = (b"", b"<html>no</html>", b"{}", b'{"error": "no"}', b'{"error": {"type": 7}}', b"[" * 9999, b"\xff")
    wrong = [error(kind) for kind in ("idempotency_error", "api_error", "rate_limit_error")]
    wrong += [error("invalid_request_error", code=code) for code in ("rate_limit", "lock_timeout")]
    wrong += [error("invalid_request_error", code="idempotency_key_in_use")]
    for status in (400, 402, 404):
        for body in (*bodies, *wrong):
            liar.says((status, body))
            for call in (deceived.start(request), deceived.run(void), deceived.query(request, "pi_1")):
                assert await what(call) == UNCLEAR, (status, body)
    for status in (401, 403):
        for body in bodies:
            liar.says((status, body))
            assert await what(deceived.start(request)) == UNCLEAR, (status, body)


async def test_a_decline_of_another_payment_is_no_decline_of_ours(deceived: StripeTill, liar: HostileProvider):
    request = deceived.request()
    other = {"id": "pi_2", "metadata": {"merchant_ref": "KS-OTHER"}}
    liar.says((402, error("card_error", code="card_declined", payment_intent=other)))
    assert await what(deceived.start(request)) == UNCLEAR


async def test_two_payments_of_one_reference_are_not_chosen_from(deceived: StripeTill, liar: HostileProvider):
    """Neither is taken for ours, and nothing is refunded on a guess."""
    request = deceived.request()
    liar.says((200, page(intent(request), intent(request, id="pi_2"))))
    assert await what(deceived.query(request)) == UNCLEAR
    assert await what(deceived.run(deceived.command("refund", request, None, 5))) == UNCLEAR
    assert {one.method for one in liar.asked} == {"GET"}


async def test_a_search_that_answers_with_another_payment_finds_nothing(deceived: StripeTill, liar: HostileProvider):
    request = deceived.request()
    other = intent(request, metadata={"merchant_ref": "KS-OTHER"})
    liar.says((200, page(other)), (200, page(other)))
    assert await what(deceived.query(request)) == UNCLEAR


async def test_more_payments_than_can_be_looked_through_are_not_a_missing_one(
    deceived: StripeTill, liar: HostileProvider
):
    """The search may be an hour behind: what neither it nor a cut list shows may exist all the same."""
    request = deceived.request()
    others = page(intent(request, metadata={}), more=True)
    liar.says(*[(200, others)] * 10, (200, page()))
    assert await what(deceived.query(request)) == UNCLEAR
    assert len(liar.asked) == 11


async def test_a_payment_is_missing_only_where_stripe_says_so(deceived: StripeTill, liar: HostileProvider):
    request = deceived.request()
    liar.says((404, error("invalid_request_error", code="resource_missing")))
    assert (await deceived.query(request, "pi_1")).found is False
    liar.says((404, error("invalid_request_error")))
    assert await what(deceived.query(request, "pi_1")) == UNCLEAR


@pytest.mark.parametrize("status", ["processing", "requires_confirmation", "requires_payment_method", "of_next_year"])
async def test_a_payment_that_is_not_decided_is_pending(deceived: StripeTill, liar: HostileProvider, status: str):
    """Without an attempt that failed even the want of a payment method is no decline."""
    request = deceived.request()
    liar.says((200, intent(request, status=status, latest_charge=None, amount_received=0)))
    said, report = await deceived.start(request), await deceived.query(request, "pi_1")
    assert isinstance(said, Pending) and said.next_action == Wait()
    assert (report.found, report.status, report.movements) == (True, "pending", ())


BAD_REFUNDS: list[dict[str, Any]] = [
    {"payment_intent": "pi_2"},
    {"payment_intent": None},
    {"metadata": {"operation_id": "of another"}},
    {"metadata": None},
    {"amount": 0},
    {"amount": -5},
    {"currency": "xyz"},
    {"id": ""},
    {"status": 5},
]


async def test_a_refund_that_is_not_ours_is_unclear(deceived: StripeTill, liar: HostileProvider):
    request = deceived.request()
    command = deceived.command("refund", request, "pi_1", 5)
    for change in BAD_REFUNDS:
        liar.says((200, refund(command.operation_id, **change)))
        assert await what(deceived.run(command)) == UNCLEAR, change
    liar.says((200, refund(command.operation_id)))
    assert await what(deceived.run(command)) == "Succeeded"


async def test_a_status_that_stripe_may_invent_is_pending_for_a_refund_too(deceived: StripeTill, liar: HostileProvider):
    request = deceived.request()
    command = deceived.command("refund", request, "pi_1", 5)
    for status in ("pending", "requires_action", "of_next_year", None):
        liar.says((200, refund(command.operation_id, status=status)))
        said = await deceived.run(command)
        assert type(said).__name__ == "Pending"
        assert said.movements[0].state is MovementState.PENDING
    for status in ("failed", "canceled"):
        liar.says((200, refund(command.operation_id, status=status)))
        assert await what(deceived.run(command)) == "Declined"


@pytest.mark.parametrize("kind", ["capture", "void", "refund"])
async def test_a_refusal_that_cannot_be_looked_up_is_unclear(deceived: StripeTill, liar: HostileProvider, kind: str):
    """Perhaps an earlier attempt of this very command did it."""
    request = deceived.request()
    liar.says((400, error("invalid_request_error")), (500, b""))
    assert await what(deceived.run(deceived.command(kind, request, "pi_1", 5))) == UNCLEAR


class Leaving(HostileProvider):
    """It answers once and is gone."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server.close()
        await super()._serve(reader, writer)


@pytest.mark.parametrize("kind", ["capture", "void", "refund"])
async def test_a_refusal_before_stripe_goes_away_is_unclear_not_unsent(kind: str):
    """That the second question was not sent says nothing of the command before it."""
    async with Leaving() as leaving:
        leaving.says((400, error("invalid_request_error")))
        till = StripeTill.at(f"http://{leaving.host}")
        assert await what(till.run(till.command(kind, till.request(), "pi_1", 5))) == UNCLEAR
        await till.tools.close()
        assert len(leaving.asked) == 1


async def test_a_command_said_to_be_done_that_is_not_shown_is_unclear(deceived: StripeTill, liar: HostileProvider):
    request = deceived.request()
    for kind in ("capture", "void"):
        liar.says((200, intent(request, status="requires_capture", capture_method="manual")))
        assert await what(deceived.run(deceived.command(kind, request, "pi_1", 5))) == UNCLEAR
