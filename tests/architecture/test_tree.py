"""One noun, one file name, every ring; and what no file may hold."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from kassa.adapters.sql import tables
from tests.architecture.tree import RINGS, ROOT, sources

NOUNS = ("identity", "catalog", "cart", "checkout", "payment", "idempotency")
FORBIDDEN_NAMES = ("utils", "common", "base", "helpers", "core")


def missing_nouns(root: Path) -> list[str]:
    """Rings in which a noun has neither a file nor a folder of its name."""
    rings = ("ports", "ports/conformance", "kernel", "adapters/http", "adapters/postgres", "adapters/sqlite")
    return [
        f"{ring}/{noun}"
        for ring in rings
        for noun in NOUNS
        if not (root / ring / f"{noun}.py").exists() and not (root / ring / noun).is_dir()
    ]


def test_every_noun_has_its_file_in_every_ring():
    """A reader who knows the table of nouns knows the tree."""
    assert missing_nouns(ROOT) == []


def test_a_missing_noun_is_noticed(tmp_path: Path):
    """The check bites: an empty tree misses all of them."""
    assert len(missing_nouns(tmp_path)) == 6 * len(NOUNS)


def crossing_keys(metadata: MetaData, contexts: dict[str, tuple[object, ...]]) -> list[str]:
    """Foreign keys from a table of one context to a table of another, and tables of no context."""
    owner = {table.name: name for name, owned in contexts.items() for table in owned}
    crossing = [f"{table.name} belongs to no context" for table in metadata.tables.values() if table.name not in owner]
    for table in metadata.tables.values():
        for key in table.foreign_keys:
            if owner.get(table.name) != owner.get(key.column.table.name):
                crossing.append(f"{table.name}.{key.parent.name} → {key.column.table.name}")
    return crossing


def test_no_foreign_key_crosses_two_contexts():
    """So that each context can move to a database of its own."""
    contexts = {**tables.CONTEXTS}
    assert crossing_keys(tables.metadata, contexts) == []


def test_a_crossing_key_is_noticed():
    """The check bites: carts given to identity cross twice or more."""
    shop = tuple(table for table in tables.CONTEXTS["shop"] if table.name != "carts")
    moved = {**tables.CONTEXTS, "shop": shop, "identity": (*tables.CONTEXTS["identity"], tables.carts)}
    assert any("carts" in found for found in crossing_keys(tables.metadata, moved))


def test_no_file_is_called_after_nothing():
    """A file called utils, common, base, helpers or core has no idea of its own."""
    assert [path for ring in RINGS for path in sources(ROOT, ring) if path.stem in FORBIDDEN_NAMES] == []


def test_files_stay_small():
    """What separates the pleasant houses is the largest file."""
    limit = {
        "adapters/sql/tables.py": 400,
        "ports/payment.py": 550,
        "ports/payment_records.py": 450,
        "ports/errors.py": 420,
    }
    big = {}
    for ring in RINGS:
        for path in sources(ROOT, ring):
            name = path.relative_to(ROOT).as_posix()
            lines = path.read_text(encoding="utf-8").count("\n")
            if lines > limit.get(name, 360):
                big[name] = lines
    assert big == {}


def test_every_ring_is_typed():
    """`py.typed` stands in each of the four, so that a stranger's type checker believes us."""
    assert [ring for ring in RINGS if not (ROOT / ring / "py.typed").exists()] == []


def test_the_lock_names_only_the_canonical_index():
    """`uv.lock` records addresses; they must work for everybody."""
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r'registry = "([^"]+)"', lock)) == {"https://pypi.org/simple"}
    assert set(re.findall(r'url = "(https?://[^/]+)/', lock)) == {"https://files.pythonhosted.org"}
    assert set(re.findall(r"source = \{ (\w+) = ", lock)) == {"registry", "editable"}
    missing = [
        package["name"]
        for package in tomllib.loads(lock)["package"]
        if "registry" in package["source"]
        and not (
            all("hash" in wheel for wheel in package.get("wheels", []))
            and (package.get("wheels") or package.get("sdist"))
        )
    ]
    assert missing == []


def test_no_tracked_file_holds_a_path_of_a_development_machine():
    """Nothing in the project knows where it was written."""
    pattern = re.compile(r"/(?:work|root)/[a-z.]")
    assert pattern.search("/" + "work/main") is not None
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    held = []
    for name in (entry.decode() for entry in listed if entry):
        path = ROOT / name
        if path.is_file() and not path.is_symlink() and name != "LICENSE":
            text = path.read_text(encoding="utf-8", errors="replace")
            held += [f"{name}: {found.group()}" for found in pattern.finditer(text)]
    assert held == []


BANNED = {
    "time": "import time\n\ntime.time()\n",
    "random": "import random\n\nrandom.random()\n",
    "uuid": "import uuid\n\nuuid.uuid4()\n",
    "now": "import datetime\n\ndatetime.datetime.now(datetime.UTC)\n",
    "sleep": "import asyncio\n\n\nasync def nap() -> None:\n    await asyncio.sleep(1)\n",
}


@pytest.mark.parametrize("what", sorted(BANNED))
def test_clocks_and_randomness_are_banned_by_the_linter(what: str):
    """Time and randomness come in through ports: the lint rule finds each way round them."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--output-format",
        "json",
        "--stdin-filename",
        "kernel/trial.py",
        "-",
    ]
    done = subprocess.run(command, check=False, cwd=ROOT, input=BANNED[what], capture_output=True, text=True)
    assert "TID251" in {problem["code"] for problem in json.loads(done.stdout)}
