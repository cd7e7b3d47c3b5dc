"""A server lives no longer than the process that wants it, even when that process is killed.

Each server has a home (a temporary folder holding all of its files) and a guard: a small process of its own session
that waits until the owner is gone or the home is. When the owner has gone first, the guard ends the server by the
process id noted in the home and deletes the home. This file runs by itself as that guard, so it imports the standard
library alone.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

_PROC = Path("/proc/self/stat").exists()
_GLANCE_SECONDS = 0.25 if _PROC else 1.0
_PATIENCE_SECONDS = 10.0


def identity(pid: int) -> str | None:
    """The start time of a process, so that a reused process id is not mistaken; None when it is gone or a zombie."""
    if _PROC:
        fields = _stat(pid)
        return None if fields is None or fields[0] == "Z" else fields[19]
    answer = _ps("-o", "stat=,lstart=", "-p", str(pid)).strip()
    return None if not answer or answer.startswith("Z") else answer.split(maxsplit=1)[1]


def descendants(pid: int) -> list[int]:
    """Process ids of all children and their children, in no promised order."""
    parents: dict[int, list[int]] = {}
    if _PROC:
        for entry in os.listdir("/proc"):
            fields = _stat(int(entry)) if entry.isdigit() else None
            if fields:
                parents.setdefault(int(fields[1]), []).append(int(entry))
    else:
        for line in _ps("-axo", "pid=,ppid=").splitlines():
            child, parent = line.split()
            parents.setdefault(int(parent), []).append(int(child))
    found: list[int] = []
    ask = [pid]
    while ask:
        children = parents.get(ask.pop(), [])
        found += children
        ask += children
    return found


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def gone(pids: list[int], seconds: float) -> bool:
    """Wait until none of the processes runs; False when some still do after `seconds`."""
    deadline = time.monotonic() + seconds
    while any(identity(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def end(pid: int, gently: signal.Signals) -> None:
    """End a server and all its processes: `gently` first, then by force; frozen processes are woken for it."""
    family = [pid, *descendants(pid)]
    send(family, signal.SIGCONT)
    send([pid], gently)
    if not gone(family, _PATIENCE_SECONDS):
        send(family, signal.SIGKILL)
        gone(family, _PATIENCE_SECONDS)


def note(home: Path, pid: int) -> None:
    """Write down which process the home belongs to, for the guard."""
    (home / "pid").write_text(f"{pid} {identity(pid)}", "utf-8")


def guard(owner: int, home: Path, gently: signal.Signals) -> subprocess.Popen[bytes]:
    """Start the guard of a home. It ends by itself once the home is gone."""
    command = [sys.executable, "-I", "-S", __file__, str(owner), str(identity(owner)), str(home), str(int(gently))]
    silent = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent, start_new_session=True, cwd="/")


def _watch(owner: int, born: str, home: Path, gently: signal.Signals) -> None:
    watched: list[int] = []
    if hasattr(os, "pidfd_open"):
        try:
            watched = [os.pidfd_open(owner)]
        except OSError:  # already gone, or an old kernel: the loop below finds out
            watched = []
    while home.exists() and identity(owner) == born:
        select.select(watched, [], [], _GLANCE_SECONDS)
    if not home.exists():
        return
    try:
        pid, since = (home / "pid").read_text("utf-8").split(maxsplit=1)
    except FileNotFoundError:
        pid, since = "0", ""
    if since and identity(int(pid)) == since:
        end(int(pid), gently)
    shutil.rmtree(home, ignore_errors=True)
    run = home.parent
    if run.name.startswith("kassa-run-") and not any(entry.is_dir() for entry in run.iterdir()):
        shutil.rmtree(run, ignore_errors=True)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command's name, which may hold spaces and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    _watch(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), signal.Signals(int(sys.argv[4])))
