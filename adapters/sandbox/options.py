"""The sandbox's options, and how a merchant is written on the command line."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from .model import Merchant

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FIELDS = {
    "name": "name",
    "key": "secret_key",
    "webhook_secret": "webhook_secret",
    "webhook_url": "webhook_url",
    "idempotency": "idempotency",
}
_SHAPE = "a merchant is name=,key=,webhook_secret=[,webhook_url=][,idempotency=]"


class BadOption(ValueError):
    """An option or a merchant that makes no sense; the message is for a person."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to run one sandbox. `port` 0 takes a free one; `public_url` None means the address listened on.

    `until_stdin_closes`: end when the process that holds the other end of standard input does, however it ends.
    """

    journal: Path
    host: str = "127.0.0.1"
    port: int = 0
    merchants: tuple[Merchant, ...] = ()
    public_url: str | None = None
    amount_faults: bool = False
    slow_ms: int = 2_000
    late_ms: int = 1_500
    hang_ms: int = 60_000
    until_stdin_closes: bool = False


def merchant_of(text: str) -> Merchant:
    """`name=shop,key=sk_test_...,webhook_secret=...,webhook_url=http://...`; raises BadOption."""
    given: dict[str, str] = {}
    for part in text.split(","):
        field, equals, value = part.partition("=")
        if not equals or field not in _FIELDS or _FIELDS[field] in given or not value:
            raise BadOption(f"{_SHAPE}; {field!r} does not fit")
        given[_FIELDS[field]] = value
    try:
        merchant = msgspec.convert(given, Merchant)
    except msgspec.ValidationError as error:
        raise BadOption(f"{_SHAPE}: {error}") from error
    return checked(merchant)


def checked(merchant: Merchant) -> Merchant:
    """The merchant itself, if its name, its key and its address make sense; raises BadOption."""
    if not _NAME.fullmatch(merchant.name):
        raise BadOption("a merchant's name is lower-case letters, digits, - and _")
    if not merchant.secret_key.startswith("sk_test_") or not merchant.secret_key.isascii():
        raise BadOption("a merchant's key starts with sk_test_: this is no place for a live one")
    if not merchant.webhook_secret:
        raise BadOption("a merchant needs a webhook_secret")
    if merchant.webhook_url is not None and not is_web_address(merchant.webhook_url):
        raise BadOption("webhook_url is an http or https address")
    return merchant


def is_web_address(text: str) -> bool:
    """True for an absolute http(s) URL without control characters, spaces or quotes."""
    if not re.fullmatch(r"[!#-&(-;=?-_a-z{-~]{1,2048}", text):
        return False
    try:
        parts = urlsplit(text)
        # The host part is written into a content policy, so it holds nothing that could end a directive there.
        plain = re.fullmatch(r"[A-Za-z0-9._~%:@\[\]-]+", parts.netloc) is not None
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and plain
    except ValueError:
        return False
