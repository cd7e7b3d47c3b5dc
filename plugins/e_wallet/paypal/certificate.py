"""A signing certificate of PayPal: the RSA key in it, and whether that key made a signature (RFC 8017 §8.2.2, SHA-256).

Nothing secret is computed here, and a signature is compared with the only encoding that is right, so that the few lines that
verifying takes need no library. That a certificate is PayPal's is not read from it but known from where it was fetched: by TLS,
from PayPal's own address (`certificates`).
"""

import hashlib
import hmac
import re
from binascii import Error, a2b_base64
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct

from kassa.ports.values import Instant

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]{1,16000})-----END CERTIFICATE-----")
_NAME = re.compile(rb"messageverificationcerts\.([a-z-]+\.)?paypal\.com")
_RSA = bytes.fromhex("2a864886f70d010101")
_COMMON_NAME = bytes.fromhex("550403")
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
_KEY_BITS = (2048, 8192)
_EXPONENT_BITS = 32
_SEQUENCE, _INTEGER, _BITS, _OID, _SET, _VERSION = 0x30, 0x02, 0x03, 0x06, 0x31, 0xA0
_TIMES = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}


class NoCertificate(Exception):
    """Not a certificate that PayPal signs notices with."""


class Certificate(Struct, frozen=True):
    """An RSA key, and when it may be used."""

    modulus: int
    exponent: int
    begins: Instant
    ends: Instant

    def verifies(self, message: bytes, signature: bytes, now: datetime) -> bool:
        """Whether `signature` is this key's of `message`, and the certificate is valid now."""
        size = (self.modulus.bit_length() + 7) // 8
        number = int.from_bytes(signature)
        if not self.begins <= now <= self.ends or len(signature) != size or number >= self.modulus:
            return False
        digest = _SHA256 + hashlib.sha256(message).digest()
        wanted = b"\x00\x01" + b"\xff" * (size - 3 - len(digest)) + b"\x00" + digest
        return hmac.compare_digest(pow(number, self.exponent, self.modulus).to_bytes(size), wanted)


class _Part(NamedTuple):
    """A value of DER (X.690): its tag and its content."""

    tag: int
    content: bytes


def read(pem: bytes) -> Certificate:
    """The first certificate in `pem`. Raises `NoCertificate`, nothing else."""
    found = _PEM.search(pem)
    if found is None:
        raise NoCertificate("no certificate")
    try:
        return _read(a2b_base64(found[1]))
    except (Error, IndexError, ValueError, OverflowError):
        raise NoCertificate("not a certificate") from None


def _read(der: bytes) -> Certificate:
    [whole] = _parts(der)
    signed = _parts(_parts(whole.content)[0].content)
    if signed[0].tag == _VERSION:
        signed = signed[1:]
    _, _, _, validity, subject, key = signed[:6]  # serial number, algorithm and issuer come first
    if not any(_NAME.fullmatch(name) for name in _common_names(subject.content)):
        raise NoCertificate("a certificate of somebody else")
    begins, ends = (_moment(part) for part in _parts(validity.content))
    modulus, exponent = _numbers(key.content)
    return Certificate(modulus=modulus, exponent=exponent, begins=begins, ends=ends)


def _numbers(key: bytes) -> tuple[int, int]:
    """Modulus and exponent of an RSA key of a size that is safe and quick to use."""
    algorithm, bits = _parts(key)
    kind = _parts(algorithm.content)[0]
    if kind != _Part(_OID, _RSA) or bits.tag != _BITS or bits.content[0] != 0:
        raise NoCertificate("not an RSA key")
    [pair] = _parts(bits.content[1:])
    modulus, exponent = (int.from_bytes(_expect(part, _INTEGER)) for part in _parts(pair.content))
    is_sound = _KEY_BITS[0] <= modulus.bit_length() <= _KEY_BITS[1] and modulus % 2 == 1
    if not is_sound or exponent < 3 or exponent % 2 == 0 or exponent.bit_length() > _EXPONENT_BITS:
        raise NoCertificate("an RSA key that is not used for this")
    return modulus, exponent


def _common_names(subject: bytes) -> list[bytes]:
    pairs = [_parts(pair.content) for group in _parts(subject) for pair in _parts(_expect(group, _SET))]
    return [value.content for name, value in pairs if name == _Part(_OID, _COMMON_NAME)]


def _moment(part: _Part) -> datetime:
    return datetime.strptime(part.content.decode("ascii"), _TIMES.get(part.tag, "")).replace(tzinfo=UTC)


def _expect(part: _Part, tag: int) -> bytes:
    if part.tag != tag:
        raise NoCertificate("not a certificate")
    return part.content


def _parts(der: bytes) -> list[_Part]:
    """The values in `der`, one after the other. Raises `ValueError` or `IndexError` where it ends too soon."""
    found, at = [], 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length >= 0x80:
            count = length & 0x7F
            if not 1 <= count <= 3:
                raise ValueError("length")
            length, at = int.from_bytes(der[at : at + count]), at + count
        if at + length > len(der):
            raise ValueError("length")
        found.append(_Part(tag, der[at : at + length]))
        at += length
    return found
