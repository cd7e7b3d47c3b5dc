"""What an instance of this method has to be told: it depends on the driver."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kassa.ports.secret import Secret

_PREFIX = {"test": "sk_test_", "live": "sk_live_"}
_NEEDED = {
    "sandbox": ("base_url", "secret_key", "webhook_secret"),
    "manual": ("bank", "holder", "account_number"),
}
_TAKEN = {"sandbox": (*_NEEDED["sandbox"], "previous_webhook_secret"), "manual": _NEEDED["manual"]}
_ALL = ("previous_webhook_secret", *_NEEDED["sandbox"], *_NEEDED["manual"])
Line = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]


class BankTransferConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sandbox`: the provider opens an account for each payment and tells of money; `mode` must agree with the key, and
    `previous_webhook_secret` is accepted beside the current one while it is rotated. `manual`: one account of the shop's
    own is shown (`bank`, `holder`, `account_number`), and the operator tells of money.

    Raises `ValueError` for what is missing, superfluous or cannot work together; the message holds no secret.
    """

    driver: Literal["sandbox", "manual"]
    mode: Literal["test", "live"]
    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+\Z", max_length=200)] | None = None
    secret_key: Secret | None = None
    webhook_secret: Secret | None = None
    previous_webhook_secret: Secret | None = None
    bank: Line | None = None
    holder: Line | None = None
    account_number: Line | None = None

    def __post_init__(self) -> None:
        for name in _ALL:
            given = getattr(self, name) is not None
            if name in _NEEDED[self.driver] and not given:
                raise ValueError(f'driver = "{self.driver}" needs {name}')
            if given and name not in _TAKEN[self.driver]:
                raise ValueError(f'driver = "{self.driver}" does not take {name}')
        if self.driver == "sandbox":
            self._check_keys()

    def _check_keys(self) -> None:
        prefix = _PREFIX[self.mode]
        if not self.key.startswith(prefix):
            raise ValueError(f'mode = "{self.mode}" needs a secret_key that starts with {prefix}')
        if not (self.key.isascii() and self.key.isprintable()):
            raise ValueError("secret_key holds a character that no HTTP header can carry")
        if self.mode == "live" and not self.address.startswith("https://"):
            raise ValueError('mode = "live" needs a base_url that starts with https://')
        if not all(secret.reveal().strip() for secret in self.webhook_secrets):
            raise ValueError("a webhook secret is blank")

    @property
    def address(self) -> str:
        """Where the provider is (`sandbox`)."""
        assert self.base_url is not None
        return self.base_url

    @property
    def key(self) -> str:
        """The secret key itself (`sandbox`): for the wire only."""
        assert self.secret_key is not None
        return self.secret_key.reveal()

    @property
    def webhook_secrets(self) -> tuple[Secret, ...]:
        """The secrets that a notice may be signed with, the current one first; none for `manual`."""
        return tuple(one for one in (self.webhook_secret, self.previous_webhook_secret) if one is not None)
