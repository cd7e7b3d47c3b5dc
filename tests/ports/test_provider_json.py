"""What a provider writes is read strictly, and whatever it is, only one exception comes of it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, Struct

from kassa.ports.provider_json import ProviderUnclear, decoded


class Charge(Struct, frozen=True):
    """A part of what a provider tells."""

    id: str
    amount: int


def test_what_is_known_is_read_and_the_rest_is_skipped():
    """Providers add fields whenever they like."""
    body = b'{"id": "ch_1", "amount": 5, "added": {"later": [true]}}'
    assert decoded(body, Charge) == decoded(Raw(body), Charge) == Charge("ch_1", 5)
    assert decoded(b"[1, 2]", list[int]) == [1, 2]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"id": "ch_1", "amo',
        b'{"id": "ch_1"}',
        b'{"id": "ch_1", "amount": "5"}',
        b'{"id": "ch_1", "amount": 5.0}',
        b'{"id": "ch_1", "amount": true}',
        b'{"id": "\xff", "amount": 5}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"\x00",
    ],
    ids=range(12),
)
def test_what_cannot_be_read_is_unclear_and_shows_nothing(body: bytes):
    """Neither a decoding error nor a recursion error, and no cause that holds the text."""
    with pytest.raises(ProviderUnclear) as raised:
        decoded(body, Charge)
    assert raised.value.__cause__ is None
    assert "ch_1" not in str(raised.value)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_nothing_else_is_ever_raised(body: bytes):
    """Any bytes, any JSON."""
    with suppress(ProviderUnclear):
        decoded(body, Charge)
