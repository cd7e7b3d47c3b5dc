"""The values in a JSON body, one by one: found, changed, taken out."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

Path: TypeAlias = tuple[str | int, ...]
"""Where a value is: the names and the places in lists that lead to it."""


def changed_fields(body: bytes) -> Iterator[tuple[str, bytes]]:
    """A JSON body with one value after the other changed; nothing for a body that is no JSON object."""
    for path, value in fields(body).items():
        yield name_of(path), with_field(body, path, _other(value))


def fields(body: bytes) -> dict[Path, Any]:
    """Every value that holds no others; none for a body that is no JSON object."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return dict(_leaves(told))


def with_field(body: bytes, path: Path, value: Any) -> bytes:
    """The body with another value there."""
    return msgspec.json.encode(_with(msgspec.json.decode(body), path, value))


def without_field(body: bytes, path: Path) -> bytes:
    """The body without it."""
    told = msgspec.json.decode(body)
    inner = told
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return msgspec.json.encode(told)


def name_of(path: Path) -> str:
    """For a report."""
    return ".".join(map(str, path))


def _leaves(told: Any) -> Iterator[tuple[Path, Any]]:
    inside: Iterable[tuple[str | int, Any]] = ()
    if isinstance(told, dict):
        inside = told.items()
    elif isinstance(told, list):
        inside = enumerate(told)
    for key, value in inside:
        if isinstance(value, dict | list) and value:
            yield from (((key, *rest), leaf) for rest, leaf in _leaves(value))
        else:
            yield (key,), value


def _with(told: Any, path: Sequence[str | int], value: Any) -> Any:
    if not path:
        return value
    copy = told.copy()
    copy[path[0]] = _with(told[path[0]], path[1:], value)
    return copy


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("1" if value[-1:] == "0" else "0")
    return "0"
