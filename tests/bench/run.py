"""One run from beginning to end: servers, shop, loads, floor, and whether the books agree afterwards."""

import platform
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.capture import CannotReplay
from tests.bench.floor import Floor, captured, floor
from tests.bench.measure import ColdStart, Load, Logins, arrived, cold_start, load, logins, notices_taken
from tests.bench.processes import Memory, machine, memory
from tests.bench.shoppers import Bought, buy_for
from tests.bench.shops import PRODUCTS, BenchShop
from tests.servers.binaries import NoServer
from tests.servers.postgres import PostgresAt, PostgresServer
from tests.servers.redis import RedisServer

WARM_UP_ALL_S = 8.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    seconds: float
    shoppers: tuple[int, ...]
    starts: int = 5
    notices: bool = True
    worker: bool = False
    floor: bool = True


@dataclass
class Result:
    """What was measured. `problems` is empty when all books agree; `statements` and `lookups` are the pgbench script's."""

    plan: Plan
    machine: dict[str, str]
    loads: list[Load] = field(default_factory=list)
    notices: int = 0
    logins: Logins | None = None
    memory: Memory | None = None
    cold: ColdStart | None = None
    floors: list[Floor] = field(default_factory=list)
    statements: int = 0
    lookups: int = 0
    no_floor: str = ""
    bought: int = 0
    problems: list[str] = field(default_factory=list)


async def run(plan: Plan, folder: Path, say: Say) -> Result:
    """Everything on 127.0.0.1, in processes of our own, which end with this one."""
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer.start(durable=True))
        redis = stack.enter_context(RedisServer.start())
        result = Result(plan, _machine(postgres, redis))
        say(f"{result.machine}")
        database_url = postgres.fresh_database()
        shop = BenchShop(folder / "served", database_url, redis.database(1), notices=plan.notices)
        stack.callback(shop.close)
        say(f"cold start, {plan.starts} times")
        result.cold = cold_start(shop, plan.starts)
        await _loads(plan, result, shop, postgres, redis, say)
        shop.stop()
        if plan.floor:
            await _floors(plan, result, postgres, redis, folder, say)
    return result


async def _loads(
    plan: Plan, result: Result, shop: BenchShop, postgres: PostgresServer, redis: RedisServer, say: Say
) -> None:
    shop.start(sweeping=False)
    server = shop.server.pid
    parts = {
        "server": server,
        "postgres": postgres.process.pid,
        "redis": redis.process.pid,
        "provider": shop.sandbox.pid,
    }
    if plan.worker:
        parts["worker"] = shop.begin_worker()
    bought: list[Bought] = []
    async with arrived(shop, max(plan.shoppers), PRODUCTS) as shoppers:
        say("warm-up: each connection to the database plans each statement six times before it keeps a plan")
        bought += (await buy_for(shoppers, min(WARM_UP_ALL_S, plan.seconds))).bought
        say("log-ins")
        result.logins = await logins(shop, shoppers, server)
        for count in plan.shoppers:
            say(f"{count} shoppers, {plan.seconds:g} s")
            measured, theirs = await load(shop, shoppers[:count], plan.seconds, parts)
            result.loads.append(measured)
            bought += theirs
    result.memory = memory(server)
    await notices_taken(shop)
    result.bought = len(bought)
    say("books")
    result.notices = int(str(postgres.execute("SELECT count(*) FROM inbox", url=shop.database_url)[0][0]))
    result.problems += problems(shop, bought, postgres)


def problems(shop: BenchShop, bought: list[Bought], postgres: PostgresAt) -> list[str]:
    """What is wrong: invariants of the database, and the provider's books against what the shoppers saw."""
    wrong = []
    if found := shop.violations():
        wrong.append(f"kassa audit verify: {len(found)} violations: {found[:10]}")
    expected = {each.invoice_id: each.amount for each in bought}
    if len(expected) != len(bought):
        wrong.append("an invoice was sold twice")
    rows = postgres.execute("SELECT merchant_ref, invoice_id FROM payments", url=shop.database_url)
    invoices = {str(reference): str(invoice_id) for reference, invoice_id in rows}
    books = shop.books()["card"]
    charged = {invoices.get(ref, ref): row["captured"] for ref, row in books.items()}
    if charged != expected or len(charged) != len(books):
        differing = [each for each in charged.keys() | expected.keys() if charged.get(each) != expected.get(each)]
        wrong.append(f"the provider took {len(books)} charges for {len(expected)} orders; differing: {differing[:10]}")
    if any(row["charges"] != 1 for row in books.values()):
        wrong.append("the provider charged something twice")
    return wrong


async def _floors(
    plan: Plan, result: Result, postgres: PostgresServer, redis: RedisServer, folder: Path, say: Say
) -> None:
    url = postgres.fresh_database()
    shop = BenchShop(folder / "inside", url, redis.database(2), notices=False, products=1)
    try:
        script = await captured(postgres, shop, url, max(2, *plan.shoppers))
        result.statements, result.lookups = script.statements, script.lookups
        for number, count in enumerate(plan.shoppers, 1):
            say(f"pgbench, {count} clients, {plan.seconds:g} s")
            result.floors.append(floor(postgres, url, script, folder, clients=count, seconds=plan.seconds, run=number))
        result.problems += [f"pgbench left: {violation}" for violation in shop.violations()[:10]]
    except (NoServer, CannotReplay) as reason:
        result.no_floor = str(reason)
        result.problems.append(f"no floor: {reason}")
    finally:
        shop.close()


def _machine(postgres: PostgresServer, redis: RedisServer) -> dict[str, str]:
    servers = {"postgresql": str(postgres.program), "redis": str(redis.program)}
    return {**machine(), "python": platform.python_version(), **servers}
