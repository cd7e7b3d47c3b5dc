"""`kassa plugin new`: what it writes is complete, clean and green at once; what it refuses, it says."""

import ast
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kassa.adapters.main import plugin_new
from kassa.adapters.main.cli import main
from kassa.kernel.plugin_discovery import Installed
from kassa.kernel.plugin_versions import judge
from kassa.ports.hooks import API
from tests.architecture.tree import ROOT

PROGRAMS = Path(sys.executable).parent
NAMES = ("acme-pay", "x2", "a-very-long-name-of-thirty-abc")
"""As in the tutorial, the shortest and the longest: what is formatted well must not depend on it."""


def new(*words: str) -> Result:
    """Run `kassa plugin new`."""
    return CliRunner().invoke(main, ["plugin", "new", *words])


def run(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the programs beside this Python in a scaffolded folder."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KASSA_", "PYTEST_", "MYPY"))}
    return subprocess.run(
        [str(PROGRAMS / command[0]), *command[1:]],
        cwd=folder, env=kept, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture(params=NAMES)
def scaffolded(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder just written."""
    folder = tmp_path / "made"
    assert new(request.param, "--dir", str(folder)).exit_code == 0
    return folder


def package(folder: Path) -> str:
    """The name of the package in a scaffolded folder."""
    [found] = [entry.parent.name for entry in folder.glob("*/__init__.py")]
    return found


# --- what it writes


def test_it_conforms_at_once_and_nothing_is_unproved(scaffolded: Path):
    """`kassa plugin check`: no failure, and all that is skipped is what the method does not declare."""
    told = run(scaffolded, "kassa", "plugin", "check", f"{package(scaffolded)}.conformance", "--json")
    report = json.loads(told.stdout)
    assert (told.returncode, report["failed"], report["unproved"]) == (0, 0, 0), told.stdout[-3000:]
    skipped = {check["id"] for check in report["checks"] if check["status"] == "skipped"}
    assert skipped <= NOT_DECLARED, skipped - NOT_DECLARED
    assert report["passed"] >= 70


NOT_DECLARED = {
    "command.offline", "webhook.hint-only", "money.captures", "money.over-capture", "money.void-reservation", "money.resume",
    "money.open-amount", "money.unseen", "money.statement", "money.payout", "webhook.tampered-fields",
}  # fmt: skip
"""Checks for captures, collected input, weaker webhooks, bank files and methods without a provider: it has none of these."""


def test_it_is_green_under_pytest_too(tmp_path: Path):
    """In its own folder, with its own dozen lines."""
    assert new("acme-pay", "--dir", str(tmp_path)).exit_code == 0
    tested = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 0, tested.stdout
    assert "warning" not in tested.stdout
    assert len((tmp_path / "tests/test_conformance.py").read_text().splitlines()) <= 12


def test_it_is_clean(scaffolded: Path):
    """Lint and format, by its own settings."""
    for command in (("ruff", "check", "."), ("ruff", "format", "--check", ".")):
        done = run(scaffolded, *command)
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_types_are_strict(tmp_path: Path):
    """By its own settings."""
    assert new("acme-pay", "--dir", str(tmp_path)).exit_code == 0
    done = run(tmp_path, "mypy", "acme_pay")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_can_be_read_in_a_minute(tmp_path: Path):
    """No file above 200 lines, no function above 40, and none of the template's words left over."""
    assert new("moon-money", "--dir", str(tmp_path)).exit_code == 0
    for file in (entry for entry in tmp_path.rglob("*") if entry.is_file()):
        text = file.read_text()
        assert text.count("\n") <= 200, file
        assert not any(word in text.lower() for word in ("acme", "contract_m", "kassa_from", "kassa_below")), file
        if file.suffix == ".py":
            assert max([*spans(text), 0]) <= 40, file


def spans(source: str) -> Iterator[int]:
    """The lengths of the functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or 0) - node.lineno + 1


def test_this_kassa_takes_it_before_importing_it(tmp_path: Path):
    """Its entry point names the contract, and its requirement fits the Kassa that wrote it, but not the next major."""
    assert new("acme-pay", "--dir", str(tmp_path)).exit_code == 0
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    [(name, point)] = project["entry-points"]["kassa.payment_methods"].items()
    assert (name, point) == ("acme-pay", f"acme_pay [contract-{API[0]}.{API[1]}]")
    judge(Installed(name=name, distribution=name, version="1", requires=tuple(project["dependencies"]), load=dict))
    assert [one for one in project["dependencies"] if one.startswith("kassa>=") and ",<" in one]
    assert project["optional-dependencies"]["test"] == ["kassa[conformance]"]


# --- what it refuses


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Acme", "no name for a payment method"),
        ("acme pay", "no name for a payment method"),
        ("9acme", "no name for a payment method"),
        ("acme--pay", "no name for a payment method"),
        ("a" * 31, "at most 30"),
        ("../acme", "no name for a payment method"),
        ("acme\n", "no name for a payment method"),
        ("import", "cannot be the name of a Python package"),
        ("tests", "cannot be the name of a Python package"),
        ("card", "is installed and offers it"),
        ("bank-transfer", "is installed and offers it"),
        ("json", "there is a Python module json already"),
        ("httpx", "there is a Python module httpx already"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(name: str, words: str, tmp_path: Path):
    """Exit code 2, a sentence, and no file."""
    told = new(name, "--dir", str(tmp_path / "made"))
    assert (told.exit_code, words in told.stderr) == (2, True), told.output
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path):
    """Exit code 1 for a folder with anything in it, and for a file; the folder stays as it was."""
    (tmp_path / "made").mkdir()
    (tmp_path / "made/notes").write_text("mine")
    for place in ("made", "made/notes", "made/notes/below"):
        told = new("acme-pay", "--dir", str(tmp_path / place))
        assert told.exit_code == 1, told.output
        assert told.stderr.startswith("kassa: ")
    assert [entry.name for entry in (tmp_path / "made").iterdir()] == ["notes"]
    assert (tmp_path / "made/notes").read_text() == "mine"


def test_an_empty_folder_is_taken_and_a_second_run_is_refused(tmp_path: Path):
    """So that a mistyped command costs nothing."""
    assert new("acme-pay", "--dir", str(tmp_path)).exit_code == 0
    (tmp_path / "acme_pay/method.py").write_text("# changed\n")
    assert new("acme-pay", "--dir", str(tmp_path)).exit_code == 1
    assert (tmp_path / "acme_pay/method.py").read_text() == "# changed\n"


# --- nothing but kassa.ports


def foreign(folder: Path) -> list[str]:
    """Imports of anything of Kassa but `kassa.ports`, below a folder; at any depth, in functions too."""
    found = []
    files = sorted(folder.rglob("*.py"))
    assert files, f"{folder} has no Python files: a rule about nothing checks nothing"
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module or ''}.{alias.name}" for alias in node.names] if node.level == 0 else []
            else:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = [name for name in names if name.split(".")[0] in ("kassa", "tests", "kernel", "ports", "adapters")]
            found += [f"{file.name}: {name}" for name in ours if f"{name}.".split("kassa.ports.")[0]]
    return found


@pytest.mark.parametrize("kind", ["scaffolded", "third party"])
def test_nothing_of_kassa_is_needed_but_its_ports(kind: str, tmp_path: Path):
    """In what is scaffolded, and in the distribution that these tests install."""
    assert foreign(code(kind, tmp_path)) == []


@pytest.mark.parametrize("kind", ["scaffolded", "third party"])
@pytest.mark.parametrize(
    "line",
    [
        "import kassa.kernel.payment",
        "from kassa import adapters",
        "from kassa.plugins.card import method",
        "from kassa.portsmouth import x",
        "def f():\n    import kassa.adapters.http",
        "from tests.walks import shop",
        "import kassa",
    ],
)
def test_an_import_of_anything_else_is_noticed(kind: str, line: str, tmp_path: Path):
    """The rule bites."""
    folder = code(kind, tmp_path)
    [method] = folder.rglob("method.py")
    method.write_text(f"{method.read_text()}\n{line}\n")
    assert len(foreign(folder)) == 1


def code(kind: str, folder: Path) -> Path:
    """A copy of the code of a distribution."""
    if kind == "scaffolded":
        plugin_new.write("acme-pay", folder)
        return folder
    for file in (ROOT / "tests/stranger/pasar_qr").rglob("*.py"):
        place = folder / file.relative_to(ROOT / "tests/stranger")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.read_text())
    return folder
