"""Thousands of worlds on several processors, or one of them told line by line."""

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.kernel.payment.worlds import Ended, lived
from tests.kernel.payment.worlds_bugs import planted

AT_ONCE = 50
MOST_FAILURES = 5


def told(ended: Ended) -> str:
    """What is wrong in a world, and the command that lives it again."""
    where = f" --dies-at {ended.favourite}" if ended.favourite else ""
    again = f"python -m tests.kernel.payment.worlds --replay {ended.seed}{where}"
    return f"world {ended.seed}: " + "; ".join(ended.wrong) + f"\n    {again}"


def some(first: int, worlds: int) -> tuple[Counter[str], list[str]]:
    """Live these worlds one after the other: what happened how often, and what is wrong."""
    gc.freeze()
    count: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in range(first, first + worlds):
        ended = lived(seed)
        count += ended.count
        count["worlds"] += 1
        if ended.wrong:
            wrong.append(told(ended))
    return count, wrong


def many(first: int, worlds: int, processes: int) -> Iterator[tuple[Counter[str], list[str]]]:
    """Live these worlds on several processors; what each portion brought, as it comes."""
    ends = first + worlds
    portions = [(at, min(AT_ONCE, ends - at)) for at in range(first, ends, AT_ONCE)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(some, *zip(*portions, strict=True))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.kernel.payment.worlds", description=__doc__)
    parser.add_argument("--worlds", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first world")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--replay", type=int, help="live this one world and tell everything that happens")
    parser.add_argument("--bug", default="", help="with this bug planted (only with --replay)")
    parser.add_argument(
        "--dies-at", default="", help="the failpoint at which processes like to die (only with --replay)"
    )
    given = parser.parse_args()
    if given.replay is not None:
        with planted(given.bug):
            ended = lived(given.replay, bug=given.bug, favourite=given.dies_at)
        print("\n".join([*ended.story, f"schedule {ended.hash}", *(ended.wrong or ["nothing is wrong"])]))
        sys.exit(bool(ended.wrong))
    began, count, wrong = time.monotonic(), Counter[str](), list[str]()
    for happened, found in many(given.seed, given.worlds, given.processes):
        count += happened
        wrong += found
        for line in found:
            print(line, flush=True)
        if len(wrong) >= MOST_FAILURES:
            break
    for name, times in sorted(count.items()):
        print(f"{times:10} {name}")
    print(f"{count['worlds']} worlds in {time.monotonic() - began:.0f} s, {len(wrong)} of them broken")
    sys.exit(bool(wrong))
