"""The statements of one purchase, and the same purchase as a pgbench script that makes new rows each time.

Two shoppers buy the same things. What differs between their statements is what a purchase makes anew: the invoice's number,
keys, hashes, the ids that the database gives. In the script each of these becomes text around `:id`, a number that pgbench
makes unique, or a number that it looks up. Everything else, moments included, stays as it was captured.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import asyncpg
import msgspec

from tests.bench.statements import Sent

FIRST_IDS = {"accounts": 71_000_001, "carts": 72_000_001, "payments": 73_000_001, "products": 74_000_001}
"""Where the capture database begins to count, so that a number tells what it is the id of."""
_NUMBER = re.compile(r"(?<!\d)7[1-4]000\d{3}(?!\d)")
_NAMES = {"71": "account", "72": "cart", "73": "payment", "74": "product"}
_ARGUMENTS = ("id", "account", "cart", "payment", "product")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)\Z")
_KEPT = frozenset({"payload", "body", "details", "plugin_state", "next_action"})
"""Bytes fields without any uniqueness: sent as captured."""
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_VALUE = re.compile(r"\$(\d+)")
_LOOKUPS = {
    "cart": "SELECT id AS cart FROM carts WHERE account_id = :account AND is_open \\gset",
    "payment": "SELECT id AS payment FROM payments WHERE invoice_id = format('{invoice}', :id::text) \\gset",
}
_IDS = {f"%{n}$s": f":{name}" for n, name in enumerate(_ARGUMENTS, 1)}
_CONTROL = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK)\b", re.IGNORECASE)


class CannotReplay(RuntimeError):
    """The captured statements do not fit this translation; the message says where."""


@dataclass
class Script:
    """A pgbench script; `values` are its captured values, given by `-D`. `statements` are those of the shop, `lookups` ours;
    `session` are the settings the shop opens its connections with."""

    text: str = ""
    values: dict[str, str] = field(default_factory=dict)
    statements: int = 0
    lookups: int = 0
    session: dict[str, str] = field(default_factory=dict)


async def script_of(
    ours: list[Sent], theirs: list[Sent], *, invoice_id: str, products: int, database_url: str
) -> Script:
    """Translate the first purchase, that of `invoice_id`, with the second one to compare. Each run of the script buys one of
    `products` of one price. Raises `CannotReplay`."""
    if [sent.text for sent in ours] != [sent.text for sent in theirs]:
        raise CannotReplay(f"two purchases sent different statements: {len(ours)} and {len(theirs)}")
    made = Made()
    for mine, other in zip(ours, theirs, strict=True):
        made.compare(mine, other)
    made.settle()
    script = Script()
    lines = ["\\set n :n + 1", "\\set id 100000000000 * :run + :client_id * 1000000000 + :n"]
    lines.append(f"\\set account {FIRST_IDS['accounts']} + :client_id")
    lines.append(f"\\set product random({FIRST_IDS['products']}, {FIRST_IDS['products'] + products - 1})")
    looked_up: set[str] = set()
    connection = await asyncpg.connect(database_url)
    try:
        for sent in ours:
            if _CONTROL.match(sent.text):
                lines.append(f"{sent.text.strip().rstrip(';')};")
                continue
            for name in sorted(_needs(sent) - looked_up):
                lines.append(_LOOKUPS[name].replace("{invoice}", made.format(invoice_id)))
                looked_up.add(name)
            types = [kind.name for kind in (await connection.prepare(sent.text)).get_parameters()]
            lines.append(_translated(sent, types, made, script) + ";")
            script.statements += 1
    finally:
        await connection.close()
    script.lookups = len(looked_up)
    script.text = "\n".join(lines) + "\n"
    return script


class Made:
    """Texts that a purchase makes anew, and what stands for each in a format string: `%1$s` is the unique number."""

    def __init__(self) -> None:
        self._differing: list[tuple[str, str]] = []
        self._stands_for: dict[str, str] = {}

    def compare(self, mine: Sent, other: Sent) -> None:
        """Note which texts of two statements differ."""
        for a, b in zip(mine.values, other.values, strict=True):
            for left, right in zip(_leaves(a), _leaves(b), strict=True):
                if left != right and left[:1] == "#":
                    raise CannotReplay(f"two purchases differ by a number: {left[1:]}, {right[1:]}: {mine.text[:200]}")
                if left != right and not _MOMENT.match(left):
                    self._differing.append((left, right))

    def settle(self) -> None:
        """Name each, the shortest first: a text that differs only by what is named already needs no name of its own."""
        others: dict[str, str] = {}
        for left, right in sorted(set(self._differing), key=lambda pair: len(pair[0])):
            if _replaced(_unnumbered(left), self._stands_for) == _replaced(_unnumbered(right), others):
                continue
            name = self._name(left)
            self._stands_for[left] = others[right] = name

    def _name(self, text: str) -> str:
        """12 digits of `:id`, in the shape of what they stand for."""
        number = len(self._stands_for)
        if _bytes(text) == 32:
            return f"T{number:02d}{'A' * 26}%1$sAA="  # base 64 of 32 bytes
        return f"t{number:02d}-%1$s"

    def format(self, text: str) -> str:
        """`text` as a format string of :id, :account, :cart, :payment, :product."""
        return _numbered(_replaced(text.replace("%", "%%"), self._stands_for))


def _leaves(value: Any, key: str = "") -> Iterator[str]:
    """All texts in a value, in order. JSON documents are looked into."""
    if isinstance(value, str) and value[:1] in "{[" and value:
        value = msgspec.json.decode(value)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, key)
    elif isinstance(value, bytes):
        yield base64.b64encode(value).decode() if len(value) == 32 else ""
    elif isinstance(value, str):
        yield "" if key in _KEPT else value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value) if _NUMBER.fullmatch(str(value)) else f"#{key} {value}"
    else:
        yield ""  # moments, None, truth values


def _needs(sent: Sent) -> set[str]:
    """Which ids a statement names that the database has given meanwhile."""
    found = {_NAMES[number[:2]] for value in sent.values for number in _NUMBER.findall(_text(value))}
    return found & _LOOKUPS.keys()


def _translated(sent: Sent, types: list[str], made: Made, script: Script) -> str:
    expressions = []
    for value, kind in zip(sent.values, types, strict=True):
        if value is None:
            expressions.append(f"NULL::{kind}")
            continue
        expressions.append(_expression(value, kind, made, script))
    plain = _LITERAL.sub(_without_colon, sent.text)
    return _VALUE.sub(lambda found: expressions[int(found[1]) - 1], plain).strip()


def _expression(value: Any, kind: str, made: Made, script: Script) -> str:
    """What stands for one value: itself as a variable, an id, or a format that makes it anew."""
    name, text = f"v{len(script.values)}", _text(value)
    formatted = made.format(text)
    if formatted == text.replace("%", "%%"):
        script.values[name] = f"\\x{value.hex()}" if isinstance(value, bytes) else text
        return f"(:{name})::{kind}"
    if formatted in _IDS:
        return f"({_IDS[formatted]})::{kind}"
    script.values[name] = formatted
    made_anew = f"format(:{name}::text, {', '.join(f':{each}::text' for each in _arguments(formatted))})"
    return f"decode({made_anew}, 'base64')" if kind == "bytea" else f"({made_anew})::{kind}"


def _arguments(formatted: str) -> list[str]:
    """`format` wants all arguments up to the last one used; :cart and :payment exist only after their look-up."""
    return [name if f"%{n}$s" in formatted else "id" for n, name in enumerate(_ARGUMENTS, 1)]


def _text(value: Any) -> str:
    """A value as PostgreSQL reads it from text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode() if len(value) == 32 else f"\\x{value.hex()}"
    if isinstance(value, list | tuple):
        return "{" + ",".join(map(_text, value)) + "}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _without_colon(literal: re.Match[str]) -> str:
    """pgbench would take ':word' in a literal for one of its variables."""
    return re.sub(r":(?=\w)", "'||chr(58)||'", literal[0])


def _replaced(text: str, stands_for: dict[str, str]) -> str:
    for found, name in sorted(stands_for.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(found, name)
    return text


def _unnumbered(text: str) -> str:
    return _NUMBER.sub(lambda found: _NAMES[found[0][:2]], text)


def _numbered(text: str) -> str:
    return _NUMBER.sub(lambda found: f"%{_ARGUMENTS.index(_NAMES[found[0][:2]]) + 1}$s", text)


def _bytes(text: str) -> int:
    """How many bytes a base-64 text stands for; -1 if it is none."""
    try:
        return len(base64.b64decode(text, validate=True))
    except ValueError:
        return -1
