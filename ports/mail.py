"""Outgoing mail."""

from typing import Annotated, Protocol

from msgspec import Meta

from kassa.ports.values import Value


class Mail(Value, frozen=True, kw_only=True):
    """A plain-text message to one address. `id` makes a repeated delivery recognisable (Message-ID)."""

    id: Annotated[str, Meta(max_length=100)]
    to: Annotated[str, Meta(max_length=254)]
    subject: Annotated[str, Meta(max_length=200)]
    text: Annotated[str, Meta(max_length=20_000)]


class Mailer(Protocol):
    """Hands one message to the mail system."""

    async def send(self, mail: Mail) -> None:
        """Accepted by the next hop when it returns. Raises `Unavailable` when it must be tried again."""
