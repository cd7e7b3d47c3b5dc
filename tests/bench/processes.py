"""What a tree of processes has used so far, as Linux counts it in /proc."""

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from tests.servers.lifeline import descendants

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_UTIME, _CSTIME = 11, 14
"""Fields of /proc/PID/stat after the command's name (proc(5)): utime, stime, cutime, cstime."""


@dataclass(frozen=True)
class Memory:
    """Resident memory in MiB: `rss` counts shared pages whole, `pss` by their share. `private` belongs to nobody else."""

    rss: float
    pss: float
    private: float


def cpu_seconds(root: int) -> float:
    """CPU seconds, user and system, of a process and all below it; the children it has waited for included."""
    ticks = sum(sum(fields) for fields in map(_times, [root, *descendants(root)]))
    return ticks / _TICKS_PER_S


def memory(pid: int) -> Memory:
    """The memory of one process."""
    kib: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()[1:]:
        name, _, rest = line.partition(":")
        kib[name] = int(rest.split()[0])
    private = kib["Private_Clean"] + kib["Private_Dirty"]
    return Memory(rss=kib["Rss"] / 1024, pss=kib["Pss"] / 1024, private=private / 1024)


def machine() -> dict[str, str]:
    """The cores this process may use, their name, and the memory."""
    model = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ": unknown")
    total = next(line for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": model.partition(":")[2].strip(),
        "memory": f"{int(total.split()[1]) / 1024**2:.0f} GiB",
    }


def yardstick_ms() -> float:
    """CPU milliseconds of a million turns of an empty loop: how fast this machine is just now, to compare runs by."""
    took = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(1_000_000):
            pass
        took.append(time.process_time() - begun)
    return statistics.median(took) * 1000


def _times(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):  # it ended: its parent has its time now
        return []
    return [int(field) for field in text.rpartition(")")[2].split()[_UTIME : _CSTIME + 1]]


def _lines(path: str) -> list[str]:
    return Path(path).read_text("utf-8", "replace").splitlines()
