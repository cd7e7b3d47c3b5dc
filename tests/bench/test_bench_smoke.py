"""The benchmark measures what it says: a short run of its parts, and its judgement of the books."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.__main__ import arguments
from tests.bench.floor import captured, floor
from tests.bench.measure import arrived, load, logins
from tests.bench.processes import cpu_seconds, memory
from tests.bench.report import text_of
from tests.bench.run import Plan, Result, problems
from tests.bench.shoppers import KINDS
from tests.bench.shops import BenchShop
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer


@pytest.fixture
def served(tmp_path: Path, own_postgres: PostgresServer, own_redis: RedisServer) -> Iterator[BenchShop]:
    """A served shop of three products."""
    shop = BenchShop(tmp_path / "served", own_postgres.fresh_database(), own_redis.database(1), products=3)
    yield shop
    shop.close()


def test_cpu_time_is_that_of_the_process() -> None:
    """What this process burns is counted, and sleeping is not."""
    before = cpu_seconds(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    burnt = cpu_seconds(os.getpid()) - before
    time.sleep(0.2)
    assert 0.08 <= burnt <= 0.3
    assert cpu_seconds(os.getpid()) - before - burnt < 0.1
    assert 5 < memory(os.getpid()).private <= memory(os.getpid()).rss


async def test_a_short_load_counts_what_was_bought_and_the_books_agree(
    served: BenchShop, own_postgres: PostgresServer
) -> None:
    """Half a second with two shoppers; a purchase hidden from the judge is found."""
    served.start(sweeping=False)
    parts = {"server": served.server.pid, "postgres": own_postgres.process.pid}
    async with arrived(served, 2, 3) as shoppers:
        assert (await logins(served, shoppers, served.server.pid, 4)).per_s > 0
        measured, bought = await load(served, shoppers, 0.5, parts)
    assert 0 < measured.purchases <= len(bought)
    assert set(measured.latency_ms) == set(KINDS)
    assert all(0 < p50 <= p95 <= p99 for p50, p95, p99 in measured.latency_ms.values())
    assert measured.cpu_ms["server"] > 0
    assert problems(served, bought, own_postgres) == []
    assert "differing" in problems(served, bought[:-1], own_postgres)[0]


async def test_the_pgbench_script_really_buys(
    tmp_path: Path, own_postgres: PostgresServer, own_redis: RedisServer
) -> None:
    """Every transaction leaves a paid order, and rows in which `kassa audit verify` finds nothing wrong."""
    url = own_postgres.fresh_database()
    shop = BenchShop(tmp_path / "inside", url, own_redis.database(2), notices=False, products=1)
    try:
        script = await captured(own_postgres, shop, url, 2)
        assert 5 <= script.statements <= 8
        result = floor(own_postgres, url, script, tmp_path, clients=2, seconds=1, run=1)
        assert result.purchases > 0
        assert result.postgres_ms > 0
        assert shop.violations() == ()
    finally:
        shop.close()


def test_the_command_line_and_an_empty_report() -> None:
    """The defaults are those of docs/benchmark.md; problems are told last."""
    given = arguments([])
    assert (given.seconds, given.shoppers, given.starts) == (10.0, (1, 8, 32), 5)
    result = Result(Plan(1.0, (1,)), {"cores": "2"}, problems=["one charge is missing"])
    assert text_of(result).splitlines()[-1] == "PROBLEM: one charge is missing"
