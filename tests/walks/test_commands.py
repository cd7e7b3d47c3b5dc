"""The `kassa` command: done is 0, refused is 1 with one clear line, wrong usage is 2; never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KASSA = (sys.executable, "-m", "kassa.adapters.main")


def kassa(directory: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty folder."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KASSA_")}
    return subprocess.run(
        [*KASSA, *words],
        cwd=directory,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


REFUSED = [
    (["check-config", "--config", "missing.toml"], {}, "missing.toml: No such file or directory"),
    (
        ["check-config"],
        {"KASSA_DATABSE_URL": "x"},
        "KASSA_DATABSE_URL: no such setting; did you mean KASSA_DATABASE_URL?",
    ),
    (["check-config"], {"KASSA_SHOP_SHIPPING": "much"}, "shop.shipping"),
    (["check-config"], {"KASSA_FAILPOINTS": "checkout.after_commit=kill"}, "only in a test build"),
    (["serve", "--port", "1"], {"KASSA_DATABASE_URL": "oracle://x"}, "neither sqlite:///FILE"),
    (["migrate"], {"KASSA_DATABASE_URL": "oracle://x"}, "neither sqlite:///FILE nor postgresql://"),
    (["migrate"], {"KASSA_DATABASE_URL": "foo"}, "neither sqlite:///FILE nor postgresql://"),
    (["migrate"], {"KASSA_DATABASE_URL": "postgresql://x:notaport/y"}, "the port is not a number"),
    (["migrate"], {"KASSA_LOG": "\udcff"}, "KASSA_LOG: is not UTF-8"),
    (["migrate"], {"KASSA_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, ""),
    (["audit", "verify"], {"KASSA_DATABASE_URL": "sqlite:///no/such/folder/shop.db"}, ""),
    (["import-products", "missing.csv"], {}, "missing.csv: No such file or directory"),
]


@pytest.mark.parametrize(("words", "environment", "says"), REFUSED)
def test_a_refusal_is_one_clear_line(tmp_path: Path, words: list[str], environment: dict[str, str], says: str):
    """Exit code 1, the reason on standard error, nothing of Python's."""
    done = kassa(tmp_path, *words, **environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert says in done.stderr
    assert done.stderr.startswith("kassa: ")
    assert "Traceback" not in done.stderr


def test_a_literal_secret_is_refused_and_not_repeated(tmp_path: Path):
    """Secrets come from the environment or a file."""
    (tmp_path / "kassa.toml").write_text('secret_key = "hunter2hunter2hunter2hunter2hunter2"\n')
    done = kassa(tmp_path, "check-config")
    assert done.returncode == 1
    assert "{env=" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_a_product_file_is_refused_whole_by_line_and_column(tmp_path: Path):
    """Two wrong lines, both named; nothing is imported."""
    good = "sku,name,price,currency,quantity\ntea,Tea,2.55,GBP,10\n"
    (tmp_path / "products.csv").write_text(good + "bad,Bad,2.555,GBP,1\nworse,,1.00,GBP,x\n")
    done = kassa(tmp_path, "import-products", "products.csv")
    assert done.returncode == 1
    assert "products.csv:3: column price" in done.stderr
    assert "products.csv:4: column quantity" in done.stderr
    (tmp_path / "products.csv").write_text(good)
    assert kassa(tmp_path, "import-products", "products.csv", "--dry-run").stdout.startswith("1 would be created")
    assert kassa(tmp_path, "import-products", "products.csv").stdout.startswith("1 created")
    assert kassa(tmp_path, "import-products", "products.csv").stdout.startswith("0 created, 0 changed, 1 unchanged")


def test_wrong_usage_is_2(tmp_path: Path):
    """As every command line does."""
    assert kassa(tmp_path, "serve", "--port", "99999").returncode == 2
    assert kassa(tmp_path, "sell").returncode == 2


def test_every_setting_is_explained(tmp_path: Path):
    """`check-config --explain` names the settings that the documentation uses, each with a sentence."""
    lines = kassa(tmp_path, "check-config", "--explain").stdout.splitlines()
    names = lines[::2]
    assert all(" = " in name for name in names)
    assert all(text.strip() for text in lines[1::2])
    assert any(name.startswith("http.public_url = ") for name in names)


def test_plugins_are_listed_with_where_they_come_from(tmp_path: Path):
    """Ours are found by entry point like a stranger's; not configured yet is no fault."""
    done = kassa(tmp_path, "plugins")
    assert done.returncode == 0, done.stderr
    for plugin in ("bank_transfer", "card", "e_wallet"):
        assert any(line.startswith(plugin) and "unconfigured" in line for line in done.stdout.splitlines())
