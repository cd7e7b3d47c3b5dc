"""A served shop under load: what it does in a second and what that costs."""

import asyncio
import contextlib
import http.client
import math
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx

from tests.bench.doors import Wire
from tests.bench.processes import cpu_seconds, yardstick_ms
from tests.bench.shoppers import KINDS, Bought, Shopper, buy_for, log_in
from tests.bench.shops import BenchShop

WARM_UP_S = 1.0
LOGINS = 64
_SETTLE_MAX_S = 20.0
_START_MAX_S = 30.0


@dataclass(frozen=True)
class Load:
    """One load: latency in milliseconds per kind of request (p50, p95, p99), CPU in milliseconds per purchase by part.
    `yardstick_ms` is the machine's speed just before."""

    yardstick_ms: float
    shoppers: int
    purchases: int
    per_s: float
    latency_ms: dict[str, tuple[float, float, float]]
    cpu_ms: dict[str, float]


@dataclass(frozen=True)
class Logins:
    """Log-ins in a second, by eight at a time, and CPU milliseconds of the server for one."""

    per_s: float
    server_ms: float


@dataclass(frozen=True)
class ColdStart:
    """Seconds from the start of `kassa serve` to the first good answer, and CPU seconds until then: medians of `starts`."""

    live_s: float
    first_answer_s: float
    cpu_s: float
    starts: int


@contextlib.asynccontextmanager
async def arrived(shop: BenchShop, count: int, products: int) -> AsyncIterator[list[Shopper]]:
    """Shoppers with an account, a session and a connection each."""
    doors = [await Wire.open(shop.port) for _ in range(count)]
    try:
        ids = range(1, products + 1)
        yield [await Shopper.arrive(door, f"shopper{n}@example.com", ids) for n, door in enumerate(doors)]
    finally:
        for door in doors:
            door.close()


async def load(
    shop: BenchShop, shoppers: Sequence[Shopper], seconds: float, parts: dict[str, int]
) -> tuple[Load, list[Bought]]:
    """Warm up, then buy for `seconds`; the provider's notices of these purchases are waited for and belong to their cost.

    `parts` are the roots of the process trees to account for. Everything bought comes back, the warm-up's too.
    """
    warm = await buy_for(shoppers, min(WARM_UP_S, seconds))
    await notices_taken(shop)
    yardstick = yardstick_ms()
    before, own = {name: cpu_seconds(pid) for name, pid in parts.items()}, time.process_time()
    record = await buy_for(shoppers, seconds)
    own = time.process_time() - own
    await notices_taken(shop)
    count = len(record.bought)
    used = {name: (cpu_seconds(pid) - before[name]) / count * 1000 for name, pid in parts.items()}
    result = Load(
        yardstick_ms=yardstick,
        shoppers=len(shoppers),
        purchases=count,
        per_s=count / record.wall_s,
        latency_ms={kind: _percentiles(record.seconds[kind]) for kind in KINDS},
        cpu_ms={**used, "client": own / count * 1000},
    )
    return result, warm.bought + record.bought


async def logins(shop: BenchShop, shoppers: Sequence[Shopper], server: int, count: int = LOGINS) -> Logins:
    """Log shoppers in again, `count` times, eight at a time."""
    line = iter([shoppers[n % len(shoppers)].email for n in range(count)])

    async def keep_on(door: Wire) -> None:
        for email in line:
            await log_in(door, email)

    doors = [await Wire.open(shop.port) for _ in range(8)]
    used, begun = cpu_seconds(server), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for door in doors:
            group.create_task(keep_on(door))
    wall, used = time.perf_counter() - begun, cpu_seconds(server) - used
    for door in doors:
        door.close()
    return Logins(per_s=count / wall, server_ms=used / count * 1000)


async def notices_taken(shop: BenchShop) -> None:
    """Wait until the provider has no notice under way."""
    async with httpx.AsyncClient(base_url=shop.sandbox.url, trust_env=False) as provider:
        deadline = time.monotonic() + _SETTLE_MAX_S
        while (await provider.get("/control/webhooks")).json()["in_flight"]:
            if time.monotonic() > deadline:
                raise TimeoutError("the provider's notices do not arrive")
            await asyncio.sleep(0.05)


def cold_start(shop: BenchShop, starts: int) -> ColdStart:
    """Start and stop the server `starts` times, and leave it stopped."""
    lives, answers, used = [], [], []
    for _ in range(starts):
        begun = time.perf_counter()
        shop.begin()
        lives.append(_until_ok(shop, "/health/live", begun))
        answers.append(_until_ok(shop, "/v1/products/1", begun))
        used.append(cpu_seconds(shop.server.pid))
        shop.stop()
    return ColdStart(statistics.median(lives), statistics.median(answers), statistics.median(used), starts)


def _until_ok(shop: BenchShop, path: str, begun: float) -> float:
    """Seconds until `path` answered 200."""
    while (waited := time.perf_counter() - begun) < _START_MAX_S:
        connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return time.perf_counter() - begun
        time.sleep(0.002)
    raise TimeoutError(f"{path} did not answer within {waited:.0f} s: {shop.log()}")


def _percentiles(seconds: list[float]) -> tuple[float, float, float]:
    """Nearest rank."""
    ordered = sorted(seconds)
    p50, p95, p99 = (ordered[math.ceil(share * len(ordered)) - 1] * 1000 for share in (0.5, 0.95, 0.99))
    return p50, p95, p99
