"""A wrong option is one clear line and exit code 2, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "name=shop,key=sk_test_a,webhook_secret=b"

WRONG: list[tuple[list[str], str]] = [
    (["--merchant", "name=shop"], "Object missing required field"),
    (["--merchant", "shop"], "does not fit"),
    (["--merchant", GOOD.replace("sk_test_a", "sk_live_a")], "sk_test_"),
    (["--merchant", GOOD + ",webhook_url=ftp://x"], "http or https"),
    (["--merchant", GOOD + ",colour=red"], "does not fit"),
    (["--merchant", GOOD, "--merchant", GOOD.replace("shop", "twin")], "another merchant has this key"),
    (["--port", "eighty"], "invalid int value"),
    (["--host", "203.0.113.1"], "cannot listen"),
    (["--journal", "/nowhere/at/all.jsonl"], "No such file or directory"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_a_wrong_option_is_one_clear_line(tmp_path: Path, options: list[str], message: str) -> None:
    command = [sys.executable, "-m", "kassa.adapters.sandbox", "--journal", str(tmp_path / "j"), *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert message in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
