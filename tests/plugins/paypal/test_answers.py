"""What PayPal's answers mean, every status and refusal that it documents."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kassa.plugins.e_wallet.paypal.config import PaypalConfig
from kassa.plugins.e_wallet.paypal.meaning import report
from kassa.plugins.e_wallet.paypal.refusals import debug_id, declined, refusal
from kassa.plugins.e_wallet.paypal.shapes import Order
from kassa.ports.payment import Declined, HttpReply, NotExecuted
from kassa.ports.provider_json import ProviderUnclear
from kassa.ports.secret import Secret

SETTINGS: dict[str, Any] = {
    "driver": "paypal", "mode": "test", "client_id": "x", "client_secret": Secret("s"), "webhook_id": Secret("w"),
}  # fmt: skip


def order(status: str, intent: str = "CAPTURE", **payments: str) -> Order:
    """An order with at most one movement of each kind, by its status."""
    moved = {
        kind: [{"id": "2GG", "status": told, "amount": {"currency_code": "EUR", "value": "12.00"}}]
        for kind, told in payments.items()
    }
    unit = {"custom_id": "KS-1", "payments": moved}
    page = {"href": "https://www.sandbox.paypal.com/checkoutnow?token=5O1", "rel": "payer-action"}
    return msgspec.convert(
        {"id": "5O1", "status": status, "intent": intent, "purchase_units": [unit], "links": [page]}, Order
    )


@pytest.mark.parametrize(
    ("told", "status", "action"),
    [
        (order("CREATED"), "requires_action", "Redirect"),
        (order("PAYER_ACTION_REQUIRED"), "requires_action", "Redirect"),
        (order("APPROVED"), "requires_action", "Collect"),
        (order("SAVED"), "pending", "NoneType"),
        (order("VOIDED"), "canceled", "NoneType"),
        (order("COMPLETED"), "pending", "NoneType"),
        (order("SOMETHING_NEW"), "pending", "NoneType"),
        (order("COMPLETED", captures="COMPLETED"), "succeeded", "NoneType"),
        (order("COMPLETED", captures="PARTIALLY_REFUNDED"), "succeeded", "NoneType"),
        (order("COMPLETED", captures="REFUNDED"), "succeeded", "NoneType"),
        (order("COMPLETED", captures="PENDING"), "pending", "NoneType"),
        (order("COMPLETED", captures="DECLINED"), "failed", "NoneType"),
        (order("COMPLETED", captures="FAILED"), "failed", "NoneType"),
        (order("COMPLETED", captures="SOMETHING_NEW"), "pending", "NoneType"),
        (order("COMPLETED", "AUTHORIZE", authorizations="CREATED"), "authorized", "NoneType"),
        (order("COMPLETED", "AUTHORIZE", authorizations="PENDING"), "pending", "NoneType"),
        (order("COMPLETED", "AUTHORIZE", authorizations="DENIED"), "failed", "NoneType"),
        (order("COMPLETED", "AUTHORIZE", authorizations="VOIDED"), "canceled", "NoneType"),
        (order("COMPLETED", "AUTHORIZE", authorizations="EXPIRED"), "canceled", "NoneType"),
        (order("COMPLETED", "AUTHORIZE", authorizations="CAPTURED", captures="COMPLETED"), "succeeded", "NoneType"),
    ],
)
def test_every_status_has_a_meaning(told: Order, status: str, action: str) -> None:
    shown = report(told, b"")
    assert (shown.status, type(shown.next_action).__name__) == (status, action)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("COMPLETED", "SUCCEEDED"),
        ("PENDING", "PENDING"),
        ("FAILED", "FAILED"),
        ("CANCELLED", "FAILED"),
        ("SOMETHING_NEW", "PENDING"),
    ],
)
def test_every_status_of_a_refund_has_a_meaning(status: str, state: str) -> None:
    told = report(order("COMPLETED", captures="COMPLETED", refunds=status), b"").movements
    assert [one.state.name for one in told if one.kind == "refund"] == [state]


def reply(status: int, body: object) -> HttpReply:
    return HttpReply(status=status, headers=(("Paypal-Debug-Id", "90957fca-61718"),), body=msgspec.json.encode(body))


@pytest.mark.parametrize(
    ("issue", "code", "retry"),
    [
        ("INSTRUMENT_DECLINED", "card_declined", True),
        ("TRANSACTION_LIMIT_EXCEEDED", "limit_exceeded", False),
        ("COMPLIANCE_VIOLATION", "fraud_suspected", False),
        ("REFUND_AMOUNT_EXCEEDED", "not_allowed", False),
        ("SOMETHING_NEW", "not_allowed", False),
    ],
)
def test_a_refusal_is_a_decline_with_paypals_own_word(issue: str, code: str, retry: bool) -> None:
    found = refusal(reply(422, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}]}))
    assert found is not None
    said = declined(found)
    assert isinstance(said, Declined)
    assert (said.code, said.provider_code, said.retry) == (code, issue, retry)


@pytest.mark.parametrize("body", [{"name": "NOT_AUTHORIZED"}, {"error": "invalid_token"}])
def test_credentials_that_are_refused_say_nothing_of_the_money(body: object) -> None:
    found = refusal(reply(401, body))
    assert found is not None
    assert isinstance(declined(found), NotExecuted)


@pytest.mark.parametrize(
    "told",
    [
        reply(500, {"name": "INTERNAL_SERVER_ERROR"}),
        reply(429, {"name": "RATE_LIMIT_REACHED"}),
        reply(422, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "PREVIOUS_REQUEST_IN_PROGRESS"}]}),
        reply(422, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "DUPLICATE_REQUEST_ID"}]}),
        reply(422, {}),
        reply(302, {}),
        reply(404, "gone"),
    ],
)
def test_an_answer_that_gives_no_final_reason_is_none(told: HttpReply) -> None:
    with pytest.raises(ProviderUnclear):
        refusal(told)


def test_the_debug_id_for_paypals_support_is_short_and_plain() -> None:
    assert debug_id(reply(500, None)) == "90957fca61718"


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://api-m.paypal.com"},
        {"base_url": "https://api.paypal.com"},
        {"mode": "live", "base_url": "https://api-m.sandbox.paypal.com"},
        {"mode": "live", "base_url": "https://paypal.example"},
        {"base_url": "https://paypal.example/path"},
        {"previous_webhook_id": Secret(" ")},
        {"certificates": ["https://evil.example/CERT-1"]},
    ],
)
def test_settings_that_cannot_work_together_are_refused(change: dict[str, Any]) -> None:
    msgspec.convert(SETTINGS, PaypalConfig)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(SETTINGS | change, PaypalConfig)


def test_each_mode_has_its_own_addresses() -> None:
    test, live = msgspec.convert(SETTINGS, PaypalConfig), msgspec.convert(SETTINGS | {"mode": "live"}, PaypalConfig)
    assert (test.api, test.certificate_home) == ("https://api-m.sandbox.paypal.com", "https://api.sandbox.paypal.com")
    assert (live.api, live.certificate_home) == ("https://api-m.paypal.com", "https://api.paypal.com")


def test_an_order_that_bears_nobodys_reference_is_not_understood() -> None:
    """PayPal tells it on the order, or, in short answers, on what was moved."""
    taken = {"id": "2GG", "status": "COMPLETED", "amount": {"currency_code": "EUR", "value": "12.00"}}
    whole = {"id": "5O1", "status": "COMPLETED", "purchase_units": [{"payments": {"captures": [taken]}}]}
    with pytest.raises(ProviderUnclear):
        report(msgspec.convert(whole, Order), b"")
    taken["custom_id"] = "KS-1"
    assert report(msgspec.convert(whole, Order), b"").merchant_ref == "KS-1"
