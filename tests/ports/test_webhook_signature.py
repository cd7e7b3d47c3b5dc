"""Signatures: what is proved and what is not. The genuine ones are made with the standard library, not with the module."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.ports.payment import RawWebhook, Reject
from kassa.ports.secret import Secret
from kassa.ports.webhook_signature import TOLERANCE_S, is_fresh, is_same, is_signed, unproved

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
BODY = b'{"paid": true}'
CURRENT, PREVIOUS, OTHER = Secret("whsec_current"), Secret("whsec_previous"), Secret("whsec_other")


def header(secret: Secret = CURRENT, body: bytes = BODY, at: object = AT) -> str:
    """As the provider makes it."""
    mac = hmac.new(secret.reveal().encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def judged(*headers: tuple[str, str], body: bytes = BODY, secrets: Sequence[Secret] = (CURRENT,)) -> Reject | None:
    raw = RawWebhook(slug="notices", headers=headers, body=body, received_at=NOW)
    return unproved(raw, header="acme-signature", secrets=secrets, now=NOW)


def test_a_genuine_notice_is_proved_whatever_the_case_of_the_headers_name():
    """Names of headers have no case; the value has."""
    assert judged(("Acme-Signature", header())) is None
    assert judged(("acme-signature", header().upper())) is not None


def test_while_a_secret_is_rotated_both_prove_and_then_one():
    """The order does not matter; a stranger's proves nothing; no secret at all proves nothing."""
    for secrets in ((CURRENT, PREVIOUS), (PREVIOUS, CURRENT)):
        for signer in (CURRENT, PREVIOUS):
            assert judged(("acme-signature", header(signer)), secrets=secrets) is None
        assert judged(("acme-signature", header(OTHER)), secrets=secrets) is not None
    assert judged(("acme-signature", header(PREVIOUS))) is not None
    assert judged(("acme-signature", header()), secrets=()) is not None


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_secret_proves_nothing(blank: str):
    """Anybody can sign with it: a forgotten setting must not open the door."""
    assert judged(("acme-signature", header(Secret(blank))), secrets=(Secret(blank),)) is not None
    assert not is_signed(BODY, hmac.new(blank.encode(), BODY, hashlib.sha256).hexdigest(), [Secret(blank)])


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("other", header()),),
        (("acme-signature", header()), ("Acme-Signature", header())),
        (("acme-signature", ""),),
        (("acme-signature", header() + "\n"),),
        (("acme-signature", " " + header()),),
        (("acme-signature", header() + "," + header().partition(",")[2]),),
        (("acme-signature", header().replace("v1", "v0")),),
        (("acme-signature", "t=,v1=" + "0" * 64),),
        (("acme-signature", header(at="١٢٣")),),
        (("acme-signature", "t=" + "9" * 5000 + ",v1=" + "0" * 64),),
        (("acme-signature", "t=1,v1=" + "\udcff" * 64),),
    ],
)
def test_what_is_missing_doubled_or_dressed_up_is_no_signature(headers: tuple[tuple[str, str], ...]):
    """Exactly one header, exactly in its form."""
    assert isinstance(judged(*headers), Reject)


@given(where=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_no_bit_of_the_body_can_be_changed(where: int, bit: int):
    """The signature covers it all."""
    changed = BODY[:where] + bytes([BODY[where] ^ (1 << bit)]) + BODY[where + 1 :]
    assert judged(("acme-signature", header()), body=changed) is not None


def test_the_time_is_covered_and_bounded_on_both_sides():
    """A notice that was overheard cannot be sent again later, nor its time be moved."""
    for off in (-TOLERANCE_S, 0, TOLERANCE_S):
        assert judged(("acme-signature", header(at=AT + off))) is None
    for off in (-TOLERANCE_S - 1, TOLERANCE_S + 1):
        assert judged(("acme-signature", header(at=AT + off))) is not None
    assert judged(("acme-signature", header(at=AT - 5000).replace(str(AT - 5000), str(AT)))) is not None


@pytest.mark.parametrize("stamp", ["", "-1", "+1", "1e3", "1.5", " 1", "1 ", "0x1", "١", "9" * 13, f"{AT}\n", "nan"])
def test_only_digits_are_a_time(stamp: str):
    """Nothing that `int` or `float` would be kind to."""
    assert not is_fresh(stamp, NOW)


def test_a_reason_tells_neither_what_was_sent_nor_the_secret():
    """It is written into logs."""
    for headers in ((), (("acme-signature", "CANARY"),), (("acme-signature", header(OTHER)),)):
        verdict = judged(*headers, body=b"CANARY")
        assert verdict is not None
        assert not {"CANARY", CURRENT.reveal(), header()} & set(verdict.reason.split())


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_other_schemes_are_put_together_from_the_parts(algorithm: Any):
    """Hexadecimal or base64, over whatever the provider says it signs."""
    digest = hmac.new(b"whsec_current", BODY, algorithm)
    in_hex, in_base64 = digest.hexdigest(), b64encode(digest.digest()).decode()
    assert is_signed(BODY, in_hex, [OTHER, CURRENT], algorithm=algorithm)
    assert is_signed(BODY, in_base64, [CURRENT], algorithm=algorithm, encoding="base64")
    for wrong in (in_hex.upper(), in_base64, in_hex[:-1], in_hex + "0", "", " "):
        assert not is_signed(BODY, wrong, [CURRENT], algorithm=algorithm)
    bare = in_base64.rstrip("=")
    assert is_signed(BODY, bare, [CURRENT], algorithm=algorithm, encoding="base64") is (bare == in_base64)


@given(st.text(), st.text())
def test_texts_are_the_same_when_they_are_equal_and_not_blank(one: str, other: str):
    """A token that was never set is not matched by an empty header."""
    assert is_same(one, one) is bool(one.strip())
    assert is_same(one, other) is (one == other and bool(other.strip()))
