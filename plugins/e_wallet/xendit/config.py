"""What an instance of a Xendit driver has to be told."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from kassa.ports.secret import Secret

URL: Final = "https://api.xendit.co"
_PREFIX: Final = {"test": "xnd_development_", "live": "xnd_production_"}


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account at Xendit. `mode` must agree with the key. `callback_token` is what Xendit's notices carry ("webhook
    verification token"), `previous_callback_token` is accepted beside it while it is changed.

    Raises `ValueError` for what cannot work together; the message holds no secret.
    """

    mode: Literal["test", "live"]
    secret_key: Secret
    callback_token: Secret
    previous_callback_token: Secret | None = None
    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+\Z", max_length=200)] = URL

    def __post_init__(self) -> None:
        prefix, key = _PREFIX[self.mode], self.secret_key.reveal()
        if not key.startswith(prefix):
            raise ValueError(f'mode = "{self.mode}" needs a secret_key that starts with {prefix}')
        if not (key.isascii() and key.isprintable()):
            raise ValueError("secret_key holds a character that no HTTP header can carry")
        if self.mode == "live" and not self.base_url.startswith("https://"):
            raise ValueError('mode = "live" needs a base_url that starts with https://')
        if not all(token.reveal().strip() for token in self.callback_tokens):
            raise ValueError("a callback_token is blank")

    @property
    def callback_tokens(self) -> tuple[Secret, ...]:
        """What a notice may carry, the current token first."""
        previous = self.previous_callback_token
        return (self.callback_token,) if previous is None else (self.callback_token, previous)


class WalletConfig(Account, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wallet that gives back through Xendit."""

    driver: Literal["xendit"]
    channel: Literal["SHOPEEPAY", "LINKAJA"]


class FinalConfig(Account, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wallet, or any wallet's QRIS scanner, from which nothing goes back through Xendit."""

    driver: Literal["xendit_final"]
    channel: Literal["OVO", "DANA", "ASTRAPAY", "QRIS"]


class VirtualAccountConfig(Account, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A virtual account at `bank` for every payment; `holder` is the name that customers are shown."""

    driver: Literal["xendit_va"]
    bank: Literal["BCA", "BNI", "BRI", "MANDIRI", "PERMATA", "BSI", "CIMB"]
    holder: Annotated[str, Meta(min_length=1, max_length=100)]
