"""A provider that lies: nothing it says makes a method claim what was not shown for this very command, or look elsewhere."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from kassa.ports.payment import AnyOutcome, MovementState, StartRequest, Succeeded
from tests.plugins.hostile import HostileProvider
from tests.plugins.till import Till

UNCLEAR = "ProviderUnclear"


def thing(till: Till, request: StartRequest, **changes: Any) -> dict[str, Any]:
    """A charge or an account of this payment, as an honest provider would show it."""
    common = {"id": "x_1", "merchant_ref": request.merchant_ref, "movements": [moved("capture")]}
    if till.name == "bank_transfer":
        lines = dict.fromkeys(("account_number", "bank_name", "holder", "reference"), "88")
        return common | lines | {"amount": 1200, "currency": "EUR", "status": "paid"} | changes
    return common | {"kind": "card" if till.name == "card" else "wallet", "status": "succeeded"} | changes


def moved(kind: str, amount: int = 1200, status: str = "succeeded", ref: str | None = None, **more: Any) -> Any:
    """A movement as the provider writes it."""
    told = {"id": f"mv_{kind}_{amount}", "kind": kind, "status": status, "amount": amount, "currency": "EUR"}
    return told | {"created": 1_770_000_000, "merchant_ref": ref} | more


def refusal(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no"}}


async def what(call: Any) -> str:
    """The class of what it answers, or of what it raises."""
    try:
        outcome: AnyOutcome = await call
    except Exception as error:
        return type(error).__name__
    return type(outcome).__name__


BAD_THINGS: list[dict[str, Any]] = [
    {"merchant_ref": "KS-OTHER"},
    {"merchant_ref": None},
    {"id": ".."},
    {"id": "."},
    {"id": ""},
    {"id": "x/../../admin"},
    {"id": "x?merchant_ref=y"},
    {"id": "x\r\nx: y"},
    {"id": "x" * 201},
    {"status": 7},
    {"status": "x" * 101},
    {"movements": None},
    {"movements": [moved("gift")]},
    {"movements": [moved("capture", 0)]},
    {"movements": [moved("capture", -1200)]},
    {"movements": [moved("capture", 2**60)]},
    {"movements": [moved("capture", currency="€")]},
    {"movements": [moved("capture", created=2**60)]},
]


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[HostileProvider]:
    async with HostileProvider() as running:
        yield running


@pytest_asyncio.fixture
async def liar(till: Till, provider: HostileProvider) -> AsyncIterator[Till]:
    """Each method in turn, with its account at the hostile provider."""
    opened = provider.till(till)
    yield opened
    await opened.tools.close()


async def test_an_answer_that_cannot_be_or_is_of_another_is_unclear(liar: Till, provider: HostileProvider):
    """To every command and question alike: neither done, nor declined, nor not found."""
    request = liar.request()
    refund, void = (liar.operation(kind, request, amount=5, provider_ref="x_1") for kind in ("refund", "void"))
    for change in BAD_THINGS:
        provider.says((200, thing(liar, request, **change)))
        for call in (liar.start(request), liar.query(request, "x_1"), liar.void(void), liar.refund(refund)):
            assert await what(call) == UNCLEAR, change


async def test_a_status_that_proves_nothing_is_unclear_whatever_its_body_says(liar: Till, provider: HostileProvider):
    """Not even with the very body of a refusal or of a success."""
    request = liar.request()
    refund = liar.operation("refund", request, amount=5, provider_ref="x_1")
    for status in (202, 204, 301, 302, 304, 307, 407, 408, 418, 425, 429, 451, 500, 502, 503, 504, 599):
        for body in (refusal("declined"), thing(liar, request)):
            provider.says((status, body))
            for call in (liar.start(request), liar.refund(refund), liar.query(request)):
                assert await what(call) in (UNCLEAR, "ReplyLost"), (status, body)


async def test_a_refusal_without_its_reason_is_no_decline(liar: Till, provider: HostileProvider):
    """A gateway on the way can answer 400, 403 or 404 as well."""
    request = liar.request()
    void = liar.operation("void", request, provider_ref="x_1")
    for status in (400, 401, 402, 403, 404, 409, 422):
        for body in (b"", b"<html>no</html>", b"{}", b'{"error": "no"}', b'{"error": {"code": 7}}', b"[" * 9999):
            provider.says((status, body))
            for call in (liar.start(request), liar.void(void), liar.query(request, "x_1")):
                assert await what(call) == UNCLEAR, (status, body)


async def test_two_payments_of_one_reference_are_not_chosen_from(liar: Till, provider: HostileProvider):
    """Neither is taken for ours, and nothing is refunded on a guess."""
    request = liar.request()
    provider.says((200, {"data": [thing(liar, request), thing(liar, request, id="x_2")]}))
    assert await what(liar.query(request)) == UNCLEAR
    assert await what(liar.refund(liar.operation("refund", request, amount=5))) == UNCLEAR
    assert {one.method for one in provider.asked} == {"GET"}


LIES = {
    "none of its own": lambda key, kind: [],
    "one of another command": lambda key, kind: [moved(kind, 5, ref="another")],
    "one without a name": lambda key, kind: [moved(kind, 5)],
    "one of another kind": lambda key, kind: [moved("chargeback", 5, ref=key)],
    "two of its own": lambda key, kind: [moved(kind, 5, ref=key), moved(kind, 5, ref=key, id="mv_again")],
}


@pytest.mark.parametrize("status", [201, 409])
async def test_a_refund_or_capture_is_done_when_its_own_movement_shows(
    liar: Till, provider: HostileProvider, status: int
):
    """Another's refund of the same amount, or a success without a movement, is not taken for this one's."""
    request = liar.request()
    commands = {"refund": liar.refund, "capture": liar.capture}
    for kind in ("refund", "capture") if liar.name == "card" else ("refund",):
        for lie, told in LIES.items():
            operation = liar.operation(kind, request, amount=5, provider_ref="x_1")
            movements = [moved("capture"), *told(operation.operation_id, kind)]
            shows = thing(liar, request, movements=movements)
            provider.says(*([(201, shows)] if status == 201 else [(409, refusal("duplicate_reference")), (200, shows)]))
            assert await what(commands[kind](operation)) == UNCLEAR, lie


async def test_nothing_is_left_is_a_decline_only_if_this_command_did_not_take_it(liar: Till, provider: HostileProvider):
    """A provider that forgot the key says that nothing is left; its list says who took it."""
    request = liar.request()
    operation = liar.operation("refund", request, amount=1200, provider_ref="x_1")
    no = (409, refusal("refund_exceeds_captured"))
    for ref, expected in ((operation.operation_id, "Succeeded"), ("another", "Declined")):
        provider.says(no, (200, thing(liar, request, movements=[moved("capture"), moved("refund", ref=ref)])))
        assert await what(liar.refund(operation)) == expected
    provider.says(no, (500, b""))
    assert await what(liar.refund(operation)) == UNCLEAR


async def test_a_refund_that_came_back_was_done(liar: Till, provider: HostileProvider):
    """It succeeded and was reversed since: done, with the movement that says so."""
    request = liar.request()
    operation = liar.operation("refund", request, amount=5, provider_ref="x_1")
    came_back = moved("refund", 5, "reversed", operation.operation_id)
    provider.says((201, thing(liar, request, movements=[moved("capture"), came_back])))
    outcome = await liar.refund(operation)
    assert isinstance(outcome, Succeeded)
    assert outcome.movements[-1].state is MovementState.REVERSED


@pytest.mark.parametrize("till", ["card"], indirect=True)
async def test_a_void_is_not_done_while_the_reservation_shows(liar: Till, provider: HostileProvider):
    """Whatever the status says: it is accepted and not seen yet."""
    request = liar.request(capture=False)
    for part in ([], [moved("capture", 500)]):
        provider.says((200, thing(liar, request, status="succeeded", movements=[moved("auth"), *part])))
        assert await what(liar.void(liar.operation("void", request, provider_ref="x_1"))) == "Pending"
