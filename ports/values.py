"""How every value in `ports` is made: an immutable msgspec Struct with keyword fields."""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

MAX_INTEGER = 2**53 - 1
"""The largest integer that JSON carries everywhere without loss (RFC 8259 §6)."""

Count: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A moment, always with a time zone, always UTC when Kassa writes it."""


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An immutable value with keyword-only fields that refuses fields it does not know."""


class Page(Value, frozen=True, kw_only=True):
    """Which part of a list is wanted: at most `limit` (1 to 100) items after the opaque `cursor`."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    cursor: Annotated[str, Meta(max_length=200)] | None = None
