"""A clean Python: an environment of its own with the Kassa *wheel*, the locked versions of what it needs, and nothing else.

`uv` does the work, as it does for the project itself: packages come from its cache, or from the index that the project uses.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.architecture.tree import ROOT

BUILD_MAX_S = 300


def uv() -> str:
    """The `uv` that runs these tests, or one that is there. Fails if there is none: these tests are not skipped."""
    beside = Path(sys.executable).with_name("uv")
    found = os.environ.get("UV") or (str(beside) if beside.exists() else None) or shutil.which("uv")
    assert found, "these tests install wheels with uv: run them as the README says (`uv run`), or put uv on PATH"
    return found


_OURS = ("KASSA_", "PYTHON", "VIRTUAL_ENV", "CONDA_", "PYTEST_", "UV")
_WHENCE = (
    "UV_CACHE_DIR",
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX",
    "UV_FIND_LINKS",
    "UV_OFFLINE",
    "UV_KEYRING",
)
"""Where packages come from may be told to uv; where they go may not: `UV_PYTHON` would lead into this checkout's own."""


def environment(**more: str) -> dict[str, str]:
    """The machine's variables without those of this checkout's environment and of any Kassa."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_OURS) or name.startswith(_WHENCE)}
    return {**kept, **more}


def run(command: Sequence[str | Path], *, cwd: Path = ROOT, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Run to its end."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd, env=environment(), capture_output=True, text=True, timeout=BUILD_MAX_S, check=False,
    )  # fmt: skip
    assert not check or done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}"
    return done


def built(source: Path, into: Path) -> Path:
    """The wheel of a project, built in isolation."""
    before = set(into.glob("*.whl"))
    run([uv(), "build", "--quiet", "--wheel", "--out-dir", into, source])
    [wheel] = set(into.glob("*.whl")) - before
    return wheel


def locked(into: Path) -> Path:
    """What Kassa needs to run and to examine, in exactly the locked versions, as requirements."""
    told = [uv(), "export", "--quiet", "--locked", "--no-dev", "--extra", "conformance", "--no-emit-project"]
    run([*told, "--no-hashes", "--output-file", into])
    return into


class CleanPython:
    """A virtual environment outside the checkout."""

    def __init__(self, folder: Path, requirements: Path, *wheels: Path) -> None:
        self.folder = folder
        run([uv(), "venv", "--quiet", "--python", sys.executable, folder])
        self.install("-r", requirements)
        self.install("--no-deps", *wheels)

    def install(self, *words: str | Path) -> None:
        """`uv pip install` into it."""
        run([uv(), "pip", "install", "--quiet", "--python", self.program("python"), *words])

    def program(self, name: str) -> Path:
        """One of its programs."""
        return self.folder / "bin" / name
