"""PayPal's notices and certificates: what is proved, and what never is. The longer run: `pytest -m soak tests/plugins/paypal`."""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kassa.plugins.e_wallet.paypal.certificate import NoCertificate, read
from kassa.plugins.e_wallet.paypal.certificates import MOST, Certificates
from kassa.plugins.e_wallet.paypal.config import PaypalConfig
from kassa.plugins.e_wallet.paypal.notices import judged
from kassa.ports.conformance.payment_method.wire import KitClock, KitLog
from kassa.ports.payment import Accept, AnyVerdict, HttpReply, Ignore, RawWebhook, Reject
from kassa.ports.secret import Secret
from tests.plugins.paypal import signing
from tests.plugins.paypal.double import CERTIFICATE_NAME, signed

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WEBHOOK = "4JH86294D6297924G"
CONFIG = PaypalConfig(
    driver="paypal", mode="test", client_id="x", client_secret=Secret("secret"), webhook_id=Secret(WEBHOOK)
)
EVENT = {
    "id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED",
    "resource": {"id": "2GG", "custom_id": "KS-1", "supplementary_data": {"related_ids": {"order_id": "5O1"}}},
}  # fmt: skip
BODY = msgspec.json.encode(EVENT)


class Shelf:
    """PayPal's shelf of certificates, and a context to fetch from it."""

    def __init__(self, **certificates: bytes) -> None:
        self.certificates = {name.replace("_", "-"): pem for name, pem in certificates.items()}
        self.asked: list[str] = []
        self.log, self.http, self.clock = KitLog(), self, FixedClock()

    async def request(self, method: str, url: str, **_: Any) -> HttpReply:
        self.asked.append(url)
        name = url.rpartition("/")[2]
        found = self.certificates.get(name)
        return HttpReply(status=404 if found is None else 200, headers=(), body=found or b"")


class FixedClock(KitClock):
    """Always noon."""

    def now(self) -> datetime:
        return NOW


def kept(pem: bytes = signing.CERTIFICATE) -> Certificates:
    """Certificates with this one on hand."""
    certificates = Certificates(CONFIG.certificate_home, ())
    certificates._keep(CERTIFICATE_NAME, read(pem))
    return certificates


HERE = kept()


def said(
    body: bytes, headers: Sequence[tuple[str, str]], certificates: Certificates = HERE, config: PaypalConfig = CONFIG
) -> AnyVerdict:
    """The verdict on a notice."""
    raw = RawWebhook(slug="notices", headers=tuple(headers), body=body, received_at=NOW)
    return judged(Shelf(), raw, config, certificates)


def test_a_signature_that_openssl_made_is_verified_and_a_changed_one_is_not() -> None:
    """The vector is not of our own making."""
    certificate, signature = read(signing.CERTIFICATE), b64decode(signing.SIGNED_BY_OPENSSL)
    assert certificate.verifies(signing.MESSAGE, signature, NOW)
    assert not certificate.verifies(signing.MESSAGE + b"0", signature, NOW)
    assert not certificate.verifies(signing.MESSAGE, signature[:-1] + bytes([signature[-1] ^ 1]), NOW)
    assert not certificate.verifies(signing.MESSAGE, b"\x00" + signature, NOW)
    assert not certificate.verifies(signing.MESSAGE, b"\x00" * 256, NOW)
    assert not certificate.verifies(signing.MESSAGE, b"\xff" * 256, NOW)


def test_a_certificate_proves_nothing_before_and_after_its_time() -> None:
    expired = read(signing.EXPIRED)
    assert expired.ends.year == 2016
    assert isinstance(said(BODY, signed(BODY, WEBHOOK, NOW), kept(signing.EXPIRED)), Reject)


