"""Query and path parameters, as what they must be."""

import re
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from kassa.ports.values import MAX_INTEGER

from .refusals import Malformed, NoSuchPage

T = TypeVar("T")
_NUMBER = re.compile(r"[1-9][0-9]{0,15}")
_WORD = re.compile(r"[!-~]{1,200}")
_MAX_PARAMETERS: Final = 16


class AnyQuery(msgspec.Struct, frozen=True):
    """Whatever stands there is somebody else's, and is not looked at: providers add words of their own to our addresses."""


def query(raw: bytes, type_: type[T]) -> T:
    """The query string as `type_`: known names only, each once, percent-encoded UTF-8. Raises `Malformed`."""
    if type_ is AnyQuery:
        return type_()
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )  # fmt: skip
    except ValueError:
        raise Malformed("the query string cannot be read") from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise Malformed("a query parameter is there twice")
    for name, value in pairs:
        if "\0" in name + value:
            raise Malformed("the character U+0000", name.replace("\0", ""))
    try:
        values = msgspec.convert(given, type_, strict=False)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        raise Malformed(what, path.strip("`").removeprefix("$.") or None) from None
    for name, text in pairs:
        value = getattr(values, name)
        if isinstance(value, int) and str(value) != text:
            raise Malformed("Expected `int` in plain decimal digits", name)
    return values


def number(text: str) -> int:
    """An id in a path. Anything that is none is an address that does not exist: raises `NoSuchPage`."""
    if not _NUMBER.fullmatch(text) or (value := int(text)) > MAX_INTEGER:
        raise NoSuchPage("not an id")
    return value


def word(text: str) -> str:
    """An opaque name in a path. Raises `NoSuchPage`."""
    if not _WORD.fullmatch(text):
        raise NoSuchPage("not a name")
    return text
