"""`kassa import-statement`: 0 imported, 1 refused with the place, 2 wrong usage."""

import json
from pathlib import Path

import pytest

from tests.plugins.bank_files.written import OURS, Transfer, camt
from tests.walks.test_commands import kassa

CONFIG = f"""
[shop]
currency = "EUR"

[payments.account]
plugin = "bank_transfer"
driver = "account"
bank = "Van Lanschot"
holder = "Tea Shop"
iban = "{OURS}"
currency = "EUR"
reference = "rf"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the settings of a shop that has one bank account."""
    (tmp_path / "kassa.toml").write_text(CONFIG)
    (tmp_path / "march.xml").write_bytes(camt([Transfer(1000, ref="B1"), Transfer(300, "debit", ref="B2")]))
    return tmp_path


def test_a_statement_is_imported_by_command_and_a_dry_run_says_the_same(home: Path) -> None:
    dry = kassa(home, "import-statement", "march.xml", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "'Ada Lovelace': unmatched: nothing in it names a payment" in dry.stdout
    assert dry.stdout.endswith("would be: 1 not_ours, 1 unmatched; nothing was written\n")
    done = kassa(home, "import-statement", "march.xml", "--method", "account", "--form", "camt", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["verdicts"], report["statement"]["name"]) == ({"not_ours": 1, "unmatched": 1}, "march.xml")
    again = kassa(home, "import-statement", "march.xml")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, f"account {OURS}: 2 known")


def test_a_refusal_names_the_place(home: Path) -> None:
    (home / "bad.xml").write_bytes(camt([Transfer(1000, ref="B1")]).replace(b"CRDT", b"WHAT"))
    refused = kassa(home, "import-statement", "bad.xml")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "entry 1" in refused.stderr
    assert refused.stderr.startswith("kassa: ")


def test_a_method_that_is_not_there_is_named(home: Path) -> None:
    refused = kassa(home, "import-statement", "march.xml", "--method", "acount")
    assert refused.returncode == 1
    assert refused.stderr.startswith("kassa: --method: no payment method is called 'acount'")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            ('reference = "rf"', 'reference = "rff"'),
            "payments.account: failed: configuration: Invalid enum value 'rff'",
        ),
        (('"rf"', '"rf"\nkey = { env = "NO_KEY" }'), "payments.account.key: the variable NO_KEY is not set"),
        (("iban = ", "ibann = "), "payments.account: failed: configuration: Object contains unknown field `ibann`"),
        (("[payments", '[statements]\nfolder = "spool"\n\n[payments'), "statements.folder: there is no folder spool"),
    ],
)
def test_settings_with_which_the_shop_would_not_open_are_not_fine(
    home: Path, wrong: tuple[str, str], says: str
) -> None:
    """Without a database, and before anybody is asked."""
    assert kassa(home, "check-config").stdout == "fine: embedded, methods: account\n"
    (home / "kassa.toml").write_text(CONFIG.replace(*wrong))
    refused = kassa(home, "check-config")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"kassa: {says}")


def test_a_missing_file_is_refused_and_no_file_is_wrong_usage(home: Path) -> None:
    missing = kassa(home, "import-statement", "april.xml")
    assert (missing.returncode, missing.stderr) == (1, "kassa: april.xml: No such file or directory\n")
    assert kassa(home, "import-statement").returncode == 2
