"""What an instance of the PayU driver has to be told."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kassa.ports.secret import Secret

_HOSTS = {"test": "https://secure.snd.payu.com", "live": "https://secure.payu.com"}


class PayuConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One point of sale (POS). `second_key` signs notices; `previous_second_key` is accepted beside it while it is replaced.
    `customer_ip` is sent where PayU insists on the payer's address, which no shop has to hand on.

    Raises `ValueError` for what cannot work together; the message holds no secret.
    """

    driver: Literal["payu"]
    mode: Literal["test", "live"]
    pos_id: Annotated[str, Meta(pattern=r"^[0-9]{1,20}\Z")]
    client_id: Annotated[str, Meta(pattern=r"^[0-9A-Za-z_-]{1,100}\Z")]
    client_secret: Secret
    second_key: Secret
    previous_second_key: Secret | None = None
    base_url: Annotated[str, Meta(pattern=r"^(https?://[^\s?#@]+[^\s/?#@])?\Z", max_length=200)] = ""
    customer_ip: Annotated[str, Meta(pattern=r"^[0-9A-Fa-f.:]{2,45}\Z")] = "127.0.0.1"
    description: Annotated[str, Meta(min_length=1, max_length=200)] = "Order"
    valid_for_s: Annotated[int, Meta(ge=300, le=86_400)] = 3600

    def __post_init__(self) -> None:
        other = _HOSTS["live" if self.mode == "test" else "test"]
        if self.api.startswith(other):
            raise ValueError(f'mode = "{self.mode}" does not fit a base_url of {other}')
        if self.mode == "live" and self.api != _HOSTS["live"]:
            raise ValueError(f'mode = "live" needs the base_url {_HOSTS["live"]}, or none')
        if not all(secret.reveal().strip() for secret in (self.client_secret, *self.second_keys)):
            raise ValueError("client_secret or a second key is blank")

    @property
    def api(self) -> str:
        """Where PayU is, without a slash at the end."""
        return self.base_url or _HOSTS[self.mode]

    @property
    def second_keys(self) -> tuple[Secret, ...]:
        """The keys that a notice may be signed with, the current one first."""
        previous = self.previous_second_key
        return (self.second_key,) if previous is None else (self.second_key, previous)
