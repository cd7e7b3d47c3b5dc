"""Whatever Midtrans writes is a report within the contract's bounds, or unclear."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kassa.plugins.e_wallet.midtrans.shapes import STATUSES, Answer, of_payment, report
from kassa.ports.payment import Report
from kassa.ports.provider_json import ProviderUnclear, decoded
from tests.plugins.anything import JSON

TRUE: dict[str, Any] = {
    "status_code": "200",
    "transaction_id": "513f1f01-c9da-474c-9fc9-d5c64364b709",
    "order_id": "KS-1",
    "gross_amount": "154600.00",
    "currency": "IDR",
    "transaction_status": "partial_refund",
    "fraud_status": "accept",
    "settlement_time": "2021-06-15 18:45:28",
    "refunds": [{"refund_chargeback_id": 7, "refund_amount": "5000.00", "created_at": "2015-02-27 00:14:20", "refund_key": "k"}],
}  # fmt: skip
REFUND = st.dictionaries(st.sampled_from([*TRUE["refunds"][0]]), JSON).map(lambda changes: TRUE["refunds"][0] | changes)
ANYTHING = dict.fromkeys(TRUE, JSON) | {
    "transaction_status": st.sampled_from([*STATUSES]) | JSON,
    "refunds": st.lists(REFUND, max_size=2) | JSON,
    "gross_amount": st.decimals(allow_nan=True).map(str) | JSON,
}
CHANGES = st.fixed_dictionaries({}, optional=ANYTHING)


def told(changes: dict[str, Any]) -> None:
    try:
        found = report(of_payment(decoded(json.dumps(TRUE | changes).encode(), Answer), "KS-1", None))
    except ProviderUnclear:
        return
    assert msgspec.json.decode(msgspec.json.encode(found), type=Report) == found
    assert all(one.amount.amount > 0 and one.amount.currency == "IDR" for one in found.movements)


@settings(max_examples=200, deadline=None)
@given(CHANGES)
def test_an_answer_is_a_report_or_unclear(changes: dict[str, Any]):
    """The documented one with any of its values replaced by anything."""
    told(changes)


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None)
@given(CHANGES)
def test_an_answer_is_a_report_or_unclear_for_longer(changes: dict[str, Any]):
    """The same, for minutes: `pytest -m soak tests/plugins/midtrans`."""
    told(changes)
