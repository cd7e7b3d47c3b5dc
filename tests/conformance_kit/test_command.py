"""`kassa plugin check`: what it tells, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def kassa(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from kassa.adapters.main.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False)


def test_a_method_that_conforms_ends_with_0():
    """Every check is a line; what was not looked at is listed with its reason."""
    done = kassa("plugin", "check", "tests.conformance_kit.acme.double")
    assert (done.returncode, done.stderr) == (0, "")
    assert "ok  command.lost-reply" in done.stdout
    assert "skipped: the method has a provider" in done.stdout
    assert "0 failed" in done.stdout
    assert "c4n4ry" not in done.stdout


def test_a_method_that_does_not_ends_with_1_and_json_says_why():
    """Expected, seen, and why it matters; nothing else is printed."""
    done = kassa("plugin", "check", "--json", "tests.conformance_kit.wrong:Wrong")
    report = json.loads(done.stdout)
    assert (done.returncode, report["conforms"], report["failed"]) == (1, False, 1)
    [failed] = [one for one in report["checks"] if one["status"] == "failed"]
    assert failed["id"] == "command.amounts"
    assert "0.12 EUR" in failed["seen"]
    assert failed["why"]
    assert {one["status"] for one in report["checks"]} <= {"passed", "failed", "skipped", "unproved"}


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("no_such_module", "kassa: no_such_module cannot be imported: ModuleNotFoundError"),
        ("json", "kassa: json has no Subject"),
        ("tests.conformance_kit.acme.double:Nobody", "has no Nobody"),
        ("tests.conformance_kit.saboteurs.declare", "name one of"),
        ("broken", "kassa: broken cannot be imported: SystemExit: 3"),
        (".", "kassa: . cannot be imported"),
    ],
)
def test_nothing_to_examine_ends_with_2_and_one_line(tmp_path: Path, module: str, message: str):
    """Never a traceback, whatever the module does."""
    (tmp_path / "broken.py").write_text("raise SystemExit(3)\n")
    done = kassa("plugin", "check", module, cwd=tmp_path if module == "broken" else ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_module_is_found_in_the_current_directory(tmp_path: Path):
    """A stranger's repository is not installed while they write it."""
    (tmp_path / "here.py").write_text("print('found me')\n")
    done = kassa("plugin", "check", "here", cwd=tmp_path)
    assert done.stdout == "found me\n"
    assert "kassa: here has no Subject" in done.stderr


def test_pytest_is_not_needed():
    """The command works where `kassa[conformance]` is not installed."""
    script = (
        "import sys; sys.modules['pytest'] = None; sys.path.insert(0, '.')\n"
        "from kassa.adapters.main.cli import main\n"
        "sys.argv = ['kassa', 'plugin', 'check', 'tests.conformance_kit.acme.double']\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
