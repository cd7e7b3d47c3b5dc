"""What PayU's answers mean, every status and refusal that it documents."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kassa.plugins.e_wallet.payu.config import PayuConfig
from kassa.plugins.e_wallet.payu.refusals import declined, refusal
from kassa.plugins.e_wallet.payu.shapes import Created, Order, Refund, Status, refund_movement, report, stands, started
from kassa.ports.payment import Declined, HttpReply, MovementState, NotExecuted, Pending, Succeeded
from kassa.ports.provider_json import ProviderUnclear
from kassa.ports.secret import Secret

SETTINGS: dict[str, Any] = {
    "driver": "payu", "mode": "test", "pos_id": "300746", "client_id": "300746", "client_secret": Secret("s"),
    "second_key": Secret("k"),
}  # fmt: skip


def order(status: str) -> Order:
    return Order(order_id="W1", ext_order_id="KS-1", currency_code="PLN", total_amount="1200", status=status)


def reply(status: int, body: object) -> HttpReply:
    return HttpReply(status=status, headers=(), body=msgspec.json.encode(body))


def error(status: int, code: str, **more: str) -> HttpReply:
    return reply(status, {"status": {"statusCode": code, **more}})


@pytest.mark.parametrize(
    ("status", "meaning", "captured"),
    [
        ("NEW", "requires_action", 0),
        ("PENDING", "requires_action", 0),
        ("WAITING_FOR_CONFIRMATION", "pending", 0),
        ("COMPLETED", "succeeded", 1),
        ("CANCELED", "canceled", 0),
        ("REJECTED", "failed", 0),
        ("SOMETHING_NEW", "pending", 0),
    ],
)
def test_every_status_of_an_order_has_a_meaning_and_only_a_completed_one_is_money(
    status: str, meaning: str, captured: int
) -> None:
    shown = report(order(status), ())
    assert (shown.status, len(shown.movements)) == (meaning, captured)


@pytest.mark.parametrize(("status", "kind"), [("COMPLETED", Succeeded), ("CANCELED", Declined), ("PENDING", Pending)])
def test_an_order_that_was_made_before_is_told_as_it_stands(status: str, kind: type) -> None:
    assert isinstance(stands(order(status)), kind)


@pytest.mark.parametrize(
    ("status", "state"),
    [("PENDING", "PENDING"), ("FINALIZED", "SUCCEEDED"), ("CANCELED", "FAILED"), ("SOMETHING_NEW", "PENDING")],
)
def test_every_status_of_a_refund_has_a_meaning(status: str, state: str) -> None:
    told = refund_movement(Refund(refund_id="5", amount="300", status=status, currency_code="PLN"), "PLN")
    assert told.state is MovementState[state]


def test_a_refund_in_another_currency_than_its_order_is_not_understood() -> None:
    with pytest.raises(ProviderUnclear):
        refund_movement(Refund(refund_id="5", amount="300", status="PENDING", currency_code="EUR"), "PLN")


def test_an_error_is_one_even_with_status_200() -> None:
    """PayU's simulator answers so, and PayU itself did."""
    found = refusal(error(200, "ERROR_VALUE_INVALID"), (200,))
    assert found is not None
    said = declined(found)
    assert isinstance(said, Declined)
    assert (said.code, said.provider_code) == ("invalid_input", "ERROR_VALUE_INVALID")


@pytest.mark.parametrize(
    "told",
    [error(401, "UNAUTHORIZED"), error(403, "UNAUTHORIZED_REQUEST"), reply(401, {"error": "invalid_token"})],
)
def test_credentials_that_are_refused_say_nothing_of_the_money(told: HttpReply) -> None:
    found = refusal(told, (200,))
    assert found is not None
    assert isinstance(declined(found), NotExecuted)


@pytest.mark.parametrize(
    "told",
    [
        error(500, "ERROR_INTERNAL"),
        error(400, "BUSINESS_ERROR"),
        error(400, "SUCCESS"),
        error(429, "ERROR_VALUE_INVALID"),
        reply(400, {}),
        reply(200, {}),
        reply(200, {"error": "invalid_token"}),
        reply(404, "gone"),
        reply(200, None),
    ],
)
def test_an_answer_that_gives_no_final_reason_is_none(told: HttpReply) -> None:
    with pytest.raises(ProviderUnclear):
        refusal(told, (200,))


def test_an_order_that_was_made_with_another_status_or_for_another_reference_is_not_understood() -> None:
    for created in (
        Created(status=Status(status_code="SOMETHING_NEW"), order_id="W1"),
        Created(status=Status(status_code="SUCCESS"), order_id="W1", ext_order_id="KS-2"),
    ):
        with pytest.raises(ProviderUnclear):
            started(created, "KS-1")


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://secure.payu.com"},
        {"mode": "live", "base_url": "https://secure.snd.payu.com"},
        {"mode": "live", "base_url": "https://payu.example"},
        {"mode": "live", "base_url": "https://secure.payu.com.payu.example"},
        {"base_url": "ftp://secure.snd.payu.com"},
        {"previous_second_key": Secret(" ")},
        {"customer_ip": "somewhere"},
    ],
)
def test_settings_that_cannot_work_together_are_refused(change: dict[str, Any]) -> None:
    msgspec.convert(SETTINGS, PayuConfig)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(SETTINGS | change, PayuConfig)


def test_each_mode_has_its_own_address() -> None:
    assert msgspec.convert(SETTINGS, PayuConfig).api == "https://secure.snd.payu.com"
    assert msgspec.convert(SETTINGS | {"mode": "live"}, PayuConfig).api == "https://secure.payu.com"
