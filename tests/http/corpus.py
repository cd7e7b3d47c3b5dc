"""Bodies that no route may take, and why."""

from typing import Any

import msgspec

DEEP = b"[" * 100_000

GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "blank": b"  \n",
    "half": b'{"a":',
    "deep array": DEEP,
    "deep and closed": DEEP + b"]" * 100_000,
    "deep object": b'{"a":' * 30_000,
    "wide": b"[" + b"[]," * 40_000 + b"[]]",
    "wide with numbers": b"[" + b"1," * 100_000 + b"1]",
    "wide object": b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}",
    "many quotes": b'"' + b'\\"' * 60_000,
    "not UTF-8": b'{"a":"\xff\xfe"}',
    "overlong UTF-8": b'{"a":"\xc0\xaf"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "UTF-16": '{"a":"b"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"a":"b"}',
    "NUL behind": b'{"a":"b"}\0',
    "not a number": b'{"a":NaN}',
    "infinite": b'{"a":Infinity}',
    "beyond a float": b'{"a":1e400}',
    "huge integer": b'{"a":' + b"9" * 20_000 + b"}",
    "leading zero": b'{"a":01}',
    "an array": b"[]",
    "a string": b'"text"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "comment": b'{"a":1/**/}',
    "single quotes": b"{'a':1}",
    "control character": b'{"a":"\x01"}',
    "form": b"a=b&c=d",
    "xml": b'<?xml version="1.0"?><a/>',
}
"""Not JSON, or not an object."""


def spoiled(body: dict[str, Any]) -> dict[str, bytes]:
    """A good body, spoiled in one way each."""
    good = msgspec.json.encode(body)
    first, value = next(iter(body.items()))
    twice = msgspec.json.encode({first: value})[1:-1]
    found = {
        "trailing brace": good + b"}",
        "two values": good + b" " + good,
        "trailing NUL": good + b"\0",
        "a key twice": good[:-1] + b"," + twice + b"}",
        "an escaped key twice": good[:-1] + b"," + _escaped(first) + b":" + msgspec.json.encode(value) + b"}",
        "unknown field": good[:-1] + b',"is_admin":true}',
        "prototype": good[:-1] + b',"__proto__":{}}',
        "an array of it": b"[" + good + b"]",
        "truncated": good[:-1],
    }
    for name, given in _leaves(body):
        if isinstance(given, int) and not isinstance(given, bool):
            for label, text in _NUMBERS.items():
                found[f"{name} {label}"] = _replaced(body, name, text)
        elif isinstance(given, str):
            for label, text in _STRINGS.items():
                found[f"{name} {label}"] = _replaced(body, name, text)
    return found


_NUMBERS = {
    "as text": b'"1"',
    "as 1.0": b"1.0",
    "as 1e3": b"1e3",
    "as true": b"true",
    "as null": b"null",
    "as 2^53": b"9007199254740992",
    "as 2^64": b"18446744073709551616",
    "as -2^63": b"-9223372036854775809",
    "of 5,000 digits": b"1" * 5_000,
}
_STRINGS = {
    "as number": b"1",
    "as list": b'["a"]',
    "with NUL": b'"a\\u0000b"',
    "with half a pair": b'"a\\ud800b"',
    "with a pair turned round": b'"\\udc00\\ud800"',
    "of 100,000 letters": b'"' + b"a" * 100_000 + b'"',
}


def _leaves(body: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in body.items() if not isinstance(value, dict)] + [
        (f"{name}.{inner}", value)
        for name, given in body.items()
        if isinstance(given, dict)
        for inner, value in given.items()
    ]


def _replaced(body: dict[str, Any], name: str, text: bytes) -> bytes:
    outer, _, inner = name.partition(".")
    raw = msgspec.Raw(text)
    changed = {**body, outer: {**body[outer], inner: raw} if inner else raw}
    return msgspec.json.encode(changed)


def _escaped(key: str) -> bytes:
    return b'"' + "".join(f"\\u{ord(letter):04x}" for letter in key).encode() + b'"'
