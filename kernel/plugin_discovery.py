"""Which payment plugins are installed, read from their distributions' own words. Imports none of them.

Entry points are read here and not by pluggy, whose own loader lets the first distribution on `sys.path` win a name silently
and registers nothing at all if one of several is broken.
"""

import re
from collections.abc import Callable, Iterator
from importlib import metadata

from kassa.ports.hooks import ENTRY_POINT_GROUP
from kassa.ports.values import Value

_EXTRAS = re.compile(r"\[(.*)\]\s*\Z")
"""An entry point's extras (PyPA entry points specification): `acme_pay [contract-1.0]`."""


class Installed(Value, frozen=True, kw_only=True):
    """A plugin found, not imported yet: its entry point's name, where it comes from, what it requires (`Requires-Dist`),
    the contract it says it is made for (empty: it does not say), how to load it. `broken` tells why it cannot be judged."""

    name: str
    distribution: str
    version: str
    requires: tuple[str, ...]
    load: Callable[[], object]
    contract: str = ""
    broken: str = ""


def installed_plugins() -> tuple[Installed, ...]:
    """Every payment plugin of this Python, by name. Of a distribution that is on the path twice, the one that Python
    imports from; one whose metadata cannot be read takes nobody else down."""
    found: dict[tuple[str, str], Installed] = {}
    for dist in metadata.distributions():
        for plugin in _plugins_of(dist):
            found.setdefault((plugin.name, _normal(plugin.distribution)), plugin)
    return tuple(found[key] for key in sorted(found))


def _plugins_of(dist: metadata.Distribution) -> Iterator[Installed]:
    try:
        points = tuple(dist.entry_points.select(group=ENTRY_POINT_GROUP))
    except Exception:  # not even its entry points can be read: whoever configures it is told that nobody offers it
        return
    if not points:
        return
    try:
        name, version, requires = str(dist.metadata["Name"] or ""), str(dist.version or ""), tuple(dist.requires or ())
    except Exception:
        name, version, requires = "", "", ()
    broken = "" if name and version else "its metadata cannot be read"
    for point in points:
        extras = _EXTRAS.search(point.value)
        yield Installed(
            name=point.name,
            distribution=name or "unknown",
            version=version,
            requires=requires,
            load=point.load,
            contract=_contract(extras[1] if extras else ""),
            broken=broken,
        )


def _contract(extras: str) -> str:
    found = [extra.strip().lower() for extra in extras.split(",")]
    return next((extra.removeprefix("contract-") for extra in found if extra.startswith("contract-")), "")


def _normal(name: str) -> str:
    """A distribution's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
