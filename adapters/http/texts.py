"""What customers read from us, in their language: a catalogue per language, chosen by Accept-Language (RFC 9110 §12.5.4)."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from kassa.ports.money import Money
from kassa.ports.texts import FALLBACK, Texts, in_language
from kassa.ports.values import Instant

from .visit import HeaderList, every

LANGUAGES: Final = (FALLBACK, "id", "de")
VARY: Final = (b"vary", b"Accept-Language")
MOST_RANGES, LONGEST = 32, 1000
_RANGE = re.compile(r"([A-Za-z]{2,3})(?:-([A-Za-z]{2}))?(?:-[A-Za-z0-9]{1,8})*")
_WEIGHT = re.compile(r"[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


class ActionText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer is told to do: a heading and a sentence."""

    title: str
    text: str


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How numbers and moments are written; `group` stands between thousands."""

    decimal: str
    group: str
    date: str
    time: str


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The texts of one language, by code: `messages/<language>.toml`."""

    language: str
    status: dict[str, str]
    decline: dict[str, str]
    action: dict[str, ActionText]
    method: dict[str, str]
    problem: dict[str, str]
    receipt: dict[str, str]
    page: dict[str, str]
    form: Form

    def money(self, amount: Money) -> str:
        """`1.002,55 EUR`."""
        whole, point, part = amount.decimal().lstrip("-").partition(".")
        sign = "-" if amount.amount < 0 else ""
        grouped = f"{int(whole):,}".replace(",", self.form.group)
        return f"{sign}{grouped}{self.form.decimal if point else ''}{part} {amount.currency}"

    def moment(self, at: Instant) -> str:
        """Date and time as they are written in this language, UTC. At midnight sharp the day alone: a bank tells no more."""
        day = self.form.date.format(year=at.year, month=at.month, day=at.day)
        is_day = at.hour == at.minute == at.second == at.microsecond == 0
        return day if is_day else f"{day} {self.form.time.format(hour=at.hour, minute=at.minute)}"


@cache
def catalogue(language: str) -> Catalogue:
    """The texts of one of `LANGUAGES`, read once."""
    text = files(__package__).joinpath(f"messages/{language}.toml").read_text("utf-8")
    return msgspec.convert({"language": language, **tomllib.loads(text)}, Catalogue)


@dataclass(frozen=True, slots=True)
class Speech:
    """The language that an answer speaks, and those that were wanted, most wanted first."""

    words: Catalogue
    wanted: tuple[str, ...] = ()

    def of(self, texts: Texts) -> str:
        """A plugin's or an operator's own sentence."""
        return in_language(texts, self.wanted)

    def headers(self) -> HeaderList:
        """What the answer says of its language (RFC 9110 §8.5, §12.5.5)."""
        return [(b"content-language", self.words.language.encode()), VARY]


def speech_for(headers: HeaderList) -> Speech:
    """The speech of an answer to a request with these headers."""
    return speech(every(headers, b"accept-language"))


def speech(accepted: Iterable[str]) -> Speech:
    """The speech for these Accept-Language headers. Whatever makes no sense is passed over: nobody is refused an answer for
    the language of their browser."""
    preferred = wanted(accepted)
    known = (name.partition("-")[0] for name in preferred)
    return Speech(catalogue(next((name for name in known if name in LANGUAGES), FALLBACK)), preferred)


def wanted(accepted: Iterable[str]) -> tuple[str, ...]:
    """The languages of Accept-Language headers by weight, those of one weight as they were written; without weight 0."""
    text = ",".join(accepted)
    if len(text) > LONGEST:
        return ()
    found = [_weighted(part) for part in text.split(",", MOST_RANGES)[:MOST_RANGES]]
    ranked = sorted((one for one in found if one is not None and one[1] > 0), key=lambda one: -one[1])
    return tuple(dict.fromkeys(name for name, _ in ranked))


def _weighted(part: str) -> tuple[str, int] | None:
    """A language and its weight in thousandths; None for what is none (`*` too: English is what is left anyway)."""
    name, separator, weight = (piece.strip(" \t") for piece in part.partition(";"))
    language = _RANGE.fullmatch(name)
    given = _WEIGHT.fullmatch(weight) if separator else None
    if language is None or (separator and given is None):
        return None
    locale = language[1].lower() + (f"-{language[2].upper()}" if language[2] else "")
    whole, _, thousandths = (given[1] if given else "1").partition(".")
    return locale, int(whole) * 1000 + int(thousandths.ljust(3, "0"))
