"""Whatever Xendit writes is a status and movements within the contract's bounds, or unclear."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kassa.plugins.e_wallet.xendit.shapes import (
    STATUSES,
    PaymentRequest,
    Refund,
    capture_of,
    instant,
    properties_of,
    refund_of,
    status_of,
)
from kassa.ports.payment import Movement, ProviderStatus
from kassa.ports.provider_json import ProviderUnclear, decoded
from tests.plugins.anything import JSON

TRUE: dict[str, Any] = {
    "id": "pr-1fdaf346", "reference_id": "KS-1", "currency": "IDR", "amount": 15000, "status": "SUCCEEDED",
    "payment_method": {"id": "pm-1", "status": "ACTIVE", "qr_code": {"channel_properties": {"expires_at": "2022-01-01T00:00Z"}}},
    "failure_code": None, "actions": [{"action": "AUTH", "url": "https://w.example", "url_type": "WEB"}],
}  # fmt: skip
REFUND: dict[str, Any] = {
    "id": "rfd-1", "payment_request_id": "pr-1", "reference_id": "k", "amount": 15000, "currency": "IDR",
    "status": "SUCCEEDED", "failure_code": None, "created": "2023-01-24T07:05:07.859363326Z",
}  # fmt: skip
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers() | JSON
CHANGES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(TRUE, JSON) | {"amount": NUMBERS, "status": st.sampled_from([*STATUSES]) | JSON},
)
REFUND_CHANGES = st.fixed_dictionaries({}, optional=dict.fromkeys(REFUND, JSON) | {"amount": NUMBERS})


def told(changes: dict[str, Any], refund: dict[str, Any]) -> None:
    try:
        made = decoded(json.dumps(TRUE | changes).encode(), PaymentRequest)
        assert status_of(made) in get_args(ProviderStatus)
        instant(properties_of(made).expires_at)
        found = [*capture_of(made), refund_of(decoded(json.dumps(REFUND | refund).encode(), Refund))]
    except ProviderUnclear:
        return
    for one in found:
        assert msgspec.json.decode(msgspec.json.encode(one), type=Movement) == one
        assert one.amount.amount > 0 and one.amount.currency == "IDR"


@settings(max_examples=200, deadline=None)
@given(CHANGES, REFUND_CHANGES)
def test_an_answer_is_money_or_unclear(changes: dict[str, Any], refund: dict[str, Any]):
    """The documented ones with any of their values replaced by anything."""
    told(changes, refund)


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None)
@given(CHANGES, REFUND_CHANGES)
def test_an_answer_is_money_or_unclear_for_longer(changes: dict[str, Any], refund: dict[str, Any]):
    """The same, for minutes: `pytest -m soak tests/plugins/xendit`."""
    told(changes, refund)
