"""An environment of its own for the simulator: it needs Python 3.12, and its licences and versions are none of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("python-getpaid-simulator==3.2.0", "python-getpaid-payu==3.2.0", "python-getpaid-core==3.2.0")
LEAST = (3, 12)
INSTALL_MAX_S = 60


class NoSimulator(Exception):
    """Why there is none here, in one line."""


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = os.environ.get("UV") or (str(beside) if beside.exists() else shutil.which("uv"))
    if not found:
        raise NoSimulator("there is no uv to install it with")
    return found


def _pythons(uv: str) -> list[str]:
    """Interpreters that may do, the likeliest first."""
    wanted = f">={LEAST[0]}.{LEAST[1]}"
    asked = subprocess.run(
        [uv, "python", "find", "--no-project", "--system", wanted], capture_output=True, text=True, check=False
    )
    found = [asked.stdout.strip()] if asked.returncode == 0 else []
    names = [f"python3.{minor}" for minor in range(LEAST[1], LEAST[1] + 4)]
    found += [path for name in names if (path := shutil.which(name))]
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return found + sorted(str(path) for path in root.glob("versions/3.*/bin/python3"))


def _is_young(python: str) -> bool:
    check = f"import sys; sys.exit(sys.version_info < {LEAST})"
    return subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0


def made(folder: Path) -> Path:
    """The interpreter of a new environment in `folder` with the simulator in it. Raises `NoSimulator`."""
    uv = _uv()
    python = next((path for path in _pythons(uv) if _is_young(path)), None)
    if python is None:
        raise NoSimulator(f"there is no Python {LEAST[0]}.{LEAST[1]} or later")
    target = folder / "environment"
    inside = target / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    for command in (
        [uv, "venv", "--quiet", "--no-project", "--python", python, str(target)],
        [uv, "pip", "install", "--quiet", "--python", str(inside), *PACKAGES],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_MAX_S, check=False)
        except subprocess.TimeoutExpired:
            raise NoSimulator(f"{PACKAGES[0]} could not be installed within {INSTALL_MAX_S} s") from None
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise NoSimulator(f"{PACKAGES[0]} could not be installed: {last}")
    return inside
