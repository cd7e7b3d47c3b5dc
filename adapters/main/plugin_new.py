"""`kassa plugin new`: writes a small, complete distribution with a payment method that passes the examination."""

import importlib.util
import keyword
import re
from collections.abc import Mapping
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from kassa.kernel.plugin_discovery import installed_plugins
from kassa.ports.errors import SettingRefused
from kassa.ports.hooks import API

LONGEST_NAME = 30
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_SUFFIX = ".tmpl"


class BadName(Exception):
    """A name that no payment method can have, and what would be right."""


def write(name: str, folder: Path | None = None) -> list[Path]:
    """Write the distribution `name` into `folder` (by default one of that name, here); the files, in order.

    Raises:
        BadName: with what is wrong with it.
        SettingRefused: the folder is not empty, or cannot be written. Nothing is overwritten.
    """
    words = _words(name)
    folder = Path(name) if folder is None else folder
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SettingRefused(f"{folder} is there already and not empty: nothing was written")
        return _copied(resources.files("kassa.adapters.main").joinpath("plugin_template"), folder, words)
    except OSError as error:
        raise SettingRefused(f"{error.filename or folder}: {error.strerror}") from None


def _copied(source: Traversable, target: Path, words: Mapping[str, str]) -> list[Path]:
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for entry in sorted(source.iterdir(), key=lambda entry: (entry.is_dir(), entry.name)):
        place = target / _filled(entry.name, words).removesuffix(_SUFFIX)
        if entry.is_dir():
            written += _copied(entry, place, words)
        elif entry.name.endswith(_SUFFIX):
            with place.open("x", encoding="utf-8") as file:
                file.write(_filled(entry.read_text(encoding="utf-8"), words))
            written.append(place)
    return written


def _words(name: str) -> dict[str, str]:
    """The template is a plugin called acme-pay: what stands there, and what is written instead. Raises `BadName`."""
    _check(name)
    parts = re.split("[-_]", name)
    release = metadata.version("kassa").split(".")
    return {
        "acme-pay": name,
        "acme_pay": "_".join(parts),
        "ACME_PAY": "_".join(parts).upper(),
        "AcmePay": "".join(part.capitalize() for part in parts),
        "Acme Pay": " ".join(part.capitalize() for part in parts),
        "CONTRACT_MAJOR": str(API[0]),
        "CONTRACT_MINOR": str(API[1]),
        "KASSA_FROM": ".".join(release[:2]),
        "KASSA_BELOW": str(int(release[0]) + 1),
    }


def _filled(text: str, words: Mapping[str, str]) -> str:
    """All words at once, so that a name which contains another word stays as it is."""
    return re.sub("|".join(words), lambda found: words[found[0]], text)


def _check(name: str) -> None:
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise BadName(
            f"{name!r} is no name for a payment method: lower-case letters and digits in words joined by - or _, a letter "
            f"first, at most {LONGEST_NAME} in all, such as acme-pay"
        )
    module = name.replace("-", "_")
    if keyword.iskeyword(module) or module in ("kassa", "tests", "example"):
        raise BadName(f"{name!r} cannot be the name of a Python package of yours: choose another, such as {name}-pay")
    for plugin in installed_plugins():
        if plugin.name.replace("-", "_") == module:
            raise BadName(f"{name!r} is taken: {plugin.distribution} {plugin.version} is installed and offers it")
    found = importlib.util.find_spec(module)
    if found is not None and found.origin is not None:  # a folder without __init__.py is no module of anybody's
        raise BadName(f"{name!r} is taken: there is a Python module {module} already; choose another name")
