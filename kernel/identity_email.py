"""E-mail addresses: two spellings of one address are one account."""

import hashlib
import re
import unicodedata

from kassa.ports.errors import InvalidValue

_LONGEST = 254
_LONGEST_LOCAL_BYTES = 64
_NOT_IN_LOCAL = frozenset('<>()[]\\,;:"')
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\Z")


def email_key(email: str) -> str:
    """The normalised address: the local part case-folded in NFC, the domain as lower-case ASCII (IDNA).

    Quoted local parts and comments are not taken, though RFC 5321 has them: nobody has one, and attacks do.
    Raises `InvalidValue`.
    """
    local, at, domain = email.partition("@")
    if not at or "@" in domain or len(email) > _LONGEST:
        raise InvalidValue("email", "not one @, or too long")
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    if not local or any(map(_is_unfit, local)):
        raise InvalidValue("email", "a character before the @ that cannot be")
    if len(local.encode()) > _LONGEST_LOCAL_BYTES:
        raise InvalidValue("email", "too long before the @")
    return f"{local}@{_ascii_domain(domain)}"


def digest(key: str) -> str:
    """32 hexadecimal digits that stand for an address where the address itself should not be: SHA-256, cut."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _is_unfit(character: str) -> bool:
    # C: control, format, surrogate, private, unassigned; Z: separators, the space among them
    return character in _NOT_IN_LOCAL or unicodedata.category(character)[0] in "CZ"


def _ascii_domain(domain: str) -> str:
    try:
        written = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise InvalidValue("email", "not a domain after the @") from None
    if not _DOMAIN.match(written):
        raise InvalidValue("email", "not a domain after the @")
    return written
