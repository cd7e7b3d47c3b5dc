"""How an idempotency key is recognised on the wire."""

from collections.abc import Sequence
from urllib.parse import unquote

from .bench import Bench
from .proxy import Sent


def changing(sent: Sequence[Sent]) -> list[Sent]:
    """The requests that may do something."""
    return [one for one in sent if one.changes]


def carriers(sent: Sequence[Sent], bench: Bench) -> list[tuple[str, str]]:
    """Header and value wherever a key that a context handed out stands in a header, as it is or written as a UUID."""
    keys = {_plain(key) for key in bench.tools.keys}
    return [
        (name.lower(), value)
        for one in sent
        for name, value in one.headers
        if any(key in _plain(value) for key in keys)
    ]


def carries_reference(sent: Sequence[Sent], merchant_ref: str) -> bool:
    """Whether our reference reaches the provider in some request."""
    return any(merchant_ref in unquote(one.target) or merchant_ref.encode() in one.body for one in sent)


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())
