"""What an instance of a Midtrans driver has to be told."""

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from kassa.ports.secret import Secret

HOSTS: Final = {"test": "https://api.sandbox.midtrans.com", "live": "https://api.midtrans.com"}
_SANDBOX_KEY: Final = "SB-"


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account at Midtrans. `mode` must agree with the address and the key; without `base_url` it is the mode's own.
    `previous_server_key` is accepted beside the current one for notices, while the key is changed.

    Raises `ValueError` for what cannot work together; the message holds no secret.
    """

    mode: Literal["test", "live"]
    server_key: Secret
    previous_server_key: Secret | None = None
    base_url: Annotated[str, Meta(pattern=r"^(https?://[^\s/?#@]+)?\Z", max_length=200)] = ""

    def __post_init__(self) -> None:
        other = "live" if self.mode == "test" else "test"
        if urlsplit(self.url).hostname == urlsplit(HOSTS[other]).hostname:
            raise ValueError(f'base_url is that of mode = "{other}"')
        if self.mode == "live" and not self.url.startswith("https://"):
            raise ValueError('mode = "live" needs a base_url that starts with https://')
        if self.mode == "live" and self.server_key.reveal().startswith(_SANDBOX_KEY):
            raise ValueError(f'server_key is of the sandbox ({_SANDBOX_KEY}), and mode = "live"')
        if not all(_is_key(secret.reveal()) for secret in self.server_keys):
            raise ValueError("a server_key is blank, or holds a character that no HTTP header can carry")

    @property
    def url(self) -> str:
        """Where the API is, without a path."""
        return self.base_url or HOSTS[self.mode]

    @property
    def server_keys(self) -> tuple[Secret, ...]:
        """What a notice may be signed with, the current key first."""
        previous = self.previous_server_key
        return (self.server_key,) if previous is None else (self.server_key, previous)


class WalletConfig(Account, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """GoPay by its app, or QRIS by any."""

    driver: Literal["midtrans"]
    channel: Literal["gopay", "qris"]


class ShopeePayConfig(Account, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """ShopeePay by its app."""

    driver: Literal["midtrans_shopeepay"]


class VirtualAccountConfig(Account, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A virtual account at `bank` for every payment; `holder` is the name that customers are shown."""

    driver: Literal["midtrans_va"]
    bank: Literal["bca", "bni", "bri", "permata"]
    holder: Annotated[str, Meta(min_length=1, max_length=100)]


def _is_key(text: str) -> bool:
    return bool(text.strip()) and text.isascii() and text.isprintable()
