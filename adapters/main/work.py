"""`kassa worker`: the sweeps in a process of their own."""

import asyncio
import signal
from collections.abc import Callable

from kassa.adapters.main.compose import open_shop
from kassa.adapters.main.settings import Settings

MAX_ROUNDS = 1000


async def work(settings: Settings, *, once: bool, when_ready: Callable[[], None]) -> None:
    """Sweep until SIGINT or SIGTERM, or, `once`, until nothing is due (at most a thousand rounds)."""
    async with open_shop(settings, sweeping=not once) as shop:
        if once:
            for _ in range(MAX_ROUNDS):
                if sum([await sweep.run_once() for sweep in shop.sweeps]) == 0:
                    break
            return
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        when_ready()
        await ended.wait()
