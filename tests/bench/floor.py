"""The floor: the statements of a purchase without a shop around them, sent by pgbench."""

import os
import re
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.bench.capture import FIRST_IDS, CannotReplay, Script, script_of
from tests.bench.processes import cpu_seconds
from tests.bench.shoppers import Record, Shopper
from tests.bench.shops import PRODUCTS, BenchShop, inside
from tests.bench.statements import Witness
from tests.servers.binaries import NoServer, postgres_programs
from tests.servers.postgres import PostgresServer

ACCOUNTS_MAX = 64
_TRANSACTIONS = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+) ")
_LATENCY = re.compile(r"latency average = ([\d.]+) ms")


@dataclass(frozen=True)
class Floor:
    """One pgbench run. CPU in milliseconds per purchase."""

    clients: int
    purchases: int
    per_s: float
    latency_ms: float
    postgres_ms: float
    pgbench_ms: float


def pgbench_program(server: PostgresServer) -> Path:
    """Beside the server's own programs, or beside another PostgreSQL's. Raises `NoServer`."""
    for program in (server.program, *postgres_programs()):
        found = program.path.parent / "pgbench"
        if found.exists():
            return found
    raise NoServer("there is no pgbench beside any PostgreSQL of this machine")


async def captured(server: PostgresServer, shop: BenchShop, database_url: str, accounts: int) -> Script:
    """Buy twice in a shop inside this process, and translate. Leaves `accounts` accounts for pgbench to buy as."""
    if accounts > ACCOUNTS_MAX:
        raise CannotReplay(f"at most {ACCOUNTS_MAX} clients")
    for table, first in FIRST_IDS.items():
        server.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {first}, false)", url=database_url)
    goods = shop.directory / "floor.csv"
    lines = "".join(f"floor{n},Product number {n},2.00,GBP,1000000\n" for n in range(PRODUCTS))
    goods.write_text("sku,name,price,currency,quantity\n" + lines, "utf-8")
    shop.kassa("import-products", str(goods))
    witness = Witness()
    shop.log_as = "quiet"
    with witness.listening():
        async with inside(shop) as door:
            product = FIRST_IDS["products"]
            shoppers = [await Shopper.arrive(door, f"floor{n}@example.com", [product]) for n in range(accounts)]
            sent, bought = [], []
            for shopper in shoppers[:2]:
                await shopper.buy(Record())  # connections, prepared statements and the session's cache
                shopper.restart()
                witness.take()
                bought.append(await shopper.buy(Record()))
                sent.append(witness.take())
    for table, count in (("accounts", accounts), ("products", PRODUCTS)):
        first = FIRST_IDS[table]
        found = server.execute(f"SELECT min(id), max(id) FROM {table} WHERE id >= {first}", url=database_url)
        if found != [[first, first + count - 1]]:
            raise CannotReplay(f"the {table} are not numbered one by one: {found}")
    invoice_id = bought[0].invoice_id
    script = await script_of(sent[0], sent[1], invoice_id=invoice_id, products=PRODUCTS, database_url=database_url)
    script.session = {name: value for name, value in witness.session.items() if "timeout" not in name}
    return script


def floor(
    server: PostgresServer, database_url: str, script: Script, folder: Path, *, clients: int, seconds: float, run: int
) -> Floor:
    """Run the script and see that every transaction left a paid order. `run` (1 to 9) keeps the numbers of runs apart."""
    path = folder / "purchase.sql"
    path.write_text(script.text, "utf-8")
    values = [part for name, value in script.values.items() for part in ("-D", f"{name}={value}")]
    command = [
        str(pgbench_program(server)), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=1",
        f"--time={max(1, round(seconds))}", f"--file={path}", "-D", "n=0", "-D", f"run={run}", *values, database_url,
    ]  # fmt: skip
    options = " ".join(f"-c {name}={value}" for name, value in script.session.items())
    environment = {**os.environ, "PGOPTIONS": options}
    orders, used = _paid_orders(server, database_url), cpu_seconds(server.process.pid)
    children = _children_s()
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False, env=environment)
    used, children = cpu_seconds(server.process.pid) - used, _children_s() - children
    if done.returncode or "abort" in done.stderr or int(_found(_FAILED, done.stdout, "0")):
        raise CannotReplay(f"pgbench: {done.stdout[-1000:]}{done.stderr[:2000]}")
    purchases = int(_found(_TRANSACTIONS, done.stdout))
    if (paid := _paid_orders(server, database_url) - orders) < purchases:
        raise CannotReplay(f"pgbench counts {purchases} purchases, the database has {paid} more paid orders")
    return Floor(
        clients=clients,
        purchases=purchases,
        per_s=float(_found(_RATE, done.stdout)),
        latency_ms=float(_found(_LATENCY, done.stdout)),
        postgres_ms=used / purchases * 1000,
        pgbench_ms=children / purchases * 1000,
    )


def _paid_orders(server: PostgresServer, database_url: str) -> int:
    rows = server.execute("SELECT count(*) FROM orders WHERE status = 'paid'", url=database_url)
    return int(str(rows[0][0]))


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _found(pattern: re.Pattern[str], text: str, otherwise: str = "") -> str:
    match = pattern.search(text)
    if match is None and not otherwise:
        raise CannotReplay(f"pgbench said something else: {text[:1000]}")
    return match[1] if match else otherwise
