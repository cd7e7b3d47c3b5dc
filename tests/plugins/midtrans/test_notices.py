"""Midtrans' notices: proved by their three signed values, and no more than a reason to ask."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kassa.plugins.e_wallet.midtrans.notices import judged
from kassa.ports.payment import Accept, AnyVerdict, Ignore, RawWebhook, Reject
from kassa.ports.secret import Secret
from tests.plugins.anything import JSON
from tests.plugins.midtrans.books import signature

KEY = "askvnoibnosifnboseofinbofinfgbiufglnbfg"
"""The server key of the example in Midtrans' documentation; the signature is what other implementations publish for it."""
VECTOR = (
    "edc076b21793ebe3e17926350f5b8ae67d902fe657b3d0aa31b932d5c127e237"
    "5d308a2bc94f3265ac2d80a1f181a79b997ac178a236fcff35af263fc4d4c231"
)
EXAMPLE = {
    "transaction_time": "2020-01-09 18:27:19",
    "transaction_status": "settlement",
    "transaction_id": "57d5293c-e65f-4a29-95e4-5959c3fa335b",
    "status_message": "midtrans payment notification",
    "status_code": "200",
    "signature_key": VECTOR,
    "payment_type": "gopay",
    "order_id": "1111",
    "merchant_id": "G141532850",
    "gross_amount": "100000.00",
    "fraud_status": "accept",
    "currency": "IDR",
}
AT = datetime(2026, 11, 22, tzinfo=UTC)


def verdict(body: bytes, *keys: str) -> AnyVerdict:
    raw = RawWebhook(slug="notices", headers=(("Content-Type", "application/json"),), body=body, received_at=AT)
    return judged(raw, [Secret(key) for key in keys or (KEY,)])


def written(**changes: Any) -> bytes:
    """The example, changed; None takes a field out."""
    told = {name: value for name, value in (EXAMPLE | changes).items() if value is not None}
    return json.dumps(told).encode()


def test_the_documented_example_is_genuine_and_a_hint():
    """The signature that others computed for the documentation's values."""
    said = verdict(written())
    assert isinstance(said, Accept)
    [event] = said.events
    assert (event.provider_ref, event.merchant_ref) == (EXAMPLE["transaction_id"], "1111")
    assert (event.report, event.unmatched) == (None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": "1112"}, {"status_code": "201"}, {"gross_amount": "100000"}, {"gross_amount": "100000.0"},
        {"gross_amount": "1000000.00"}, {"gross_amount": 100000.00}, {"gross_amount": "100000.000"}, {"status_code": 200},
        {"order_id": None}, {"status_code": None}, {"gross_amount": None}, {"signature_key": None}, {"signature_key": ""},
        {"signature_key": VECTOR.upper()}, {"signature_key": VECTOR[:-1]}, {"signature_key": VECTOR + "0"},
        {"signature_key": [VECTOR]}, {"signature_key": hashlib.sha512(b"1111200100000.00").hexdigest()},
        {"order_id": "11112", "status_code": "001"}, {"order_id": "111", "status_code": "120"},
        {"order_id": "1111200", "status_code": "", "gross_amount": "100000.00"},
        {"order_id": "", "status_code": "111", "gross_amount": "1200100000.00"},
    ],
)  # fmt: skip
def test_what_is_not_signed_so_is_rejected(changes: dict[str, Any]):
    """Values as they were sent: the same amount written otherwise is another text. Nothing may slip from one into the next."""
    assert isinstance(verdict(written(**changes)), Reject)


def test_another_key_and_a_blank_one_prove_nothing():
    """Everybody has the blank one. While a key is changed, both are good."""
    assert isinstance(verdict(written(), "SB-Mid-server-other"), Reject)
    unsigned = json.loads(written())
    for blank in ("", " "):
        assert isinstance(verdict(written(signature_key=signature(unsigned, blank)), blank, KEY), Reject)
    assert isinstance(verdict(written(), "SB-Mid-server-new", KEY), Accept)
    assert isinstance(verdict(written(), KEY, "SB-Mid-server-old"), Accept)


def test_what_the_signature_does_not_cover_changes_nothing_but_what_is_asked():
    """Whoever has seen one notice can write these: none says that anything is paid."""
    for changes in (
        {"transaction_status": "settlement", "fraud_status": "accept"}, {"transaction_status": "quantum"},
        {"refunds": [{"refund_amount": "1.00"}]}, {"transaction_id": "somebody-elses"}, {"currency": "USD"},
    ):  # fmt: skip
        said = verdict(written(**changes))
        assert isinstance(said, Accept)
        assert all(event.report is None and event.unmatched is None for event in said.events)


def test_a_signed_notice_of_something_else_is_ignored():
    """Subscriptions and accounts are no transactions."""
    assert isinstance(verdict(written(transaction_id=None)), Ignore)
    assert isinstance(verdict(written(transaction_status=None)), Ignore)


def test_the_second_delivery_is_the_same_event_and_another_notice_another():
    """Its bytes are its name."""
    first, again, other = verdict(written()), verdict(written()), verdict(written(refund_amount="1.00"))
    assert isinstance(first, Accept) and isinstance(other, Accept)
    assert first == again
    assert first.events[0].event_id != other.events[0].event_id


NEARLY = st.dictionaries(st.sampled_from([*EXAMPLE]), JSON | st.sampled_from([*EXAMPLE.values()])).map(
    lambda changes: json.dumps(EXAMPLE | changes)
)
TEXTS = st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
BODIES = st.binary(max_size=300) | TEXTS | NEARLY.map(str.encode)
"""Rubbish, and the genuine notice with some of its fields replaced by anything."""


def fuzzed(body: bytes) -> None:
    """No exception; and accepted only where the three values are those that were signed, and then as a hint."""
    said = verdict(body)
    if isinstance(said, Reject):
        return
    told = json.loads(body)
    assert [told[name] for name in ("order_id", "status_code", "gross_amount")] == ["1111", "200", "100000.00"]
    assert told["signature_key"] == VECTOR
    assert not isinstance(said, Accept) or all(event.report is None for event in said.events)


@settings(max_examples=300, deadline=None)
@given(BODIES)
def test_nothing_that_was_not_signed_is_accepted(body: bytes):
    """Random bytes, random text, and a genuine notice tampered with."""
    fuzzed(body)


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None)
@given(BODIES)
def test_nothing_that_was_not_signed_is_accepted_for_longer(body: bytes):
    """The same, for minutes: `pytest -m soak tests/plugins/midtrans`."""
    fuzzed(body)