@pytest.mark.parametrize(
    "pem",
    [signing.SOMEBODY_ELSES, signing.ELLIPTIC, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"],
)
def test_what_is_no_certificate_of_paypals_is_not_read(pem: bytes) -> None:
    with pytest.raises(NoCertificate):
        read(pem)


def test_a_genuine_notice_is_a_hint_and_no_more() -> None:
    """Its signature covers a CRC of the body, and nothing that could be acted on."""
    verdict = said(BODY, signed(BODY, WEBHOOK, NOW))
    assert isinstance(verdict, Accept)
    [event] = verdict.events
    assert (event.provider_ref, event.merchant_ref, event.report) == ("5O1", "KS-1", None)


def test_another_body_with_the_same_crc_passes_the_signature_and_is_still_a_hint_only() -> None:
    """It is made in a moment, so whoever overhears one notice can send any other: this is why no report is believed."""
    forged = forgery(zlib.crc32(BODY))
    assert zlib.crc32(forged) == zlib.crc32(BODY)
    verdict = said(forged, signed(BODY, WEBHOOK, NOW))
    assert isinstance(verdict, Accept)
    [event] = verdict.events
    assert (event.merchant_ref, event.report) == ("KS-OF-ANOTHER", None)


TABLE = [zlib.crc32(bytes([number]), 0xFFFFFFFF) ^ 0xFFFFFFFF for number in range(256)]
"""CRC-32's, each entry the state after one byte from nothing."""


def forgery(wanted: int) -> bytes:
    """A notice about another payment with the wanted CRC-32: four letters of it are computed, walking the table backwards."""
    tail = b'"}'
    for number in range(10_000):
        head = (
            msgspec.json.encode(
                {
                    "id": f"WH-{number}",
                    "event_type": EVENT["event_type"],
                    "resource": {"id": "1", "custom_id": "KS-OF-ANOTHER"},
                }
            )[:-1]
            + b',"x":"'
        )
        state = wanted ^ 0xFFFFFFFF
        for letter in reversed(tail):
            state, index = back(state)
            state |= index ^ letter
        indices = []
        for _ in range(4):
            state, index = back(state)
            indices.append(index)
        now, letters = zlib.crc32(head) ^ 0xFFFFFFFF, b""
        for index in reversed(indices):
            letters += bytes([(now ^ index) & 0xFF])
            now = now >> 8 ^ TABLE[index]
        if letters.isalnum():
            return head + letters + tail
    raise AssertionError("no luck")


def back(state: int) -> tuple[int, int]:
    """The state before one byte, without its last eight bits, and the entry of the table that was used."""
    index = next(number for number, value in enumerate(TABLE) if value >> 24 == state >> 24)
    return (state ^ TABLE[index]) << 8 & 0xFFFFFFFF, index


@pytest.mark.parametrize(
    "url",
    [
        f"https://api.paypal.com/v1/notifications/certs/{CERTIFICATE_NAME}",  # the other mode's
        f"https://api.sandbox.paypal.com.evil.example/v1/notifications/certs/{CERTIFICATE_NAME}",
        f"https://evil.example/https://api.sandbox.paypal.com/v1/notifications/certs/{CERTIFICATE_NAME}",
        f"http://api.sandbox.paypal.com/v1/notifications/certs/{CERTIFICATE_NAME}",
        f"https://api.sandbox.paypal.com@evil.example/v1/notifications/certs/{CERTIFICATE_NAME}",
        f"https://api.sandbox.paypal.com/v1/notifications/certs/../certs/{CERTIFICATE_NAME}",
        f"https://api.sandbox.paypal.com/v1/notifications/certs/{CERTIFICATE_NAME}?x=1",
        f"https://api.sandbox.paypal.com/v1/notifications/certs/{CERTIFICATE_NAME}\n",
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-",
        f"/v1/notifications/certs/{CERTIFICATE_NAME}",
    ],
)
async def test_a_certificate_from_anywhere_else_is_neither_believed_nor_fetched(url: str) -> None:
    certificates, shelf = kept(), Shelf()
    headers = signed(BODY, WEBHOOK, NOW, **{"PAYPAL-CERT-URL": url})
    assert isinstance(said(BODY, headers, certificates), Reject)
    await certificates.fetch(shelf)
    assert shelf.asked == []


async def test_a_certificate_that_is_not_here_is_fetched_and_then_the_notice_is_believed() -> None:
    """PayPal sends a notice again that was answered 401; in the meantime `health` has fetched what it named."""
    certificates = Certificates(CONFIG.certificate_home, ())
    headers = signed(BODY, WEBHOOK, NOW)
    assert isinstance(said(BODY, headers, certificates), Reject)
    shelf = Shelf(**{CERTIFICATE_NAME.replace("-", "_"): signing.CERTIFICATE})
    await certificates.fetch(shelf)
    assert shelf.asked == [f"https://api.sandbox.paypal.com/v1/notifications/certs/{CERTIFICATE_NAME}"]
    assert isinstance(said(BODY, headers, certificates), Accept)


async def test_made_up_names_fill_neither_the_memory_nor_the_wire() -> None:
    certificates, shelf = Certificates(CONFIG.certificate_home, ()), Shelf()
    for number in range(1000):
        certificates.named(f"CERT-{number}")
    await certificates.fetch(shelf)
    assert len(shelf.asked) == MOST
    await certificates.fetch(shelf)
    assert len(shelf.asked) == MOST


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("PAYPAL-AUTH-ALGO", "SHA1withRSA"),
        ("PAYPAL-AUTH-ALGO", "none"),
        ("PAYPAL-TRANSMISSION-TIME", "2026-03-02T12:00:00+00:00"),
        ("PAYPAL-TRANSMISSION-TIME", "2026-13-02T12:00:00Z"),
        ("PAYPAL-TRANSMISSION-TIME", "0001-01-01T00:00:00Z"),
        ("PAYPAL-TRANSMISSION-ID", "a|b"),
        ("PAYPAL-TRANSMISSION-SIG", ""),
        ("PAYPAL-TRANSMISSION-SIG", "===="),
    ],
)
def test_a_header_that_is_not_as_documented_proves_nothing(header: str, value: str) -> None:
    assert isinstance(said(BODY, signed(BODY, WEBHOOK, NOW, **{header: value})), Reject)


