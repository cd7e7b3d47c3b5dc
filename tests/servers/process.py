"""One server process with its own temporary home, its guard, and the ways a test may hurt it."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.servers import lifeline
from tests.servers.binaries import NoServer

_START_SECONDS = 30.0
_AMPLE_BYTES = 2 * 1024**3


class ServerProcess:
    """A program started in a new session, so that Ctrl-C reaches the tests and not the server.

    `gently` is the signal that asks it to end. Files live in `home`, a new folder `inside` the given one or the usual
    place; `stop` removes them, and so does the guard when the owning process (`owner`, by default this one) died first.
    """

    def __init__(self, kind: str, gently: signal.Signals, owner: int | None = None, inside: Path | None = None) -> None:
        self.home = Path(tempfile.mkdtemp(prefix=f"kassa-{kind}-", dir=inside))
        self.port = free_port()
        self._gently = gently
        self._guard = lifeline.guard(owner or os.getpid(), self.home, gently)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the server (of PostgreSQL: the postmaster)."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def spawn(self, command: Sequence[str | Path], ready: Callable[[], bool], user: int | None = None) -> None:
        """Start and wait until `ready`. Raises NoServer, with the end of the log, when it dies or takes too long."""
        log = self.home / "log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.home, start_new_session=True,
                user=user, group=user, extra_groups=None if user is None else [],
            )  # fmt: skip
        lifeline.note(self.home, self._process.pid)
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise NoServer(f"{command[0]} did not start: {log.read_text('utf-8', 'replace')[-1500:]}")
            time.sleep(0.005)

    def kill(self) -> None:
        """SIGKILL, with no chance to say goodbye; returns when the server and all of its children are gone."""
        if self._process is None:
            return
        family = [self.pid, *lifeline.descendants(self.pid)]
        lifeline.send(family[:1], signal.SIGKILL)
        self._process.wait()
        # Children of a killed postmaster leave by themselves, unless they are frozen.
        if not lifeline.gone(family, 5.0):
            lifeline.send(family, signal.SIGKILL)
            lifeline.gone(family, 5.0)
        self._process = None

    def freeze(self) -> None:
        """SIGSTOP to the server and all of its children: connections stay open and nothing answers."""
        lifeline.send([self.pid], signal.SIGSTOP)
        lifeline.send(lifeline.descendants(self.pid), signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT after `freeze`."""
        lifeline.send([self.pid, *lifeline.descendants(self.pid)], signal.SIGCONT)

    def end(self) -> None:
        """Ask the server to end and wait for it; its files stay, so that it can be started again."""
        if self._process is not None:
            lifeline.end(self.pid, self._gently)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End the server and delete every file of it. Safe to repeat."""
        self.end()
        self._guard.terminate()
        self._guard.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def leave_to_guard(self) -> None:
        """Let this process exit without the server: from now on only its guard, or the owner, ends it."""
        for process in (self._process, self._guard):
            if process is not None:
                process.returncode = 0  # not ours to wait for any more


def quick_folder() -> Path | None:
    """A folder in memory for files that need not survive anything, where there is ample room; else None."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _AMPLE_BYTES
    return memory if roomy else None


_BLOCK = 2_500
"""Ports of one worker."""
_TURNS = itertools.count()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that no other worker of this run will be given: a server that is killed
    and started again finds its port free. Below those that the system gives to outgoing connections."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 10_000 + worker % 8 * _BLOCK
    for number in _TURNS:
        port = first + (os.getpid() + number) % _BLOCK
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if _claimed(port):
            return port
    raise AssertionError("no port is free")


def _claimed(port: int) -> bool:
    """Claim the port among all runs on this machine, for as long as this process lives: by a name in the kernel that goes with
    it (Linux; elsewhere two runs at once may meet)."""
    if sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0kassa-test-port-{port}")
    except OSError:
        claim.close()
        return False
    claim.detach()  # it stays open, and nobody closes it before the process ends
    return True


def listening(port: int) -> bool:
    """Whether 127.0.0.1 accepts a connection on the port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
