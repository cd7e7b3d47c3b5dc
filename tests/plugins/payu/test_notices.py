"""PayU's notices: what is believed of them, and what never is. The longer run: `pytest -m soak tests/plugins/payu`."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kassa.plugins.e_wallet.payu.notices import judged
from kassa.ports.payment import Accept, AnyVerdict, MovementState, RawWebhook, Reject
from kassa.ports.secret import Secret
from tests.plugins.payu.double import signature

KEY = "b6ca15b0d1020e8094d9b5f8d163db54"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ORDER = {
    "orderId": "WZHF5FFDRJ140731GUEST000P01", "extOrderId": "KS-1", "currencyCode": "PLN", "totalAmount": "1200",
    "status": "COMPLETED",
}  # fmt: skip
BODY = msgspec.json.encode({"order": ORDER})
words = st.text(max_size=30) | st.sampled_from(
    ["signature", "algorithm", "MD5", "SHA-256", "SHA-1", "sender", "checkout"]
)
headers = st.lists(st.tuples(words, words), max_size=6).map(lambda pairs: ";".join(f"{a}={b}" for a, b in pairs))
values = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([*ORDER.values(), "PENDING"])
)
names = st.sampled_from([*ORDER, "order", "refund", "refundId", "amount"])
shapes = st.recursive(values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner), max_leaves=20)


def said(body: bytes, header: str, *more: tuple[str, str]) -> AnyVerdict:
    """The verdict on a notice with this header."""
    raw = RawWebhook(slug="notices", headers=(("OpenPayu-Signature", header), *more), body=body, received_at=NOW)
    return judged(raw, [Secret(KEY), Secret(" ")])


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_paid_order_is_believed_whichever_digest_the_pos_is_set_to(algorithm: str) -> None:
    verdict = said(BODY, signature(BODY, KEY, algorithm))
    assert isinstance(verdict, Accept)
    [event] = verdict.events
    assert event.report is not None
    assert [(one.kind, one.amount.amount) for one in event.report.movements] == [("capture", 1200)]


def test_a_refund_that_waits_is_pending_and_names_its_order() -> None:
    refund = {"refundId": "5000000142", "amount": "300", "currencyCode": "PLN", "status": "PENDING"}
    body = msgspec.json.encode({"orderId": ORDER["orderId"], "extOrderId": "KS-1", "refund": refund})
    verdict = said(body, signature(body, KEY))
    assert isinstance(verdict, Accept)
    [event] = verdict.events
    assert event.provider_ref == ORDER["orderId"]
    assert event.report is not None
    assert [one.state for one in event.report.movements] == [MovementState.PENDING]


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.replace("MD5", "SHA-256"),
        lambda header: header.replace("MD5", "md5"),
        lambda header: header.replace("sender=checkout", "sender=me"),
        lambda header: header + ";signature=0",
        lambda header: header + ";key=0",
        lambda header: header.replace("content=DOCUMENT", "content=HEADER"),
        lambda header: "",
    ],
)
def test_a_header_that_is_not_as_documented_proves_nothing(change) -> None:
    assert isinstance(said(BODY, change(signature(BODY, KEY))), Reject)


def test_a_blank_key_signs_nothing() -> None:
    assert isinstance(said(BODY, signature(BODY, " ")), Reject)


def unproved(body: bytes, header: str) -> None:
    """Nothing that PayU's key did not sign is believed, and nothing raises."""
    assert isinstance(said(body, header), Reject)


def readable(told: object) -> None:
    """Whatever PayU signs is judged: it never raises, and money is told for orders and refunds that are whole only."""
    body = msgspec.json.encode(told)
    verdict = said(body, signature(body, KEY))
    for event in verdict.events if isinstance(verdict, Accept) else ():
        assert event.report is not None
        assert all(one.amount.amount > 0 for one in event.report.movements)


bodies = st.binary(max_size=300) | shapes.map(msgspec.json.encode) | st.just(BODY)


@settings(max_examples=150, deadline=None)
@given(body=bodies, header=headers | st.text(max_size=80) | st.just(signature(BODY, "another")))
def test_no_notice_is_believed_without_the_key(body: bytes, header: str) -> None:
    unproved(body, header)


@settings(max_examples=150, deadline=None)
@given(told=shapes)
def test_whatever_is_signed_is_judged(told: object) -> None:
    readable(told)


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None)
@given(body=bodies, header=headers | st.text(max_size=80), told=shapes)
def test_no_notice_is_believed_without_the_key_however_long_one_tries(body: bytes, header: str, told: object) -> None:
    unproved(body, header)
    readable(told)
