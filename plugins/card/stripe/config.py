"""What an instance of this driver has to be told, and what the customer tells."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kassa.ports.secret import Secret

HOST = "https://api.stripe.com"
_PREFIXES = {"test": ("sk_test_", "rk_test_"), "live": ("sk_live_", "rk_live_")}


class StripeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mode` must agree with the key, which may be a restricted one. `payment_methods`: cards alone, or whatever the account has
    switched on. `three_d_secure`: the customer is sent to the issuer's page, or the shop's page asks with Stripe.js.

    Raises `ValueError` for what cannot work together; the message holds no secret.
    """

    driver: Literal["stripe"]
    mode: Literal["test", "live"]
    secret_key: Secret
    webhook_secret: Secret
    previous_webhook_secret: Secret | None = None
    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+\Z", max_length=200)] = HOST
    payment_methods: Literal["card", "automatic"] = "card"
    three_d_secure: Literal["redirect", "stripe_js"] = "redirect"

    def __post_init__(self) -> None:
        prefixes = _PREFIXES[self.mode]
        key = self.secret_key.reveal()
        if not key.startswith(prefixes):
            raise ValueError(f'mode = "{self.mode}" needs a secret_key that starts with {" or ".join(prefixes)}')
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValueError("secret_key holds a character that no HTTP header can carry")
        if self.mode == "live" and self.base_url != HOST:
            raise ValueError(f'mode = "live" needs base_url = "{HOST}", which is the default')
        if not all(secret.reveal().strip() for secret in self.webhook_secrets):
            raise ValueError("a webhook secret is blank")

    @property
    def webhook_secrets(self) -> tuple[Secret, ...]:
        """The secrets that a notice may be signed with, the current one first."""
        previous = self.previous_webhook_secret
        return (self.webhook_secret,) if previous is None else (self.webhook_secret, previous)


class StripeInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What Stripe.js gave the page: a payment method or a confirmation token, one of the two. Never a card number.

    Raises `ValueError` for both or neither.
    """

    payment_method: Annotated[str, Meta(pattern=r"^pm_[A-Za-z0-9_]+\Z", max_length=100)] | None = None
    confirmation_token: Annotated[str, Meta(pattern=r"^ctoken_[A-Za-z0-9_]+\Z", max_length=100)] | None = None

    def __post_init__(self) -> None:
        if (self.payment_method is None) == (self.confirmation_token is None):
            raise ValueError("needs payment_method or confirmation_token, one of the two")
