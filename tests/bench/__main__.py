"""`python -m tests.bench`: see docs/benchmark.md."""

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.bench.profiling import profile
from tests.bench.report import text_of
from tests.bench.run import Plan, run


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What a purchase costs.")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each measured load (default 10)")
    parser.add_argument("--shoppers", type=_counts, default=(1, 8, 32), help="how many at once (default 1,8,32)")
    parser.add_argument("--starts", type=int, default=5, help="cold starts to take the median of (default 5)")
    parser.add_argument("--no-notices", action="store_true", help="the provider sends no webhooks")
    parser.add_argument("--worker", action="store_true", help="run `kassa worker` beside the server")
    parser.add_argument("--no-floor", action="store_true", help="leave pgbench out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON too")
    parser.add_argument("--profile", type=int, metavar="N", help="instead: profile N purchases inside this process")
    return parser.parse_args(words)


def main() -> int:
    """0 when the books agree, 1 when not."""
    given = arguments()
    plan = Plan(
        seconds=given.seconds,
        shoppers=given.shoppers,
        starts=given.starts,
        notices=not given.no_notices,
        worker=given.worker,
        floor=not given.no_floor,
    )
    with tempfile.TemporaryDirectory(prefix="kassa-bench-") as folder, _runner() as runner:
        if given.profile:
            print(runner.run(profile(Path(folder), given.profile)))
            return 0
        result = runner.run(run(plan, Path(folder), _say))
    if given.json:
        given.json.write_text(json.dumps(asdict(result), indent=2) + "\n", "utf-8")
    print(text_of(result))
    return 0 if not result.problems else 1


def _runner() -> asyncio.Runner:
    """On the fastest event loop there is, so that the client costs little."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def _counts(text: str) -> tuple[int, ...]:
    counts = tuple(int(part) for part in text.split(","))
    if not all(1 <= count <= 64 for count in counts):
        raise argparse.ArgumentTypeError("1 to 64 shoppers")
    return counts


def _say(text: str) -> None:
    print(f"# {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
