"""Xendit's notices: let in by a fixed token, and no more than a reason to ask."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kassa.plugins.e_wallet.xendit.notices import PAYMENTS, REFUNDS, judged
from kassa.ports.payment import Accept, AnyVerdict, Ignore, RawWebhook, Reject
from kassa.ports.secret import Secret
from tests.plugins.anything import JSON

TOKEN = "KcH2vQnZ8wT4sR7bY1xM"
EXAMPLE: dict[str, Any] = {
    "event": "payment.succeeded",
    "data": {
        "id": "ddpy-3cd658ae-25b9-4659-aa36-596ae41a809f",
        "amount": 1000,
        "status": "SUCCEEDED",
        "country": "PH",
        "currency": "PHP",
        "reference_id": "25cfd0f9-baee-44ca-9a12-6debe03f3c22",
        "failure_code": None,
        "payment_request_id": "pr-5b26cae1-545b-49e9-855e-f85128f3e705",
    },
    "created": "2022-08-12T13:30:58.986Z",
    "business_id": "5f27a14a9bf05c73dd040bc8",
    "api_version": None,
}
"""The callback of Xendit's documentation, shortened."""
AT = datetime(2026, 11, 22, tzinfo=UTC)


def verdict(body: bytes, *headers: tuple[str, str], tokens: tuple[str, ...] = (TOKEN,)) -> AnyVerdict:
    given = headers or (("x-callback-token", TOKEN),)
    raw = RawWebhook(slug="notices", headers=given, body=body, received_at=AT)
    return judged(raw, [Secret(token) for token in tokens])


def written(**changes: Any) -> bytes:
    return json.dumps(EXAMPLE | changes).encode()


@pytest.mark.parametrize("event", [*PAYMENTS, *REFUNDS])
def test_a_documented_event_is_a_hint_about_its_payment(event: str):
    """Of a refund only Xendit's own id names the payment: the reference is the refund's."""
    said = verdict(written(event=event))
    assert isinstance(said, Accept)
    [told] = said.events
    assert told.provider_ref == EXAMPLE["data"]["payment_request_id"]
    assert told.merchant_ref == (EXAMPLE["data"]["reference_id"] if event in PAYMENTS else None)
    assert (told.report, told.unmatched) == (None, None)


@pytest.mark.parametrize(
    "headers",
    [
        (("x-callback-token", ""),), (("x-callback-token", " "),), (("x-callback-token", TOKEN[:-1]),),
        (("x-callback-token", TOKEN + "0"),), (("x-callback-token", TOKEN.lower()),), (("x-token", TOKEN),),
        (("x-callback-token", TOKEN), ("X-Callback-Token", TOKEN)), (("authorization", TOKEN),),
        (("x-callback-token", f" {TOKEN}"),), (("x-callback-token", f"{TOKEN},{TOKEN}"),), (("x-callback-token", "ключ"),),
    ],
)  # fmt: skip
def test_without_exactly_the_token_nothing_is_let_in(headers: tuple[tuple[str, str], ...]):
    """Missing, blank, a part of it, more than it, or twice."""
    assert isinstance(verdict(written(), *headers), Reject)


def test_a_blank_token_of_ours_lets_nobody_in():
    """Everybody can send it."""
    for blank in ("", " "):
        assert isinstance(verdict(written(), ("x-callback-token", blank), tokens=(blank, TOKEN)), Reject)


def test_while_the_token_is_changed_both_are_good():
    """And no third one."""
    assert isinstance(verdict(written(), tokens=("new", TOKEN)), Accept)
    assert isinstance(verdict(written(), tokens=(TOKEN, "old")), Accept)
    assert isinstance(verdict(written(), tokens=("new", "old")), Reject)


def test_what_names_no_payment_or_is_new_is_ignored():
    """Acknowledged, because addresses that refuse are turned off."""
    for body in (
        written(event="payment.renamed"), written(event="payment_method.activated", data={"id": "pm-1"}),
        written(data={}), written(event="refund.succeeded", data={"reference_id": "ours"}),
    ):  # fmt: skip
        assert isinstance(verdict(body), Ignore)


def test_the_second_delivery_is_the_same_event_and_another_notice_another():
    """Its bytes are its name."""
    first, again, other = verdict(written()), verdict(written()), verdict(written(created="later"))
    assert isinstance(first, Accept) and isinstance(other, Accept)
    assert first == again
    assert first.events[0].event_id != other.events[0].event_id


DATA = st.dictionaries(st.sampled_from([*EXAMPLE["data"]]), JSON)
NEARLY = st.fixed_dictionaries({"event": st.sampled_from(PAYMENTS) | JSON, "data": DATA | JSON}).map(
    lambda changes: json.dumps(EXAMPLE | changes).encode()
)
BODIES = st.binary(max_size=300) | NEARLY
TOKENS = st.text(max_size=40) | st.sampled_from([TOKEN, TOKEN[:-1], TOKEN + " ", ""])


def fuzzed(body: bytes, tokens: list[str]) -> None:
    """No exception; let in only with the token once, and then only ever a hint."""
    said = verdict(body, *[("X-Callback-Token", token) for token in tokens], ("Host", "shop.example"))
    assert isinstance(said, Reject) or tokens == [TOKEN]
    assert not isinstance(said, Accept) or all(one.report is None and one.unmatched is None for one in said.events)


@settings(max_examples=300, deadline=None)
@given(BODIES, st.lists(TOKENS, max_size=2))
def test_nothing_is_let_in_without_the_token_and_nothing_believed_with_it(body: bytes, tokens: list[str]):
    """Random bytes, and the documented notice tampered with."""
    fuzzed(body, tokens)


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None)
@given(BODIES, st.lists(TOKENS, max_size=2))
def test_nothing_is_let_in_without_the_token_for_longer(body: bytes, tokens: list[str]):
    """The same, for minutes: `pytest -m soak tests/plugins/xendit`."""
    fuzzed(body, tokens)
