"""The sandbox provider as a real process of its own, for any test that needs a second witness."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from kassa.adapters.sandbox.model import Merchant

SHOP = Merchant("shop", "sk_test_shop_key", "whsec_shop")
START_MAX_S = 20.0
STOP_MAX_S = 10.0


class SandboxProcess:
    """One running sandbox. It listens on the same port and keeps the same journal over `restart`.

    It ends with the process that started it, even if that is killed: its standard input is a pipe held here.
    """

    def __init__(self, directory: Path, merchants: Sequence[Merchant], options: Sequence[str]) -> None:
        self.journal_path = directory / "sandbox.jsonl"
        self.errors_path = directory / "sandbox.err"
        self.url = ""
        self._options = list(options)
        self._start([_option(merchant) for merchant in merchants], port=0)

    @property
    def pid(self) -> int:
        return self._process.pid

    def _start(self, merchants: Sequence[str], port: int) -> None:
        command = [sys.executable, "-m", "kassa.adapters.sandbox", "--journal", str(self.journal_path)]
        command += ["--port", str(port), "--until-stdin-closes", *self._options]
        command += [part for merchant in merchants for part in ("--merchant", merchant)]
        with self.errors_path.open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        line = self._first_line()
        if not line.startswith("sandbox ready "):
            self.kill()
            raise RuntimeError(f"the sandbox did not start: {line!r} {self.errors_path.read_text()!r}")
        self.url = line.removeprefix("sandbox ready ")

    def _first_line(self) -> str:
        """What it prints first; empty if it ends or says nothing in time."""
        assert self._process.stdout is not None
        watchdog = threading.Timer(START_MAX_S, self._process.kill)
        watchdog.start()
        try:
            return self._process.stdout.readline().strip()
        finally:
            watchdog.cancel()

    def stop(self) -> int:
        """End it as an operator would; the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._wait()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._wait()

    def _wait(self) -> int:
        try:
            return self._process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_MAX_S)
            raise
        finally:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()

    def restart(self) -> None:
        """Start again after `stop` or `kill`: everything, merchants too, comes from the journal."""
        assert self._process.poll() is not None, "it still runs"
        self._start([], port=int(self.url.rpartition(":")[2]))

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_sandbox(
    tmp_path: Path, merchants: Sequence[Merchant] = (SHOP,), options: Sequence[str] = ()
) -> SandboxProcess:
    """Start a sandbox in `tmp_path` and wait until it answers. Stop it yourself, or use it in a `with`."""
    return SandboxProcess(tmp_path, merchants, options)


def _option(merchant: Merchant) -> str:
    text = f"name={merchant.name},key={merchant.secret_key},webhook_secret={merchant.webhook_secret}"
    text += f",idempotency={merchant.idempotency}"
    return f"{text},webhook_url={merchant.webhook_url}" if merchant.webhook_url else text
