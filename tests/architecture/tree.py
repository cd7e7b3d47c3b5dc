"""Reads the tree as it is on disk: which file imports what. No file is executed."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RINGS = ("ports", "kernel", "adapters", "plugins")


@dataclass(frozen=True)
class Import:
    """One import: the file that says it, by ring path (`adapters/http/cart.py`), its line, and the full module name."""

    path: str
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.module}"


def sources(root: Path = ROOT, folder: str = "") -> list[Path]:
    """Python files below a folder of the tree, sorted."""
    return sorted(path for path in (root / folder).rglob("*.py") if ".venv" not in path.parts)


def imports(root: Path, folder: str) -> list[Import]:
    """Every import below `folder`, relative ones made absolute."""
    found: list[Import] = []
    for path in sources(root, folder):
        found += _imports_of(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    return found


@cache
def _imports_of(name: str, text: str) -> tuple[Import, ...]:
    """Read once for every copy of the tree that has the same file."""
    return tuple(_found_in(name, text))


def _found_in(name: str, text: str) -> Iterator[Import]:
    package = ["kassa", *name.split("/")[:-1]]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(name, node.lineno, f"{module}.{alias.name}")
