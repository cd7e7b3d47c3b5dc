"""The dependency rule, in the words of the architecture page: who may speak to whom."""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.architecture.tree import Import, imports

STDLIB = frozenset(sys.stdlib_module_names)
BANNED_IN_KERNEL = ("os", "time", "random", "secrets", "socket", "uuid", "subprocess", "threading", "pathlib")
CONTEXTS = {
    "identity": ("identity",),
    "shop": ("catalog", "cart", "checkout"),
    "payment": ("payment", "recovery", "plugin_host", "plugin_guard"),
}


def _top(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def _is(module: str, *prefixes: str) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def _outside(module: str, allowed: tuple[str, ...]) -> bool:
    return _top(module) not in STDLIB and _top(module) != "kassa" and _top(module) not in allowed


def ports_speak_only_ports(found: Import) -> bool:
    """`ports` knows itself, msgspec and pluggy's markers; its conformance suites also pytest, hypothesis, httpx."""
    suite = found.path.startswith("ports/conformance/")
    allowed = ("msgspec", "pytest", "pytest_asyncio", "hypothesis", "httpx") if suite else ("msgspec", "pluggy")
    ours = _top(found.module) != "kassa" or _is(found.module, "kassa.ports")
    return ours and not _outside(found.module, allowed)


def kernel_speaks_only_ports(found: Import) -> bool:
    """`kernel` knows ports, itself and msgspec (pluggy in `plugin_host` alone), and no clock, randomness or socket."""
    allowed = ("msgspec", "pluggy") if found.path == "kernel/plugin_host.py" else ("msgspec",)
    ours = _top(found.module) != "kassa" or _is(found.module, "kassa.ports", "kassa.kernel")
    return ours and not _outside(found.module, allowed) and _top(found.module) not in BANNED_IN_KERNEL


def adapters_are_islands(found: Import) -> bool:
    """An adapter knows ports and itself; `postgres` and `sqlite` also `sql`; `main` alone knows the kernel and everyone."""
    adapter = found.path.split("/")[1]
    if _top(found.module) != "kassa":
        return True
    own = [f"kassa.adapters.{adapter}", "kassa.ports"]
    if adapter in ("postgres", "sqlite"):
        own.append("kassa.adapters.sql")
    if adapter == "main":
        own += ["kassa.kernel", "kassa.adapters"]
    return _is(found.module, *own)


def plugins_are_islands(found: Import) -> bool:
    """A plugin knows ports and itself: no kernel, no adapter, no other plugin."""
    plugin = found.path.split("/")[1]
    return _top(found.module) != "kassa" or _is(found.module, "kassa.ports", f"kassa.plugins.{plugin}")


def contexts_do_not_meet(found: Import) -> bool:
    """Within the kernel, identity, shop and payment do not import each other."""
    mine = _context(found.path.removeprefix("kernel/").removesuffix(".py"))
    theirs = (
        _context(found.module.removeprefix("kassa.kernel.").split(".")[0])
        if _is(found.module, "kassa.kernel")
        else None
    )
    return mine is None or theirs is None or mine == theirs


def _context(name: str) -> str | None:
    for context, nouns in CONTEXTS.items():
        if any(name == noun or name.startswith((noun + "_", noun + "/")) for noun in nouns):
            return context
    return None


def nobody_imports_bare(found: Import) -> bool:
    """`import kernel` would be an integrator's folder; ours is `kassa.kernel`."""
    return _top(found.module) not in ("kernel", "ports", "adapters", "plugins")


RULES: dict[str, tuple[Callable[[Import], bool], ...]] = {
    "ports": (ports_speak_only_ports, nobody_imports_bare),
    "kernel": (kernel_speaks_only_ports, contexts_do_not_meet, nobody_imports_bare),
    "adapters": (adapters_are_islands, nobody_imports_bare),
    "plugins": (plugins_are_islands, nobody_imports_bare),
    "tests": (nobody_imports_bare,),
}


def violations(root: Path) -> list[str]:
    """Every breach of every rule; an empty ring is a breach, because a rule about nothing checks nothing."""
    broken = []
    for ring, rules in RULES.items():
        found = imports(root, ring)
        if not found:
            broken.append(f"{ring} is empty")
        broken += [f"{rule.__name__}: {one}" for rule in rules for one in found if not rule(one)]
    return broken
