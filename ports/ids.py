"""Identifiers, and where new ones and all other randomness come from."""

from typing import Protocol, TypeAlias

AccountId: TypeAlias = int
SessionId: TypeAlias = int
ProductId: TypeAlias = int
CartId: TypeAlias = int
PaymentId: TypeAlias = int
InvoiceId: TypeAlias = str
"""Random and readable, with a check character: `KS-7F3Q-9MZD-X`. It is also the order's id."""
OperationId: TypeAlias = str
"""32 lower-case hexadecimal digits; the idempotency key to the provider for ever."""


class Ids(Protocol):
    """A source of unguessable values. A simulation gives a seeded one; production the operating system's."""

    def token(self) -> str:
        """256 random bits as URL-safe text without padding (43 characters): sessions, one-time links."""

    def short_token(self) -> str:
        """128 random bits as URL-safe text (22 characters): return addresses, request ids."""

    def operation_id(self) -> OperationId:
        """128 random bits as 32 lower-case hexadecimal digits."""

    def invoice_id(self) -> InvoiceId:
        """A new invoice id: `KS-` + 8 Crockford base-32 characters in two groups + a check character (mod 37)."""

    def jitter(self) -> float:
        """A float drawn evenly from [0, 1): to spread retries and sweeps, never for a secret."""
