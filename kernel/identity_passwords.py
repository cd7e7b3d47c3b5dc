"""What a new password must be. Source: OWASP ASVS 5.0, 6.2: a length, no composition rules, none that everybody tries."""

import unicodedata

from kassa.kernel.common_passwords import COMMON
from kassa.ports.errors import PasswordRefused, SettingRefused
from kassa.ports.secret import Secret

_LEAST_BYTES, _MOST_BYTES = 8, 1024


def prepared(password: Secret) -> Secret:
    """In Unicode's NFC, so that one password is one password on every keyboard."""
    return Secret(unicodedata.normalize("NFC", password.reveal()))


class PasswordPolicy:
    """At least `least_bytes` of UTF-8 (8 or more, else `SettingRefused`), at most 1,024, not common."""

    def __init__(self, *, least_bytes: int = _LEAST_BYTES) -> None:
        if not _LEAST_BYTES <= least_bytes <= _MOST_BYTES:
            raise SettingRefused(
                f"the least length of a password is {least_bytes}; it may be {_LEAST_BYTES} to {_MOST_BYTES}"
            )
        self._least_bytes = least_bytes

    def check(self, password: Secret, email_key: str) -> None:
        """Raises `PasswordRefused` with `too_short`, `too_long`, `not_text` or `common` (its own address is, too)."""
        text = password.reveal()
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise PasswordRefused("not_text") from None
        if size < self._least_bytes:
            raise PasswordRefused("too_short")
        if size > _MOST_BYTES:
            raise PasswordRefused("too_long")
        folded = text.casefold()
        if folded in COMMON or len(set(folded)) == 1 or folded in (email_key, email_key.partition("@")[0]):
            raise PasswordRefused("common")
