"""Reads JSON as strictly as it can be read: nothing is guessed, coerced, or let pass because it does no harm today."""

import json
import re
from math import isfinite
from typing import Any, Final, TypeVar

import msgspec

from kassa.ports.secret import Secret
from kassa.ports.values import MAX_INTEGER

from .refusals import Malformed

T = TypeVar("T")
MAX_DEPTH: Final = 32
MAX_VALUES: Final = 2000
_SMALL: Final = 4096
MAX_SECRET: Final = 1024
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+["\\]?', re.DOTALL)
"""Possessive and perhaps unterminated, so that no input is scanned twice."""
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_OTHERS: Final = bytes(set(range(256)) - set(b"[]{}"))
_MAX_DIGITS: Final = len(str(MAX_INTEGER))


def decode(body: bytes, type_: type[T]) -> T:
    """`body` as `type_`: UTF-8 without BOM, at most `MAX_DEPTH` deep and `MAX_VALUES` values wide, no key twice, no NUL, no
    unpaired surrogate, integers within 2^53, nothing behind the value, no type changed to fit (RFC 8259, RFC 7493).

    Raises `Malformed` with the JSON path. Time is linear in the size of the body.
    """
    _check_structure(body)
    try:
        return msgspec.json.decode(body, type=type_, strict=True, dec_hook=_secret)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        raise Malformed(what, path.strip("`") or "$") from None
    except msgspec.DecodeError as error:
        raise Malformed(str(error), "$") from None


def _secret(type_: type[Any], value: object) -> Any:
    if type_ is Secret and isinstance(value, str):
        if not 1 <= len(value) <= MAX_SECRET:
            raise ValueError(f"Expected `str` of length 1 to {MAX_SECRET}")
        return Secret(value)
    raise ValueError("Expected `str`")


def _check_structure(body: bytes) -> None:
    """Everything that msgspec would let pass, or answer with another exception."""
    if len(body) > _SMALL or body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_shape(body)
    try:
        tree = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 (byte {error.start})", "$") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error.msg} (byte {error.pos})", "$") from None
    if b"\\u" in body:
        _check_text(tree, "$")


def _check_shape(body: bytes) -> None:
    """Width by counting; depth by taking away all innermost pairs of brackets, as many rounds as the value is deep."""
    skeleton = _STRING.sub(b"", body)
    if sum(map(skeleton.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise Malformed(f"more than {MAX_VALUES} values", "$")
    brackets = skeleton.translate(_BRACKETS, _OTHERS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return
    raise Malformed(f"nested deeper than {MAX_DEPTH}, or not closed", "$")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key is there twice", "$")
    return found


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_DIGITS or abs(value := int(digits)) > MAX_INTEGER:
        raise Malformed("an integer beyond 2^53 - 1", "$")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise Malformed("a number too large to be read", "$")
    return value


def _constant(text: str) -> None:
    raise Malformed(f"{text} is not JSON", "$")


def _check_text(tree: object, path: str) -> None:
    """Depth is bounded by now, so recursion is."""
    if isinstance(tree, str):
        if "\0" in tree:
            raise Malformed("the character U+0000 in a string", path)
        try:
            tree.encode("utf-8")
        except UnicodeEncodeError:
            raise Malformed("half a surrogate pair in a string", path) from None
    elif isinstance(tree, dict):
        for key, value in tree.items():
            _check_text(key, path)
            _check_text(value, f"{path}.{key}")
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            _check_text(value, f"{path}[{index}]")
