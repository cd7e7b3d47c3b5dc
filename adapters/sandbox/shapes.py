"""The bodies of requests: strict, bounded, nothing unknown."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

AMOUNT_MAX = 2**53 - 1
Amount = Annotated[int, msgspec.Meta(ge=1, le=AMOUNT_MAX)]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=500)]


class NewCharge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: Amount
    currency: Currency
    kind: Literal["card", "wallet"]
    merchant_ref: Reference
    source: Text | None = None
    capture: bool = True
    return_url: str | None = None
    metadata: Annotated[dict[Reference, Text], msgspec.Meta(max_length=50)] = {}


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    merchant_ref: Reference
    amount: Amount
    currency: Currency
    expires_at: Annotated[int, msgspec.Meta(ge=1, le=2**40)] | None = None


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much to capture or refund (None: all that is left), and the merchant's name for that movement."""

    amount: Amount | None = None
    merchant_ref: Reference | None = None


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body without members."""
