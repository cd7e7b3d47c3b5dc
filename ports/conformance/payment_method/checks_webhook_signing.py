"""How a provider's notices are signed: in their headers, or in the body itself (`ProviderDouble.seal`)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from .bench import Bench
from .checks_webhook_fields import Path, fields
from .outcome import Failed, NotOffered
from .subject import Headers, ProviderDouble

T = TypeVar("T")
WRONG_SECRET = "whsec_of_somebody_else"
AN_HOUR = timedelta(hours=1)


class Marks(NamedTuple):
    """What of a notice depends on the secret or on time: names of headers, and places in the body."""

    headers: frozenset[str]
    fields: tuple[Path, ...]


def signature(bench: Bench, body: bytes, *, secret: str | None = None, at: datetime | None = None) -> Headers:
    """The headers of the provider; by default genuine and of now. Raises `NotOffered`, and `Failed` where the double raises."""
    key = bench.subject.webhook_secret if secret is None else secret
    return tuple(_asked(lambda: _double(bench).sign(body, key, at or bench.tools.clock.now()), "sign"))


def sealed(bench: Bench, body: bytes, *, secret: str | None = None) -> bytes:
    """The body with the provider's signature in it, made anew; the body itself where the provider signs elsewhere."""
    key = bench.subject.webhook_secret if secret is None else secret
    return _asked(lambda: _double(bench).seal(body, key), "seal")


def sent(bench: Bench, body: bytes, *, secret: str | None = None, at: datetime | None = None) -> tuple[bytes, Headers]:
    """A body as the provider would send it, and the headers that come with it."""
    told = sealed(bench, body, secret=secret)
    return told, signature(bench, told, secret=secret, at=at)


def marks(bench: Bench, body: bytes) -> Marks:
    """Where the signature of a notice is. Raises `NotOffered` where nothing depends on the secret."""
    now = bench.tools.clock.now()
    (inside, true), (forged_inside, forged) = sent(bench, body, at=now), sent(bench, body, secret=WRONG_SECRET, at=now)
    stale = signature(bench, inside, at=now - AN_HOUR)
    names = frozenset(name for name, value in true if (name, value) not in forged or (name, value) not in stale)
    other = fields(forged_inside)
    places = tuple(path for path, value in fields(inside).items() if other.get(path) != value)
    if not names and not places:
        raise NotOffered("sign() with a header, or seal() with a field, that depends on the secret")
    return Marks(names, places)


def is_covered(bench: Bench, body: bytes, changed: bytes) -> bool:
    """Whether the provider would sign `changed` otherwise than `body`: the signature covers what is different in it."""
    now, where = bench.tools.clock.now(), marks(bench, body)
    (before, by), (after, by_then) = sent(bench, body, at=now), sent(bench, changed, at=now)
    old, new = fields(before), fields(after)
    return by != by_then or any(old[path] != new.get(path) for path in where.fields)


def _double(bench: Bench) -> ProviderDouble:
    if bench.provider.double is None:
        raise RuntimeError("the bench is not open")
    return bench.provider.double


def _asked(call: Callable[[], T], what: str) -> T:
    try:
        return call()
    except NotOffered:
        raise
    except Exception as error:
        raise Failed(expected=f"the double can {what}", seen=f"{type(error).__name__}: {error}") from error
