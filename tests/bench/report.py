"""The report for people: tables, and ratios within the one run."""

from collections.abc import Iterator

from tests.bench.floor import Floor
from tests.bench.measure import Load
from tests.bench.run import Result
from tests.bench.shoppers import KINDS
from tests.bench.shops import RAISED

AIM_CPU_MS, AIM_MEMORY_MIB, AIM_START_S = 8.0, 150.0, 1.5


def text_of(result: Result) -> str:
    """The whole report."""
    return "\n".join(_lines(result))


def _lines(result: Result) -> Iterator[str]:
    plan = result.plan
    yield ", ".join(f"{name}: {value}" for name, value in result.machine.items())
    yield (
        f"PostgreSQL durable (fsync on); one server process; {'with' if plan.worker else 'without'} a worker process; "
        f"provider's notices {'on' if plan.notices else 'off'} ({result.notices} for {result.bought} purchases)"
    )
    yield f"raised limits: {', '.join(RAISED)}, and those per address (requests_per_minute, log-ins, registrations)"
    yield ""
    yield _row("shoppers", "purchases", "per s", "CPU ms/purchase", *_parts(result), "yardstick ms")
    for load in result.loads:
        cpu = [load.cpu_ms[part] for part in _parts(result)]
        yield _row(load.shoppers, load.purchases, load.per_s, _cost(load), *cpu, load.yardstick_ms)
    yield "(CPU ms/purchase = server + postgres; redis, provider and the bench's own client are told beside it)"
    yield "(yardstick: CPU of a million turns of an empty Python loop just before, to compare loads and runs by)"
    yield ""
    yield _row("shoppers", "ms: p50 p95 p99", *KINDS)
    for load in result.loads:
        told = [" ".join(f"{value:.1f}" for value in load.latency_ms[kind]) for kind in KINDS]
        yield _row(load.shoppers, "", *told)
    yield ""
    yield from _floor_lines(result)
    yield from _other_lines(result)
    yield from (f"PROBLEM: {problem}" for problem in result.problems)
    if not result.problems:
        yield f"books: {result.bought} orders paid, charged once each, amounts equal; kassa audit verify: 0 violations"


def _floor_lines(result: Result) -> Iterator[str]:
    if not result.floors:
        yield f"no pgbench: {result.no_floor or 'left out'}"
        return
    yield f"pgbench, {result.statements} statements of a purchase (and {result.lookups} look-ups of ids):"
    yield _row("clients", "purchases", "per s", "postgres ms", "pgbench ms", "shop: CPU x", "postgres x", "per s x")
    for floor, load in zip(result.floors, result.loads, strict=False):
        ratios = (_cost(load) / floor.postgres_ms, load.cpu_ms["postgres"] / floor.postgres_ms, _slower(floor, load))
        told = (floor.clients, floor.purchases, floor.per_s, floor.postgres_ms, floor.pgbench_ms, *ratios)
        yield _row(*told)
    yield "(shop: CPU x = CPU of server + postgres over CPU of postgres under pgbench; per s x = pgbench's rate over the shop's)"
    yield ""


def _other_lines(result: Result) -> Iterator[str]:
    if result.logins:
        yield f"log-ins: {result.logins.per_s:.1f} per s, {result.logins.server_ms:.1f} ms of the server's CPU each"
    if result.memory:
        told = result.memory
        yield f"memory of the server after the run: RSS {told.rss:.0f}, PSS {told.pss:.0f}, private {told.private:.0f} MiB"
    if result.cold:
        cold = result.cold
        yield (
            f"cold start, median of {cold.starts}: /health/live after {cold.live_s:.2f} s, "
            f"first product after {cold.first_answer_s:.2f} s ({cold.cpu_s:.2f} s of CPU)"
        )
    if result.loads and result.memory and result.cold:
        best = min(_cost(load) for load in result.loads)
        yield (
            f"aims: {best:.1f} of {AIM_CPU_MS:g} ms CPU, {result.memory.rss:.0f} of {AIM_MEMORY_MIB:g} MiB, "
            f"{result.cold.first_answer_s:.2f} of {AIM_START_S:g} s"
        )


def _cost(load: Load) -> float:
    return load.cpu_ms["server"] + load.cpu_ms["postgres"]


def _slower(floor: Floor, load: Load) -> float:
    return floor.per_s / load.per_s


def _parts(result: Result) -> tuple[str, ...]:
    return tuple(result.loads[0].cpu_ms) if result.loads else ()


def _row(*cells: object) -> str:
    shown = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells)
    return "  ".join(f"{text:>16}" for text in shown)
