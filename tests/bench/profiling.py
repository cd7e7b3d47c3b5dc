"""Where the server's time goes: purchases inside this process, sampled, and then under cProfile."""

import asyncio
import contextlib
import cProfile
import io
import os
import pstats
import signal
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from tests.bench.shoppers import Record, Shopper
from tests.bench.shops import PRODUCTS, BenchShop, inside
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

_SAMPLE_S = 0.001
_TOP = 45
_OURS = ("adapters", "kernel", "plugins", "ports")


async def profile(folder: Path, purchases: int) -> str:
    """Buy `purchases` times with a sampler on the CPU clock, and as often under cProfile, which costs time itself."""
    with PostgresServer.start(durable=True) as postgres, RedisServer.start() as redis:
        shop = BenchShop(folder / "inside", postgres.fresh_database(), redis.database(1), notices=False)
        try:
            # The log is written as in production, but not here.
            with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
                return await _shopping(shop, purchases)
        finally:
            shop.close()


async def _shopping(shop: BenchShop, purchases: int) -> str:
    async with inside(shop) as door:
        shopper = await Shopper.arrive(door, "profile@example.com", range(1, PRODUCTS + 1))
        await _buy(shopper, 20)
        sampled = await _sampled(shopper, purchases)
        return sampled + await _profiled(shopper, purchases)


async def _buy(shopper: Shopper, purchases: int) -> None:
    for _ in range(purchases):
        await shopper.buy(Record())
        await asyncio.sleep(0)


async def _sampled(shopper: Shopper, purchases: int) -> str:
    own: Counter[str] = Counter()
    ours: Counter[str] = Counter()

    def sample(_number: int, frame: FrameType | None) -> None:
        if frame is not None:
            own[_package(frame.f_code.co_filename)] += 1
            ours[_nearest(frame)] += 1

    previous = signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, _SAMPLE_S, _SAMPLE_S)
    begun = time.process_time()
    try:
        await _buy(shopper, purchases)
    finally:
        used = time.process_time() - begun
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
    cost = used / purchases * 1000
    text = f"sampled: {cost:.2f} ms of CPU a purchase in this process, without HTTP server and database\n"
    for title, counter in (("by package (self)", own), ("by our nearest caller", ours)):
        total = sum(counter.values())
        text += f"\n{title}, ms a purchase:\n"
        text += "".join(f"{n / total * cost:8.3f}  {name}\n" for name, n in counter.most_common(_TOP))
    return text


async def _profiled(shopper: Shopper, purchases: int) -> str:
    profiler = cProfile.Profile(time.process_time)  # the CPU clock: waiting is no cost
    profiler.enable()
    await _buy(shopper, purchases)
    profiler.disable()
    text = io.StringIO()
    stats = pstats.Stats(profiler, stream=text)
    for order in ("tottime", "cumulative"):
        stats.sort_stats(order).print_stats(_TOP)
    return f"\ncProfile of {purchases} purchases:\n{text.getvalue()}"


def _package(path: str) -> str:
    """The installed package or our own folder that a file belongs to."""
    _, found, rest = path.rpartition("site-packages/")
    if found:
        return rest.split("/")[0]
    parts = Path(path).parts
    for ring in _OURS:
        if ring in parts:
            return "/".join(parts[parts.index(ring) : parts.index(ring) + 2]).removesuffix(".py")
    return "tests" if "tests" in parts else "python " + parts[-2] if len(parts) > 1 else path


def _nearest(frame: FrameType | None) -> str:
    """The innermost function of ours on the stack."""
    while frame is not None:
        path = frame.f_code.co_filename
        if "site-packages" not in path and any(f"/{ring}/" in path for ring in _OURS) and "/lib/python" not in path:
            parts = Path(path).parts
            start = next(parts.index(ring) for ring in _OURS if ring in parts)
            return f"{'/'.join(parts[start:])}:{frame.f_code.co_qualname}"
        frame = frame.f_back
    return "(event loop and below)"
