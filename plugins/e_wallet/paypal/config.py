"""What an instance of the PayPal driver has to be told."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kassa.ports.secret import Secret

_HOSTS = {"test": "https://api-m.sandbox.paypal.com", "live": "https://api-m.paypal.com"}
_CERTIFICATES = {"test": "https://api.sandbox.paypal.com", "live": "https://api.paypal.com"}


class PaypalConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One REST app. `webhook_id` is what PayPal calls this shop's webhook, and signs with every notice; `previous_webhook_id` is
    accepted beside it while one webhook takes the place of another. `certificates` are names of PayPal's signing certificates
    to have ready from the start (see README).

    Raises `ValueError` for what cannot work together; the message holds no secret.
    """

    driver: Literal["paypal"]
    mode: Literal["test", "live"]
    client_id: Annotated[str, Meta(pattern=r"^[0-9A-Za-z_-]{1,200}\Z")]
    client_secret: Secret
    webhook_id: Secret
    previous_webhook_id: Secret | None = None
    certificates: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^CERT-[0-9A-Za-z-]{1,100}\Z")], ...], Meta(max_length=4)
    ] = ()
    base_url: Annotated[str, Meta(pattern=r"^(https?://[^\s/?#@]+)?\Z", max_length=200)] = ""
    brand_name: Annotated[str, Meta(max_length=127)] = ""

    def __post_init__(self) -> None:
        other = _HOSTS["live" if self.mode == "test" else "test"]
        if self.api in (other, other.replace("api-m.", "api.")):
            raise ValueError(f'mode = "{self.mode}" does not fit a base_url of {other}')
        if self.mode == "live" and self.api != _HOSTS["live"]:
            raise ValueError(f'mode = "live" needs the base_url {_HOSTS["live"]}, or none')
        if not all(secret.reveal().strip() for secret in (self.client_secret, *self.webhook_ids)):
            raise ValueError("client_secret or a webhook_id is blank")

    @property
    def api(self) -> str:
        """Where PayPal is, without a slash at the end."""
        return self.base_url or _HOSTS[self.mode]

    @property
    def certificate_host(self) -> str:
        """The one address whose certificates prove a notice in this mode, as notices write it."""
        return _CERTIFICATES[self.mode]

    @property
    def certificate_home(self) -> str:
        """Where these certificates are fetched: there, or from the double in its place."""
        return self.base_url or self.certificate_host

    @property
    def webhook_ids(self) -> tuple[Secret, ...]:
        """The ids that a notice may be signed for, the current one first."""
        previous = self.previous_webhook_id
        return (self.webhook_id,) if previous is None else (self.webhook_id, previous)
