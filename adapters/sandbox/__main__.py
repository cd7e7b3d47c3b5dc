"""`python -m kassa.adapters.sandbox --journal FILE [--port 0] [--merchant name=...,key=...,webhook_secret=...]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .app import run
from .options import BadOption, Options, merchant_of


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run; the exit code."""
    parser = argparse.ArgumentParser(prog="kassa sandbox", description="A payment provider to test with.")
    parser.add_argument("--journal", type=Path, required=True, help="the file that remembers everything")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; anyone who reaches it controls it")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--merchant", action="append", default=[], help="name=,key=sk_test_,webhook_secret=[,webhook_url=]"
    )
    parser.add_argument("--public-url", help="how customers reach it, if not by the address listened on")
    parser.add_argument("--amount-faults", action="store_true", help="the last two digits of an amount choose a fault")
    parser.add_argument("--slow-ms", type=int, default=2_000)
    parser.add_argument("--late-ms", type=int, default=1_500)
    parser.add_argument("--hang-ms", type=int, default=60_000)
    parser.add_argument("--until-stdin-closes", action="store_true", help="end together with the starting process")
    given = parser.parse_args(arguments)
    try:
        merchants = tuple(merchant_of(text) for text in given.merchant)
    except BadOption as error:
        parser.error(str(error))
    options = Options(
        journal=given.journal,
        host=given.host,
        port=given.port,
        merchants=merchants,
        public_url=given.public_url,
        amount_faults=given.amount_faults,
        slow_ms=given.slow_ms,
        late_ms=given.late_ms,
        hang_ms=given.hang_ms,
        until_stdin_closes=given.until_stdin_closes,
    )
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
