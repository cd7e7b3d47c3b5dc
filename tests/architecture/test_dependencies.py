"""Everything may speak `ports`; nothing else may know anyone else; only `adapters/main` introduces them."""

import shutil
from pathlib import Path

import pytest

from tests.architecture.rules import RULES, violations
from tests.architecture.tree import ROOT


def test_the_dependency_rule_holds():
    """No file of any ring knows somebody it must not know."""
    assert violations(ROOT) == []


BREACHES = [
    ("ports/money.py", "import kassa.kernel.cart", "ports_speak_only_ports"),
    ("ports/money.py", "import sqlalchemy", "ports_speak_only_ports"),
    ("ports/conformance/cart.py", "from kassa.adapters.sqlite import SqliteDatabase", "ports_speak_only_ports"),
    ("kernel/cart.py", "import litestar", "kernel_speaks_only_ports"),
    ("kernel/cart.py", "import pluggy", "kernel_speaks_only_ports"),
    ("kernel/cart.py", "import time", "kernel_speaks_only_ports"),
    ("kernel/cart.py", "from random import random", "kernel_speaks_only_ports"),
    ("kernel/cart.py", "from kassa.adapters import sql", "kernel_speaks_only_ports"),
    ("kernel/cart.py", "from kassa.kernel.payment import KernelCashier", "contexts_do_not_meet"),
    ("kernel/payment.py", "from .checkout import KernelCheckout", "contexts_do_not_meet"),
    ("kernel/identity.py", "import kassa.kernel.cart", "contexts_do_not_meet"),
    ("kernel/cart.py", "import ports.money", "nobody_imports_bare"),
    ("adapters/http/cart.py", "from kassa.kernel.cart import KernelShopping", "adapters_are_islands"),
    ("adapters/http/cart.py", "from kassa.adapters.sql import tables", "adapters_are_islands"),
    ("adapters/redis/throttle.py", "from ..memory import MemoryThrottle", "adapters_are_islands"),
    ("adapters/main/cli.py", "from kassa.plugins.card import method", "adapters_are_islands"),
    ("plugins/card/method.py", "import kassa.kernel.payment", "plugins_are_islands"),
    ("plugins/card/method.py", "from kassa.plugins.e_wallet import method", "plugins_are_islands"),
    ("plugins/card/method.py", "from ..e_wallet import method", "plugins_are_islands"),
]


@pytest.mark.parametrize(("path", "line", "rule"), BREACHES)
def test_the_rule_bites(tmp_path: Path, path: str, line: str, rule: str):
    """A single forbidden import in a copy of the tree is found, and named by the rule it breaks."""
    _copy(tmp_path)
    target = tmp_path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    target.write_text(before + "\n" + line + "\n", encoding="utf-8")
    assert any(found.startswith(rule) and path in found for found in violations(tmp_path))


@pytest.mark.parametrize("ring", sorted(RULES))
def test_an_empty_ring_is_refused(tmp_path: Path, ring: str):
    """A rule that names a folder without files checks nothing, so it fails."""
    _copy(tmp_path)
    shutil.rmtree(tmp_path / ring)
    (tmp_path / ring).mkdir()
    assert f"{ring} is empty" in violations(tmp_path)


def _copy(target: Path) -> None:
    for ring in RULES:
        shutil.copytree(ROOT / ring, target / ring, ignore=shutil.ignore_patterns("__pycache__", "data"))
