"""What an instance has to be told, and what a customer tells."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kassa.ports.secret import Secret


class AcmeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mode` must agree with the key; `previous_webhook_secret` is taken too while the secret is being changed.

    Raises `ValueError`; the message holds no secret.
    """

    mode: Literal["test", "live"]
    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+\Z", max_length=200)]
    api_key: Secret
    webhook_secret: Secret
    previous_webhook_secret: Secret | None = None

    def __post_init__(self) -> None:
        if not all(secret.reveal().strip() for secret in (self.api_key, *self.webhook_secrets)):
            raise ValueError("a secret is blank")
        if not self.api_key.reveal().startswith(f"sk_{self.mode}_"):
            raise ValueError(f"the key is not for mode = {self.mode}")

    @property
    def webhook_secrets(self) -> tuple[Secret, ...]:
        """The current one first."""
        previous = self.previous_webhook_secret
        return (self.webhook_secret,) if previous is None else (self.webhook_secret, previous)


class AcmeInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the customer wants to pay."""

    how: Literal["now", "page", "code", "refused"] = "now"
    note: Annotated[str, Meta(max_length=40)] = ""
