"""What an instance at the sandbox provider has to be told."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kassa.ports.secret import Secret

_PREFIX = {"test": "sk_test_", "live": "sk_live_"}


class BankTransferConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The provider opens an account for each payment and tells of money. `mode` must agree with the key;
    `previous_webhook_secret` is accepted beside the current one while it is rotated.

    Raises `ValueError` for what cannot work together; the message holds no secret.
    """

    driver: Literal["sandbox"]
    mode: Literal["test", "live"]
    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+\Z", max_length=200)]
    secret_key: Secret
    webhook_secret: Secret
    previous_webhook_secret: Secret | None = None

    def __post_init__(self) -> None:
        prefix = _PREFIX[self.mode]
        if not self.key.startswith(prefix):
            raise ValueError(f'mode = "{self.mode}" needs a secret_key that starts with {prefix}')
        if not (self.key.isascii() and self.key.isprintable()):
            raise ValueError("secret_key holds a character that no HTTP header can carry")
        if self.mode == "live" and not self.base_url.startswith("https://"):
            raise ValueError('mode = "live" needs a base_url that starts with https://')
        if not all(secret.reveal().strip() for secret in self.webhook_secrets):
            raise ValueError("a webhook secret is blank")

    @property
    def key(self) -> str:
        """The secret key itself: for the wire only."""
        return self.secret_key.reveal()

    @property
    def webhook_secrets(self) -> tuple[Secret, ...]:
        """The secrets that a notice may be signed with, the current one first."""
        return tuple(one for one in (self.webhook_secret, self.previous_webhook_secret) if one is not None)
