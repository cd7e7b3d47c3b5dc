"""Whether a plugin is made for this Kassa, judged by what it says of itself before it is imported."""

import re
from importlib import metadata

from kassa.kernel.plugin_discovery import Installed
from kassa.kernel.plugin_vetting import Incompatible, Refused, is_compatible
from kassa.ports.hooks import API, PROJECT

_REQUIREMENT = re.compile(r"kassa(?![\w.-])\s*(?:\[[^\]]*\])?\s*\(?([^;()]*)\)?\s*(?:;(.*))?\Z", re.IGNORECASE)
"""A requirement of this distribution (core metadata, `Requires-Dist`): its versions, and its marker."""
_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|~=|<|>)\s*v?([0-9]+(?:\.[0-9]+)*)(\.\*)?\s*\Z")
_CONTRACT = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})\Z")


def judge(plugin: Installed) -> None:
    """Raises `Refused` (`Incompatible`) with the reason. First the contract it names, then the versions of Kassa that its
    distribution requires."""
    if plugin.broken:
        raise Refused(plugin.broken)
    if plugin.contract:
        _judge_contract(plugin.contract)
    try:
        ours = metadata.version(PROJECT)
    except metadata.PackageNotFoundError:
        return
    for requirement in plugin.requires:
        named = _REQUIREMENT.match(requirement.strip())
        if named and "extra" not in (named[2] or "") and not fits(ours, named[1]):
            raise Incompatible(f"requires kassa{named[1].strip()}, this is {ours}")


def judge_promise(plugin: Installed, api: tuple[int, int]) -> None:
    """After the import: the factory is made for the contract its entry point named. Raises `Refused`."""
    if plugin.contract and plugin.contract != f"{api[0]}.{api[1]}":
        raise Refused(f"its entry point says contract {plugin.contract}, its factory {api[0]}.{api[1]}")


def _judge_contract(said: str) -> None:
    numbers = _CONTRACT.match(said)
    if numbers is None:
        raise Refused(f"its entry point says contract {said[:20]!r}, which is no version")
    if not is_compatible((int(numbers[1]), int(numbers[2]))):
        raise Incompatible(f"made for contract {said}, this is {API[0]}.{API[1]}")


def fits(version: str, wanted: str) -> bool:
    """Whether a version is within a specifier, by its release numbers (PEP 440: a pre-release counts as its release). A
    clause that is not understood is no reason to keep a plugin out: its factory names the contract."""
    ours = _release(version)
    return all(_fits(ours, clause) for clause in wanted.split(","))


def _fits(ours: tuple[int, ...], clause: str) -> bool:
    parts = _CLAUSE.match(clause)
    if parts is None:
        return True
    operator, theirs = parts[1], _release(parts[2])
    if parts[3]:
        return (ours[: len(theirs)] == theirs) is (operator == "==")
    width = max(len(ours), len(theirs))
    a, b = _padded(ours, width), _padded(theirs, width)
    return {
        ">=": a >= b,
        "<=": a <= b,
        "==": a == b,
        "!=": a != b,
        "<": a < b,
        ">": a > b,
        "~=": a >= b and ours[: len(theirs) - 1] == theirs[:-1],
    }[operator]


def _padded(numbers: tuple[int, ...], width: int) -> tuple[int, ...]:
    return numbers + (0,) * (width - len(numbers))


def _release(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()
