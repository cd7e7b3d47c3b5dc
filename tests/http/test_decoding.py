"""The strict decoding layer, alone."""

import json
import random
from time import process_time

import msgspec
import pytest
from msgspec import Struct

from kassa.adapters.http.decoding import MAX_DEPTH, decode
from kassa.adapters.http.refusals import Malformed
from kassa.ports.money import Money
from kassa.ports.secret import Secret
from tests.http.corpus import GARBAGE, spoiled


class Wish(Struct, forbid_unknown_fields=True):
    price: Money
    name: str = ""


GOOD = {"price": {"amount": 255, "currency": "GBP"}, "name": "Holder"}


def test_a_good_body_is_read() -> None:
    assert decode(json.dumps(GOOD).encode(), Wish) == Wish(Money(amount=255, currency="GBP"), "Holder")


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused_at_once(body: bytes) -> None:
    started = process_time()
    with pytest.raises(Malformed):
        decode(body, Wish)
    assert process_time() - started < 0.5


@pytest.mark.parametrize(
    ("name", "body"), [(name, body) for name, body in spoiled(GOOD).items() if "100,000" not in name]
)
def test_a_spoiled_body_is_refused(name: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(body, Wish)


def test_the_refusal_names_the_place() -> None:
    for body, path in (
        (b'{"price":{"amount":"1","currency":"GBP"}}', "$.price.amount"),
        (b'{"price":{"amount":1,"currency":"gbp"}}', "$.price.currency"),
        (b'{"price":{"amount":1,"currency":"GBP"},"name":"a\\u0000"}', "$.name"),
        (b'{"price":{"amount":1,"currency":"GBP"},"name":["\\ud800"]}', "$.name[0]"),
    ):
        with pytest.raises(Malformed) as refused:
            decode(body, Wish)
        assert refused.value.path == path


def test_escapes_that_are_harmless_are_read() -> None:
    body = b'{"price":{"amount":1,"currency":"GBP"},"name":"\\u00e9 \\ud83d\\ude00 \\\\u0000"}'
    assert decode(body, Wish).name == "é 😀 \\u0000"


def test_brackets_within_strings_are_not_depth() -> None:
    text = '[{"\\' * 100
    assert decode(msgspec.json.encode({**GOOD, "name": text}), Wish).name == text


def test_depth_is_allowed_to_its_limit_and_no_further() -> None:
    inner = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    assert decode(b"[" + inner + b",[]]", list) is not None
    with pytest.raises(Malformed, match="deeper"):
        decode(b"[[" + inner + b"]]", list)


def test_the_largest_integer_is_read_and_the_next_is_not() -> None:
    for text in (b"9007199254740991", b"-9007199254740991"):
        assert decode(text, int) == int(text)
    for text in (b"9007199254740992", b"-9007199254740992", b"-" + b"9" * 17):
        with pytest.raises(Malformed, match="2\\^53"):
            decode(text, int)


def test_a_password_becomes_a_secret_and_never_shows() -> None:
    class Login(Struct):
        password: Secret

    login = decode(b'{"password":"hunter2 hunter2"}', Login)
    assert login.password.reveal() == "hunter2 hunter2"
    assert "hunter2" not in repr(login)
    for body in (b'{"password":1}', b'{"password":""}', b'{"password":"' + b"a" * 1025 + b'"}'):
        with pytest.raises(Malformed) as refused:
            decode(body, Login)
        assert refused.value.path == "$.password"


def test_random_bytes_are_refused_or_read_but_never_crash() -> None:
    dice = random.Random(8259)
    good = json.dumps(GOOD).encode()
    for _ in range(3_000):
        body = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        try:
            decode(bytes(body), Wish)
        except Malformed:
            continue
