"""The main job as a newcomer meets it: `kassa demo`, the session it prints, and a thousand real invoices."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.servers.process import free_port

KASSA = (sys.executable, "-m", "kassa.adapters.main")


class Demo:
    """A running `kassa demo` in a folder of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port, self.sandbox_port = directory, free_port(), free_port()
        self.url, self.bank = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.sandbox_port}"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("KASSA_")}
        self.began = time.monotonic()
        command = [*KASSA, "demo", "--port", str(self.port), "--sandbox-port", str(self.sandbox_port)]
        with (directory / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(directory / "data")],
                cwd=directory, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self.session = self._until("# The session above")

    def _until(self, words: str) -> str:
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith(words):
                return "".join(lines)
        raise AssertionError((self.directory / "log").read_text() + "".join(lines))

    def kassa(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command beside the running demo."""
        return subprocess.run(
            [*KASSA, *words],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    def stop(self) -> int:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """The demo, ended by its own pid."""
    running = Demo(tmp_path)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait(10)
        assert running.process.stdout is not None
        running.process.stdout.close()


def test_the_printed_session_buys_by_each_method_as_pasted(demo: Demo):
    """Pasted into a shell, three orders end paid; after Ctrl-C and another start the shop goes on where it was."""
    pasted = subprocess.run(["sh"], input=demo.session, capture_output=True, text=True, timeout=60, check=False)
    assert pasted.returncode == 0, pasted.stderr
    endings = [line.split(": ")[1].split() for line in pasted.stdout.splitlines() if ": KS-" in line]
    assert [status for _, status in endings] == ["paid"] * 3, pasted.stdout + pasted.stderr
    assert time.monotonic() - demo.began < 60
    verified = demo.kassa("audit", "verify", "--config", str(demo.directory / "data" / "kassa.toml"))
    assert (verified.returncode, verified.stdout) == (0, "0 violations\n")
    assert demo.stop() == 0
    assert httpx_is_refused(demo.url)
    assert httpx_is_refused(demo.bank)


def httpx_is_refused(url: str) -> bool:
    """Whether nobody listens there any more."""
    try:
        httpx.get(url, timeout=2, trust_env=False)
    except httpx.ConnectError:
        return True
    return False


@pytest.mark.parametrize(("limit", "least"), [(300, 280), pytest.param(1050, 1000, marks=pytest.mark.soak)])
def test_real_invoices_come_out_to_the_penny(demo: Demo, limit: int, least: int):
    """Hundreds, by its own command more than a thousand, that fit one price per product (all of them: `kassa replay`), sixteen
    at a time; then our books against the provider's."""
    replayed = demo.kassa("replay", "--url", demo.url, "--concurrency", "16", "--limit", str(limit))
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    bought = int(replayed.stdout.split()[0])
    assert bought >= least
    assert "left out: " in replayed.stdout
    verified = demo.kassa("audit", "verify", "--config", str(demo.directory / "data" / "kassa.toml"))
    assert verified.stdout == "0 violations\n"
    theirs = httpx.get(f"{demo.bank}/control/books", timeout=30, trust_env=False).json()["card"]
    database = sqlite3.connect(f"file:{demo.directory}/data/shop.db?mode=ro", uri=True)
    ours = dict(database.execute("SELECT merchant_ref, captured FROM payments").fetchall())
    database.close()
    assert len(ours) == bought
    assert ours == {reference: charge["captured"] for reference, charge in theirs.items()}


def test_a_port_in_use_is_one_clear_line(demo: Demo):
    """Not a traceback."""
    second = demo.kassa("demo", "--port", str(urlsplit(demo.url).port), "--data-dir", "other")
    assert second.returncode == 1
    assert second.stderr == f"kassa: cannot listen on 127.0.0.1:{demo.port}: Address already in use\n"