def test_a_notice_for_another_webhook_proves_nothing() -> None:
    """Anybody can have PayPal sign notices to a webhook of their own."""
    assert isinstance(said(BODY, signed(BODY, "9XL90610J3647323C", NOW)), Reject)
    assert isinstance(said(BODY, signed(BODY, WEBHOOK, NOW - timedelta(hours=1))), Reject)


def test_what_is_nothing_to_us_is_acknowledged() -> None:
    body = msgspec.json.encode(
        {"id": "WH-9", "event_type": "CUSTOMER.DISPUTE.CREATED", "resource": {"dispute_id": "D"}}
    )
    assert isinstance(said(body, signed(body, WEBHOOK, NOW)), Ignore)


GENUINE = dict(signed(BODY, WEBHOOK, NOW))
names = st.sampled_from(sorted(GENUINE))
texts = st.text(max_size=60) | st.sampled_from(sorted(GENUINE.values()))
heads = st.dictionaries(names, texts, max_size=5).map(lambda other: tuple((GENUINE | other).items()))
values = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("PAYMENT.CAPTURE.REFUNDED")
fields = st.sampled_from(["id", "event_type", "resource", "custom_id", "supplementary_data", "related_ids", "order_id"])
shapes = st.recursive(values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner), max_leaves=20)
bodies = st.binary(max_size=300) | shapes.map(msgspec.json.encode)


def unproved(body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    """Nothing that PayPal did not sign is believed, and nothing raises."""
    if body != BODY or dict(headers) != GENUINE:
        assert isinstance(said(body, headers), Reject)


def harmless(told: object) -> None:
    """Whatever PayPal signs is judged: it never raises, and never tells money."""
    body = msgspec.json.encode(told)
    verdict = said(body, signed(body, WEBHOOK, NOW))
    assert all(event.report is None for event in (verdict.events if isinstance(verdict, Accept) else ()))


def unreadable(pem: bytes) -> None:
    """No bytes break the reader of certificates."""
    try:
        read(pem)
    except NoCertificate:
        return
    assert pem == signing.CERTIFICATE or b"CERTIFICATE" in pem


damages = st.tuples(st.integers(0, len(signing.CERTIFICATE) - 1), st.integers(0, 255))
damaged = st.lists(damages, max_size=4).map(
    lambda found: bytes(dict(found).get(at, letter) for at, letter in enumerate(signing.CERTIFICATE))
)


@settings(max_examples=120, deadline=None)
@given(body=bodies | st.just(BODY), headers=heads)
def test_no_notice_is_believed_that_paypal_did_not_sign(body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    unproved(body, headers)


@settings(max_examples=30, deadline=None)
@given(told=shapes)
def test_whatever_is_signed_is_judged(told: object) -> None:
    harmless(told)


@settings(max_examples=150, deadline=None)
@given(pem=damaged | st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_certificates(pem: bytes) -> None:
    unreadable(pem)


@pytest.mark.soak
@settings(max_examples=4_000, deadline=None)
@given(body=bodies, headers=heads, told=shapes, pem=damaged)
def test_no_notice_is_believed_however_long_one_tries(
    body: bytes, headers: tuple[tuple[str, str], ...], told: object, pem: bytes
) -> None:
    unproved(body, headers)
    harmless(told)
    unreadable(pem)
